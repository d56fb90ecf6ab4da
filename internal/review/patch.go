package review

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

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
