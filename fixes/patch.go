package fixes

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Patch is the difference of one file's texts as git shows it; before is nil for a new file.
func Patch(path string, before, after []byte) string {
	if bytes.Equal(before, after) {
		return ""
	}
	was, is := quoted("a/"+path), quoted("b/"+path)
	text := diff.Diff(was, before, is, after)
	if before == nil {
		text = bytes.Replace(text, []byte("--- "+was+"\n"), []byte("--- /dev/null\n"), 1)
	}
	return string(text)
}

// quoted is a name in the header of a patch as git writes it, so that it cannot end its line (git-config, core.quotePath).
func quoted(name string) string {
	special := func(c byte) bool { return c < ' ' || c == 0x7f || c == '"' || c == '\\' }
	if !slices.ContainsFunc([]byte(name), special) {
		return name
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(name) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(rune(c)))
		case special(c):
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}
