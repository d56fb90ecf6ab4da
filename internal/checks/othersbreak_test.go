package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

const othersBreakDir = "../../testdata/fixes/others-break"

// TestOthersBreak runs the whole catalogue on files of the kinds that other rewriters break, and makes all fixes. The
// result is X.fixed to the byte, and without one the file stays as it was. A second run offers nothing.
func TestOthersBreak(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(othersBreakDir, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in %s: %v", othersBreakDir, err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a := open(t, path)
			for _, name := range a.cases {
				t.Run(strings.TrimSuffix(name, ".Dockerfile"), func(t *testing.T) { a.fixAll(t, name) })
			}
			if *update {
				a.write(t)
			}
		})
	}
}

// fixAll makes all fixes of a case and compares the files they leave.
func (a *archive) fixAll(t *testing.T, name string) {
	o := asked(a.repo, options(checks.All()...))
	fixed, err := check.Fix(t.Context(), a.repo, name, func(check.Finding) bool { return true }, o)
	if err != nil {
		t.Fatal(err)
	}
	if *update && string(fixed.After) != a.repo[name] {
		a.fixed[name] = string(fixed.After)
	}
	want, ok := a.fixed[name]
	if !ok {
		want = a.repo[name]
	}
	if diff := cmp.Diff(want, string(fixed.After)); diff != "" {
		t.Errorf("%s.fixed (-want +got):\n%s", name, diff)
	}
	for _, other := range fixed.Others {
		t.Errorf("%s is changed as well:\n%s", other.Path, other.After)
	}
	a.quiet(t, name, fixed, o)
}

// quiet looks at the fixed files again: they can be read, and nothing more is offered.
func (a *archive) quiet(t *testing.T, name string, fixed *check.Fixed, o check.Options) {
	t.Helper()
	again, err := check.Examine(t.Context(), check.Overlay(a.repo, fixed.Files()), []string{name}, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, skip := range again.Skipped {
		if skip.Failed {
			t.Errorf("%s.fixed:%d: %s", name, skip.Line, skip.Reason)
		}
	}
	for _, f := range again.Findings {
		if len(f.Fixes) > 0 {
			t.Errorf("%s.fixed:%d: a second run offers more: %s: %s", name, f.Line, f.Check.Name, f.Message)
		}
	}
}
