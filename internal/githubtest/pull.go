package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Pull is a pull request. Its methods do what people do on its page.
type Pull struct {
	s          *Server
	repo       *Repo
	id         int64
	number     int
	title      string
	body       string
	author     string
	base       string // branch
	head       *Repo  // repo itself or a fork
	headBranch string
	headSHA    string // of the last push, kept when the branch goes away
	draft      bool
	state      string // open or closed
	mergeSHA   string // "" until it is merged, as mergeBase
	mergeBase  string // the tip of the base branch when it was merged
	modifiable bool
	closedBy   string    // who closed or merged it last
	closed     time.Time // when; zero while it is open
	labels     []string
	assignees  []string
	reviewers  []string // asked for a review
	teams      []string // slugs of teams that were
	created    time.Time
	updated    time.Time
	reviews    []*review
	threads    []*thread
	told       []string   // the heads that were asked for by GraphQL, the last one told last
	talk       []*comment // comments on its timeline
}

// PullOptions say what pull request to open.
type PullOptions struct {
	Title, Body string
	Author      string // login; "" is the owner of the head branch
	Base        string // "" is main
	Head        string // branch
	Fork        *Repo  // where the head branch is; nil is the repository itself
	Draft       bool
	Modifiable  bool // on a fork: maintainers may push to the head branch
}

// OpenPull opens a pull request and tells the App's webhook.
func (r *Repo) OpenPull(o PullOptions) (*Pull, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.openPull(o)
}

func (r *Repo) openPull(o PullOptions) (*Pull, error) {
	p := &Pull{
		s: r.s, repo: r, id: r.s.id(), number: r.nextNumber(), title: o.Title, body: o.Body, author: o.Author, base: o.Base,
		head: o.Fork, headBranch: o.Head, draft: o.Draft, modifiable: o.Modifiable || o.Fork == nil, state: "open",
		created: r.s.now(), updated: r.s.now(),
	}
	if p.head == nil {
		p.head = r
	}
	if p.author == "" {
		p.author = p.head.owner
	}
	if p.base == "" {
		p.base = r.main
	}
	var err error
	if p.headSHA, err = r.git.commit(p.head.refs + p.headBranch); err != nil {
		return nil, err
	}
	r.pulls = append(r.pulls, p)
	return p, p.notify("opened", p.author, nil)
}

// Number is the pull request's number.
func (p *Pull) Number() int { return p.number }

// Repo is the repository it was opened in.
func (p *Pull) Repo() *Repo { return p.repo }

// Title is what its author called it.
func (p *Pull) Title() string { return p.title }

// Author is the login of who opened it.
func (p *Pull) Author() string { return p.author }

// HeadBranch is the branch that it wants to merge.
func (p *Pull) HeadBranch() string { return p.headBranch }

// Head is the commit at the tip of the head branch.
func (p *Pull) Head() string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.headSHA
}

// Base is the commit at the tip of the base branch.
func (p *Pull) Base() (string, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.baseSHA()
}

func (p *Pull) baseSHA() (string, error) {
	if p.mergeBase != "" {
		return p.mergeBase, nil
	}
	return p.repo.git.commit(p.repo.refs + p.base)
}

// Close closes the pull request without merging it.
func (p *Pull) Close(by string) error { return p.setState("closed", "closed", by) }

// Reopen opens it again.
func (p *Pull) Reopen(by string) error { return p.setState("open", "reopened", by) }

func (p *Pull) setState(state, action, by string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if state == "closed" {
		p.close(by)
	} else {
		p.state, p.closed = state, time.Time{}
	}
	return p.notify(action, by, nil)
}

// close closes it. The caller holds mu, and tells the webhook.
func (p *Pull) close(by string) {
	p.state, p.closedBy, p.closed, p.updated = "closed", by, p.s.now(), p.s.now()
}

// A Status is a pull request as its page shows it.
type Status struct {
	Title, Body                         string
	State                               string // open, closed or merged
	Base                                string
	Draft                               bool
	ClosedBy                            string
	Labels, Assignees, Reviewers, Teams []string
}

// Status is how the pull request stands.
func (p *Pull) Status() Status {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return Status{
		Title: p.title, Body: p.body, State: strings.ToLower(p.graphqlState()), Base: p.base, Draft: p.draft, ClosedBy: p.closedBy,
		Labels: slices.Clone(p.labels), Assignees: slices.Clone(p.assignees), Reviewers: slices.Clone(p.reviewers),
		Teams: slices.Clone(p.teams),
	}
}

// Pulls are the repository's pull requests, oldest first.
func (r *Repo) Pulls() []*Pull {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return slices.Clone(r.pulls)
}

// SetDraft makes the pull request a draft or ready for review.
func (p *Pull) SetDraft(draft bool, by string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.draft = draft
	if draft {
		return p.notify("converted_to_draft", by, nil)
	}
	return p.notify("ready_for_review", by, nil)
}

// Retarget changes the base branch.
func (p *Pull) Retarget(base, by string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	from, err := p.baseSHA()
	if err != nil {
		return err
	}
	was := p.base
	p.base = base
	change := obj{"base": obj{"ref": obj{"from": was}, "sha": obj{"from": from}}}
	return p.notify("edited", by, obj{"changes": change})
}

// Retitle changes the title.
func (p *Pull) Retitle(title, by string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	was := p.title
	p.title = title
	return p.notify("edited", by, obj{"changes": obj{"title": obj{"from": was}}})
}

// A File is one changed file of a pull request, as its page shows it.
type File struct {
	Path, OldPath string
	Status        string // GitHub's word
	Patch         string // hunks in unified format, "" for binary files
}

// Files are the changed files of the three-dot diff, in git's order.
func (p *Pull) Files() ([]File, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	diffs, err := p.diff(p.headSHA)
	var files []File
	for _, d := range diffs {
		files = append(files, File{Path: d.path, OldPath: d.oldPath, Status: d.status, Patch: d.patch})
	}
	return files, err
}

// diff is the three-dot diff at one of the pull request's commits. The caller holds mu.
func (p *Pull) diff(head string) ([]fileDiff, error) {
	from, err := p.parted(head)
	if err != nil {
		return nil, err
	}
	return p.repo.git.diff(from, head)
}

// parted is the commit at which one of the pull request's commits and the base branch parted: their merge base.
func (p *Pull) parted(head string) (string, error) {
	base, err := p.baseSHA()
	if err != nil {
		return "", err
	}
	from, err := p.repo.git.line("merge-base", base, head)
	if err != nil {
		return "", fmt.Errorf("merge base of %s and %s: %w", base, head, err)
	}
	return from, nil
}

func (p *Pull) fileAt(head, path string) (*fileDiff, error) {
	files, err := p.diff(head)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(files, func(f fileDiff) bool { return f.path == path })
	if i < 0 {
		return nil, nil
	}
	return &files[i], nil
}

// commits are the pull request's own commits, newest first.
func (p *Pull) commits() ([]string, error) {
	base, err := p.baseSHA()
	if err != nil {
		return nil, err
	}
	out, err := p.repo.git.line("rev-list", base+".."+p.headSHA)
	return strings.Fields(out), err
}

// tell is the head for whoever asks.
func (p *Pull) tell(map[string]any) (any, error) {
	p.told = append(slices.DeleteFunc(p.told, func(sha string) bool { return sha == p.headSHA }), p.headSHA)
	return p.headSHA, nil
}

// outdated reports whether a commit is a head that the asker was told, and then another one.
func (p *Pull) outdated(sha string) bool {
	at := slices.Index(p.told, sha)
	return at >= 0 && at < len(p.told)-1
}

// Outdated are the writes so far that were made for a head although GitHub had told a newer one before, each in words.
func (s *Server) Outdated() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.outdated)
}

// ours reports whether a login is the App's own.
func (s *Server) ours(login string) bool { return login == s.Bot() }

func (s *Server) pull(r *Repo, number int) *Pull {
	for _, p := range r.pulls {
		if p.number == number {
			return p
		}
	}
	return nil
}
