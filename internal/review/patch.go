package review

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/lighterman/lighterman/internal/forge"
)

// ReadPatch reads the output of git diff, or another patch in unified format, as the changed files of a pull request.
func ReadPatch(text []byte) ([]forge.ChangedFile, error) {
	files, _, err := gitdiff.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parse patch: %w", err)
	}
	byGit := bytes.HasPrefix(text, gitHeader) || bytes.Contains(text, append([]byte("\n"), gitHeader...))
	var out []forge.ChangedFile
	for _, f := range files {
		c := changedFile(f)
		if !byGit {
			c.Path = strings.TrimPrefix(strings.TrimPrefix(c.Path, "a/"), "b/")
		}
		out = append(out, c)
	}
	return out, nil
}

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

// gitHeader starts a file of git's own patches. The parser takes the prefixes a/ and b/ off the names of those alone.
var gitHeader = []byte("diff --git ")

func changedFile(f *gitdiff.File) forge.ChangedFile {
	c := forge.ChangedFile{Path: f.NewName, Status: forge.Modified}
	switch {
	case f.IsNew:
		c.Status = forge.Added
	case f.IsDelete:
		c.Status, c.Path = forge.Removed, f.OldName
	case f.IsRename:
		c.Status, c.OldPath = forge.Renamed, f.OldName
	case f.IsCopy:
		c.Status, c.OldPath = forge.Copied, f.OldName
	}
	var patch strings.Builder
	for _, part := range f.TextFragments {
		patch.WriteString(part.String())
		c.Lines += int(part.LinesAdded + part.LinesDeleted)
	}
	c.Patch = strings.TrimSuffix(patch.String(), "\n")
	return c
}

// Whole is a file as if a pull request had added it, for looking at all there is.
func Whole(path string, text []byte) forge.ChangedFile {
	c := forge.ChangedFile{Path: path, Status: forge.Added}
	lines := splitLines(string(text))
	if len(lines) == 0 {
		return c
	}
	c.Lines = len(lines)
	c.Patch = fmt.Sprintf("@@ -0,0 +1,%d @@\n+%s", len(lines), strings.Join(lines, "+"))
	if last := lines[len(lines)-1]; !strings.HasSuffix(last, "\n") {
		c.Patch += "\n\\ No newline at end of file"
	}
	return c
}
