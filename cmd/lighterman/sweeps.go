package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/internal/sweep"
)

// sweepOptions say how a service sweeps.
type sweepOptions struct {
	OpenPerOwner int           // how many of our pull requests an installation has open at most
	OpensPerHour int           // and how many are opened there within an hour
	Spread       time.Duration // the time over which the first sweeps of new repositories are spread; 0 is none
	Timing       config.Timing // where neither a repository nor its organisation says when
}

// timing is when repositories are swept that leave it open.
func (s *service) timing() config.Timing {
	if s.options.Sweeps == nil {
		return config.Timing{}
	}
	return s.options.Sweeps.Timing
}

const (
	// listEvery is how often all repositories are listed, sweepEvery how often it is looked which are due.
	listEvery  = time.Hour
	sweepEvery = time.Minute
	// dueAtOnce is how many are given to the queue at a look.
	dueAtOnce = 500
	// waitForPermit is how long a repository waits whose pull requests were too many.
	waitForPermit = time.Hour
)

// sweepTicks make the queue sweep repositories as they become due.
func (s *service) sweepTicks() []queue.Tick {
	return []queue.Tick{
		{Name: "repositories", Every: listEvery, Run: s.listRepositories},
		{Name: "sweeps", Every: sweepEvery, Run: func(ctx context.Context) error {
			_, err := s.queue.SweepDue(ctx, s.now(), dueAtOnce)
			return err
		}},
	}
}

// listRepositories takes over which repositories there are. What goes wrong with one installation leaves the others.
func (s *service) listRepositories(ctx context.Context) error {
	ctx = github.Background(ctx)
	app := s.app.Load()
	all, err := app.Installations(ctx)
	if err != nil {
		return err
	}
	known, err := s.queue.Repositories(ctx, 0)
	if err != nil {
		return err
	}
	gone := map[int64]bool{}
	for _, r := range known {
		gone[r.Repo.Installation] = true
	}
	states := map[string]int{}
	for _, installation := range all {
		delete(gone, installation)
		err = errors.Join(err, s.listInstallation(ctx, installation, states))
	}
	s.metrics.Listed(states)
	for _, installation := range slices.Sorted(maps.Keys(gone)) {
		err = errors.Join(err, s.queue.List(ctx, installation, nil, nil))
	}
	return err
}

// listInstallation takes over which repositories an installation has, counts them by why they are passed over, and asks its
// owner when it is time to.
func (s *service) listInstallation(ctx context.Context, installation int64, states map[string]int) error {
	app := s.app.Load()
	var all []queue.Listed
	swept := map[string]bool{}
	err := app.RepositoriesOf(ctx, installation, func(r forge.Repository) error {
		why := string(sweep.Unswept(r))
		all = append(all, queue.Listed{Repo: r.Repo, Skip: why})
		states[cmp.Or(why, "swept")]++
		swept[strings.ToLower(r.Repo.String())] = why == ""
		return nil
	})
	if errors.Is(err, forge.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	book := permits{ledger: s.queue, repo: forge.Repo{Installation: installation}}
	if err := book.keep(ctx, swept); err != nil {
		return err
	}
	now := s.now()
	err = s.queue.List(ctx, installation, all, func(r forge.Repo) time.Time {
		return now.Add(config.Jitter(r.String(), s.options.Sweeps.Spread))
	})
	if err != nil {
		return err
	}
	return errors.Join(s.invite(ctx, installation), s.refleet(ctx, installation))
}

// A swept is what is kept of a sweep in the queue's database, for the next ones of the installation and for people.
type swept struct {
	Skipped sweep.Reason  `json:"skipped,omitempty"`
	Problem string        `json:"problem,omitempty"`
	Consent sweep.Consent `json:"consent,omitempty"`
	Totals  sweep.Totals  `json:"totals"`
	Open    int           `json:"open"`   // pull requests that are open after it
	Opened  int           `json:"opened"` // and were not before
	// Left is how many were open when it was last decided that sweeps are enabled, since nobody decides that now.
	Left    int      `json:"left,omitempty"`
	Written int      `json:"written"`
	Waits   int      `json:"waits,omitempty"` // pull requests that would be opened were there not too many
	Steps   []string `json:"steps,omitempty"`
	// Dashboard is what was decided about one.
	Dashboard config.Dashboard `json:"dashboard,omitempty"`
}

// sweptBy is what is kept of an outcome, after another one.
func sweptBy(out sweep.Outcome, last swept) swept {
	w := swept{Skipped: out.Skipped, Problem: out.Problem, Consent: out.Consent, Totals: out.Totals, Open: out.Open,
		Opened: out.Opened, Written: out.Written, Dashboard: out.Sweeps.Dashboard}
	if out.Skipped != "" || out.Consent == sweep.Missing {
		w.Left = cmp.Or(last.Open, last.Left)
	}
	for _, step := range out.Steps {
		if step.Waits {
			w.Waits++
		}
		if step.Act != sweep.Rest || step.Waits {
			w.Steps = append(w.Steps, stepWords(step))
		}
	}
	if out.Undisplayed != nil {
		w.Steps = append(w.Steps, "dashboard: there is none: "+out.Undisplayed.Error())
	}
	return w
}

// stepWords is a step in words.
func stepWords(s sweep.Step) string {
	text := fmt.Sprintf("%s: %s", s.Topic, s.Act)
	if s.Number > 0 {
		text += fmt.Sprintf(" #%d", s.Number)
	}
	if s.Failed != nil {
		return text + ": " + s.Failed.Error()
	}
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}

// readSwept reads what was kept of the last sweep; ok is false when there is nothing.
func readSwept(r queue.Repository) (w swept, ok bool) {
	ok = !r.Swept.IsZero() && json.Unmarshal([]byte(r.Body), &w) == nil
	return w, ok
}

// A sweepMemory is what a sweep leaves for the next one of the repository.
type sweepMemory struct {
	Kept    swept           `json:"kept"`
	Refused bool            `json:"refused,omitempty"` // there was no permit to open a pull request
	Engine  json.RawMessage `json:"engine,omitempty"`  // sweep.Outcome.Memory
}

// sweep is what the queue does with a whole repository.
func (s *service) sweep(ctx context.Context, job queue.Job) (done queue.Done, err error) {
	ctx = noting(github.Background(ctx), job)
	ctx, end := s.jobSpan(ctx, job)
	defer func() { end(err) }()
	app, repo := s.app.Load(), job.Ref.Repo
	var last sweepMemory
	if json.Unmarshal([]byte(job.Memory), &last) != nil {
		last = sweepMemory{} // "", or what no version of ours wrote
	}
	p := permits{ledger: s.queue, limits: *s.options.Sweeps, repo: repo}
	if last.Refused && job.Delivery == "" {
		if left, err := p.left(ctx, s.now()); err != nil || !left {
			return later(last, p.refused), err
		}
	}
	out, err := app.sweeper.Sweep(ctx, repo, sweep.Ask{
		Memory: last.Engine, Permit: func(open int) bool { return p.take(ctx, open, s.now()) },
	})
	if err := cmp.Or(err, p.err); err != nil {
		return queue.Done{}, err
	}
	if err := p.settle(ctx, out.Open); err != nil {
		return queue.Done{}, err
	}
	if err := s.follow(ctx, repo, last.Kept, out); err != nil {
		return queue.Done{}, err
	}
	kept := sweptBy(out, last.Kept)
	if err := s.displayFleet(ctx, repo, kept); err != nil {
		return queue.Done{}, err
	}
	return s.sweptDone(ctx, repo, kept, out, p.refused)
}

// later puts off a sweep that would only find that nothing may be opened yet.
func later(m sweepMemory, until time.Time) queue.Done {
	body, err := json.Marshal(m.Kept)
	if err != nil {
		return queue.Done{}
	}
	return queue.Done{Why: "enough pull requests were opened for now", Sweep: &queue.Swept{Due: until, Body: string(body)}}
}

// sweptDone is what the queue keeps of a sweep; refused is when there may be permits again, zero when there were.
func (s *service) sweptDone(ctx context.Context, repo forge.Repo, kept swept, out sweep.Outcome, refused time.Time) (
	queue.Done, error) {
	body, err := json.Marshal(kept)
	if err != nil {
		return queue.Done{}, err
	}
	for _, text := range kept.Steps {
		s.options.Log.InfoContext(ctx, "sweep", "step", text)
	}
	memory, err := json.Marshal(sweepMemory{Kept: kept, Refused: !refused.IsZero(), Engine: out.Memory})
	if err != nil {
		return queue.Done{}, err
	}
	now, soon := s.now(), refused
	if out.Sweeps.Calm(now) && kept.Waits > 0 {
		soon = out.Sweeps.Wake(now)
	}
	due := nextSweep(out.Sweeps.Timed(s.timing()), repo, now, soon)
	return queue.Done{
		Memory: string(memory), Posted: kept.Steps, Why: whyNothing(kept), Sweep: &queue.Swept{Due: due, Body: string(body)},
		Settled: func() { s.metrics.Swept(sweepEnd(kept), acts(out.Steps)) },
	}, nil
}

// nextSweep is when a repository is swept next: as its schedule says, or before, when there may be a permit again or the
// quiet hours end; zero says that it waits for neither.
func nextSweep(s config.Sweeps, repo forge.Repo, now, soon time.Time) time.Time {
	due := s.Next(repo.String(), now)
	if soon.After(now) && soon.Before(due) {
		return soon
	}
	return due
}

// follow does what else follows from a sweep: the pull request that asks whether sweeps are wanted is brought up to date, if
// it is in this repository; and when the owner's own configuration decided, the owner's repositories are swept. That waits
// until no replica remembers the old one.
func (s *service) follow(ctx context.Context, repo forge.Repo, last swept, out sweep.Outcome) error {
	if err := s.invited(ctx, repo); err != nil {
		return err
	}
	if !isHome(repo) || last.Consent == "" || out.Consent == "" || last.Consent == out.Consent {
		return nil
	}
	s.app.Load().library.Forget(repo)
	return s.queue.Hasten(ctx, repo.Installation, s.now().Add(review.Remembered))
}

// whyNothing is why a sweep opened nothing, in words; "" when it did.
func whyNothing(w swept) string {
	switch {
	case w.Skipped != "":
		return "the repository is not swept: " + cmp.Or(w.Problem, string(w.Skipped))
	case w.Consent == sweep.Missing && w.Left > 0:
		return fmt.Sprintf("nobody decides any more whether sweeps are enabled, so that the pull requests that were open, %d, are "+
			"left as they are; sweeps: {enabled: false} withdraws them", w.Left)
	case w.Consent == sweep.Missing:
		return "nobody decided yet whether sweeps are enabled"
	case w.Consent == sweep.Refused:
		return "sweeps are not enabled"
	}
	return ""
}

// sweepEnd is what a sweep came to, for the metrics.
func sweepEnd(w swept) string {
	switch {
	case w.Skipped != "":
		return "skipped"
	case w.Consent == sweep.Missing:
		return "surveyed"
	case w.Consent == sweep.Refused:
		return "refused"
	case w.Written > 0:
		return "written"
	}
	return "unchanged"
}

// acts are what was done.
func acts(steps []sweep.Step) []string {
	var all []string
	for _, s := range steps {
		if s.Done {
			all = append(all, string(s.Act))
		}
	}
	return all
}
