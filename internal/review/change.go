package review

import (
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/lighterman/lighterman/fixes"
)

// maxChange is the number of lines up to which a change that is no suggestion is shown.
const maxChange = 40

// change shows a fix of one file as a block of removed and added lines, for those who make it by hand. It carries
// no line numbers, so it stays the same when lines move; "" when it is too long.
func change(f File, fix fixes.Fix) string {
	after, err := fixes.Apply(f.Path, f.Text, fix.Edits)
	if err != nil {
		return ""
	}
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
	if block := fenced("diff", strings.Join(lines, "")); len(block) <= maxBlock {
		return block
	}
	return ""
}
