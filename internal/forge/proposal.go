package forge

import (
	"context"
	"time"
)

// A Proposer is a code host on which we open pull requests of our own. It decides nothing. What it reads of a repository
// and of proposals is how they stand now, and the latter is read last before anything is written.
type Proposer interface {
	// Repository reads how a repository stands. One that is gone or out of reach is ErrGone.
	Repository(ctx context.Context, repo Repo) (*Repository, error)
	// Tree and MayWrite are those of Forge.
	Tree(ctx context.Context, repo Repo, commit string) (Tree, error)
	MayWrite(ctx context.Context, repo Repo, login string) (bool, error)
	// Proposals reads what became of branches of ours, one Proposal for each name, in the order given.
	Proposals(ctx context.Context, repo Repo, branches []string) ([]Proposal, error)
	// Opened lists the branches from which we opened pull requests, as far as these are among the newest 100 that are open
	// or the newest 100 that were closed unmerged. A branch may be in it twice.
	Opened(ctx context.Context, repo Repo) ([]string, error)
	// Propose carries out what is to be done about one proposal, in the order of the fields of Motion, and returns the
	// number of the pull request that it opened, or 0. The error is ErrStale when the branch is not where the motion was
	// made for, or a pull request is there already or not open any more, and ErrForbidden when the host does not let us: a
	// missing permission, or, as ErrRules, a protected branch. What was done when it fails shows in the next Proposals.
	Propose(ctx context.Context, repo Repo, m Motion) (opened int, err error)
	// Dashboard reads the issue of that number; for 0 the oldest open one, else the newest, of those that this App opened
	// and that end in a marker. It is nil when there is none, or it was deleted. The error is
	// ErrForbidden when the host does not let us have issues.
	Dashboard(ctx context.Context, repo Repo, number int, marker string) (*Issue, error)
	// SetDashboard writes an issue, and opens it for number 0. Once closed it stays as it is. The error is as that of Dashboard.
	SetDashboard(ctx context.Context, repo Repo, number int, to IssueDraft) (opened int, err error)
}

// An Issue is an issue that this App opened.
type Issue struct {
	Number int
	Open   bool
	Body   string
	// Editor is the login of who changed the body last; "" for this App, nobody, and somebody whom the host does not name.
	Editor string
}

// An IssueDraft is what an issue is to say. The title, one line, is given when it is opened and never again.
type IssueDraft struct {
	Title string
	Body  string // Markdown, at most 65536 characters
	Close bool   // as not planned
}

// A Repository is a repository as it stands.
type Repository struct {
	Repo     Repo   // under the names that it has now
	ID       string // the host's node id
	Branch   string // the default branch; "" for a repository without commits
	Head     string // the commit at its tip; "" for a repository without commits
	Tree     string // the id of that commit's tree: what did not change since it was the same is the same
	Archived bool
	Disabled bool
	Mirror   bool
	Fork     bool
	Private  bool // as far as a list of repositories tells
	// Subjects are the first lines of the newest commit messages on the default branch, the newest first.
	Subjects []string
}

// A Proposal is a branch of ours, with the pull requests from it.
type Proposal struct {
	Branch string
	Tip    *Tip // nil when there is no such branch
	// Pulls are the pull requests from the branch, in this repository, into any branch, that this App opened; the
	// newest first and at most 50.
	Pulls []Pull
	// Taken says that somebody else has an open pull request from the branch.
	Taken bool
	// Hidden says that not all pull requests could be read: those of forks from branches of that name are too many.
	Hidden bool
}

// A Tip is the commit at the tip of a branch.
type Tip struct {
	Commit  string
	Parents []string
	Message string
	Ours    bool // this App made the commit, and nobody changed it
	Author  string
}

// PullState says how a pull request stands, in lower case, in GitHub's words.
type PullState string

// The states of a pull request.
const (
	PullOpen   PullState = "open"
	PullClosed PullState = "closed" // without being merged
	PullMerged PullState = "merged"
)

// A Pull is a pull request that this App opened.
type Pull struct {
	Number int
	State  PullState
	// ByUs says that this App closed it, when it was last closed: one that is open was opened again then.
	ByUs  bool
	Made  time.Time
	Ended time.Time // when it was closed or merged; zero while it is open
	Base  string    // name of the branch that it is to be merged into
	Title string
	Body  string
	Draft bool
	// Conflicting says that it cannot be merged as it is. A host that has not found out yet says false.
	Conflicting bool
	// Comments are what was said on it, oldest first and at most the newest hundred: what we said, and what begins with
	// a slash.
	Comments []Comment
	// Crowded says that more was said than Comments can hold.
	Crowded bool
}

// A Motion is everything to be written for one proposal, decided beforehand.
type Motion struct {
	Branch string
	// Tip is the commit at which the branch has to be for anything to be written, "" when there must be none. It is
	// compared when the branch is moved.
	Tip string
	// Commit is made and the branch moved to it, away from whatever it had; nil leaves the branch.
	Commit *Commit
	// Open opens a pull request from the branch; nil opens none.
	Open *PullDraft
	// Number is the pull request that the rest is about; with Open it is the one that was opened, and this is 0. It has to be
	// open for anything to be written but answers: what a person closed meanwhile is left as they closed it.
	Number int
	// Dress gives the pull request its labels, assignees and reviewers; nil gives none. A name that the host does not
	// take is left out, and is no error.
	Dress *Dress
	// Text replaces title and body; nil leaves them.
	Text *PullText
	// Say is a comment; "" is none.
	Say string
	// Tell is a comment as Say is, which may be on a pull request that has ended.
	Tell string
	// React is what is put on comments of the pull request.
	React []Reaction
	// Close closes the pull request.
	Close bool
	// Delete deletes the branch, which has to be at Tip.
	Delete bool
}

// Empty reports whether there is nothing to write.
func (m Motion) Empty() bool {
	return m.Commit == nil && m.Open == nil && m.Dress == nil && m.Text == nil && m.Say == "" && m.Tell == "" &&
		len(m.React) == 0 && !m.Close && !m.Delete
}

// Answers reports whether there is nothing to write but reactions and what may be told at any time.
func (m Motion) Answers() bool {
	m.React, m.Tell = nil, ""
	return m.Empty()
}

// A PullText is what a pull request says. The title is one line.
type PullText struct {
	Title string
	Body  string // Markdown, at most 65536 characters
}

// A PullDraft is a pull request to be opened.
type PullDraft struct {
	PullText
	Base  string
	Draft bool // where the host has drafts; elsewhere it is opened for review
}

// A Dress is who and what is named on a pull request. A reviewer "team/NAME" is a team of the repository's owner.
type Dress struct {
	Labels    []string
	Assignees []string
	Reviewers []string
}
