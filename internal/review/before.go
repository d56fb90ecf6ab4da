package review

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// errLeftOut says that a file's diff is not there, so that its text before the change cannot be told from the head.
var errLeftOut = errors.New("the diff of it was left out")

// Before is the repository without a change, as far as its content can matter to a configuration.
func Before(head fs.FS, changed []forge.ChangedFile) fs.FS {
	return before{FS: earlier(head, changed, nil), head: head, changed: changed}
}

// before is the repository without a change. A file of it that the change touched is read from the head and the diff.
type before struct {
	fs.FS
	head    fs.FS
	changed []forge.ChangedFile
	// strict takes a missing patch for one that was left out: a host also leaves out those of files that are binary, or
	// are said to be by a .gitattributes file of the pull request, and counts no lines then.
	strict bool
}

// at is the file system in which a file is as it was.
func (b before) at(name string) (fs.FS, error) {
	n := slices.IndexFunc(b.changed, func(c forge.ChangedFile) bool { return was(c) == name })
	if n < 0 {
		return b.FS, nil
	}
	text, err := b.original(b.changed[n])
	if err != nil {
		return nil, fmt.Errorf("read %s as it was before the change: %w", name, err)
	}
	return check.Overlay(b.FS, map[string][]byte{name: text}), nil
}

// was is the path under which a changed file stood before, "" when it did not.
func was(c forge.ChangedFile) string {
	switch c.Status {
	case forge.Added, forge.Copied:
		return ""
	case forge.Renamed:
		return c.OldPath
	}
	return c.Path
}

// original is a file's text before the change.
func (b before) original(c forge.ChangedFile) ([]byte, error) {
	d, err := diffOf(c)
	if err != nil || d == nil || b.strict && c.Patch == "" {
		return nil, errLeftOut
	}
	var now []byte
	if c.Status != forge.Removed {
		if now, err = fs.ReadFile(b.head, c.Path); err != nil && !forge.Answer(err) {
			return nil, err
		} else if err != nil {
			return nil, errLeftOut
		}
	}
	if now, err = d.Revert(now); err != nil {
		return nil, errLeftOut
	}
	return now, nil
}

// Open implements fs.FS.
func (b before) Open(name string) (fs.File, error) {
	at, err := b.at(name)
	if err != nil {
		return nil, err
	}
	return at.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (b before) ReadFile(name string) ([]byte, error) {
	at, err := b.at(name)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(at, name)
}

// Stat implements fs.StatFS.
func (b before) Stat(name string) (fs.FileInfo, error) {
	at, err := b.at(name)
	if err != nil {
		return nil, err
	}
	return fs.Stat(at, name)
}
