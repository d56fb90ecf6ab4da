package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// TestShapesKept fixes every case that has a fix twice more: with carriage returns and without the last line's end, and
// with a comment below every line that goes on. Whatever is changed, the file keeps them, and is silent in turn.
func TestShapesKept(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(casesDir, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a := open(t, path)
			for _, name := range a.cases {
				if _, ok := a.fixed[name]; !ok {
					continue
				}
				text := a.repo[name]
				a.repo[name] = windowsShape(text)
				a.keepsLineEnds(t, name)
				if a.repo[name] = remarked(text); a.repo[name] != text && !removes(path) {
					a.keepsRemarks(t, name)
				}
			}
		})
	}
}

// removes reports whether an archive is about instructions that are taken out, with the comments inside of them.
func removes(archive string) bool {
	return strings.HasPrefix(filepath.Base(archive), "repeated-instruction")
}

func windowsShape(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	return strings.TrimSuffix(text, "\r\n")
}

// keepsLineEnds fixes a file whose lines end in carriage returns, and whose last line does not end.
func (a *archive) keepsLineEnds(t *testing.T, name string) {
	t.Helper()
	if got := a.fixedWhole(t, name); windowsShape(got) != got {
		t.Errorf("%s: the fixes change how lines end:\n%q", name, got)
	}
}

const remark = "# said in between\n"

// remarked puts a comment below every line that goes on in the next. A file with here-documents stays as it is: there it
// would be text.
func remarked(text string) string {
	if strings.Contains(text, "<<") || strings.Contains(text, "escape=") || strings.Contains(text, "\r") {
		return text
	}
	return strings.ReplaceAll(text, "\\\n", "\\\n"+remark)
}

// keepsRemarks fixes a file that has comments wherever one can be.
func (a *archive) keepsRemarks(t *testing.T, name string) {
	t.Helper()
	got := a.fixedWhole(t, name)
	if was, is := strings.Count(a.repo[name], remark), strings.Count(got, remark); was != is {
		t.Errorf("%s: of %d comments the fixes leave %d:\n%s", name, was, is, got)
	}
}

// fixedWhole makes all fixes of a case, and holds that the result offers nothing more.
func (a *archive) fixedWhole(t *testing.T, name string) string {
	t.Helper()
	o := asked(a.repo, options(checks.All()...))
	fixed, err := check.Fix(t.Context(), a.repo, name, func(check.Finding) bool { return true }, o)
	if err != nil {
		t.Fatal(err)
	}
	a.quiet(t, name, fixed, o)
	return string(fixed.After)
}
