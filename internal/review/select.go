package review

import (
	"slices"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A File is one changed Dockerfile of a pull request.
type File struct {
	Path string
	Text []byte // at the head
	Diff *Diff  // nil when the host left it out
	// Before holds the identities of the findings that the file had without the pull request, under the same path. It is
	// nil when that could not be told; then nothing counts as caused.
	Before map[string]bool

	private map[int]bool // lines that are not repeated
	apart   bool         // nothing can stand on its diff
	beside  bool         // the pull request does not change it, but something that it depends on
}

// Select divides findings into those that a pull request touched or caused and the rest. It touched a finding when it
// changed a line of the instruction that the finding stands on, and caused it when the file did not have it before.
// Findings in files that are not listed are the rest.
func Select(files []File, findings []check.Finding) (ours, rest []check.Finding) {
	for _, f := range files {
		parsed, err := dockerfile.Parse(f.Path, f.Text)
		for _, found := range findings {
			if found.Path != f.Path {
				continue
			}
			stands := Hunk{found.Line, found.EndLine}
			if err == nil {
				stands = instruction(parsed, found)
			}
			if f.Diff.Touches(stands.Start, stands.End) || f.Before != nil && !f.Before[found.ID] {
				ours = append(ours, found)
			}
		}
	}
	taken := map[string]bool{}
	for _, found := range ours {
		taken[found.ID] = true
	}
	rest = slices.DeleteFunc(slices.Clone(findings), func(found check.Finding) bool { return taken[found.ID] })
	return ours, rest
}

// instruction is the lines of the instructions that a finding stands on, or its own lines where there is none.
func instruction(f *dockerfile.File, found check.Finding) Hunk {
	at := found.At
	at.End = max(at.End, at.Start+1)
	lines := Hunk{found.Line, found.EndLine}
	for _, i := range f.Instructions {
		if i.Span.Overlaps(at) {
			lines = Hunk{min(lines.Start, i.Line()), max(lines.End, i.EndLine())}
		}
	}
	return lines
}
