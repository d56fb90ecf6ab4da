package config_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/config"
)

func TestHadolintIgnored(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       []string
		err        string
	}{
		"none":      {"other", "", nil, ""},
		"list":      {".hadolint.yaml", "ignored:\n  - DL3009\n  - SC2086\ntrustedRegistries: [docker.io]\n", []string{"DL3009", "SC2086"}, ""},
		"yml":       {".hadolint.yml", "ignored: [DL3002]\n", []string{"DL3002"}, ""},
		"empty":     {".hadolint.yaml", "", nil, ""},
		"malformed": {".hadolint.yaml", "ignored: {", nil, ".hadolint.yaml"},
		"too large": {".hadolint.yaml", strings.Repeat("#", 1<<17), nil, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := config.HadolintIgnored(fstest.MapFS{c.file: &fstest.MapFile{Data: []byte(c.text)}})
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
