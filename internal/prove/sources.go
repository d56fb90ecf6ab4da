package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// maxSources and maxSource bound how many files of a program are looked at, and how many bytes each may have: where the
// repository is behind a network they are fetched.
const (
	maxSources = 400
	maxSource  = 1 << 20
)

// errMany is the error of a walk that found more files than are looked at.
var errMany = errors.New("the program is made of more files than are looked at")

// eachSource looks at the wanted files of a build context, read together, and returns how many there are.
func eachSource(context fs.FS, wanted func(name string) bool, look func(name string, text []byte) error) (int, error) {
	var names []string
	err := fs.WalkDir(context, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read the build context: %w", err)
		case d.IsDir() && d.Name() == "node_modules":
			return fs.SkipDir
		case d.IsDir() || !wanted(name):
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxSource {
			return fmt.Errorf("%s is too large to look at", name)
		}
		if names = append(names, name); len(names) > maxSources {
			return errMany
		}
		return nil
	})
	if p, ok := context.(buildcontext.Prefetcher); ok && err == nil {
		err = p.Prefetch(names)
	}
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(context, name)
		if err != nil {
			return 0, fmt.Errorf("read %s in the build context: %w", name, err)
		}
		if err := look(name, text); err != nil {
			return 0, err
		}
	}
	return len(names), nil
}

// eachBeside looks at the wanted files of the repository, or of a context when nothing more is known: at all of them, or,
// where they are too many, at those in the Dockerfile's own directory, below it, and directly in one above.
func (c *change) eachBeside(b buildcontext.Build, wanted func(name string) bool, look func(name string, text []byte) error) error {
	all := b.Context
	if c.Repo != nil {
		all = c.Repo
	}
	beside := func(name string) bool { return wanted(name) && !passedOver.MatchString(name) && name != c.Path }
	_, err := eachSource(all, beside, look)
	if errors.Is(err, errMany) {
		_, err = eachSource(all, func(name string) bool { return c.near(name) && beside(name) }, look)
	}
	return err
}

// near reports whether a file lies in the Dockerfile's own directory, below it, or directly in one above.
func (c *change) near(name string) bool {
	own, dir := path.Dir(c.Path), path.Dir(name)
	return own == "." || dir == "." || within(dir, own) || within(own, dir)
}
