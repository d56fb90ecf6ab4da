package corpus

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/internal/check"
)

// A repository is one folder with Dockerfiles.
type repository struct {
	name  string
	repo  fs.FS
	paths []string
}

// A Run is the whole engine over one folder.
type Run struct {
	Dir string
	// Options are the engine's for one repository.
	Options func(repo fs.FS) (check.Options, error)
	// Lines gets one line of JSON for every Dockerfile; nil for none.
	Lines io.Writer
	// Step is called after each repository; nil for nothing.
	Step func(name string)
}

// Run looks at every Dockerfile below the folder. Each folder in it is a repository of its own, unless the folder itself
// is one: it holds .git or a Dockerfile. Repositories are looked at side by side, and told in the order of their names.
func (r Run) Run(ctx context.Context) (*Totals, error) {
	all, err := repositories(r.Dir)
	if err != nil {
		return nil, err
	}
	found := make([]chan []File, len(all))
	for n := range all {
		found[n] = make(chan []File, 1)
	}
	p := pool.New().WithContext(ctx).WithCancelOnError().WithMaxGoroutines(runtime.GOMAXPROCS(0) + 1)
	var totals Totals
	p.Go(func(ctx context.Context) error { return r.collect(ctx, all, found, &totals) })
	for n, one := range all {
		p.Go(func(ctx context.Context) error {
			files, err := r.look(ctx, one)
			found[n] <- files
			return err
		})
	}
	return &totals, p.Wait()
}

// collect tells what was found, repository by repository.
func (r Run) collect(ctx context.Context, all []repository, found []chan []File, totals *Totals) error {
	lines := json.NewEncoder(io.Discard)
	if r.Lines != nil {
		lines = json.NewEncoder(r.Lines)
	}
	for n := range all {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case files := <-found[n]:
			for _, f := range files {
				totals.Add(f)
				if err := lines.Encode(f); err != nil {
					return err
				}
			}
		}
		if r.Step != nil {
			r.Step(all[n].name)
		}
	}
	return nil
}

func (r Run) look(ctx context.Context, one repository) ([]File, error) {
	o, err := r.Options(one.repo)
	if err != nil {
		return nil, err
	}
	o.Concurrency = 1
	repo := check.Open(one.repo)
	var out []File
	for _, path := range one.paths {
		f, err := Look(ctx, repo, one.name, path, o)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// repositories are the folders to look at, those without a Dockerfile left out.
func repositories(dir string) ([]repository, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	itself := slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == ".git" || !e.IsDir() && check.Subject(e.Name())
	})
	if itself {
		entries = nil
		one, err := open(dir, filepath.Base(dir))
		return []repository{one}, err
	}
	var out []repository
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		one, err := open(filepath.Join(dir, e.Name()), e.Name())
		if err != nil {
			return nil, err
		}
		if len(one.paths) > 0 {
			out = append(out, one)
		}
	}
	return out, nil
}

// open lists the Dockerfiles of a repository. Nothing outside of it is read, even through a symbolic link.
func open(dir, name string) (repository, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return repository{}, err
	}
	r := repository{name: name, repo: root.FS()}
	err = fs.WalkDir(r.repo, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir // a folder that cannot be read, or whose name is not UTF-8
		case err != nil:
			return err
		case d.IsDir() && path != "." && check.PassedOver(d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular() && check.Subject(path):
			r.paths = append(r.paths, path)
		}
		return nil
	})
	return r, err
}
