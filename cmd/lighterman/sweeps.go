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
	"github.com/lighterman/lighterman/internal/sweep"
)

// sweepOptions say how a service sweeps.
type sweepOptions struct {
	OpenPerOwner int           // how many of our pull requests an installation has open at most
	OpensPerHour int           // and how many are opened there within an hour
	Spread       time.Duration // the time over which the first sweeps of new repositories are spread; 0 is none
}

const (
	// listEvery is how often all repositories are listed, sweepEvery how often it is looked which are due.
	listEvery  = time.Hour
	sweepEvery = time.Minute
	// dueAtOnce is how many are given to the queue at a look.
	dueAtOnce = 500
	// waitForPermit is how long a repository waits whose pull requests were too many.
	waitForPermit = time.Hour
	// askedFor is how long an onboarding pull request is left as it is.
	askedFor = 7 * 24 * time.Hour
)

// sweepTicks make the queue sweep repositories as they become due.
func (s *service) sweepTicks() []queue.Tick {
	return []queue.Tick{
		{Name: "repositories", Every: listEvery, Run: s.listRepositories},
		{Name: "sweeps", Every: sweepEvery, Run: func(ctx context.Context) error {
			_, err := s.queue.SweepDue(ctx, time.Now(), dueAtOnce)
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
	for _, installation := range all {
		delete(gone, installation)
		err = errors.Join(err, s.listInstallation(ctx, installation))
	}
	for _, installation := range slices.Sorted(maps.Keys(gone)) {
		err = errors.Join(err, s.queue.List(ctx, installation, nil, nil))
	}
	return err
}

func (s *service) listInstallation(ctx context.Context, installation int64) error {
	app := s.app.Load()
	var all []queue.Listed
	err := app.RepositoriesOf(ctx, installation, func(r forge.Repository) error {
		all = append(all, queue.Listed{Repo: r.Repo, Skip: string(passedOver(r))})
		return nil
	})
	if errors.Is(err, forge.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now()
	err = s.queue.List(ctx, installation, all, func(r forge.Repo) time.Time {
		return now.Add(config.Jitter(r.String(), s.options.Sweeps.Spread))
	})
	if err != nil {
		return err
	}
	return s.invite(ctx, installation)
}

// passedOver is why a repository is not swept, as far as a listing tells.
func passedOver(r forge.Repository) sweep.Reason {
	switch {
	case r.Archived:
		return sweep.Archived
	case r.Disabled:
		return sweep.Disabled
	case r.Mirror:
		return sweep.Mirrored
	case r.Fork:
		return sweep.Forked
	}
	return ""
}

// A swept is what is kept of a sweep in the queue's database, for the next ones of the installation and for people.
type swept struct {
	Skipped sweep.Reason  `json:"skipped,omitempty"`
	Problem string        `json:"problem,omitempty"`
	Consent sweep.Consent `json:"consent,omitempty"`
	Totals  sweep.Totals  `json:"totals"`
	Open    int           `json:"open"`   // pull requests that are open after it
	Opened  int           `json:"opened"` // and were not before
	Written int           `json:"written"`
	Waits   int           `json:"waits,omitempty"` // pull requests that would be opened were there not too many
	Steps   []string      `json:"steps,omitempty"`
}

// sweptBy is what is kept of an outcome.
func sweptBy(out sweep.Outcome) swept {
	w := swept{Skipped: out.Skipped, Problem: out.Problem, Consent: out.Consent, Totals: out.Totals, Open: out.Standing + out.Opened,
		Opened: out.Opened, Written: out.Written}
	for _, step := range out.Steps {
		if step.Waits {
			w.Waits++
		}
		if step.Act != sweep.Rest || step.Waits {
			w.Steps = append(w.Steps, stepWords(step))
		}
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

// sweep is what the queue does with a whole repository.
func (s *service) sweep(ctx context.Context, job queue.Job) (queue.Done, error) {
	ctx = noting(github.Background(ctx), job)
	app, repo := s.app.Load(), job.Ref.Repo
	p := permits{ledger: s.queue, limits: *s.options.Sweeps, repo: repo}
	out, err := app.sweeper.Sweep(ctx, repo, sweep.Ask{Memory: []byte(job.Memory), Permit: func() bool { return p.take(ctx, time.Now()) }})
	if err := cmp.Or(err, p.err); err != nil {
		return queue.Done{}, err
	}
	kept := sweptBy(out)
	if err := p.settle(ctx, kept.Open); err != nil {
		return queue.Done{}, err
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return queue.Done{}, err
	}
	for _, text := range kept.Steps {
		s.options.Log.InfoContext(ctx, "sweep", "step", text)
	}
	due := nextSweep(out.Sweeps, repo, time.Now(), p.refused || kept.Waits > 0 && out.Sweeps.Calm(time.Now()))
	return queue.Done{
		Memory: string(out.Memory), Posted: kept.Steps, Why: whyNothing(kept), Sweep: &queue.Swept{Due: due, Body: string(body)},
		Settled: func() { s.metrics.Swept(sweepEnd(kept), acts(out.Steps)) },
	}, nil
}

// nextSweep is when a repository is swept next. One that waits for a permit, or for the end of the quiet hours, comes again
// soon.
func nextSweep(s config.Sweeps, repo forge.Repo, now time.Time, waits bool) time.Time {
	name := repo.String()
	due := s.Next(name, now)
	if soon := now.Add(waitForPermit + config.Jitter(name, waitForPermit/4)); waits && soon.Before(due) {
		return soon
	}
	return due
}

// whyNothing is why a sweep opened nothing, in words; "" when it did.
func whyNothing(w swept) string {
	switch {
	case w.Skipped != "":
		return "the repository is not swept: " + cmp.Or(w.Problem, string(w.Skipped))
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

// invite asks the owner of an installation, once all its repositories were looked at, whether sweeps are wanted.
func (s *service) invite(ctx context.Context, installation int64) error {
	key := fmt.Sprintf("asked installation %d about sweeps", installation)
	last, err := s.queue.Recall(ctx, key)
	if err != nil {
		return err
	}
	if at, err := time.Parse(time.RFC3339, last); err == nil && time.Since(at) < askedFor {
		return nil
	}
	all, err := s.queue.Repositories(ctx, installation)
	if err != nil {
		return err
	}
	place, totals, skipped, ok := invitation(all)
	if !ok {
		return nil
	}
	p := permits{ledger: s.queue, limits: *s.options.Sweeps, repo: place}
	step, err := s.app.Load().sweeper.Onboard(ctx, place, totals, skipped, sweep.Ask{
		Permit: func() bool { return p.take(ctx, time.Now()) }})
	if err := cmp.Or(err, p.err); err != nil || step.Waits {
		return err
	}
	s.options.Log.InfoContext(ctx, "sweeps: the owner was asked", "repository", place.String(), "step", stepWords(step))
	return s.queue.Remember(ctx, key, time.Now().UTC().Format(time.RFC3339))
}

// invitation is where to ask, and what about. There is nothing to ask before every repository was looked at, when
// somebody agreed already, or when there is nothing to gain.
func invitation(all []queue.Repository) (
	place forge.Repo, totals []sweep.RepoTotals, skipped map[sweep.Reason]int, ok bool) {
	skipped = map[sweep.Reason]int{}
	for _, r := range all {
		if r.Skip != "" {
			skipped[sweep.Reason(r.Skip)]++
			continue
		}
		w, known := readSwept(r)
		if !known {
			return place, nil, nil, false
		}
		switch {
		case w.Skipped != "":
			skipped[w.Skipped]++
		case w.Consent == sweep.Missing:
			totals = append(totals, sweep.RepoTotals{Repo: r.Repo, Totals: w.Totals})
		case w.Consent == sweep.Given:
			return place, nil, nil, false
		}
	}
	best, ok := sweep.MostToGain(totals)
	place = best.Repo
	for _, r := range all {
		if r.Skip == "" && strings.EqualFold(r.Repo.Name, ".github") {
			place = r.Repo
		}
	}
	return place, totals, skipped, ok
}
