package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/lighterman/lighterman/internal/config"
)

func readYAML(t *testing.T, name string, into any) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	must(t, err)
	must(t, yaml.Load(text, into))
	return string(text)
}

// TestHooks holds that the hooks run commands that there are, with flags and several paths.
func TestHooks(t *testing.T) {
	var hooks []struct{ ID, Entry, Language string }
	readYAML(t, ".pre-commit-hooks.yaml", &hooks)
	if len(hooks) != 2 {
		t.Fatalf("%d hooks", len(hooks))
	}
	for _, h := range hooks {
		words := strings.Fields(h.Entry)
		cmd, rest, err := rootCommand().Find(words[1:])
		if err != nil || words[0] != "lighterman" || h.Language != "golang" {
			t.Fatalf("%s: %q in %s: %v", h.ID, h.Entry, h.Language, err)
		}
		must(t, cmd.ParseFlags(rest))
		must(t, cmd.ValidateArgs([]string{"a/Dockerfile", "b/Dockerfile"}))
	}
}

var pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)

// TestActionIsPinned holds that the action runs what a commit names, and puts nothing of an event into a script.
func TestActionIsPinned(t *testing.T) {
	var action struct {
		Runs struct{ Steps []struct{ Run, Shell string } }
	}
	text := readYAML(t, "deploy/action/action.yml", &action)
	for line := range strings.Lines(text) {
		if _, uses, ok := strings.Cut(line, "uses: "); ok && !pinned.MatchString(strings.TrimSpace(uses)) {
			t.Errorf("not pinned: %s", line)
		}
	}
	for _, s := range action.Runs.Steps {
		if strings.Contains(s.Run, "${{") || s.Run != "" && s.Shell != "bash" {
			t.Errorf("a script with an expression, or not for bash: %q", s.Run)
		}
	}
	info, err := os.Stat("../../deploy/action/review.sh")
	must(t, err)
	if info.Mode()&0o111 == 0 {
		t.Error("review.sh cannot be run")
	}
}

// TestConfigurationIsDocumented holds that the README tells of every key, and of none that there is not.
func TestConfigurationIsDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	_, section, _ := strings.Cut(string(readme), "\n## What a repository decides\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.HasPrefix(cells[1], " `") {
			told = append(told, strings.Trim(cells[1], " `"))
		}
	}
	slices.Sort(told)
	if keys := slices.Sorted(slices.Values(append(config.Keys(), config.SweepKeys()...))); !slices.Equal(told, keys) {
		t.Errorf("the README tells of %q, want %q", told, keys)
	}
}
