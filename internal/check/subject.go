package check

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Subject reports whether a file, named from the root of what is looked at, is a Dockerfile to look at: by its name, and
// not in a folder that is passed over.
func Subject(name string) bool {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if PassedOver(dir) {
			return false
		}
	}
	return dockerfile.Named(name)
}

// PassedOver reports whether a folder holds other people's files or, by Go's convention, the data of tests: Dockerfiles
// there are not what the repository ships. Naming such a folder outright looks at it all the same.
func PassedOver(dir string) bool {
	switch strings.ToLower(path.Base(dir)) {
	case ".git", "node_modules", "vendor", ".venv", "testdata":
		return true
	}
	return false
}

// Dockerfiles lists the Dockerfiles of a repository that are to be looked at, sorted and at most a number of them; left is
// how many more there are. The error is the file system's or the context's.
func Dockerfiles(ctx context.Context, repo fs.FS, o Options, most int) (paths []string, left int, err error) {
	err = fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && name != "." && PassedOver(name):
			return fs.SkipDir
		case !d.Type().IsRegular() || !o.Subject(name):
		case len(paths) == most:
			left++
		default:
			paths = append(paths, name)
		}
		return nil
	})
	return paths, left, err
}
