package sweep

import (
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// What is done about a topic follows from its state alone: what is wanted now, and how its branch and the newest of its
// pull requests stand. Each state has exactly one next step, the first row of steps that fits.

// A Tip says whose the commit at the tip of a topic's branch is.
type Tip int

// The tips. What is not a commit that a sweep made is taken for a person's.
const (
	NoTip      Tip = 1 << iota // there is no branch
	CurrentTip                 // ours, and what is wanted now
	OldTip                     // ours, and something else
	ForeignTip                 // a person's
)

// A Last says how the newest pull request of a topic stands.
type Last int

// The newest pull requests.
const (
	NoPull Last = 1 << iota
	OpenPull
	DeclinedPull  // closed by a person without being merged
	WithdrawnPull // closed by this App
	MergedPull
)

// A Flag is one more thing that is so.
type Flag int

// The flags. Those after Taken are only of open pull requests, but for Full and Hidden.
const (
	Wanted      Flag = 1 << iota // there is something to propose
	Taken                        // somebody else has an open pull request from the branch
	Said                         // we said that we leave the pull request alone
	Reopened                     // it was withdrawn, and a person opened it again
	Retargeted                   // a person had it merged into another branch
	Moved                        // the default branch is another one now
	Conflicting                  // it cannot be merged as it is
	Fresh                        // it has no labels, assignees and reviewers yet
	Stale                        // its text is not what is to be said now
	Full                         // no more pull request may be opened now
	Hidden                       // not all pull requests from the branch could be read
	Unsure                       // what it pins cannot be told now: no registry answers
)

// A State is all that is decided by.
type State struct {
	Tip   Tip
	Last  Last
	Flags Flag
}

// A row is a step for the states that fit: with one of the tips and pull requests (0: any), all of some flags and none
// of others.
type row struct {
	tip   Tip
	last  Last
	is    Flag
	isNot Flag
	act   Act
	why   string
}

const ours = CurrentTip | OldTip

// steps are what is done next.
var steps = []row{
	{is: Hidden, act: Rest, why: "forks have too many pull requests from branches of that name to see what became of ours"},
	{last: OpenPull, is: Said, act: Rest, why: "the pull request is a person's now"},
	{last: OpenPull, is: Taken, act: Yield, why: "somebody else has a pull request from the branch"},
	{last: OpenPull, tip: ForeignTip, act: Yield, why: "a person's commit is on the branch"},
	{last: OpenPull, tip: NoTip, act: Rest, why: "the branch is gone, and the pull request is about to be closed"},
	{last: OpenPull, is: Retargeted, act: Rest, why: "a person wants it merged into another branch"},
	{last: OpenPull, is: Reopened, act: Rest, why: "it was withdrawn, and a person opened it again"},
	{last: OpenPull, is: Moved, act: Withdraw, why: "the default branch is another one now"},
	{last: OpenPull, is: Unsure, act: Rest, why: "no registry says now what the tags mean that it is about"},
	{last: OpenPull, isNot: Wanted, act: Withdraw, why: "there is nothing to propose any more"},
	{last: OpenPull, tip: OldTip, act: Renew, why: "there is something else to propose now"},
	{last: OpenPull, is: Conflicting, act: Renew, why: "it conflicts with the default branch"},
	{last: OpenPull, is: Fresh, act: Finish, why: "it has no labels, assignees and reviewers yet"},
	{last: OpenPull, is: Stale, act: Retext, why: "there is something else to say about it"},
	{last: OpenPull, act: Rest, why: "it is up to date"},

	{is: Taken, act: Rest, why: "somebody else has a pull request from the branch"},
	{tip: ForeignTip, act: Rest, why: "the branch is a person's"},
	{tip: ours, last: DeclinedPull, isNot: Wanted, act: Rest, why: "it was declined, and there is nothing else to propose"},
	{tip: ours, isNot: Wanted, act: Tidy, why: "the branch is not needed any more"},
	{isNot: Wanted, act: Rest, why: "there is nothing to propose"},
	{tip: ours, last: WithdrawnPull | MergedPull, is: Full, act: Tidy, why: "the branch is not needed now"},
	{is: Full, act: Rest, why: "enough pull requests are open, or were opened"},
	{tip: CurrentTip, act: Finish, why: "the branch has no pull request yet"},
	{act: Open, why: "there is something to propose"},
}

func (r row) fits(s State) bool {
	return (r.tip == 0 || r.tip&s.Tip != 0) && (r.last == 0 || r.last&s.Last != 0) && s.Flags&r.is == r.is && s.Flags&r.isNot == 0
}

// Decide is the next step of a state, and why.
func Decide(s State) (Act, string) {
	n := slices.IndexFunc(steps, func(r row) bool { return r.fits(s) })
	return steps[n].act, steps[n].why
}

// opens reports whether an act opens a pull request in a state.
func (s State) opens(a Act) bool { return a == Open || a == Finish && s.Last != OpenPull }

// A proposed is a topic with its branch as it stands.
type proposed struct {
	forge.Proposal
	topic Topic
	// former says that the branch has a name that it would not be given now.
	former bool
}

// tip is the commit at the tip of the branch, "" when there is none.
func (p proposed) tip() string {
	if p.Tip == nil {
		return ""
	}
	return p.Tip.Commit
}

// newest is the pull request that counts: the open one, else the newest; nil for none.
func (p proposed) newest() *forge.Pull {
	n := slices.IndexFunc(p.Pulls, func(pull forge.Pull) bool { return pull.State == forge.PullOpen })
	switch {
	case len(p.Pulls) == 0:
		return nil
	case n < 0:
		return &p.Pulls[0]
	}
	return &p.Pulls[n]
}

// stateOf is the state of a topic. want is what is wanted of it now, and there how the repository stands.
func stateOf(p proposed, want wanted, there *forge.Repository, now time.Time) State {
	s := State{Tip: tipOf(p, want, there), Last: NoPull}
	set := func(f Flag, is bool) {
		if is {
			s.Flags |= f
		}
	}
	set(Wanted, want.bundle != "")
	set(Taken, p.Taken)
	set(Hidden, p.Hidden)
	pull := p.newest()
	if pull == nil {
		return s
	}
	if s.Last = lastOf(*pull); s.Last != OpenPull {
		return s
	}
	_, n, ok := noteOf(pull.Body)
	// Where it may be out of sight it is not said twice.
	set(Said, says(*pull, yieldedMark) || pull.Crowded && s.Tip == ForeignTip)
	set(Reopened, reopened(*pull, now))
	base := hidden.Hash("base", pull.Base)
	set(Retargeted, pull.Base != there.Branch && (!ok || base != n.base))
	set(Moved, pull.Base != there.Branch && ok && base == n.base)
	set(Conflicting, pull.Conflicting && !p.onTop(there))
	set(Fresh, n.fresh)
	set(Stale, want.bundle != "" && want.stale(*pull))
	return s
}

func lastOf(pull forge.Pull) Last {
	switch {
	case pull.State == forge.PullOpen:
		return OpenPull
	case pull.State == forge.PullMerged:
		return MergedPull
	case pull.ByUs:
		return WithdrawnPull
	}
	return DeclinedPull
}

// tipOf says whose the tip is. Only a commit that a sweep made for the topic is ours: one that answers "Fix all" may stand on
// a person's branch. To be what is wanted for a pull request that is to be opened, it has to stand on the default branch.
func tipOf(p proposed, want wanted, there *forge.Repository) Tip {
	if p.Tip == nil {
		return NoTip
	}
	bundle, ok := bundleOf(p.Tip.Message)
	pull := p.newest()
	switch {
	case !p.Tip.Ours || !ok || len(p.Tip.Parents) != 1, p.Branch == there.Branch:
		return ForeignTip
	case bundle != want.bundle:
		return OldTip
	case (pull == nil || pull.State != forge.PullOpen) && !p.onTop(there):
		return OldTip
	}
	return CurrentTip
}

// onTop reports whether the tip stands on the commit at the tip of the default branch.
func (p proposed) onTop(there *forge.Repository) bool {
	return p.Tip != nil && len(p.Tip.Parents) == 1 && p.Tip.Parents[0] == there.Head
}

// What a comment of ours says, at its end.
const (
	yieldedMark   = "yielded"
	withdrawnMark = "withdrawn"
)

// says reports whether a comment of ours on a pull request says something.
func says(p forge.Pull, mark string) bool {
	return slices.ContainsFunc(p.Comments, func(c forge.Comment) bool { return tells(c, mark) })
}

func tells(c forge.Comment, mark string) bool {
	_, lines := hidden.Tail(c.Body)
	return c.Ours && slices.Contains(lines, mark)
}

// settled is how long after saying why it is withdrawn a pull request that is open was opened again, rather than not closed
// yet.
const settled = 24 * time.Hour

func reopened(p forge.Pull, now time.Time) bool {
	return p.ByUs || slices.ContainsFunc(p.Comments, func(c forge.Comment) bool {
		return tells(c, withdrawnMark) && now.Sub(c.Made) > settled
	})
}
