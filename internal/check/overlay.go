package check

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// opened is a repository together with what is known of how its files are built, so that it is looked up once.
type opened struct {
	fs.FS
	contexts *buildcontext.Repository
	asked    *asked
}

// asked are answers to questions about a repository.
type asked struct {
	mu      sync.Mutex
	answers map[string]func() []string
}

// once is the answer to a question, asked at its first call.
func (a *asked) once(question string, ask func() []string) []string {
	a.mu.Lock()
	answer, ok := a.answers[question]
	if !ok {
		answer = sync.OnceValue(ask)
		a.answers[question] = answer
	}
	a.mu.Unlock()
	return answer()
}

// Once is the answer to a question about the repository as it was opened, without what a fix that is tried changes in it.
// It is asked once for all files.
func (p *Pass) Once(question string, ask func(repo fs.FS) []string) []string {
	repo := p.Repo
	for {
		switch r := repo.(type) {
		case overlay:
			repo = r.repo
			continue
		case opened:
			return r.asked.once(question, func() []string { return ask(r) })
		}
		return ask(repo)
	}
}

// open is repo, opened once: an overlay of it knows what it knows.
func open(repo fs.FS) fs.FS {
	switch r := repo.(type) {
	case opened:
		return r
	case overlay:
		return overlay{open(r.repo), r.files}
	}
	return opened{repo, buildcontext.Open(repo), &asked{answers: map[string]func() []string{}}}
}

// Open is repo for several calls of Examine, Combine and Fix, of which the first reads how its files are built. The files
// must not change in between.
func Open(repo fs.FS) fs.FS { return open(repo) }

// contextsOf is how the files of a repository are built.
func contextsOf(repo fs.FS) *buildcontext.Repository {
	switch r := repo.(type) {
	case opened:
		return r.contexts
	case overlay:
		return contextsOf(r.repo).With(r, slices.Collect(maps.Keys(r.files)))
	}
	return buildcontext.Open(repo)
}

// absent is the error for a file that is not there, which the listing of its directory says; nil when it may be there.
// Checks ask for many files that are not.
func (o opened) absent(op, name string) error {
	if name == "." || !fs.ValidPath(name) || !o.contexts.Absent(name) {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS.
func (o opened) Open(name string) (fs.File, error) {
	if err := o.absent("open", name); err != nil {
		return nil, err
	}
	return o.FS.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (o opened) ReadFile(name string) ([]byte, error) {
	if err := o.absent("open", name); err != nil {
		return nil, err
	}
	return fs.ReadFile(o.FS, name)
}

// Stat implements fs.StatFS.
func (o opened) Stat(name string) (fs.FileInfo, error) {
	if err := o.absent("stat", name); err != nil {
		return nil, err
	}
	return fs.Stat(o.FS, name)
}

// ReadDir implements fs.ReadDirFS. The caller must not change the result.
func (o opened) ReadDir(name string) ([]fs.DirEntry, error) { return o.contexts.ReadDir(name) }

// Prefetch implements buildcontext.Prefetcher, as far as the repository does.
func (o opened) Prefetch(names []string) error { return prefetch(o.FS, names) }

// Prefetch implements buildcontext.Prefetcher, as far as the repository below does.
func (o overlay) Prefetch(names []string) error { return prefetch(o.repo, names) }

func prefetch(repo fs.FS, names []string) error {
	if p, ok := repo.(buildcontext.Prefetcher); ok {
		return p.Prefetch(names)
	}
	return nil
}

// Overlay is repo with some files replaced or added.
func Overlay(repo fs.FS, files map[string][]byte) fs.FS { return overlay{repo, files} }

type overlay struct {
	repo  fs.FS
	files map[string][]byte
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if data, ok := o.files[name]; ok {
		return &memory{Reader: bytes.NewReader(data), entry: entry{name, len(data)}}, nil
	}
	return o.repo.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if data, ok := o.files[name]; ok {
		return slices.Clone(data), nil
	}
	return fs.ReadFile(o.repo, name)
}

// Stat implements fs.StatFS.
func (o overlay) Stat(name string) (fs.FileInfo, error) {
	if data, ok := o.files[name]; ok {
		return entry{name, len(data)}, nil
	}
	return fs.Stat(o.repo, name)
}

// ReadDir implements fs.ReadDirFS; an added file is listed in its directory.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.repo, name)
	if err != nil {
		return entries, err
	}
	own := false
	for file, data := range o.files {
		if path.Dir(file) != name {
			continue
		}
		if !own {
			entries, own = slices.Clone(entries), true
		}
		added := fs.FileInfoToDirEntry(entry{file, len(data)})
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == added.Name() })
		entries = append(entries, added)
	}
	if own {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return entries, nil
}

// memory is an open file of an overlay.
type memory struct {
	*bytes.Reader
	entry entry
}

func (m *memory) Stat() (fs.FileInfo, error) { return m.entry, nil }
func (m *memory) Close() error               { return nil }

var _ io.Seeker = (*memory)(nil)

// entry describes a regular file of an overlay.
type entry struct {
	name string
	size int
}

func (e entry) Name() string       { return path.Base(e.name) }
func (e entry) Size() int64        { return int64(e.size) }
func (e entry) Mode() fs.FileMode  { return 0o644 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return false }
func (e entry) Sys() any           { return nil }
