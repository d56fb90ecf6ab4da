package review

import (
	"io/fs"
	"path"
	"slices"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/spare"
)

// wanted reports whether the content of a file may matter to a check; of all others only the names do.
func wanted(name string) bool {
	return buildcontext.Wanted(name) || ecosystem.Wanted(name) || config.Wanted(name) ||
		config.Preset(name) || spare.Wanted(name)
}

// earlier is the repository without the pull request, made from the head and the diff alone: added files are gone,
// removed ones are back, and those whose content matters have their old text. A file whose diff was left out stays
// as it is at the head. texts are the Dockerfiles as they were, under the paths they have now.
func earlier(head fs.FS, changed []forge.ChangedFile, texts map[string][]byte) fs.FS {
	files := map[string][]byte{}
	gone := map[string]bool{}
	for _, c := range changed {
		if c.Status == forge.Added || c.Status == forge.Copied || c.Status == forge.Renamed {
			gone[c.Path] = true
		}
		was := c.Path
		if c.Status == forge.Renamed {
			was = c.OldPath
		}
		if c.Status == forge.Removed || was != c.Path || c.Status == forge.Modified && wanted(c.Path) {
			if text, ok := reverted(head, c); ok {
				files[was] = text
			}
		}
	}
	for name, text := range texts {
		files[name] = text
	}
	return check.Overlay(without{head, gone}, files)
}

// reverted is a changed file's text before the change. Where only its name matters the text is empty.
func reverted(head fs.FS, c forge.ChangedFile) ([]byte, bool) {
	if c.Status != forge.Removed && !wanted(c.Path) {
		return nil, true
	}
	var now []byte
	if c.Status != forge.Removed {
		var err error
		if now, err = fs.ReadFile(head, c.Path); err != nil {
			return nil, false
		}
	}
	d, err := diffOf(c)
	if err != nil || d == nil {
		return nil, c.Status == forge.Removed
	}
	old, err := d.Revert(now)
	return old, err == nil
}

// diffOf is the diff of a changed file, nil when the host left it out.
func diffOf(c forge.ChangedFile) (*Diff, error) {
	if c.Patch == "" && c.Lines > 0 {
		return nil, nil
	}
	return ParseDiff(c.Patch)
}

// without is a file system some of whose files are not there.
type without struct {
	fs.FS
	gone map[string]bool
}

// Open implements fs.FS.
func (w without) Open(name string) (fs.File, error) {
	if w.gone[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return w.FS.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (w without) ReadFile(name string) ([]byte, error) {
	if w.gone[name] {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return fs.ReadFile(w.FS, name)
}

// Stat implements fs.StatFS.
func (w without) Stat(name string) (fs.FileInfo, error) {
	if w.gone[name] {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fs.Stat(w.FS, name)
}

// ReadDir implements fs.ReadDirFS.
func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	gone := func(e fs.DirEntry) bool { return w.gone[path.Join(name, e.Name())] }
	return slices.DeleteFunc(slices.Clone(entries), gone), err
}
