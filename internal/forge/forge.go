// Package forge holds the nouns of a code host and the one interface through which the rest of lighterman talks to it.
//
// The package does no I/O. A Forge reads a pull request as it stands (Change), reads the repository at a commit as an
// fs.FS (Tree), and carries out a finished Plan (Publish). It decides nothing: what to say, and whether to say it, was
// settled in package review before a Plan exists.
package forge

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"time"
)

// Repo names a repository on a code host, and the App installation through which it is reached.
type Repo struct {
	Installation int64 // the App installation's id; 0 where the host has none
	Owner        string
	Name         string
}

// String is "owner/name".
func (r Repo) String() string { return r.Owner + "/" + r.Name }

// Ref names a pull request, or a merge group: several that are tried together before they are merged. With neither it
// names a repository as a whole.
type Ref struct {
	Repo   Repo
	Number int // 0 for a merge group, and for a whole repository
	// Group and GroupBase are the commits of a merge group's head and of what it is merged into, "" for a pull request;
	// GroupBase may be unknown.
	Group     string
	GroupBase string
}

// Whole reports whether this is a repository as a whole: what is to be swept, not reviewed.
func (r Ref) Whole() bool { return r.Number == 0 && r.Group == "" }

// String is "owner/name#n", or "owner/name@" and the start of the head of a merge group, or "owner/name" of a whole
// repository.
func (r Ref) String() string {
	if r.Whole() {
		return r.Repo.String()
	}
	if r.Group != "" {
		return fmt.Sprintf("%s@%.7s", r.Repo, r.Group)
	}
	return fmt.Sprintf("%s#%d", r.Repo, r.Number)
}

// A Head is an open pull request with the commit at the tip of its head branch.
type Head struct {
	Ref    Ref
	Commit string
}

// A Forge is a code host. Its errors are wrapped with what was being done; a *LimitError says when to come back, and
// ErrGone that the subject no longer exists or can no longer be seen.
type Forge interface {
	// Change reads what a pull request changes at this moment.
	Change(ctx context.Context, ref Ref) (*Change, error)
	// Standing reads how a pull request stands: its state, and everything that we said about it. It is read last before
	// anything is written, so that what people did meanwhile counts.
	Standing(ctx context.Context, ref Ref) (*Standing, error)
	// Tree is the repository at one commit. The context bounds every later read from it.
	Tree(ctx context.Context, repo Repo, commit string) (Tree, error)
	// MayWrite reports whether somebody may push to a repository, and so may ask us to.
	MayWrite(ctx context.Context, repo Repo, login string) (bool, error)
	// Push makes a commit on a branch of the repository and returns it. The error is ErrStale when the branch is not at
	// the commit's parent any more, and ErrForbidden when the host does not let us.
	Push(ctx context.Context, repo Repo, c Commit) (commit string, err error)
	// MergeBase is the newest commit that two commits have in common.
	MergeBase(ctx context.Context, repo Repo, base, head string) (commit string, err error)
	// React puts an emoji of ours on a comment, where it is not there yet. A comment that is gone is ErrGone.
	React(ctx context.Context, ref Ref, r Reaction) error
	// Publish carries out a plan. What it already did when it fails is found again by the markers in the bodies, so
	// a later run of the same job completes it and doubles nothing.
	Publish(ctx context.Context, ref Ref, plan Plan) error
}

// A Tree is a repository at one commit, read lazily. Symbolic links and submodules are listed with their mode and are
// never followed: opening one is an error that satisfies errors.Is(err, fs.ErrInvalid).
type Tree interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
	// Prefetch reads the named files in as few requests as the host allows. Names that do not exist are skipped.
	Prefetch(paths []string) error
}

// SameBlob reports whether a text is what git stores under an id: SHA-1, or SHA-256 where the id is as long.
func SameBlob(id string, text []byte) bool {
	var h hash.Hash = sha1.New()
	if len(id) == 2*sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(text))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)) == id
}

// A Change is what a pull request changes, at one of its heads.
type Change struct {
	Ref Ref
	// Head is the commit that the files are of; "" when the host does not say, because there are none.
	Head string
	// Files are the changed files of the three-dot diff (merge base to head), in the host's order.
	Files []ChangedFile
	// Full is set when the host listed as many files as it ever does (GitHub: 3000); there may be more.
	Full bool
}

// A Standing is a pull request as it stands, with what was said about it.
type Standing struct {
	Ref    Ref
	Open   bool
	Draft  bool
	Author string // login of who opened it; "" for a deleted account
	Bot    bool   // opened by a program
	Ours   bool   // opened by this App itself
	Base   string // commit of the base branch's tip (not the merge base)
	// Settings are the blobs that the base branch's tip has under the names of configuration files, by path; nil when the
	// host did not say. SameBlob compares them with a text.
	Settings map[string]string
	Head     string // commit of the head branch's tip
	Branch   string // name of the head branch
	// Source is where the head branch lies: the repository itself or a fork; nil when that was deleted.
	Source *Repo
	Fork   bool
	Count  int // how many files the host counts as changed
	// Recent are the newest commits of the head branch, oldest first; Files are not filled in.
	Recent []Commit
	// Pushless says that we may not push to the repository.
	Pushless bool
	// Threads are the review threads in which we spoke first. Others are those that somebody else began and in which
	// a line begins with a slash, which may be a command.
	Threads []Thread
	Others  []Thread
	// Comments are what was said on the pull request itself, oldest first: what we said, and what begins with a slash. The
	// bodies of reviews that other people submitted are among them, ours are in Reviews.
	Comments []Comment
	// Reviews are the reviews that we submitted, oldest first, without their inline comments.
	Reviews []Review
	// Checks are our check runs on Head, oldest first. Checkless says that we may not write any.
	Checks    []CheckRun
	Checkless bool
}

// Status says what happened to a changed file, in GitHub's words.
type Status string

// The values of Status that GitHub's schema "diff-entry" lists and lighterman tells apart; others are Modified.
const (
	Added    Status = "added"
	Modified Status = "modified"
	Removed  Status = "removed"
	Renamed  Status = "renamed"
	Copied   Status = "copied"
)

// A ChangedFile is one file of a pull request's diff.
type ChangedFile struct {
	Path    string
	OldPath string // the path before a rename or copy, else ""
	Status  Status
	// Patch is the file's hunks in unified format, without file headers. It is empty for binary files, for renames
	// without edits, and where the host left out a diff for its size.
	Patch string
	// Lines is the number of changed lines (additions and deletions) that the host counted; with an empty Patch a
	// number above zero says that the diff was left out.
	Lines int
	// Computed says that Patch was made by us, of a diff that the host left out; it may take no comments there.
	Computed bool
}

// A Thread is a review thread.
type Thread struct {
	ID         string // the host's node id, for resolving
	Path       string
	Commit     string // the head that it was begun for; "" when the host does not know that any more
	Line       int    // last line in the current diff; 0 once outdated
	Outdated   bool
	Resolved   bool
	ResolvedBy string // login, "" when not resolved
	CanResolve bool   // whether this App may resolve it
	// Hidden is why the first comment is minimised, in the host's words ("resolved", "off-topic"); "" while it is shown.
	// Publish minimises as "resolved".
	Hidden   string
	Comments []Comment
	Downs    []string // logins of those who marked the first comment with a thumb down
}

// A Comment is one comment of a thread, or on the pull request itself. Of those in Standing.Threads the first is ours.
type Comment struct {
	ID      int64 // among the comments of threads, among the reviews, or among the others
	NodeID  string
	Author  string // login, which ends in "[bot]" for a program; "" for a deleted account
	Ours    bool
	Body    string
	Made    time.Time
	Edited  bool    // since it was made
	Touched bool    // somebody else than its author edited it last
	Reacted []Emoji // by us
	Review  bool    // it is the body of a submitted review, which takes no reactions
}

// An Emoji is a reaction to a comment, in the words of GitHub's REST interface.
type Emoji string

// The emojis that lighterman uses: a command was seen, it was carried out, it was not.
const (
	Eyes     Emoji = "eyes"
	ThumbUp  Emoji = "+1"
	Confused Emoji = "confused"
)

// A Reaction is an emoji of ours on a comment.
type Reaction struct {
	Comment int64
	Thread  bool // the comment stands in a review thread
	Emoji   Emoji
}

// A Reply is a comment of ours that answers another one: in the review thread that begins with the comment Thread, or on
// the pull request itself when that is 0.
type Reply struct {
	Thread int64
	Body   string
}

// A Review is a submitted review of ours.
type Review struct {
	ID     int64
	NodeID string
	Body   string
	Commit string // the head it was written for

	Touched bool // somebody else edited its body last
}

// A CheckRun is a check run of ours.
type CheckRun struct {
	ID          int64
	Key         string // what CheckDraft.Key said when it was written
	Request     string // and CheckDraft.Request
	Concluded   bool
	Conclusion  Conclusion
	Annotations int // how many it has
}

// Conclusion says how a check run ended, in GitHub's words.
type Conclusion string

// The values of Conclusion that lighterman writes. Success and Neutral let a pull request be merged.
const (
	Success Conclusion = "success"
	Neutral Conclusion = "neutral"
	Failure Conclusion = "failure"
)

// A Request is what somebody asked for beside what a pull request is told anyway.
type Request struct {
	ID      string // names it among all requests; at most MaxRequestID bytes
	Kind    RequestKind
	By      string // login of who asked
	Commit  string // the head whose check run had the button; "" for a command
	Comment int64  // the comment that holds the command; 0 for a button
	Thread  bool   // that comment stands in a review thread
	Review  bool   // that comment is the body of a review
	Text    string // the command as written, from "/lighterman" to the line's end
}

// MaxRequestID and MaxRequestText bound a request's ID and its Text, in bytes.
const (
	MaxRequestID   = 64
	MaxRequestText = 500
)

// RequestKind says how somebody asked, and for a button which it was. The buttons are the ids of check run actions.
type RequestKind string

// The kinds of requests.
const (
	FixAll  RequestKind = "fix-all"  // push every proven fix
	FixSafe RequestKind = "fix-safe" // push those after which the same is built
	Rerun   RequestKind = "re-run"
	Command RequestKind = "command"
)

// A Commit is a change of files. Its author is the host's matter, which signs it then.
type Commit struct {
	ID      string // "" before it is made
	Parent  string
	Branch  string
	Message string
	Files   []FileText
}

// A Call is what a webhook asks for.
type Call struct {
	Action  string   // the payload's, "" where the event has none
	Refs    []Ref    // what is to be brought up to date; most often one, or none
	Head    string   // the head that the pull requests of Refs had then; "" where the host does not say
	Request *Request // what somebody asked for on each of those; nil for nothing
	// Repo and Commit stand for Refs where the host names none: whatever has that head there.
	Repo   Repo
	Commit string
}

// A Sent is one attempt of the host to deliver a webhook to us.
type Sent struct {
	ID     int64
	GUID   string // the same for every attempt to deliver the webhook
	Event  string
	Action string // the payload's, "" where the event has none
	At     time.Time
	Status int  // of our answer; 0 when there was none
	Again  bool // somebody had it delivered again
}

// Arrived reports whether we answered that we had it.
func (s Sent) Arrived() bool { return 200 <= s.Status && s.Status <= 299 }

// An Installation is an account on which the App is installed.
type Installation struct {
	ID        int64
	Account   string // login of the organisation or the person
	Kind      string // the host's word for which of them it is
	All       bool   // on all of its repositories, those to come included
	Suspended bool
	Page      string // where the account's owners change it; "" is not known
}

// A Listed is a repository that an installation reaches.
type Listed struct {
	Repo
	Private  bool
	Archived bool
	Fork     bool
}

// Asks reports whether there is anything to do.
func (c Call) Asks() bool { return len(c.Refs) > 0 || c.Commit != "" }

// A Plan is everything to be written to one pull request, decided beforehand.
type Plan struct {
	Head     string        // the commit the plan was made for; a plan for another head must not be published
	Review   *Draft        // at most one new review; nil for none
	Edit     []CommentEdit // comments of ours whose text changed
	EditBody []ReviewEdit  // reviews of ours whose summary changed
	Resolve  []string      // ids of threads whose finding is gone
	Minimize []string      // node ids of first comments of threads that cannot be resolved for want of permission
	Check    *CheckDraft   // the check run of Head; nil when it says all this already
	// Replies answer commands. Reactions say which commands are settled, so they are written last of all.
	Replies   []Reply
	Reactions []Reaction
}

// Empty reports whether there is nothing to write.
func (p Plan) Empty() bool {
	return p.Review == nil && len(p.Edit) == 0 && len(p.EditBody) == 0 && len(p.Resolve) == 0 && len(p.Minimize) == 0 &&
		p.Check == nil && len(p.Replies) == 0 && len(p.Reactions) == 0
}

// A CheckDraft is a concluded check run to be written.
type CheckDraft struct {
	// ID is a check run that is brought to this; 0 makes a new one.
	ID int64
	// Written is how many of the annotations that run has already: annotations can be added, never taken back.
	Written     int
	Key         string // a word for what the run says, by which it is known again; at most 200 bytes
	Request     string // the id of the run that wrote it, for people who look into a log; at most 64 bytes, "" for none
	Conclusion  Conclusion
	Title       string // one line
	Summary     string // Markdown
	Text        string // Markdown below the summary; may be empty
	Annotations []Annotation
	Actions     []Action
}

// An Annotation is a remark of a check run on lines of a file. Lines are 1-based; it shows as plain text.
type Annotation struct {
	Path      string
	StartLine int
	EndLine   int
	Level     Level
	Title     string
	Message   string
}

// Level is how an annotation shows.
type Level string

// The levels of an annotation.
const (
	LevelNotice  Level = "notice"
	LevelWarning Level = "warning"
	LevelFailure Level = "failure"
)

// An Action is a button of a check run. GitHub takes three, with labels of 20 characters, descriptions of 40 and ids of 20.
type Action struct {
	ID          string
	Label       string
	Description string
}

// A Draft is a review to be submitted with the event COMMENT.
type Draft struct {
	Body     string
	Comments []DraftComment
}

// A DraftComment is an inline comment on the RIGHT side of the diff. Lines are 1-based lines of the file at the plan's
// head; StartLine equals Line for a comment on one line.
type DraftComment struct {
	Path      string
	StartLine int
	Line      int
	Body      string
}

// A CommentEdit replaces the body of a review comment of ours.
type CommentEdit struct {
	ID   int64
	Body string
}

// A ReviewEdit replaces the summary of a submitted review of ours.
type ReviewEdit struct {
	ID   int64
	Body string
}

// ErrGone is wrapped by errors that say the subject does not exist or is out of the App's reach: a deleted repository,
// a removed or suspended installation. Trying again does not help.
var ErrGone = errors.New("gone or out of reach")

// ErrTooLarge is wrapped by errors that say that the repository is too large to be listed. Trying again does not help.
var ErrTooLarge = errors.New("the repository is too large")

// ErrForbidden is wrapped by Push's error when the host does not let us push: a protected branch, a missing permission.
var ErrForbidden = errors.New("not allowed")

// ErrRules is an ErrForbidden that no permission changes: a rule of the repository is in the way of a branch.
var ErrRules = fmt.Errorf("a rule of the repository: %w", ErrForbidden)

// ErrStale is wrapped by Publish's error when the host refused the plan because the pull request moved on. A new job
// for the new head settles it.
var ErrStale = errors.New("the pull request moved on")

// ErrRefused is wrapped by Publish's error when the host refused the review as a whole, on GitHub with 422: a line it
// does not take for part of the diff, most often. Nothing of the review was written, and the same plan fails again.
var ErrRefused = errors.New("the review was refused")

// A LimitError says that the host asked us to wait: a primary or a secondary rate limit.
type LimitError struct {
	Until time.Time // when to come back
	Err   error
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("rate limited until %s: %v", e.Until.UTC().Format(time.RFC3339), e.Err)
}

func (e *LimitError) Unwrap() error { return e.Err }
