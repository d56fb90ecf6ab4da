package forge

import (
	"errors"
	"io/fs"
	"sync"
)

// A Watch is a tree that remembers when the host could not be asked. Checks take a file that cannot be read for
// one that is not there; a conclusion drawn from a failed request must not be published.
type Watch struct {
	Tree

	mu  sync.Mutex
	err error
}

// Answer reports whether an error is a fact about the file, as package fs has it, and not a failed request.
func Answer(err error) bool {
	var about *fs.PathError
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.As(err, &about)
}

func (w *Watch) note(err error) {
	if err == nil || Answer(err) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// Failed is the first failed request.
func (w *Watch) Failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Open implements fs.FS.
func (w *Watch) Open(name string) (fs.File, error) {
	f, err := w.Tree.Open(name)
	w.note(err)
	return f, err
}

// ReadFile implements fs.ReadFileFS.
func (w *Watch) ReadFile(name string) ([]byte, error) {
	data, err := w.Tree.ReadFile(name)
	w.note(err)
	return data, err
}

// Stat implements fs.StatFS.
func (w *Watch) Stat(name string) (fs.FileInfo, error) {
	info, err := w.Tree.Stat(name)
	w.note(err)
	return info, err
}

// ReadDir implements fs.ReadDirFS.
func (w *Watch) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := w.Tree.ReadDir(name)
	w.note(err)
	return entries, err
}
