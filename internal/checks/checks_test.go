package checks_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/image"
)

var update = flag.Bool("update", false, "rewrite the .fixed files of testdata/checks")

const casesDir = "../../testdata/checks"

// today is the day on which every case is looked at: what is out of date then stays so.
var today = time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC)

// options are those of the product, with every check or only some.
func options(set ...*check.Check) check.Options {
	o := check.Options{Checks: set, Images: image.Bundled(), Prover: prover, Linter: prover, Today: today, Aging: true}
	for _, c := range set {
		o.Enabled = append(o.Enabled, c.Name)
	}
	return o
}

// TestCases runs the archives of testdata/checks. See DESIGN for their form: a file whose name contains Dockerfile is a
// case; "#want `regexp`" expects a finding on that line, no marker means silence; X.fixed is the file with the first fix
// of every finding, and is silent in turn.
func TestCases(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(casesDir, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in %s: %v", casesDir, err)
	}
	for _, path := range archives {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, path)
			c := checkOf(name)
			if c == nil {
				t.Fatalf("no check is named like %s.txtar", name)
			}
			a.runAll(t, c)
		})
	}
}

// checkOf is the check an archive is about: the longest name that begins the archive's.
func checkOf(archive string) *check.Check {
	var best *check.Check
	for _, c := range checks.All() {
		if (archive == c.Name || strings.HasPrefix(archive, c.Name+"-")) && (best == nil || len(c.Name) > len(best.Name)) {
			best = c
		}
	}
	return best
}

// archive is a small repository with cases in it.
type archive struct {
	path  string
	raw   *txtar.Archive
	repo  repository
	cases []string
	wants map[string][]want
	fixed map[string]string
}

type want struct {
	line int
	re   *regexp.Regexp
	used bool
}

func open(t *testing.T, path string) *archive {
	t.Helper()
	raw, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{path: path, raw: raw, repo: repository{}, wants: map[string][]want{}, fixed: map[string]string{}}
	for _, f := range raw.Files {
		data := decode(string(f.Data))
		switch base, isFixed := strings.CutSuffix(f.Name, ".fixed"); {
		case strings.Contains(f.Name, ".fixed/"):
			a.fixed[f.Name] = data
		case isFixed:
			a.fixed[base] = data
		case isCase(f.Name):
			data, a.wants[f.Name] = unmark(t, f.Name, data)
			a.cases = append(a.cases, f.Name)
			a.repo[f.Name] = data
		default:
			a.repo[f.Name] = data
		}
	}
	return a
}

func isCase(name string) bool {
	base := filepath.Base(name)
	return (strings.Contains(base, "Dockerfile") || strings.Contains(base, "Containerfile")) &&
		!strings.HasSuffix(base, ".dockerignore")
}

// In archives ␍ at the end of a line stands for a carriage return, and a last line of only ␄ for "no final newline".
func decode(s string) string {
	s = strings.TrimSuffix(s, "\n␄\n")
	return strings.ReplaceAll(s, "␍\n", "\r\n")
}

func encode(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "␍\n")
	if !strings.HasSuffix(s, "\n") {
		s += "\n␄\n"
	}
	return s
}

var marker = regexp.MustCompile("[ \t]*#want((?: `[^`]*`)+)[ \t]*")

// unmark takes the #want markers out of a case.
func unmark(t *testing.T, name, data string) (string, []want) {
	t.Helper()
	var wants []want
	lines := strings.SplitAfter(data, "\n")
	for n, line := range lines {
		m := marker.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		for _, text := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(line[m[2]:m[3]], -1) {
			re, err := regexp.Compile(text[1])
			if err != nil {
				t.Fatalf("%s:%d: %v", name, n+1, err)
			}
			wants = append(wants, want{line: n + 1, re: re})
		}
		lines[n] = line[:m[0]] + line[m[1]:]
	}
	return strings.Join(lines, ""), wants
}

// runAll runs the cases of an archive, each a subtest.
func (a *archive) runAll(t *testing.T, c *check.Check) {
	t.Helper()
	for _, dockerfile := range a.cases {
		t.Run(dockerfile, func(t *testing.T) { a.run(t, c, dockerfile) })
	}
	if *update {
		a.write(t)
	}
}

// run is one case.
func (a *archive) run(t *testing.T, c *check.Check, path string) {
	result, err := check.Examine(t.Context(), a.repo, []string{path}, asked(a.repo, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	for _, skip := range result.Skipped {
		if skip.Failed {
			t.Errorf("%s:%d: %s", path, skip.Line, skip.Reason)
		}
	}
	a.compare(t, path, result.Findings)
	combined, err := check.Combine(t.Context(), a.repo, path, result.Findings, asked(a.repo, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	a.compareFixed(t, c, path, result.Findings, combined)
}

// compare holds the findings against the markers.
func (a *archive) compare(t *testing.T, path string, findings []check.Finding) {
	t.Helper()
	wants := a.wants[path]
	for _, f := range findings {
		n := slices.IndexFunc(wants, func(w want) bool {
			return !w.used && f.Line <= w.line && w.line <= f.EndLine && w.re.MatchString(f.Message+" | no fix: "+f.Refused)
		})
		if n < 0 {
			t.Errorf("%s:%d: unexpected: %s | no fix: %s", path, f.Line, f.Message, f.Refused)
			continue
		}
		wants[n].used = true
	}
	for _, w := range wants {
		if !w.used {
			t.Errorf("%s:%d: nothing found that matches %s", path, w.line, w.re)
		}
	}
}

// compareFixed holds the merged fixes against X.fixed, and looks at the fixed file again.
func (a *archive) compareFixed(
	t *testing.T, looks *check.Check, path string, findings []check.Finding, c *check.Combined,
) {
	t.Helper()
	untouched := len(c.Others) > 0 && string(c.Text) == a.repo[path]
	if *update && len(c.Taken) > 0 && !untouched {
		a.fixed[path] = string(c.Text)
	}
	golden, ok := a.fixed[path]
	if untouched {
		golden, ok = a.repo[path], true // what differs is in X.fixed/
	}
	if !ok && len(c.Taken) > 0 {
		t.Errorf("%s: a fix is offered, and there is no %s.fixed:\n%s", path, path, c.Text)
	}
	if !ok {
		return
	}
	if diff := cmp.Diff(golden, string(c.Text)); diff != "" {
		t.Errorf("%s.fixed (-want +got):\n%s%s", path, diff, reasons(findings, c))
	}
	a.compareOthers(t, path, c)
	a.silent(t, looks, path, c)
}

// compareOthers holds what the fixes make of other files against X.fixed/path.
func (a *archive) compareOthers(t *testing.T, path string, c *check.Combined) {
	t.Helper()
	for _, other := range c.Others {
		name := path + ".fixed/" + other.Path
		if *update {
			a.fixed[name] = string(other.After)
		}
		if diff := cmp.Diff(a.fixed[name], string(other.After)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// silent runs the check on the fixed file, which must offer nothing more.
func (a *archive) silent(t *testing.T, c *check.Check, path string, combined *check.Combined) {
	t.Helper()
	files := map[string][]byte{path: combined.Text}
	for _, other := range combined.Others {
		files[other.Path] = other.After
	}
	fixed := check.Overlay(a.repo, files)
	again, err := check.Examine(t.Context(), fixed, []string{path}, asked(a.repo, options(c)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range again.Findings {
		if len(f.Fixes) > 0 {
			t.Errorf("%s.fixed:%d: a second run offers more: %s", path, f.Line, f.Message)
		}
	}
}

// reasons says why findings have no fix in the merge.
func reasons(findings []check.Finding, c *check.Combined) string {
	var b strings.Builder
	for n, f := range findings {
		if f.Refused != "" || c.Left[n] != "" {
			fmt.Fprintf(&b, "line %d: %s%s\n", f.Line, f.Refused, c.Left[n])
		}
	}
	return b.String()
}

// write puts the .fixed files back into the archive, each behind its case.
func (a *archive) write(t *testing.T) {
	t.Helper()
	out := &txtar.Archive{Comment: a.raw.Comment}
	for _, f := range a.raw.Files {
		if strings.HasSuffix(f.Name, ".fixed") || strings.Contains(f.Name, ".fixed/") {
			continue
		}
		out.Files = append(out.Files, f)
		if text, ok := a.fixed[f.Name]; ok {
			out.Files = append(out.Files, txtar.File{Name: f.Name + ".fixed", Data: []byte(encode(text))})
		}
		for _, name := range slices.Sorted(maps.Keys(a.fixed)) {
			if strings.HasPrefix(name, f.Name+".fixed/") {
				out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(encode(a.fixed[name]))})
			}
		}
	}
	if err := os.WriteFile(a.path, txtar.Format(out), 0o644); err != nil {
		t.Fatal(err)
	}
}
