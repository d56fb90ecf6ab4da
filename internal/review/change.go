package review

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/markdown"
)

// maxChange is the number of lines up to which a change that is no suggestion is shown.
const maxChange = 40

// change shows a fix for those who make it by hand: of the finding's own file as a block of removed and added lines, of
// any other, which is an ignore file that lines are added to, as those lines. It carries no line numbers, so it stays the
// same when lines move; "" when it is too long, or would repeat a line with a secret.
func change(f File, fix fixes.Fix) string {
	after, err := fixes.Apply(f.Path, f.Text, fix.Edits)
	if err != nil || f.rewrites(fix) {
		return ""
	}
	block := additions(f.Path, fix)
	if !bytes.Equal(after, f.Text) {
		lines := splitLines(strings.ToValidUTF8(string(diff.Diff("a", f.Text, "b", after)), "\uFFFD"))
		if len(lines) < 3 || len(lines) > maxChange+3 {
			return ""
		}
		lines = f.hidden(slices.Clone(lines[3:]))
		for n, l := range lines {
			if strings.HasPrefix(l, "@@") {
				lines[n] = "@@\n"
			}
			lines[n] = strings.ReplaceAll(lines[n], "\r", "")
		}
		block = markdown.Paragraphs(markdown.Fenced("diff", strings.Join(lines, "")), block)
	}
	if len(block) > maxBlock || strings.Count(block, "\n") > maxChange+8 {
		return ""
	}
	return block
}

// additions are the lines that a fix adds to other files, each file's in a block of its own under its name.
func additions(path string, fix fixes.Fix) string {
	var parts []string
	for _, e := range fix.Edits {
		if e.Path == path {
			continue
		}
		text := strings.ToValidUTF8(strings.Trim(strings.ReplaceAll(e.New, "\r", ""), "\n"), "\uFFFD")
		parts = append(parts, "Added to "+markdown.Code(e.Path)+":", markdown.Fenced("", text+"\n"))
	}
	return markdown.Paragraphs(parts...)
}

// rewrites reports whether a fix touches a line that is not repeated, so that what it puts there would repeat it.
func (f File) rewrites(fix fixes.Fix) bool {
	edits, err := fixes.Lines(f.Path, f.Text, fix.Edits)
	return err != nil || slices.ContainsFunc(edits, func(e fixes.LineEdit) bool { return f.repeats(e.StartLine, e.EndLine) })
}
