// Package report writes findings for people and for other programs: as text, JSON, SARIF, GitHub workflow commands, and
// as a page.
//
// Nothing is decided here. A View holds what a run found; each function writes all of it in one format.
package report

import (
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// A View is what a run found, with the text of the files it was found in.
type View struct {
	Files     int
	Findings  []check.Finding
	Skipped   []check.Skip
	Sources   map[string][]byte // by path
	Elsewhere int               // findings that the change under review neither touched nor caused
}

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
