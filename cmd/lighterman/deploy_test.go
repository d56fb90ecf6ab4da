package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/checks"
)

// The tests of folder deploy, which holds what operators start from. They are here because they hold it against what the
// program really takes: its commands, its settings, its metrics.
const deploy = "../../deploy"

// run is a command line's output, standard error included, and how it ended.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestOurOwnContainerFileIsExemplary runs every check on it, those included that have to be asked for.
func TestOurOwnContainerFileIsExemplary(t *testing.T) {
	args := []string{"review", "--fail-on", "info", "--verbose", deploy}
	for _, c := range checks.All() {
		args = append(args, "--check", c.Name)
	}
	out, err := run(t, args...)
	if err != nil || strings.TrimSpace(out) != "1 Dockerfile, nothing to say" {
		t.Errorf("%v\n%s", err, out)
	}
}
