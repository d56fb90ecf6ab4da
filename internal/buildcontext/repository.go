package buildcontext

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// A Repository tells how the Dockerfiles of one commit are built. The files that state it are read once, however many
// Dockerfiles there are. It may be asked from many goroutines.
type Repository struct {
	files *snapshot
	books *shelf
}

// A shelf holds what the files of directories state.
type shelf struct {
	common func() *book // of the root and its own directories

	mu    sync.Mutex
	books map[string]func() *book // by directory
}

// Open prepares to look at a commit's files, which must not change.
func Open(files fs.FS) *Repository {
	r := &Repository{files: remembered(files), books: &shelf{books: map[string]func() *book{}}}
	r.books.common = sync.OnceValue(func() *book { return bookOf(r.files, topmost(r.files)) })
	return r
}

// With is the repository with other files, which differ from its own at most in those changed: what does not depend on
// these is not read again.
func (r *Repository) With(files fs.FS, changed []string) *Repository {
	for _, name := range changed {
		for _, k := range kinds() {
			if k.is(name) {
				return Open(files)
			}
		}
	}
	return &Repository{files: r.files.with(files, changed), books: r.books}
}

// ReadDir lists a directory, which is read once. The caller must not change the result.
func (r *Repository) ReadDir(name string) ([]fs.DirEntry, error) { return r.files.ReadDir(name) }

// Absent reports whether the repository surely has nothing of that name, by directories that are read once.
func (r *Repository) Absent(name string) bool {
	for at := 0; ; at++ {
		end := strings.IndexByte(name[at:], '/')
		if end < 0 {
			at = len(name)
		} else {
			at += end
		}
		l := r.files.list(path.Dir(name[:at]))
		n, there := l.find(path.Base(name[:at]))
		switch {
		case l.err != nil:
			return false
		case !there:
			return true
		case at == len(name) || !l.entries[n].IsDir(): // behind a link everything is possible
			return false
		}
	}
}

// Find lists the ways in which the repository builds f: those that its files state, else the one that can be inferred,
// else none. A file that cannot be read states nothing.
func Find(repository fs.FS, f *dockerfile.File) []Build { return Open(repository).Find(f) }

// maxBuilds bounds how many ways of building one file are told apart. A check looks at every one.
const maxBuilds = 64

// Find lists the ways in which f is built.
func (r *Repository) Find(f *dockerfile.File) []Build {
	var out []Build
	for _, s := range r.stated(f.Path) {
		b := open(r.files, f.Path, s)
		if known(out, b) {
			continue
		}
		if out = append(out, b); len(out) == maxBuilds {
			s.unknown = fmt.Sprintf("it is built in more than %d ways", maxBuilds)
			s.target, s.anyTarget, s.anyNamed = "", true, true
			return append(out, open(r.files, f.Path, s))
		}
	}
	if len(out) == 0 {
		return inferred(r.files, f)
	}
	return out
}

// stated is what the files say about a Dockerfile that are near: those of the root, of the root's own directories, and of
// the directories above the Dockerfile.
func (r *Repository) stated(dockerfilePath string) []stated {
	out := r.books.common().of(dockerfilePath)
	for _, dir := range above(dockerfilePath) {
		out = append(out, r.book(dir).of(dockerfilePath)...)
	}
	return out
}

// book is what the files of a directory state, read at the first call.
func (r *Repository) book(dir string) *book {
	r.books.mu.Lock()
	read, ok := r.books.books[dir]
	if !ok {
		read = sync.OnceValue(func() *book { return bookOf(r.files, []string{dir}) })
		r.books.books[dir] = read
	}
	r.books.mu.Unlock()
	return read()
}

func bookOf(repo *snapshot, dirs []string) *book {
	var recipes []recipe
	for _, dir := range dirs {
		if recipes = append(recipes, recipesIn(repo, dir)...); len(recipes) > maxRecipes {
			break
		}
	}
	return bound(repo, recipes)
}

// topmost are the root and the root's own directories.
func topmost(repo *snapshot) []string {
	dirs := []string{"."}
	entries, _ := repo.ReadDir(".") // a root that cannot be listed states nothing
	for _, e := range entries {
		if e.IsDir() && !skipped(e.Name()+"/x") {
			dirs = append(dirs, e.Name())
		}
	}
	return dirs
}

// above are the directories above a Dockerfile that are not topmost, the nearest first.
func above(dockerfilePath string) []string {
	var dirs []string
	for dir := path.Dir(dockerfilePath); strings.Contains(dir, "/") || skipped(dir+"/x"); dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return dirs
}

// maxStating bounds how many files of one kind are read in one directory.
const maxStating = 64

// A kind is a kind of file that states how images are built.
type kind struct {
	is   func(name string) bool // by the path in the repository
	read func(repo *snapshot, names []string) []recipe
}

// kinds lists them in the order in which what they state is shown.
func kinds() []kind {
	return []kind{
		{func(name string) bool { return isCompose(path.Base(name)) }, composed},
		{isBake, baked},
		{isWorkflow, each(workflow)},
		{isGitLab, each(gitLab)},
		{isSkaffold, each(skaffold)},
		{isTiltfile, each(tilt)},
		{isMakefile, each(makeRecipes)},
		{isLineFile, each(lineRecipes)},
		{isPackageJSON, each(packageScripts)},
		{isDevcontainer, each(devcontainer)},
	}
}

// each reads files that have nothing to do with one another.
func each(read func(repo *snapshot, name string) []recipe) func(*snapshot, []string) []recipe {
	return func(repo *snapshot, names []string) []recipe {
		var out []recipe
		for _, name := range names {
			out = append(out, read(repo, name)...)
		}
		return out
	}
}

// recipesIn reads what the files of a directory state. The root's also stand in the directories of the code host.
func recipesIn(repo *snapshot, dir string) []recipe {
	names := regular(repo, dir)
	if dir == "." {
		names = append(names, regular(repo, workflowDir)...)
		names = append(names, regular(repo, ".circleci")...)
	}
	var out []recipe
	for _, k := range kinds() {
		var found []string
		for _, name := range names {
			if k.is(name) && len(found) < maxStating {
				found = append(found, name)
			}
		}
		if len(found) > 0 {
			out = append(out, k.read(repo, found)...)
		}
	}
	return out
}

// regular lists the regular files of a directory.
func regular(repo *snapshot, dir string) []string {
	entries, _ := repo.ReadDir(dir) // what cannot be listed is not there
	var out []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			out = append(out, path.Join(dir, e.Name()))
		}
	}
	return out
}

// Wanted reports whether a file of that repository path may be opened by Find or by a Build: those that state how images
// are built, and ignore files. Whoever reads a repository over a network fetches these beforehand.
func Wanted(name string) bool {
	if skipped(name) {
		return false
	}
	return strings.HasSuffix(path.Base(name), ignoreName) || strings.HasSuffix(path.Base(name), podmanIgnoreName) ||
		slices.ContainsFunc(kinds(), func(k kind) bool { return k.is(name) })
}
