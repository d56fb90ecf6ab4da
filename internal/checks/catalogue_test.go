package checks_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// TestCatalogue holds what every check must have: a name of the right form, a summary, a page, cases, and at least
// three silent cases.
func TestCatalogue(t *testing.T) {
	seen := map[string]string{}
	for _, c := range checks.All() {
		t.Run(c.Name, func(t *testing.T) {
			if !nameForm.MatchString(c.Name) || c.Run == nil || c.Severity == 0 || !slices.Contains(check.Families(), c.Family) {
				t.Error("a check needs a kebab-case name or BuildKit's own, a severity, a family and a function")
			}
			if c.Summary == "" || strings.HasSuffix(c.Summary, ".") {
				t.Errorf("summary %q: one line without a full stop", c.Summary)
			}
			for _, name := range append([]string{c.Name}, c.Aliases...) {
				if other, ok := seen[strings.ToLower(name)]; ok {
					t.Errorf("%s is also what %s goes by", name, other)
				}
				seen[strings.ToLower(name)] = c.Name
			}
			if got := silentCases(t, c); got < 3 {
				t.Errorf("%d silent cases, want at least 3 that look guilty", got)
			}
			if checks.Named(c.Name) != c {
				t.Error("Named does not find it")
			}
		})
	}
}

// nameForm is kebab-case, or how BuildKit calls its own checks, which keep their names.
var nameForm = regexp.MustCompile(`^([a-z]+(-[a-z]+)*|([A-Z][a-z]+){2,})$`)

// silentCases counts the cases in which a check says nothing although they look guilty: they name an instruction of a kind
// that it reports elsewhere, and are not merely what its fix makes of another case.
func silentCases(t *testing.T, c *check.Check) int {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(casesDir, c.Name+"*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	reported, results := map[string]bool{}, map[string]bool{}
	var silent []string
	for _, path := range archives {
		if checkOf(strings.TrimSuffix(filepath.Base(path), ".txtar")) != c {
			continue
		}
		a := open(t, path)
		for _, text := range a.fixed {
			results[text] = true
		}
		for _, name := range a.cases {
			f, err := dockerfile.Parse(name, []byte(a.repo[name]))
			if err != nil {
				continue // a template, or what cannot be read
			}
			if len(a.wants[name]) == 0 {
				silent = append(silent, string(f.Src))
			}
			for _, w := range a.wants[name] {
				reported[keywordOn(f, w.line)] = true
			}
		}
	}
	silent = slices.DeleteFunc(silent, func(text string) bool { return results[text] || !names(text, reported) })
	return len(silent)
}

// names reports whether a text has one of the keywords in it.
func names(text string, keywords map[string]bool) bool {
	for keyword := range keywords {
		if keyword != "" && strings.Contains(strings.ToUpper(text), keyword) {
			return true
		}
	}
	return false
}

// keywordOn is the keyword of the instruction on a line.
func keywordOn(f *dockerfile.File, line int) string {
	for _, i := range f.Instructions {
		if i.Line() <= line && line <= i.EndLine() {
			return i.Keyword
		}
	}
	return ""
}

var fence = regexp.MustCompile("(?s)## (Repository|Before|After)\n.*?```(?:dockerfile|txtar)\n(.*?)```")

// TestPages runs the documentation: the Before of a page gives a finding, and its fix gives the After to the byte. The
// After of a check that gives advice only is silent, and a page that speaks of a fix shows one.
func TestPages(t *testing.T) {
	for _, c := range checks.All() {
		t.Run(c.Name, func(t *testing.T) {
			page := checks.Page(c)
			if !strings.HasPrefix(page, "# "+c.Name+"\n") {
				t.Errorf("the page must begin with its name")
			}
			for _, section := range []string{"## Why it matters\n", "## What is not reported\n", "## Before\n", "## After\n"} {
				if !strings.Contains(page, section) {
					t.Errorf("no section %s", strings.TrimSpace(section))
				}
			}
			runPage(t, c, page)
		})
	}
}

func runPage(t *testing.T, c *check.Check, page string) {
	t.Helper()
	part := map[string]string{}
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		part[m[1]] = m[2]
	}
	repo := repository{"Dockerfile": part["Before"]}
	for _, f := range txtar.Parse([]byte(part["Repository"])).Files {
		repo[f.Name] = string(f.Data)
	}
	if part["Before"] == "" && part["After"] == "" {
		t.Fatal("no Before and After")
	}
	before, err := check.Examine(t.Context(), repo, []string{"Dockerfile"}, asked(repo, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	if len(before.Findings) == 0 {
		t.Errorf("nothing is found in the Before (skipped: %v)", before.Skipped)
	}
	combined, err := check.Combine(t.Context(), repo, "Dockerfile", before.Findings, asked(repo, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	if after := txtar.Parse([]byte(part["After"])); len(after.Files) > 0 {
		// The After of a page whose fix changes another file is an archive of what is changed.
		part["After"] = string(combined.Text)
		for n, f := range after.Files {
			if n >= len(combined.Others) || combined.Others[n].Path != f.Name {
				t.Fatalf("the fix changes %v, not %s", combined.Others, f.Name)
			}
			if diff := cmp.Diff(string(f.Data), string(combined.Others[n].After)); diff != "" {
				t.Errorf("After (-page +fix):\n%s", diff)
			}
			repo[f.Name] = string(f.Data)
		}
	}
	if len(combined.Taken) == 0 && strings.Contains(page, "\nThe fix ") {
		t.Errorf("the page speaks of a fix, and for its Before there is none: %s", before.Findings[0].Refused)
	}
	if len(combined.Taken) > 0 {
		if diff := cmp.Diff(part["After"], string(combined.Text)); diff != "" {
			t.Errorf("After (-page +fix):\n%s", diff)
		}
	}
	repo["Dockerfile"] = part["After"]
	after, err := check.Examine(t.Context(), repo, []string{"Dockerfile"}, asked(repo, options(c)))
	if err != nil || len(after.Findings) > 0 || len(after.Skipped) > 0 {
		t.Errorf("the After is not silent: %v %v %v", after.Findings, after.Skipped, err)
	}
}

// TestWholeCatalogueOnEveryCase runs all checks together on every case, fixes until nothing more is offered, and looks
// again: whatever the mixture, the second run offers nothing.
func TestWholeCatalogueOnEveryCase(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(casesDir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			a := open(t, path)
			for _, name := range a.cases {
				fixUntilSilent(t, a.repo, name)
			}
		})
	}
}

func fixUntilSilent(t *testing.T, repo fs.FS, name string) {
	t.Helper()
	o := asked(repo, options(checks.All()...))
	fixed, err := check.Fix(t.Context(), repo, name, func(check.Finding) bool { return true }, o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := check.Examine(t.Context(), check.Overlay(repo, fixed.Files()), []string{name}, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, skip := range again.Skipped {
		if skip.Failed {
			t.Errorf("%s: %s", name, skip.Reason)
		}
	}
	for _, f := range again.Findings {
		if len(f.Fixes) > 0 {
			t.Errorf("%s:%d: offered after all was fixed: %s: %s\n%s", name, f.Line, f.Check.Name, f.Message, fixed.After)
		}
	}
}

// TestCorpus fixes every Dockerfile of testdata/corpus, which is one repository: whatever its shape, what is offered was
// proven, the fixed file parses, and the second run offers nothing.
func TestCorpus(t *testing.T) {
	corpus := os.DirFS("../../testdata/corpus")
	n := 0
	err := fs.WalkDir(corpus, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && check.Subject(path) {
			n++
			fixUntilSilent(t, corpus, path)
		}
		return err
	})
	if err != nil || n < 300 {
		t.Fatalf("%d files: %v", n, err)
	}
}

const readme = "../../README.md"

// TestReadmeTable holds the README's table of checks against the catalogue; -update writes it.
func TestReadmeTable(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- checks -->\n", "<!-- /checks -->"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has no %s … %s", begin, end)
	}
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("README.md's table is not the catalogue's (make update writes it):\n%s", diff)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| check | says |\n|---|---|\n")
	for _, c := range checks.All() {
		b.WriteString("| [`" + c.Name + "`](internal/checks/" + c.Name + ".md) | " + c.Summary + " |\n")
	}
	return b.String()
}
