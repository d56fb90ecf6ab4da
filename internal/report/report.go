// Package report writes findings for people and for other programs: as text, JSON, SARIF, GitHub workflow commands, and
// as a page.
//
// Nothing is decided here. A View holds what a run found; each function writes all of it in one format.
package report

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/review"
)

// A View is what a run found, with the text of the files it was found in.
type View struct {
	Files     int
	Findings  []check.Finding
	Skipped   []check.Skip
	Sources   map[string][]byte // by path
	Elsewhere int               // findings that the change under review neither touched nor caused
	// Suppressed and Unused are what check.Options.Audit lists; they are told where somebody asked for all there is.
	Suppressed []check.Suppressed
	Unused     []check.Unused
}

// withheld stands for a line that is not repeated.
const withheld = "(a line with a secret)"

// A secrecy holds for each file the 1-based lines that may hold a secret, whatever else is found on them.
type secrecy map[string]map[int]bool

// secrecy of the view: the lines of every instruction on which a private finding stands.
func (v View) secrecy() secrecy {
	out := secrecy{}
	for _, f := range v.Findings {
		if f.Check.Private && out[f.Path] == nil {
			out[f.Path] = review.PrivateLines(f.Path, v.Sources[f.Path], v.Findings)
		}
	}
	return out
}

// repeats reports whether an edit would repeat such a line: it rewrites one, or puts one elsewhere.
func (s secrecy) repeats(v View, e fixes.LineEdit) bool {
	if len(s[e.Path]) == 0 {
		return false
	}
	for n := e.StartLine; n <= e.EndLine; n++ {
		if s[e.Path][n] {
			return true
		}
	}
	for n, line := range v.lines(e.Path) {
		if line = strings.TrimSpace(line); s[e.Path][n+1] && line != "" && strings.Contains(e.New, line) {
			return true
		}
	}
	return false
}

// hidden reports whether a finding's fix cannot be shown without repeating a line with a secret.
func (s secrecy) hidden(v View, f check.Finding) bool {
	return slices.ContainsFunc(v.edits(f), func(e fixes.LineEdit) bool { return s.repeats(v, e) })
}

// unshown is why a fix is not shown in a report, where there is one.
const unshown = "there is one, which is not shown here because it would repeat a line with a secret; lighterman fix makes it"

// lines are the lines of a file without their ends.
func (v View) lines(path string) []string {
	return strings.Split(strings.ReplaceAll(string(v.Sources[path]), "\r\n", "\n"), "\n")
}

// column is the 1-based byte column at which a finding begins.
func (v View) column(f check.Finding) int {
	src := v.Sources[f.Path]
	if f.At.Start > len(src) {
		return 1
	}
	return f.At.Start - strings.LastIndexByte(string(src[:f.At.Start]), '\n')
}

// at is the text that the finding stands on.
func (v View) at(f check.Finding) string {
	src := v.Sources[f.Path]
	return string(src[min(f.At.Start, len(src)):min(f.At.End, len(src))])
}

// edits are the whole-line edits of the finding's first fix; nil when there is none.
func (v View) edits(f check.Finding) []fixes.LineEdit {
	if len(f.Fixes) == 0 {
		return nil
	}
	var out []fixes.LineEdit
	for _, path := range paths(f.Fixes[0]) {
		edits, err := fixes.Lines(path, v.Sources[path], f.Fixes[0].Edits)
		if err != nil {
			return nil
		}
		out = append(out, edits...)
	}
	return out
}

// paths are the files a fix touches, in the order of its edits.
func paths(fix fixes.Fix) []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range fix.Edits {
		if !seen[e.Path] {
			seen[e.Path] = true
			out = append(out, e.Path)
		}
	}
	return out
}
