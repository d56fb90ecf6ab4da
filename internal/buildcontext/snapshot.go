package buildcontext

import (
	"io/fs"
	"path"
	"sync"
)

// A snapshot remembers the directories of a repository once they were listed. A commit does not change, and one look at
// a build asks for the same names over and over; where each listing costs a walk or a request that would be most of the
// time.
type snapshot struct {
	fs.FS

	root  func() (fs.FileInfo, error)
	under *snapshot       // has the directories that are not in fresh; nil when all are fresh
	fresh map[string]bool // the directories that hold, somewhere below, what under has otherwise

	mu      sync.Mutex
	dirs    map[string]*listing
	answers map[string]bool
}

// A listing is what a directory holds.
type listing struct {
	entries []fs.DirEntry
	byName  map[string]fs.DirEntry
	err     error
}

func remembered(repo fs.FS) *snapshot {
	root := sync.OnceValues(func() (fs.FileInfo, error) { return fs.Stat(repo, ".") })
	return &snapshot{FS: repo, root: root, dirs: map[string]*listing{}, answers: map[string]bool{}}
}

// with is the snapshot of files that differ from those of s at most in those changed.
func (s *snapshot) with(files fs.FS, changed []string) *snapshot {
	fresh := map[string]bool{".": true}
	for _, name := range changed {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			fresh[dir] = true
		}
	}
	return &snapshot{FS: files, root: s.root, under: s, fresh: fresh, dirs: map[string]*listing{},
		answers: map[string]bool{}}
}

// ReadDir implements fs.ReadDirFS. The caller must not change the result.
func (s *snapshot) ReadDir(name string) ([]fs.DirEntry, error) {
	l := s.list(name)
	return l.entries, l.err
}

func (s *snapshot) list(name string) *listing {
	if s.under != nil && !s.fresh[name] {
		return s.under.list(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.dirs[name]; ok {
		return l
	}
	l := &listing{byName: map[string]fs.DirEntry{}}
	l.entries, l.err = fs.ReadDir(s.FS, name)
	for _, e := range l.entries {
		l.byName[e.Name()] = e
	}
	s.dirs[name] = l
	return l
}

// Lstat describes a name. One behind a symbolic link does not exist, whatever the file system below would do.
func (s *snapshot) Lstat(name string) (fs.FileInfo, error) {
	if name == "." {
		return s.root()
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if e, ok := s.list(path.Dir(dir)).byName[path.Base(dir)]; !ok || !e.IsDir() {
			return nil, fs.ErrNotExist
		}
	}
	e, ok := s.list(path.Dir(name)).byName[path.Base(name)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return e.Info()
}

// ReadFile implements fs.ReadFileFS.
func (s *snapshot) ReadFile(name string) ([]byte, error) { return fs.ReadFile(s.FS, name) }

// once is the answer to a question about the commit, which is looked for at most a few times: a directory may hold
// thousands of Dockerfiles.
func (s *snapshot) once(question string, ask func() bool) bool {
	s.mu.Lock()
	answer, ok := s.answers[question]
	s.mu.Unlock()
	if ok {
		return answer
	}
	answer = ask()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[question] = answer
	return answer
}
