package review

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// words are few, so that equal lines, which diffs and ranges slide along, are common.
var words = []string{"RUN a", "RUN a", "RUN b && \\", "    c", "COPY . .", "", "# note", "USER app", "RUN echo `d` ```", "CMD [\"x\"]"}

func drawLines(t *rapid.T, label string, most int) []string {
	return rapid.SliceOfN(rapid.SampledFrom(words), 0, most).Draw(t, label)
}

// drawText draws a file; some have Windows line ends, some no line end at the end.
func drawText(t *rapid.T, label string) string {
	text := strings.Join(append([]string{"FROM alpine"}, drawLines(t, label, 30)...), "\n")
	if rapid.IntRange(0, 5).Draw(t, "unterminated") > 0 {
		text += "\n"
	}
	if rapid.IntRange(0, 15).Draw(t, "crlf") == 15 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

// drawEdited draws what somebody made of a text.
func drawEdited(t *rapid.T, text string) string {
	lines := splitLines(text)
	for range rapid.IntRange(0, 4).Draw(t, "hunks") {
		at := rapid.IntRange(0, len(lines)).Draw(t, "at")
		end := min(len(lines), at+rapid.IntRange(0, 3).Draw(t, "deleted"))
		var fresh []string
		for _, l := range drawLines(t, "added", 3) {
			fresh = append(fresh, l+"\n")
		}
		lines = append(lines[:at:at], append(fresh, lines[end:]...)...)
		for n := range len(lines) - 1 {
			lines[n] = strings.TrimSuffix(lines[n], "\n") + "\n"
		}
	}
	return strings.Join(lines, "")
}

var testChecks = []*check.Check{
	{Name: "copy-order", Severity: check.Warning},
	{Name: "late-cleanup", Severity: check.Info},
	{Name: "root-user", Severity: check.Error},
}

// drawFindings draws findings with fixes of whole lines and of parts of lines.
func drawFindings(t *rapid.T, path, text string, most int) []check.Finding {
	var out []check.Finding
	lines := splitLines(text)
	for n := range rapid.IntRange(0, most).Draw(t, "findings") {
		first := rapid.IntRange(1, len(lines)).Draw(t, "line")
		last := min(len(lines), first+rapid.IntRange(0, 3).Draw(t, "lines"))
		start := len(strings.Join(lines[:first-1], ""))
		c := rapid.SampledFrom(testChecks).Draw(t, "check")
		f := check.Finding{
			Check: c, Path: path, Line: first, EndLine: last, Message: fmt.Sprintf("finding %d costs a layer", n),
			At: dockerfile.Span{Start: start, End: start + len(strings.Join(lines[first-1:last], ""))},
			ID: fmt.Sprintf("%s:%s:%d", c.Name, path, n),
		}
		if fix, ok := drawFix(t, path, text); ok {
			f.Fixes = []fixes.Fix{fix}
		} else {
			f.Refused = "it needs a person"
		}
		out = append(out, f)
	}
	return out
}

// drawFix draws one to three edits that can be made together and change something.
func drawFix(t *rapid.T, path, text string) (fixes.Fix, bool) {
	fix := fixes.Fix{Title: "Do it better", Intent: fixes.Unchanged{}}
	for range rapid.IntRange(1, 3).Draw(t, "edits") {
		edits, err := fixes.Merge(fix.Edits, fixes.Fix{Edits: []fixes.Edit{drawEdit(t, path, text)}})
		if err == nil {
			fix.Edits = edits
		}
	}
	after, err := fixes.Apply(path, []byte(text), fix.Edits)
	return fix, err == nil && string(after) != text
}

func drawEdit(t *rapid.T, path, text string) fixes.Edit {
	lines := splitLines(text)
	if rapid.Bool().Draw(t, "bytes") {
		start := rapid.IntRange(0, len(text)).Draw(t, "start")
		end := min(len(text), start+rapid.IntRange(0, 12).Draw(t, "length"))
		return fixes.Edit{Path: path, Start: start, End: end, New: rapid.SampledFrom([]string{"", "x", "x\ny", "\n"}).Draw(t, "new")}
	}
	first := rapid.IntRange(0, len(lines)).Draw(t, "first")
	last := min(len(lines), first+rapid.IntRange(0, 3).Draw(t, "count"))
	start := len(strings.Join(lines[:first], ""))
	e := fixes.Edit{Path: path, Start: start, End: start + len(strings.Join(lines[first:last], ""))}
	for _, l := range drawLines(t, "fresh", 3) {
		e.New += l + "\n"
	}
	return e
}

// merged combines first fixes by their bytes alone.
func merged(text string) Combine {
	return func(path string, findings []check.Finding) (*check.Combined, error) {
		c := &check.Combined{Left: map[int]string{}}
		for n, f := range findings {
			if len(f.Fixes) == 0 {
				continue
			}
			edits, err := fixes.Merge(c.Edits, f.Fixes[0])
			if err != nil {
				c.Left[n] = err.Error()
				continue
			}
			c.Edits, c.Taken = edits, append(c.Taken, n)
		}
		var err error
		c.Text, err = fixes.Apply(path, []byte(text), c.Edits)
		return c, err
	}
}
