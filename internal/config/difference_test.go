package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/config"
)

func TestDifference(t *testing.T) {
	before := load(t, config.Settings{}, name, "checks: {DL3009: error}\npaths: {exclude: [a]}\nbuilds: [{files: [x]}, {files: [y]}]\nsweeps: {enabled: true}\n")
	after := load(t, config.Settings{}, name, "fail-on: warning\nchecks:\n  copy-order: off\n  cache-mount: on\npaths:\n  exclude: [a, b]\n"+
		"builds: [{files: [z], context: c/, args: {A: v1, B: x y}, target: t, platforms: [linux/amd64]}]\nsweeps: {enabled: true}\ncomments: {max-inline: 2}\n")
	want := []config.Change{
		{"checks.copy-order", "warning", "off", "default", name + ":3"},
		{"checks.apt-lists-kept", "error", "warning", name + ":1", "default"},
		{"checks.cache-mount", "off", "info", "default", name + ":4"},
		{"paths.exclude", `["a"]`, `["a", "b"]`, name + ":2", name + ":6"},
		{"builds[0]", `{files: ["x"]}`, `{files: ["z"], context: c, target: t, args: {A: v1, B: x y}, platforms: ["linux/amd64"]}`, name + ":3", name + ":7"},
		{"comments.max-inline", "10", "2", "default", name + ":9"},
		{"builds[1]", `{files: ["y"]}`, "", name + ":3", ""},
	}
	if diff := cmp.Diff(want, config.Difference(before, after)); diff != "" {
		t.Error(diff)
	}
	for origin, want := range map[string]bool{"default": false, "--fail-on": false, name + ":2": false, ".hadolint.yaml:1": false,
		"acme/.github:" + name + ":2": true, "acme/x:a.yml@v1:3": true} {
		if got := config.Abroad(origin); got != want {
			t.Errorf("%s lies abroad: %v", origin, got)
		}
	}
	if got := config.Difference(after, after); got != nil {
		t.Errorf("of itself: %+v", got)
	}
}
