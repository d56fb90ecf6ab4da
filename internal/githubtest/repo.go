package githubtest

import (
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Repo is a repository. A fork shares its parent's git objects, as on GitHub.
type Repo struct {
	s         *Server
	id        int64
	owner     string
	name      string
	formers   []string // full names it had before, which redirect
	private   bool
	parent    *Repo  // of a fork
	refs      string // prefix of its branches, "refs/heads/" unless it is a fork
	main      string // the default branch
	git       *gitDir
	numbers   int // how many numbers pull requests and issues have taken
	pulls     []*Pull
	issues    []*Issue
	issueless bool              // issues are switched off
	levels    map[string]string // what people may do here, by login
	guarded   []string          // branches that only pull requests change
	suites    []*checkSuite
	deleted   bool
	archived  bool
	marks     Marks
	teams     []string // slugs of teams of the owner's that may be asked for reviews
	labels    []string // that were ever used
}

// CreateRepo makes a repository with one commit of these files on the branch main. An owner's first repository installs
// the App for all of the owner's repositories, once it is registered.
func (s *Server) CreateRepo(owner, name string, files map[string]string) (*Repo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.newRepo(owner, name)
	if err != nil {
		return nil, err
	}
	first := Commit{Message: "first commit", Author: owner, Files: files}
	if _, err := r.git.write(r.refs+"main", "", first, s.now()); err != nil {
		return nil, err
	}
	s.addRepo(r)
	return r, nil
}

// Text reads every file below the root of fsys, for CreateRepo and Push.
func Text(fsys fs.FS) (map[string]string, error) {
	files := make(map[string]string)
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, path)
		files[path] = string(data)
		return err
	})
	return files, err
}

// Fork makes a fork that belongs to owner, with the branches of r. The App is not installed there.
func (r *Repo) Fork(owner string) (*Repo, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	f := &Repo{
		s: r.s, id: r.s.id(), owner: owner, name: r.name, parent: r, main: r.main, refs: "refs/forks/" + owner + "/",
		git: r.git,
	}
	out, err := r.git.run(nil, "for-each-ref", "--format=%(objectname) %(refname)", r.refs)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(out)) {
		sha, ref, _ := strings.Cut(strings.TrimSpace(line), " ")
		branch := strings.TrimPrefix(ref, r.refs)
		if err := r.git.change(nil, "update-ref", f.refs+branch, sha); err != nil {
			return nil, err
		}
	}
	r.s.repos = append(r.s.repos, f)
	return f, nil
}

// Owner and Name are what a person calls the repository.
func (r *Repo) Owner() string { return r.owner }

// Name is the repository's name without its owner.
func (r *Repo) Name() string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.name
}

func (r *Repo) full() string { return r.owner + "/" + r.name }

// Rename gives the repository another name; the old one redirects.
func (r *Repo) Rename(name string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	was := r.name
	r.formers = append(r.formers, r.full())
	r.name = name
	change := obj{"repository": obj{"name": obj{"from": was}}}
	return r.notify("repository", r.owner, obj{"action": "renamed", "changes": change})
}

// Transfer gives the repository another owner; the old name redirects to whoever may still see it. Only the App's
// installation for the new owner, if there is one, reaches it from now on.
func (r *Repo) Transfer(owner string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	was := r.owner
	r.formers = append(r.formers, r.full())
	r.owner = owner
	change := obj{"owner": obj{"from": obj{"user": r.s.user(was)}}}
	return r.notify("repository", owner, obj{"action": "transferred", "changes": change})
}

// RenameBranch gives a branch another name. Pull requests into it follow, those of it are closed.
func (r *Repo) RenameBranch(from, to, by string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sha, err := r.git.commit(r.refs + from)
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"update-ref", r.refs + to, sha}, {"update-ref", "-d", r.refs + from}} {
		if err := r.git.change(nil, args...); err != nil {
			return err
		}
	}
	if r.main == from {
		r.main = to
	}
	for _, p := range r.pulls {
		if p.base != from || p.state != "open" {
			continue
		}
		p.base = to
		change := obj{"base": obj{"ref": obj{"from": from}, "sha": obj{"from": sha}}}
		if err := p.notify("edited", by, obj{"changes": change}); err != nil {
			return err
		}
	}
	return r.branchGone(from, by)
}

// Delete deletes the repository. A fork's pull requests stay, with nobody's branch as their head.
func (r *Repo) Delete() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.deleted = true
}

// Branch makes a branch at a revision, "main" for instance.
func (r *Repo) Branch(name, at string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sha, err := r.resolve(at)
	if err != nil {
		return err
	}
	return r.git.change(nil, "update-ref", r.refs+name, sha, strings.Repeat("0", 40))
}

// Push writes files in one commit onto a branch, which it makes at main when there is none, and returns the commit.
// Open pull requests of that branch tell the App's webhook.
func (r *Repo) Push(branch, message string, files map[string]string) (string, error) {
	return r.Commit(branch, Commit{Message: message, Files: files})
}

// Commit is Push with everything that a commit can say.
func (r *Repo) Commit(branch string, c Commit) (string, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.push(branch, c)
}

// ForcePush sets a branch to any revision, as a push after a rebase does.
func (r *Repo) ForcePush(branch, to string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	before, err := r.git.commit(r.refs + branch)
	if err != nil {
		return err
	}
	sha, err := r.resolve(to)
	if err != nil {
		return err
	}
	if err := r.git.change(nil, "update-ref", r.refs+branch, sha); err != nil {
		return err
	}
	return r.pushed(branch, before, sha, r.owner)
}

// Protect lets only pull requests change a branch.
func (r *Repo) Protect(branch string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.guarded = append(r.guarded, branch)
}

// Archive makes the repository read-only.
func (r *Repo) Archive() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.archived = true
}

func (r *Repo) push(branch string, c Commit) (string, error) {
	if c.Author == "" {
		c.Author = r.owner
	}
	parent, err := r.git.commit(r.refs + branch)
	if err != nil {
		if parent, err = r.git.commit(r.refs + r.main); err != nil {
			return "", err
		}
	}
	sha, err := r.git.write(r.refs+branch, parent, c, r.s.now())
	if err != nil {
		return "", err
	}
	return sha, r.pushed(branch, parent, sha, c.Author)
}

// pushed brings the pull requests of a branch up to date, closes as merged those into it whose commits it holds now, and
// tells the webhook.
func (r *Repo) pushed(branch, before, after, by string) error {
	if err := r.notifyPush(branch, before, after, by); err != nil {
		return err
	}
	if err := r.mergedByPush(branch, before, after, by); err != nil {
		return err
	}
	for _, p := range r.base().pulls {
		if p.head == r && p.headBranch == branch && p.state == "open" && !r.deleted {
			p.headSHA, p.updated = after, r.s.now()
			if err := p.notify("synchronize", by, obj{"before": before, "after": after}); err != nil {
				return err
			}
		}
	}
	return nil
}

// base is the repository that pull requests are opened in: the fork's parent, else r itself.
func (r *Repo) base() *Repo {
	if r.parent != nil {
		return r.parent
	}
	return r
}

// ReadFile is a file's content at a revision, a branch or a commit.
func (r *Repo) ReadFile(at, path string) (string, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sha, err := r.resolve(at)
	if err != nil {
		return "", err
	}
	return r.readFile(sha, path)
}

func (r *Repo) readFile(sha, path string) (string, error) {
	o, ok, err := r.git.object(sha + ":" + path)
	if err == nil && (!ok || o.kind != "blob") {
		return "", &fs.PathError{Op: "read", Path: path + " at " + sha, Err: fs.ErrNotExist}
	}
	return string(o.data), err
}

var pullRef = regexp.MustCompile(`^(?:refs/)?pull/(\d+)/head$`)

// resolve returns the commit that a branch, a pull request's ref or an abbreviated SHA names.
func (r *Repo) resolve(rev string) (string, error) {
	if m := pullRef.FindStringSubmatch(rev); m != nil {
		n, _ := strconv.Atoi(m[1])
		if p := r.s.pull(r, n); p != nil {
			return p.headSHA, nil
		}
	}
	if sha, err := r.git.commit(r.refs + rev); err == nil {
		return sha, nil
	}
	return r.git.commit(rev)
}

// Head is the commit at the tip of a branch.
func (r *Repo) Head(branch string) (string, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.git.commit(r.refs + branch)
}

// find is the repository of that name, nil if there is none. The caller holds mu.
func (s *Server) find(owner, name string) *Repo {
	for _, r := range s.repos {
		if !r.deleted && strings.EqualFold(r.full(), owner+"/"+name) {
			return r
		}
	}
	return nil
}

// renamed is the repository that had that name before.
func (s *Server) renamed(owner, name string) *Repo {
	for _, r := range s.repos {
		if !r.deleted && slices.Contains(r.formers, owner+"/"+name) {
			return r
		}
	}
	return nil
}

// DeleteBranch deletes a branch, which closes its pull requests. Their head stays what it was.
func (r *Repo) DeleteBranch(branch, by string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if err := r.git.change(nil, "update-ref", "-d", r.refs+branch); err != nil {
		return err
	}
	return r.branchGone(branch, by)
}

// branchGone closes the pull requests of a branch that was deleted, and tells the webhook.
func (r *Repo) branchGone(branch, by string) error {
	for _, p := range r.base().pulls {
		if p.head == r && p.headBranch == branch && p.state == "open" {
			p.close(by)
			if err := p.notify("closed", by, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
