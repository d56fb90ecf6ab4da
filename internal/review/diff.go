package review

import (
	"fmt"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// A Diff is what a pull request changes in one file, seen from the new file. A nil Diff shows nothing and counts
// every line as changed: it stands for a diff that the host left out.
type Diff struct {
	Hunks []Hunk

	added     map[int]bool // lines of the new file that are added or changed
	cuts      map[int]bool // lines of the new file directly above which lines were deleted
	fragments []*gitdiff.TextFragment
}

// A Hunk is the range of lines of the new file that one hunk shows, 1-based, both included. Its End is below its
// Start when it shows none. Comments may stand on these lines and on no others (GitHub, "Create a review
// comment").
type Hunk struct{ Start, End int }

// ParseDiff reads a file's hunks in unified format without file headers, as in GitHub's field "patch". An empty
// patch is a Diff without hunks: nothing was changed.
func ParseDiff(patch string) (*Diff, error) {
	d := &Diff{added: map[int]bool{}, cuts: map[int]bool{}}
	if patch == "" {
		return d, nil
	}
	files, _, err := gitdiff.Parse(strings.NewReader("--- a/x\n+++ b/x\n" + strings.TrimSuffix(patch, "\n") + "\n"))
	if err != nil {
		return nil, fmt.Errorf("parse patch: %w", err)
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("parse patch: %d files where one was expected", len(files))
	}
	for _, f := range files[0].TextFragments {
		if err := d.add(f); err != nil {
			return nil, fmt.Errorf("parse patch: %w", err)
		}
	}
	return d, nil
}

// add takes in one hunk.
func (d *Diff) add(f *gitdiff.TextFragment) error {
	start := first(f)
	if n := len(d.Hunks); start < 1 || n > 0 && start <= d.Hunks[n-1].End {
		return fmt.Errorf("hunk at line %d is out of order", start)
	}
	line := start
	for _, l := range f.Lines {
		switch l.Op {
		case gitdiff.OpAdd:
			d.added[line] = true
			line++
		case gitdiff.OpDelete:
			d.cuts[line] = true
		default:
			line++
		}
	}
	d.Hunks = append(d.Hunks, Hunk{start, line - 1})
	d.fragments = append(d.fragments, f)
	return nil
}

// first is the first line of the new file that the hunk shows; a hunk that shows none names the line above it.
func first(f *gitdiff.TextFragment) int {
	if f.NewLines == 0 {
		return int(f.NewPosition) + 1
	}
	return int(f.NewPosition)
}

// Touches reports whether the lines first to last hold an added or changed line, or had lines deleted among them.
func (d *Diff) Touches(first, last int) bool {
	if d == nil {
		return true
	}
	for n := first; n <= last; n++ {
		if d.added[n] || n > first && d.cuts[n] {
			return true
		}
	}
	return false
}

// Shows reports whether the lines first to last all stand in one hunk.
func (d *Diff) Shows(first, last int) bool {
	_, ok := d.hunk(first, last)
	return ok
}

func (d *Diff) hunk(first, last int) (Hunk, bool) {
	if d == nil || last < first {
		return Hunk{}, false
	}
	for _, h := range d.Hunks {
		if h.Start <= first && last <= h.End {
			return h, true
		}
	}
	return Hunk{}, false
}

// Cuts reports whether the diff shows deleted lines between the lines first and last. A suggestion cannot span them.
func (d *Diff) Cuts(first, last int) bool {
	if d == nil {
		return false
	}
	for n := first + 1; n <= last; n++ {
		if d.cuts[n] {
			return true
		}
	}
	return false
}

// Revert takes the changes back: from the new file's bytes it makes the old file's. It is an error when the diff
// does not fit text.
func (d *Diff) Revert(text []byte) ([]byte, error) {
	if d == nil {
		return nil, fmt.Errorf("revert: the diff was left out")
	}
	lines := splitLines(string(text))
	var old strings.Builder
	at := 0
	for _, f := range d.fragments {
		start := first(f) - 1
		if start > len(lines) {
			return nil, fmt.Errorf("revert: line %d is beyond the file's %d", start+1, len(lines))
		}
		for ; at < start; at++ {
			old.WriteString(lines[at])
		}
		for _, l := range f.Lines {
			if l.New() {
				if at >= len(lines) || lines[at] != l.Line {
					return nil, fmt.Errorf("revert: line %d is not what the diff shows", at+1)
				}
				at++
			}
			if l.Old() {
				old.WriteString(l.Line)
			}
		}
	}
	for ; at < len(lines); at++ {
		old.WriteString(lines[at])
	}
	return []byte(old.String()), nil
}

// splitLines cuts text after every line feed. The last line may lack one; empty text has no lines.
func splitLines(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	return lines[:len(lines)-1+min(1, len(lines[len(lines)-1]))]
}
