package checks_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// TestChownCopiesLeavesLinksAlone holds what an archive cannot show: a symbolic link among the copied files turns the
// fix into advice, unless the ignore file keeps it out.
func TestChownCopiesLeavesLinksAlone(t *testing.T) {
	dockerfile := "FROM python:3.12-slim\nCOPY . /app\nRUN chown -R 1000:1000 /app\n"
	for name, c := range map[string]struct {
		ignore  string
		offered bool
	}{
		"copied":  {"", false},
		"ignored": {"current\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			repo := fstest.MapFS{
				"Dockerfile":    {Data: []byte(dockerfile)},
				".dockerignore": {Data: []byte(c.ignore)},
				"main.py":       {Data: []byte("print()\n")},
				"current":       {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink | 0o777},
			}
			result, err := check.Examine(t.Context(), repo, []string{"Dockerfile"}, options(checks.Named("chown-copies")))
			if err != nil || len(result.Findings) != 1 {
				t.Fatalf("want one finding, got %v %v", result.Findings, err)
			}
			f := result.Findings[0]
			if got := len(f.Fixes) > 0; got != c.offered {
				t.Errorf("offered %v, want %v; refused because %q", got, c.offered, f.Refused)
			}
			if !c.offered && !strings.Contains(f.Refused, "current is a symbolic link") {
				t.Errorf("refused because %q", f.Refused)
			}
		})
	}
}
