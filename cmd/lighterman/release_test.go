package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestReleaseHasWhatItNames holds that the archives' files are there, and that the version is linked to where it is read.
func TestReleaseHasWhatItNames(t *testing.T) {
	text, err := os.ReadFile("../../.goreleaser.yaml")
	must(t, err)
	var config struct {
		Builds []struct {
			Main    string
			Ldflags []string
		}
		Archives []struct{ Files []any }
	}
	must(t, yaml.Unmarshal(text, &config))
	for _, file := range config.Archives[0].Files {
		if name, ok := file.(string); ok {
			if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
				t.Error(err)
			}
		}
	}
	container, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	must(t, err)
	const linked = "-X main.released="
	if b := config.Builds[0]; b.Main != "./cmd/lighterman" || !strings.Contains(b.Ldflags[0], linked) {
		t.Errorf("the archives' program is built with %+v", b)
	}
	if !strings.Contains(string(container), linked) {
		t.Error("the image's program does not know its version")
	}
	released = "v1.2.3"
	t.Cleanup(func() { released = "" })
	if out, err := run(t, "version"); err != nil || !strings.HasPrefix(out, "lighterman v1.2.3, ") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestActionGivesFlagsThatThereAre holds the action's script and inputs against review.
func TestActionGivesFlagsThatThereAre(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(deploy, "action/review.sh"))
	must(t, err)
	flags := regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(string(script), -1)
	seen := map[string]bool{}
	for _, m := range flags {
		name := m[1]
		if slices.Contains([]string{"quiet", "verify"}, name) {
			continue // git's
		}
		if seen[name] = true; reviewCommand().Flags().Lookup(name) == nil {
			t.Errorf("review.sh gives --%s, which lighterman review does not have", name)
		}
	}
	if !seen["base"] || !seen["format"] || !seen["fail-on"] {
		t.Errorf("only %v were found", seen)
	}
	action, err := os.ReadFile(filepath.Join(deploy, "action/action.yml"))
	must(t, err)
	page, err := os.ReadFile(filepath.Join(deploy, "action/README.md"))
	must(t, err)
	var a struct {
		Inputs, Outputs map[string]struct{ Description string }
	}
	must(t, yaml.Unmarshal(action, &a))
	for name, input := range a.Inputs {
		if input.Description == "" || !strings.Contains(string(page), "| `"+name+"` |") ||
			!strings.Contains(string(action), "inputs."+name) {
			t.Errorf("the input %s is not described, not in README.md, or does nothing", name)
		}
	}
	for name := range a.Outputs {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("the output %s is not in README.md", name)
		}
	}
}

// TestWorkflowsNameActionsByVersion holds that no action is taken as it happens to be on the day.
func TestWorkflowsNameActionsByVersion(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	must(t, err)
	files = append(files, filepath.Join(deploy, "action/action.yml"))
	version := regexp.MustCompile(`^(v?[0-9]+(\.[0-9]+)*|[0-9a-f]{40} # v[0-9.]+)$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		for _, m := range regexp.MustCompile(`uses: ([^@\n]+)@([^\n]+)`).FindAllStringSubmatch(string(text), -1) {
			ref, _, _ := strings.Cut(m[2], " # by release")
			if !version.MatchString(ref) {
				t.Errorf("%s: %s is named by %s", filepath.Base(file), m[1], m[2])
			}
		}
	}
}
