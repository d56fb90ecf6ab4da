package config_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
)

// catalogue is a small one: two ordinary checks with another tool's ids, and one that has to be asked for.
func catalogue() []*check.Check {
	return []*check.Check{
		{Name: "copy-order", Severity: check.Warning},
		{Name: "apt-lists-kept", Severity: check.Warning, Aliases: []string{"DL3009"}},
		{Name: "cache-mount", Severity: check.Info, OptIn: true, Aliases: []string{"X1"}},
	}
}

func repo(files ...string) fstest.MapFS {
	out := fstest.MapFS{}
	for n := 0; n+1 < len(files); n += 2 {
		out[files[n]] = &fstest.MapFile{Data: []byte(files[n+1])}
	}
	return out
}

func TestHadolint(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		rule       string // what holds for apt-lists-kept
		registries []string
		err        string
	}{
		"none":       {"other", "", "warning, default", nil, ""},
		"ignored":    {".hadolint.yaml", "ignored:\n  - SC2086\n  - DL3009\n", "off, .hadolint.yaml:3", nil, ""},
		"yml":        {".hadolint.yml", "ignored: [DL3009]\n", "off, .hadolint.yml:1", nil, ""},
		"elsewhere":  {".config/hadolint.yaml", "ignored: [dl3009]\n", "off, .config/hadolint.yaml:1", nil, ""},
		"override":   {".hadolint.yaml", "override:\n  error:\n    - DL3009\n", "error, .hadolint.yaml:3", nil, ""},
		"style":      {".hadolint.yaml", "override: {style: [DL3009]}\n", "info, .hadolint.yaml:1", nil, ""},
		"both":       {".hadolint.yaml", "ignored: [DL3009]\noverride: {error: [DL3009]}\n", "off, .hadolint.yaml:1", nil, ""},
		"registries": {".hadolint.yaml", "trustedRegistries: [docker.io]\n", "warning, default", []string{"docker.io"}, ""},
		"its own":    {".hadolint.yaml", "failure-threshold: style\nlabel-schema: {author: text}\n", "warning, default", nil, ""},
		"anchors":    {".hadolint.yaml", "x: &a [DL3009]\nignored: *a\n", "off, .hadolint.yaml:1", nil, ""},
		"empty":      {".hadolint.yaml", "", "warning, default", nil, ""},
		"nothing":    {".hadolint.yaml", "ignored:\n", "warning, default", nil, ""},
		"wrong":      {".hadolint.yaml", "a: 1\nignored: DL3009\n", "", nil, ".hadolint.yaml:2:10: ignored takes a list, not the text"},
		"malformed":  {".hadolint.yaml", "ignored: {", "", nil, ".hadolint.yaml:2:1: not YAML"},
		"too large":  {".hadolint.yaml", strings.Repeat("#", 1<<17), "", nil, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := config.Load(repo(c.file, c.text), config.Settings{Checks: catalogue()})
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if err != nil {
				return
			}
			r := got.Rules[1]
			said := r.Severity.String()
			if !r.On {
				said = "off"
			}
			if said += ", " + r.Origin; said != c.rule {
				t.Errorf("the rule is %s, want %s", said, c.rule)
			}
			if diff := cmp.Diff(c.registries, got.Registries); diff != "" {
				t.Error(diff)
			}
		})
	}
}
