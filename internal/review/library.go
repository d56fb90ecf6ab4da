package review

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// Remembered is how long a Library takes an answer for true, be it a file or that there is none.
	Remembered = 5 * time.Minute
	// maxSlots is how many answers a Library keeps.
	maxSlots = 2000
)

// trees is the part of a forge.Forge that a Library needs.
type trees interface {
	Tree(ctx context.Context, repo forge.Repo, commit string) (forge.Tree, error)
}

// A Library reads configuration files of other repositories of an installation, each once in some minutes: most owners
// have none, and asking must not cost every review a request. It may be used by many goroutines.
type Library struct {
	trees trees
	find  func(ctx context.Context, owner string) (installation int64, err error)

	mu    sync.Mutex
	slots map[mark]*slot
}

// A mark says what an answer is about. It holds the installation, so that nobody is served what another account stored.
type mark struct {
	installation int64 // 0 for what an account shares with all others
	ref          config.Reference
}

// A slot is the place of an answer.
type slot struct {
	turn  chan struct{} // whoever put a value in may ask and write below
	until time.Time     // what is below holds so long
	src   config.Source
	err   error
}

// NewLibrary is an empty one that asks a code host. find says through which installation an account is reached; it is
// asked for those that share their presets with others, and may be nil when there are none.
func NewLibrary(from trees, find func(ctx context.Context, owner string) (int64, error)) *Library {
	return &Library{trees: from, find: find, slots: map[mark]*slot{}}
}

// read is the file that a reference names, as the installation sees it. Several that ask for the same one wait for one
// answer. What was no answer is not kept.
func (l *Library) read(ctx context.Context, installation int64, ref config.Reference) (config.Source, error) {
	s := l.slot(mark{installation, lower(ref)})
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return config.Source{}, ctx.Err()
	}
	defer func() { <-s.turn }()
	if time.Now().Before(s.until) {
		return s.src, s.err
	}
	src, err := l.ask(ctx, installation, ref)
	if err == nil || config.Answers(err) {
		s.src, s.err, s.until = src, err, time.Now().Add(Remembered)
	}
	return src, err
}

// lower is a reference in one spelling: to a code host the case of a repository's name means nothing.
func lower(ref config.Reference) config.Reference {
	ref.Repo = strings.ToLower(ref.Repo)
	return ref
}

// Forget drops what is remembered of a repository, which is known to have changed.
func (l *Library) Forget(repo forge.Repo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.slots, func(m mark, _ *slot) bool { return strings.EqualFold(m.ref.Repo, repo.String()) })
}

// slot is the place for an answer. When there is no room for a new one, all that is old goes, and else everything.
func (l *Library) slot(m mark) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slots[m]
	if s != nil {
		return s
	}
	if len(l.slots) >= maxSlots {
		clear(l.slots)
	}
	s = &slot{turn: make(chan struct{}, 1)}
	l.slots[m] = s
	return s
}

// ask reads the file from its repository.
func (l *Library) ask(ctx context.Context, installation int64, ref config.Reference) (config.Source, error) {
	src, err := config.Source{}, error(nil)
	if installation == 0 && l.find != nil {
		installation, err = l.find(ctx, ref.Owner())
	}
	var tree forge.Tree
	if err == nil {
		owner, name, _ := strings.Cut(ref.Repo, "/")
		repo := forge.Repo{Installation: installation, Owner: owner, Name: name}
		tree, err = l.trees.Tree(ctx, repo, cmp.Or(ref.Ref, "HEAD"))
	}
	if err == nil {
		src, err = config.From(tree, ref)
	}
	if errors.Is(err, forge.ErrGone) {
		err = fmt.Errorf("%w: %w", config.ErrUnreachable, err)
	}
	return src, err
}

// readers are two ways to read configuration files of other repositories during one review. base asks the library; head
// gives only what base was asked for before: which repositories are read is not for a pull request to choose.
func (l *Library) readers(ctx context.Context, repo forge.Repo) (base, head config.Fetch) {
	type answer struct {
		src config.Source
		err error
	}
	got := map[config.Reference]answer{}
	base = func(ref config.Reference) (config.Source, error) {
		if l == nil {
			return config.Source{}, config.ErrUnread
		}
		through := repo.Installation
		if !strings.EqualFold(ref.Owner(), repo.Owner) {
			through = 0
		}
		src, err := l.read(ctx, through, ref)
		got[lower(ref)] = answer{src, err}
		return src, err
	}
	head = func(ref config.Reference) (config.Source, error) {
		if a, ok := got[lower(ref)]; ok {
			return a.src, a.err
		}
		return config.Source{}, config.ErrUnread
	}
	return base, head
}

// organisation is where the default of a repository's owner lies; that of the repository itself it is not.
func organisation(repo forge.Repo) config.Reference {
	const name = ".github"
	if strings.EqualFold(repo.Name, name) {
		return config.Reference{}
	}
	return config.Reference{Repo: repo.Owner + "/" + name}
}

// nothing is a repository without files.
type nothing struct{}

// Open implements fs.FS.
func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
