package buildcontext

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// A view is a directory of a repository as a builder sees it. It never follows a symbolic link.
type view struct {
	repo    *snapshot
	dir     string
	ignored *matcher
}

// Open implements fs.FS.
func (v *view) Open(name string) (fs.File, error) {
	info, err := v.find("open", name)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		entries, err := v.ReadDir(name)
		return &openDir{info: info, entries: entries}, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return v.repo.Open(path.Join(v.dir, name))
}

// A Prefetcher reads files together that will be asked for one by one. A tree behind a network is one.
type Prefetcher interface {
	Prefetch(names []string) error
}

// Prefetch implements Prefetcher, as far as the repository does.
func (v *view) Prefetch(names []string) error {
	p, ok := v.repo.FS.(Prefetcher)
	if !ok {
		return nil
	}
	full := make([]string, len(names))
	for n, name := range names {
		full[n] = path.Join(v.dir, name)
	}
	return p.Prefetch(full)
}

// Stat implements fs.StatFS; for a symbolic link it describes the link.
func (v *view) Stat(name string) (fs.FileInfo, error) { return v.find("stat", name) }

// ReadDir implements fs.ReadDirFS.
func (v *view) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := v.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	all, err := v.repo.ReadDir(path.Join(v.dir, name))
	var out []fs.DirEntry
	for _, e := range all {
		if v.visible(path.Join(name, e.Name()), e.IsDir()) {
			out = append(out, e)
		}
	}
	return out, err
}

// find is the description of a visible name.
func (v *view) find(op, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	info, err := v.repo.Lstat(path.Join(v.dir, name))
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if !v.visible(name, info.IsDir()) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return info, nil
}

// visible reports whether the ignore file lets a name through. An excluded directory is there all the same when
// something below it is taken back.
func (v *view) visible(name string, dir bool) bool {
	if name == "." || !v.ignored.excludes(name) {
		return true
	}
	return dir && v.ignored.reincludes() && v.holds(name)
}

// holds reports whether something below an excluded directory is visible.
func (v *view) holds(name string) bool {
	if v.ignored.hidesAll(name) {
		return false
	}
	entries, err := v.repo.ReadDir(path.Join(v.dir, name))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if v.visible(path.Join(name, e.Name()), e.IsDir()) {
			return true
		}
	}
	return false
}

// isDir reports whether a name is a directory.
func isDir(repo *snapshot, name string) bool {
	info, err := repo.Lstat(name)
	return err == nil && info.IsDir()
}

// An openDir is an open directory of a view.
type openDir struct {
	info    fs.FileInfo
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n]
	d.entries = d.entries[n:]
	return out, nil
}

// nothing is a file system without any file.
type nothing struct{}

func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// clean is a repository path made of a directory and what a file says relative to it; ok is false when that leads out
// of the repository.
func clean(dir, relative string) (string, bool) {
	if path.IsAbs(relative) {
		return "", false
	}
	joined := path.Join(dir, relative)
	return joined, joined != ".." && !strings.HasPrefix(joined, "../")
}
