package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// A fix may change another file than its Dockerfile, one that does not exist yet included: the ignore file of the build
// context. Other Dockerfiles may be built from the same context, so whoever proves such a fix is shown all of them.

// original is a file's text, nil when there is no such file.
func original(repo fs.FS, name string) ([]byte, error) {
	src, err := read(repo, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return src, err
}

// edited are the files that edits of a repository's files touch, with the edits made.
func edited(repo fs.FS, edits []fixes.Edit) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, e := range edits {
		if _, done := out[e.Path]; done {
			continue
		}
		src, err := original(repo, e.Path)
		if err == nil {
			out[e.Path], err = fixes.Apply(e.Path, src, edits)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// changes are the files that are not in the repository as they are in after, by path.
func changes(repo fs.FS, after map[string][]byte) ([]Changed, error) {
	var out []Changed
	for name, text := range after {
		src, err := original(repo, name)
		if err != nil {
			return nil, err
		}
		if src == nil || !bytes.Equal(src, text) {
			out = append(out, Changed{name, src, text})
		}
	}
	slices.SortFunc(out, func(a, b Changed) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

const (
	// maxDockerfiles is how many Dockerfiles of a repository are looked at to find those that share a file.
	maxDockerfiles = 200
	// maxWalked is how many files are passed by to find them.
	maxWalked = 200_000
)

// dockerfiles lists the repository's Dockerfiles, those in folders that are passed over otherwise included: they too may
// be built from a context that a fix changes.
func dockerfiles(repo fs.FS) ([]string, error) {
	var out []string
	n := 0
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		switch n++; {
		case err != nil:
			return err
		case n > maxWalked || len(out) > maxDockerfiles:
			return fmt.Errorf("the repository is too large to find every Dockerfile that is built from this directory")
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.Type().IsRegular() && dockerfile.Named(name):
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

// shared are the Dockerfiles that may be built with one of the changed files: by what is known of their builds, or because
// not enough is; path counts whatever it is called. now and then are the repository before and after.
func (v *verifier) shared(ctx context.Context, now, then fs.FS, path string, changed []Changed) ([]Shared, error) {
	names, err := v.all()
	if err != nil {
		return nil, err
	}
	before, after := contextsOf(now), contextsOf(then)
	names = slices.Concat(names, before.Dockerfiles(), []string{path})
	slices.Sort(names)
	names = slices.Compact(names)
	var out []Shared
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := read(now, name)
		if err != nil {
			return nil, err
		}
		s := Shared{Path: name, Text: text}
		if s.File, err = v.parse(name, text); err == nil {
			s.Before = before.FindStated(s.File, v.o.stated(name))
		}
		if !slices.ContainsFunc(changed, s.mayRead) {
			continue
		}
		if s.File != nil {
			s.After = after.FindStated(s.File, v.o.stated(name))
		}
		out = append(out, s)
	}
	return out, nil
}

// parse parses a Dockerfile, or returns it as it was parsed before.
func (v *verifier) parse(name string, text []byte) (*dockerfile.File, error) {
	if f, ok := v.read.Load(name); ok && bytes.Equal(f.(*dockerfile.File).Src, text) {
		return f.(*dockerfile.File), nil
	}
	f, err := dockerfile.Parse(name, text)
	if err == nil {
		v.read.Store(name, f)
	}
	return f, err
}

// mayRead reports whether a build of the Dockerfile may read the changed file: it lies at the root of a context, or beside
// the Dockerfile and is named after it.
func (s Shared) mayRead(c Changed) bool {
	if strings.HasPrefix(path.Base(c.Path), path.Base(s.Path)+".") && path.Dir(c.Path) == path.Dir(s.Path) {
		return true
	}
	if len(s.Before) == 0 { // then from its own directory, or one above it
		dir := path.Dir(c.Path)
		return dir == "." || strings.HasPrefix(s.Path, dir+"/")
	}
	return slices.ContainsFunc(s.Before, func(b buildcontext.Build) bool {
		return b.Unknown != "" || b.AnyNamed || !b.Remote && b.Dir == path.Dir(c.Path) || namesContext(b, path.Dir(c.Path))
	})
}

// namesContext reports whether a directory is one of the build's named contexts, which has an ignore file of its own.
func namesContext(b buildcontext.Build, dir string) bool {
	for _, is := range b.Named {
		if path.Clean(is) == dir {
			return true
		}
	}
	return false
}
