package sweep

import (
	"context"
	"log/slog"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// A Sweeper keeps the pull requests with fixes of repositories up to date. It holds no state between them: what was
// proposed, and what people said to it, is read from the code host. It may be used by many goroutines.
type Sweeper struct {
	Host    forge.Proposer
	Options check.Options
	// Settings is what a repository's configuration is loaded with; nil takes the repository's own alone.
	Settings func(ctx context.Context, repo forge.Repo) config.Settings
	// Version names the engine and what it knows: a memory of another one is not used. "" uses none.
	Version string
	// Remember is how long a memory is used, so that what changes outside of a repository is seen; 0 is 30 days.
	Remember time.Duration
	Now      func() time.Time // nil: the clock
	Logger   *slog.Logger     // nil: nothing is logged
	// Trace begins a span for a phase of a sweep and returns what ends it. Nil is none.
	Trace func(ctx context.Context, phase string) (context.Context, func(error))
}

// phase runs a phase, in a span of its own.
func (s *Sweeper) phase(ctx context.Context, name string, do func(context.Context) error) error {
	if s.Trace == nil {
		return do(ctx)
	}
	ctx, end := s.Trace(ctx, name)
	err := do(ctx)
	end(err)
	return err
}

// An Ask says how one sweep is to be done. The zero value asks for everything.
type Ask struct {
	// DryRun decides and writes nothing: Outcome.Steps hold the motions that would have been carried out.
	DryRun bool
	// Look only surveys the repository, whatever was decided about sweeps: as if nobody had agreed.
	Look bool
	// Agreed says that whoever asks may answer for the repository: where nobody decided whether sweeps are enabled, they are.
	Agreed bool
	// Families are the families of fixes to propose; none means those of the configuration. Of others nothing is withdrawn.
	Families []check.Family
	// Permit takes one permit to open a pull request now, and reports whether there was one; nil: there always is. It is
	// told how many of ours are open in the repository. What it refuses is left for a later sweep (Step.Waits).
	Permit func(open int) bool
	// Memory is what an earlier sweep of the repository left in Outcome.Memory; nil for none.
	Memory []byte
}

// An Outcome is what came of a sweep. It is also what is known when there is an error.
type Outcome struct {
	// Repository is the repository as it stood; nil when it could not be read.
	Repository *forge.Repository
	// Skipped is why the repository was not looked at; "" when it was.
	Skipped Reason
	// Problem tells why the configuration cannot be used, with Skipped Misconfigured.
	Problem string
	// Sweeps is what was decided about sweeps; zero when the configuration was not read.
	Sweeps config.Sweeps
	// Consent says whether somebody agreed to pull requests being opened.
	Consent Consent
	// Survey is what there is to say about the repository, its bundles without what people declined. It is nil when
	// nothing changed since the sweep that left Ask.Memory, and the engine was not run; Totals are known then too.
	Survey *Survey
	Totals Totals
	// Steps are one for each topic, in the order in which they were decided.
	Steps []Step
	// Opened is how many pull requests were opened, Open how many of ours with fixes are open in the repository now, and
	// Written how many steps wrote something.
	Opened  int
	Open    int
	Written int
	// Undisplayed is why there is no dashboard where one is wanted: the host does not let us have issues.
	Undisplayed error
	// Memory is for the Ask of the next sweep: at most MaxMemory bytes of JSON; nil when there is nothing to remember.
	Memory []byte
}

// MaxMemory bounds an Outcome.Memory, in bytes.
const MaxMemory = 64 << 10

// Reason says why a repository is not looked at.
type Reason string

// The reasons.
const (
	Archived      Reason = "archived"
	Disabled      Reason = "disabled"
	Empty         Reason = "empty"
	Mirrored      Reason = "mirror"
	Forked        Reason = "fork"
	TooLarge      Reason = "size"          // it has too many files to be listed
	Misconfigured Reason = "configuration" // its configuration cannot be used
)

// Consent says whether somebody agreed to pull requests being opened.
type Consent string

// The values of Consent. Where it is missing a sweep looks and writes nothing.
const (
	Given   Consent = "given"   // sweeps.enabled: true
	Refused Consent = "refused" // sweeps.enabled: false; what is open is withdrawn
	Missing Consent = "missing" // nothing was decided
)

// An Act is what is done about one topic.
type Act string

// The acts, of which each state of a topic has one.
const (
	Rest     Act = "rest"     // nothing is to be done
	Open     Act = "open"     // make the commit, and open a pull request
	Finish   Act = "finish"   // open, or dress, what an earlier sweep began
	Renew    Act = "renew"    // make the commit anew from the default branch
	Retext   Act = "retext"   // say what holds now
	Withdraw Act = "withdraw" // say why, close, and delete the branch
	Yield    Act = "yield"    // say once that the branch is a person's now
	Tidy     Act = "tidy"     // delete the branch of what has ended
	Answer   Act = "answer"   // answer a command, and nothing else
)

// A Step is what is done about one topic.
type Step struct {
	Topic  string // Topic.Name
	Branch string
	Act    Act
	Why    string // one clause for people who want to know
	Number int    // the pull request that it is about, or that was opened; 0 for none
	// Waits says that a pull request would be opened were there not too many.
	Waits  bool
	Motion forge.Motion // empty when there is nothing to write
	// Done says that the motion was carried out. Failed is why it was not, where only this step is concerned: the host
	// does not let us.
	Done   bool
	Failed error

	state State
}

// Totals are what a survey comes to. They can be added up, and kept.
type Totals struct {
	Dockerfiles int              `json:"dockerfiles"`
	Findings    int              `json:"findings"`
	Fixable     int              `json:"fixable"` // how many of the findings the bundles fix
	Gain        Gain             `json:"gain"`    // what is known of it
	Checks      map[string]Count `json:"checks,omitempty"`
	Topics      map[string]Count `json:"topics,omitempty"` // Findings is how many fixes there are
}

// A Count is one row of Totals.
type Count struct {
	Findings int `json:"findings"`
	Fixable  int `json:"fixable"`
	Files    int `json:"files"` // how many files have one, or are changed
}
