package review

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A Dockerfile may hold a secret's value, and what we write is read by more people and kept longer than a line of a diff.
// So the lines of instructions on which a private finding stands are never repeated: not in a suggestion, not as the
// context of a change, not on a page.

// withheldLine stands for a line that is not repeated.
const withheldLine = "(a line with a secret)"

// secretly marks in each file the lines that are not repeated.
func secretly(files []File, findings []check.Finding) []File {
	out := slices.Clone(files)
	for n := range out {
		out[n].private = PrivateLines(out[n].Path, out[n].Text, findings)
	}
	return out
}

// PrivateLines are the 1-based lines of a file that are not repeated, because a private finding stands on their
// instruction.
func PrivateLines(path string, text []byte, findings []check.Finding) map[int]bool {
	lines := map[int]bool{}
	parsed, err := dockerfile.Parse(path, text)
	for _, f := range findings {
		if f.Path != path || !f.Check.Private {
			continue
		}
		stands := Hunk{f.Line, f.EndLine}
		if err == nil {
			stands = instruction(parsed, f)
		}
		for n := stands.Start; n <= stands.End; n++ {
			lines[n] = true
		}
	}
	return lines
}

// repeats reports whether the lines first to last hold one that is not repeated.
func (f File) repeats(first, last int) bool {
	for n := first; n <= last; n++ {
		if f.private[n] {
			return true
		}
	}
	return false
}

// hidden replaces the private lines in a block of a diff, whose lines begin with one character more.
func (f File) hidden(block []string) []string {
	if len(f.private) == 0 {
		return block
	}
	secret := map[string]bool{}
	for n, line := range splitLines(string(f.Text)) {
		if f.private[n+1] {
			secret[strings.TrimSpace(line)] = true
		}
	}
	out := slices.Clone(block)
	for n, line := range out {
		if len(line) > 1 && secret[strings.TrimSpace(line[1:])] {
			out[n] = line[:1] + withheldLine + "\n"
		}
	}
	return out
}

// Hide replaces the text of the rows that show one of the new file's lines.
func Hide(hunks [][]Row, lines map[int]bool) [][]Row {
	out := make([][]Row, len(hunks))
	for n, rows := range hunks {
		out[n] = slices.Clone(rows)
		for k, r := range out[n] {
			if r.New > 0 && lines[r.New] {
				out[n][k].Text = withheldLine
			}
		}
	}
	return out
}
