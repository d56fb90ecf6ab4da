package review

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/markdown"
)

// A Suggestion replaces whole lines of the file at the head: StartLine to Line, 1-based, both included, by Text.
// Text is whole lines too; when it is empty the lines are deleted. All lines stand in one hunk without deleted
// lines among them.
type Suggestion struct {
	StartLine int
	Line      int
	Text      string
}

// maxBlock bounds a code block in bytes, so that a body stays far under GitHub's 65,536 characters.
const maxBlock = 20000

// suggest turns a fix into one suggestion on the diff. When it cannot be one, why is the sentence that says so.
func suggest(f File, fix fixes.Fix, near Hunk) (s *Suggestion, why string) {
	if why := unsuitable(f, fix); why != "" {
		return nil, why
	}
	edits, err := fixes.Lines(f.Path, f.Text, fix.Edits)
	if err != nil || len(edits) == 0 {
		return nil, "The change cannot be shown as a suggestion."
	}
	lines := splitLines(string(f.Text))
	s = widened(lines, edits)
	if s.Line < s.StartLine {
		s = anchored(f.Diff, lines, s, near)
	}
	if f.repeats(s.StartLine, s.Line) {
		return s, "It is not offered as a suggestion, which would repeat a line with a secret."
	}
	return s, misplaced(f.Diff, lines, s)
}

// unsuitable says why no fix of the file, or not this one, can be a suggestion wherever it stands. GitHub commits
// what a block holds byte for byte, except for line ends; files with carriage returns are therefore left out.
func unsuitable(f File, fix fixes.Fix) string {
	if fix.Whole {
		return "It makes the file another one and is not offered as a suggestion: `lighterman fix --check` with the check's name " +
			"makes it."
	}
	mine := slices.ContainsFunc(fix.Edits, func(e fixes.Edit) bool { return e.Path == f.Path })
	for _, e := range fix.Edits {
		if e.Path != f.Path && !mine {
			return fmt.Sprintf("It is not offered as a suggestion, for it changes %s.", markdown.Code(e.Path))
		}
		if e.Path != f.Path {
			return fmt.Sprintf("One suggestion cannot hold it, for it also changes %s.", markdown.Code(e.Path))
		}
		if !utf8.ValidString(e.New) {
			return "A suggestion cannot hold it, for its text is not valid UTF-8."
		}
	}
	if strings.Contains(string(f.Text), "\r") {
		return "It is not offered as a suggestion, which would not keep the file's carriage returns."
	}
	return ""
}

// widened joins line edits into one by keeping the lines between them. The result inserts when Line is below
// StartLine.
func widened(lines []string, edits []fixes.LineEdit) *Suggestion {
	s := &Suggestion{StartLine: edits[0].StartLine, Line: edits[len(edits)-1].EndLine}
	var text strings.Builder
	at := s.StartLine
	for _, e := range edits {
		text.WriteString(strings.Join(lines[at-1:e.StartLine-1], ""))
		text.WriteString(e.New)
		at = e.EndLine + 1
	}
	s.Text = text.String()
	return s
}

// anchored makes an insertion replace one existing line by itself and the new ones, for a suggestion cannot
// insert. Of the two lines around it the one that can be commented on is taken; of two, the one that the finding
// stands on, else the one below.
func anchored(d *Diff, lines []string, s *Suggestion, near Hunk) *Suggestion {
	above, below := s.StartLine-1, s.StartLine
	usable := func(n int) bool {
		return n >= 1 && n <= len(lines) && d.Shows(n, n) && strings.HasSuffix(lines[n-1], "\n")
	}
	stands := func(n int) bool { return near.Start <= n && n <= near.End }
	if below > len(lines) || usable(above) && (!usable(below) || stands(above) && !stands(below)) {
		if above < 1 {
			return s
		}
		return &Suggestion{above, above, lines[above-1] + s.Text}
	}
	return &Suggestion{below, below, s.Text + lines[below-1]}
}

// misplaced says why a suggestion cannot stand where it would have to, "" when it can.
func misplaced(d *Diff, lines []string, s *Suggestion) string {
	old := ""
	if s.StartLine >= 1 && s.StartLine <= s.Line && s.Line <= len(lines) {
		old = strings.Join(lines[s.StartLine-1:s.Line], "")
	}
	switch {
	case !d.Shows(s.StartLine, s.Line):
		return "It is not offered as a suggestion, for it reaches beyond the lines of the diff."
	case d.Cuts(s.StartLine, s.Line):
		return "It is not offered as a suggestion, for the diff shows deleted lines among those it replaces."
	case !strings.HasSuffix(old, "\n") || s.Text != "" && !strings.HasSuffix(s.Text, "\n"):
		return "It is not offered as a suggestion, for it changes a last line that has no line end."
	case !utf8.ValidString(s.Text) || strings.ContainsAny(s.Text, "\ufeff\x00") || strings.ContainsFunc(s.Text, reorders):
		return "The change cannot be shown as a suggestion."
	case len(s.block()) > maxBlock:
		return "The change is too long to be shown as a suggestion."
	}
	return ""
}

// reorders reports whether a character changes the order in which a line is shown (CVE-2021-42574): who clicks must see
// what is committed.
func reorders(r rune) bool { return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' }

// block is the suggestion in Markdown.
func (s *Suggestion) block() string { return markdown.Fenced("suggestion", s.Text) }

// overlaps reports whether two suggestions replace a line in common. GitHub takes one suggestion a line into a batch.
func (s *Suggestion) overlaps(t *Suggestion) bool {
	return s.StartLine <= t.Line && t.StartLine <= s.Line
}

// edit is the suggestion as an edit of the file's bytes.
func (s *Suggestion) edit(f File) fixes.Edit {
	lines := splitLines(string(f.Text))
	start := len(strings.Join(lines[:s.StartLine-1], ""))
	end := start + len(strings.Join(lines[s.StartLine-1:s.Line], ""))
	return fixes.Edit{Path: f.Path, Start: start, End: end, New: s.Text}
}

// ApplySuggestions replaces the lines of every suggestion at once, as GitHub does with a batch. The suggestions do
// not overlap.
func ApplySuggestions(text []byte, all []*Suggestion) []byte {
	lines := splitLines(string(text))
	for _, s := range all {
		for n := s.StartLine; n <= s.Line; n++ {
			lines[n-1] = ""
		}
		lines[s.StartLine-1] = s.Text
	}
	return []byte(strings.Join(lines, ""))
}
