package review

import (
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// A Row is one line of a diff as a page shows it.
type Row struct {
	Op   byte   // '+', '-' or ' '
	Old  int    // 1-based line of the old file; 0 for an added line
	New  int    // 1-based line of the new file; 0 for a deleted one
	Text string // without its line end
}

// Rows are the lines of the diff, hunk by hunk.
func (d *Diff) Rows() [][]Row {
	if d == nil {
		return nil
	}
	var hunks [][]Row
	for _, f := range d.fragments {
		hunks = append(hunks, rows(f))
	}
	return hunks
}

func rows(f *gitdiff.TextFragment) []Row {
	var out []Row
	before, after := int(f.OldPosition), int(f.NewPosition)
	for _, l := range f.Lines {
		r := Row{Text: strings.TrimRight(l.Line, "\r\n")}
		switch l.Op {
		case gitdiff.OpAdd:
			r.Op, r.New = '+', after
			after++
		case gitdiff.OpDelete:
			r.Op, r.Old = '-', before
			before++
		default:
			r.Op, r.Old, r.New = ' ', before, after
			before++
			after++
		}
		out = append(out, r)
	}
	return out
}

// TextRows are all lines of a file as one hunk of context.
func TextRows(text []byte) [][]Row {
	var out []Row
	for n, line := range splitLines(string(text)) {
		out = append(out, Row{Op: ' ', Old: n + 1, New: n + 1, Text: strings.TrimRight(line, "\r\n")})
	}
	return [][]Row{out}
}
