package prove

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// maxSources and maxSource bound how many files of a program are looked at, and how many bytes each may have: where the
// repository is behind a network they are fetched.
const (
	maxSources = 400
	maxSource  = 1 << 20
)

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
			return errors.New("the program is made of more files than are looked at")
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
