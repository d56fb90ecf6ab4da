package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// maxSubtrees bounds the requests for directories in a repository that is too large to be listed at once.
const maxSubtrees = 300

// Tree is the repository at one commit, or at a branch or a tag; nothing is read before it is asked for. The first
// question costs one request for the whole listing, in a repository beyond GitHub's 100,000 entries one for each directory
// that is looked into.
func (a *App) Tree(ctx context.Context, repo forge.Repo, commit string) (forge.Tree, error) {
	i, err := a.installation(repo)
	if err != nil {
		return nil, err
	}
	return &tree{i: i, ctx: about(ctx, repo.Name), repo: repo, commit: commit}, nil
}

// A Reader is an App that only reads files: its tokens allow no more than that.
type Reader struct{ app *App }

// Reader is the App as a Reader.
func (a *App) Reader() Reader { return Reader{a} }

// Tree is App.Tree, of any repository of the installation.
func (r Reader) Tree(ctx context.Context, repo forge.Repo, commit string) (forge.Tree, error) {
	i, err := r.app.installation(repo)
	if err != nil {
		return nil, err
	}
	ctx = context.WithValue(ctx, scopeKey, scope{repo.Name, reads})
	return &tree{i: i, ctx: ctx, repo: repo, commit: commit}, nil
}

// A tree is a short-lived view, so it keeps the context that bounds its reads.
type tree struct {
	i      *installation
	ctx    context.Context
	repo   forge.Repo
	commit string

	mu       sync.Mutex
	entries  map[string]*entry // by path; nil until the listing was read
	subtrees int               // requests for single directories so far
}

// An entry is a file or directory. A directory's children are nil until they were listed.
type entry struct {
	path     string
	mode     string // git's
	sha      string
	size     int64
	listed   bool
	children []*entry
}

var _ forge.Tree = (*tree)(nil)

// find is the entry of a name, in a listing read as far as needed. The caller holds mu.
func (t *tree) find(op, name string) (*entry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if err := t.load(name); err != nil {
		return nil, doing(err, "list %s at %s", t.repo, t.commit)
	}
	e := t.entries[name]
	if e == nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return e, nil
}

// load reads the listing, and in a large repository that of every directory down to name.
func (t *tree) load(name string) error {
	if t.entries == nil {
		if err := t.loadAll(); err != nil {
			return err
		}
	}
	at := "."
	for {
		e := t.entries[at]
		if e == nil || e.mode != modeDir {
			return nil
		}
		if err := t.list(e); err != nil || at == name {
			return err
		}
		at = child(at, name)
	}
}

// child is the path one element further down from dir towards name.
func child(dir, name string) string {
	rest := name
	if dir != "." {
		rest = strings.TrimPrefix(name, dir+"/")
	}
	first, _, _ := strings.Cut(rest, "/")
	return path.Join(dir, first)
}

// loadAll asks for the whole listing; when GitHub cuts it, only the root is kept, to be listed by and by.
func (t *tree) loadAll() error {
	all, res, err := t.i.client.Git.GetTree(t.ctx, t.repo.Owner, t.repo.Name, url.PathEscape(t.commit), true)
	if err != nil && res != nil && res.StatusCode == http.StatusConflict { // "Git Repository is empty."
		t.entries = map[string]*entry{".": {path: ".", mode: modeDir, listed: true}}
		return nil
	}
	if err != nil {
		return meaning(err)
	}
	root := &entry{path: ".", mode: modeDir, sha: cmp.Or(all.GetSHA(), t.commit), listed: !all.GetTruncated()}
	t.entries = map[string]*entry{".": root}
	if root.listed {
		for _, e := range all.Entries {
			t.add(".", e, true)
		}
	}
	return nil
}

// add takes an entry of a directory's listing into the tree, but for a name that git does not have: with an empty one a
// directory would hold itself.
func (t *tree) add(dir string, e *gogithub.TreeEntry, listed bool) {
	name := path.Join(dir, e.GetPath())
	if !fs.ValidPath(e.GetPath()) || t.entries[name] != nil {
		return
	}
	one := &entry{path: name, mode: e.GetMode(), sha: e.GetSHA(), size: int64(e.GetSize()), listed: listed}
	t.entries[name] = one
	if parent := t.entries[path.Dir(name)]; parent != nil { // git lists a directory before what it holds
		parent.children = append(parent.children, one)
	}
}

// list reads one directory's own entries.
func (t *tree) list(dir *entry) error {
	if dir.listed {
		return nil
	}
	if t.subtrees++; t.subtrees > maxSubtrees {
		return fmt.Errorf("more than %d directories of a large repository were asked for: %w", maxSubtrees, forge.ErrTooLarge)
	}
	listing, _, err := t.i.client.Git.GetTree(t.ctx, t.repo.Owner, t.repo.Name, dir.sha, false)
	if err != nil {
		return meaning(err)
	}
	if listing.GetTruncated() {
		return fmt.Errorf("directory %s is too large to be listed: %w", dir.path, forge.ErrTooLarge)
	}
	for _, e := range listing.Entries {
		t.add(dir.path, e, false)
	}
	dir.listed = true
	return nil
}

// ReadFile reads a file from what was prefetched or remembered, else with one request.
func (t *tree) ReadFile(name string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if err := e.readable(); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	data, err := t.i.blob(t.ctx, t.repo, e.sha)
	return slices.Clone(data), doing(err, "read %s at %s of %s", name, t.commit, t.repo)
}

// readable says why an entry cannot be read as a file.
func (e *entry) readable() error {
	switch e.mode {
	case modeDir:
		return errors.New("is a directory")
	case modeLink:
		return fmt.Errorf("is a symbolic link, which is not followed: %w", fs.ErrInvalid)
	case modeCommit:
		return fmt.Errorf("is a submodule: %w", fs.ErrInvalid)
	}
	if e.size > MaxBlob {
		return &TooLargeError{Path: e.path, Size: e.size}
	}
	return nil
}

// Prefetch reads the files that are not remembered yet, fifty in a query.
func (t *tree) Prefetch(paths []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var batch []string
	size := int64(0)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := t.i.blobs(t.ctx, t.repo, batch)
		batch, size = nil, 0
		return doing(err, "read files of %s at %s", t.repo, t.commit)
	}
	for _, name := range paths {
		e, err := t.find("prefetch", name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return err
		}
		if e == nil || e.readable() != nil || slices.Contains(batch, e.sha) || t.remembered(e.sha) {
			continue
		}
		if len(batch) == blobBatch || size+e.size > blobBatchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, size = append(batch, e.sha), size+e.size
	}
	return flush()
}

func (t *tree) remembered(sha string) bool {
	_, ok := t.i.app.blobs.get(blobKey{t.i.id, sha})
	return ok
}
