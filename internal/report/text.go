package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// TextOptions say how Text writes.
type TextOptions struct {
	Color   bool // ANSI colours, for a terminal
	Verbose bool // also what was rightly passed over
}

// Text writes what a person wants to read: the lines with a caret, one sentence, the difference the fix makes.
func Text(w io.Writer, v View, o TextOptions) error {
	t := &text{Writer: bufio.NewWriter(w), v: v, o: o, secret: v.secrecy()}
	for _, f := range v.Findings {
		t.finding(f)
	}
	for _, s := range v.Skipped {
		t.skip(s)
	}
	for _, u := range v.Unused {
		if o.Verbose {
			t.unused(u)
		}
	}
	t.total()
	return t.Flush()
}

type text struct {
	*bufio.Writer
	v      View
	o      TextOptions
	secret secrecy
}

// ANSI colours (ECMA-48 SGR).
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	bold   = "1"
	faint  = "2"
)

func (t *text) paint(color, s string) string {
	if !t.o.Color || s == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (t *text) printf(format string, args ...any) { fmt.Fprintf(t.Writer, format, args...) }

func (t *text) finding(f check.Finding) {
	color := map[check.Severity]string{check.Error: red, check.Warning: yellow, check.Info: cyan}[f.Check.Severity]
	place := fmt.Sprintf("%s:%d:%d", f.Path, f.Line, t.v.column(f))
	t.printf("%s  %s  %s\n", t.paint(bold, place), t.paint(color, f.Check.Severity.String()), t.paint(faint, f.Check.Name))
	t.excerpt(f, color)
	t.printf("  %s\n", clean(f.Message))
	if len(f.Fixes) > 0 {
		t.fix(f)
	} else if f.Refused != "" {
		t.printf("  %s\n", t.paint(faint, "no fix: "+clean(f.Refused)))
	}
	t.printf("\n")
}

// maxExcerpt is how many lines of a long instruction are shown.
const maxExcerpt = 6

// excerpt shows the lines of the finding, and under the first one a caret line.
func (t *text) excerpt(f check.Finding, color string) {
	lines := t.v.lines(f.Path)
	margin := len(fmt.Sprint(f.EndLine))
	for n := f.Line; n <= min(f.EndLine, f.Line+maxExcerpt-1, len(lines)); n++ {
		line := clean(lines[n-1])
		if t.secret[f.Path][n] && !f.Check.Private {
			line = withheld
		} else if f.Check.Private {
			line = blank(lines[n-1][:min(t.v.column(f)-1, len(lines[n-1]))]) + clean(t.v.at(f)) + " …"
		}
		t.printf("  %s %s\n", t.paint(faint, fmt.Sprintf("%*d │", margin, n)), line)
		if n == f.Line {
			at := min(t.v.column(f)-1, len(lines[n-1]))
			pad := blank(lines[n-1][:at])
			length := max(1, utf8.RuneCountInString(strings.TrimRight(lines[n-1][at:], " \t\\")))
			if f.Line == f.EndLine {
				length = max(1, min(length, f.At.Len()))
			}
			if line == withheld {
				pad, length = "", len(withheld)
			}
			t.printf("  %s %s%s\n", t.paint(faint, strings.Repeat(" ", margin)+" │"), pad, t.paint(color, strings.Repeat("^", length)))
		}
	}
	if more := f.EndLine - f.Line + 1 - maxExcerpt; more > 0 {
		t.printf("  %s %s\n", t.paint(faint, strings.Repeat(" ", margin)+" │"), t.paint(faint, fmt.Sprintf("… %d more lines", more)))
	}
}

// blank is s with everything but tabs turned to spaces, so that a caret below it lines up.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}

// fix shows the first fix as a small diff.
func (t *text) fix(f check.Finding) {
	fix := f.Fixes[0]
	t.printf("  %s %s\n", t.paint(green, "fix:"), fix.Title)
	for _, e := range t.v.edits(f) {
		if e.Path != f.Path {
			t.printf("    %s\n", t.paint(faint, e.Path))
		}
		t.edit(e)
	}
	t.printf("  %s\n", t.paint(faint, fix.Intent.Claim().Words))
	if fix.Whole {
		t.printf("  %s\n", t.paint(faint, "made only when asked for: lighterman fix --check "+f.Check.Name))
	}
}

func (t *text) edit(e fixes.LineEdit) {
	lines := t.v.lines(e.Path)
	if t.secret.repeats(t.v, e) {
		t.printf("    %s\n", t.paint(faint, withheld))
		return
	}
	for n := e.StartLine; n <= min(e.EndLine, len(lines)); n++ {
		t.printf("    %s\n", t.paint(red, "- "+clean(lines[n-1])))
	}
	for _, line := range splitLines(e.New) {
		t.printf("    %s\n", t.paint(green, "+ "+clean(line)))
	}
}

// splitLines are the lines of s without their ends; a final line end begins no further line.
func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
}

func (t *text) skip(s check.Skip) {
	if !s.Failed && !t.o.Verbose {
		return
	}
	place, color, word := s.Path, faint, "skipped"
	if s.Line > 0 {
		place = fmt.Sprintf("%s:%d", s.Path, s.Line)
	}
	if s.Failed {
		color, word = red, "cannot be read"
	}
	t.printf("%s  %s  %s\n", t.paint(bold, place), t.paint(color, word), clean(s.Reason))
}

// unused says that an ignore comment, or an entry of a configuration, does nothing.
func (t *text) unused(u check.Unused) {
	why := "keeps nothing from being said"
	if u.Unknown {
		why = "is the name of no check"
	}
	t.printf("%s  %s  %s %s\n", t.paint(bold, fmt.Sprintf("%s:%d", clean(u.Path), u.Line)), t.paint(faint, "unused ignore"),
		clean(u.Name), why)
}

// total is the last line.
func (t *text) total() {
	fixable, failed := 0, 0
	for _, f := range t.v.Findings {
		if len(f.Fixes) > 0 {
			fixable++
		}
	}
	for _, s := range t.v.Skipped {
		if s.Failed {
			failed++
		}
	}
	files := Counted(t.v.Files, "Dockerfile")
	switch n := len(t.v.Findings); {
	case n == 0 && failed == 0:
		t.printf("%s, nothing to say\n", files)
	case n == 0:
		t.printf("%s, %d could not be read\n", files, failed)
	default:
		t.printf("%s, %s, %d with a fix%s\n", files, Counted(n, "finding"), fixable,
			cmp.Or(map[bool]string{true: fmt.Sprintf(", %d could not be read", failed)}[failed > 0], ""))
	}
	if t.v.Elsewhere > 0 {
		t.printf("%s in lines this change does not touch\n", Counted(t.v.Elsewhere, "more finding"))
	}
}

// Counted is a number with what it counts, as "2 files", "3 fixes" and "4 repositories".
func Counted(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "x"):
		noun += "e"
	case strings.HasSuffix(noun, "ry"):
		noun = strings.TrimSuffix(noun, "y") + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// clean takes out what a hostile file could use to write on the terminal: control characters other than tabs.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && !bidi(r) {
			return r
		}
		return -1
	}, s)
}

// bidi reports whether r reorders the text around it (Unicode TR 9), which could make a line read as what it is not.
func bidi(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
}
