package buildcontext

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// A snapshot remembers the directories of a repository once they were listed. A commit does not change, and one look at
// a build asks for the same names over and over; where each listing costs a walk or a request that would be most of the
// time.
type snapshot struct {
	fs.FS

	root    func() (fs.FileInfo, error)
	under   *snapshot // has what is not in changed; nil when nothing is below
	changed []string  // the files that are other ones than under's, or new

	sameNames bool // whether the changed ones are Dockerfiles that under has too

	mu      sync.Mutex
	dirs    map[string]*listing
	answers map[string]any
}

// A listing is what a directory holds, in the order of its names.
type listing struct {
	entries []fs.DirEntry
	err     error
}

func remembered(repo fs.FS) *snapshot {
	root := sync.OnceValues(func() (fs.FileInfo, error) { return fs.Stat(repo, ".") })
	return &snapshot{FS: repo, root: root, dirs: map[string]*listing{}, answers: map[string]any{}}
}

// with is the snapshot of files that differ from those of s at most in those changed, of which none is gone.
func (s *snapshot) with(files fs.FS, changed []string) *snapshot {
	added := slices.ContainsFunc(changed, func(name string) bool {
		e, ok := s.entry(name)
		return !ok || !e.Type().IsRegular() || strings.HasSuffix(name, "ignore")
	})
	return &snapshot{FS: files, root: s.root, under: s, changed: changed, sameNames: !added,
		dirs: map[string]*listing{}, answers: map[string]any{}}
}

// ReadDir implements fs.ReadDirFS. The caller must not change the result.
func (s *snapshot) ReadDir(name string) ([]fs.DirEntry, error) {
	l := s.list(name)
	return l.entries, l.err
}

func (s *snapshot) list(name string) *listing {
	if s.under != nil && !slices.ContainsFunc(s.changed, func(c string) bool { _, in := below(name, c); return in }) {
		return s.under.list(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.dirs[name]
	if !ok {
		l = s.read(name)
		s.dirs[name] = l
	}
	return l
}

// read lists a directory: as it is below, with what changed in it, when that is known.
func (s *snapshot) read(name string) *listing {
	if s.under != nil {
		if l, ok := s.under.list(name).with(s.FS, name, s.changed); ok {
			return l
		}
	}
	entries, err := fs.ReadDir(s.FS, name)
	return &listing{entries, err}
}

// with is the listing of a directory after files changed; ok is false when it takes a look to know.
func (l *listing) with(files fs.FS, dir string, changed []string) (_ *listing, ok bool) {
	out := &listing{entries: slices.Clone(l.entries), err: l.err}
	for _, name := range changed {
		rest, in := below(dir, name)
		if !in {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		at, there := out.find(first)
		info, err := fs.Stat(files, name)
		switch {
		case l.err != nil || err != nil || deeper && !there:
			return nil, false
		case deeper:
		case there:
			out.entries[at] = fs.FileInfoToDirEntry(info)
		default:
			out.entries = slices.Insert(out.entries, at, fs.FileInfoToDirEntry(info))
		}
	}
	return out, true
}

// below is the rest of a name behind a directory, if it lies there.
func below(dir, name string) (rest string, ok bool) {
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

// find is the place of a name in the listing, or where it would stand.
func (l *listing) find(name string) (at int, ok bool) {
	return slices.BinarySearchFunc(l.entries, name, func(e fs.DirEntry, n string) int { return strings.Compare(e.Name(), n) })
}

// entry is what has a name in a directory.
func (s *snapshot) entry(name string) (fs.DirEntry, bool) {
	l := s.list(path.Dir(name))
	at, ok := l.find(path.Base(name))
	if !ok {
		return nil, false
	}
	return l.entries[at], true
}

// Lstat describes a name. One behind a symbolic link does not exist, whatever the file system below would do.
func (s *snapshot) Lstat(name string) (fs.FileInfo, error) {
	if name == "." {
		return s.root()
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if e, ok := s.entry(dir); !ok || !e.IsDir() {
			return nil, fs.ErrNotExist
		}
	}
	e, ok := s.entry(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return e.Info()
}

// ReadFile implements fs.ReadFileFS.
func (s *snapshot) ReadFile(name string) ([]byte, error) { return fs.ReadFile(s.FS, name) }

// once is the answer to a question about the commit, which is looked for at most a few times: a directory may hold
// thousands of Dockerfiles. Where only Dockerfiles changed, the answer is still the one below.
func (s *snapshot) once(question string, ask func() any) any {
	if s.under != nil && s.sameNames {
		return s.under.once(question, ask)
	}
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
