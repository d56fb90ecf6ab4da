package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/sweep"
)

// An asked is what is remembered of the one pull request of an installation that asks whether sweeps are wanted.
type asked struct {
	Repo  string `json:"repo"`
	Done  bool   `json:"done,omitempty"`  // it was opened, or is not to be
	Ended bool   `json:"ended,omitempty"` // and nothing is to be done about it any more
}

func askedKey(installation int64) string {
	return fmt.Sprintf("asked installation %d about sweeps", installation)
}

func (s *service) asked(ctx context.Context, installation int64) (a asked, err error) {
	text, err := s.queue.Recall(ctx, askedKey(installation))
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &a)
	}
	return a, err
}

func (s *service) rememberAsked(ctx context.Context, installation int64, a asked) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.queue.Remember(ctx, askedKey(installation), string(text))
}

// invite asks the owner of an installation, once all its repositories were looked at, whether sweeps are wanted. Where is
// remembered before, so that it is never asked in two places.
func (s *service) invite(ctx context.Context, installation int64) error {
	a, err := s.asked(ctx, installation)
	if err != nil || a.Done {
		return err
	}
	all, err := s.queue.Repositories(ctx, installation)
	if err != nil {
		return err
	}
	place, totals, skipped, ok := invitation(all, s.now())
	if a.Repo == "" {
		if !ok {
			return nil
		}
		a.Repo = place.String()
		if err := s.rememberAsked(ctx, installation, a); err != nil {
			return err
		}
	}
	return s.inquire(ctx, installation, a, totals, skipped)
}

// invited brings the pull request up to date that asks, if it is in this repository.
func (s *service) invited(ctx context.Context, repo forge.Repo) error {
	a, err := s.asked(ctx, repo.Installation)
	if err != nil || !a.Done || a.Ended || !strings.EqualFold(a.Repo, repo.String()) {
		return err
	}
	all, err := s.queue.Repositories(ctx, repo.Installation)
	if err != nil {
		return err
	}
	_, totals, skipped, _ := invitation(all, s.now())
	return s.inquire(ctx, repo.Installation, a, totals, skipped)
}

// inquire does what is next about the pull request that asks, and remembers how far it is.
func (s *service) inquire(ctx context.Context, installation int64, a asked, totals []sweep.RepoTotals,
	skipped map[sweep.Reason]int) error {
	owner, name, _ := strings.Cut(a.Repo, "/")
	repo := forge.Repo{Installation: installation, Owner: owner, Name: name}
	p := permits{ledger: s.queue, limits: *s.options.Sweeps, repo: repo}
	step, err := s.app.Load().sweeper.Onboard(ctx, repo, totals, skipped, sweep.Ask{
		Permit: func(open int) bool { return p.take(ctx, open, s.now()) },
	})
	err = cmp.Or(err, p.err)
	if errors.Is(err, forge.ErrGone) {
		step, err = sweep.Step{Act: sweep.Tidy}, nil
	}
	if err != nil {
		return err
	}
	if step.Waits {
		return nil // it is asked again within the hour
	}
	was := a
	a.Done = true
	a.Ended = step.Failed != nil || step.Number == 0 || step.Act == sweep.Tidy || step.Act == sweep.Withdraw
	if a == was {
		return nil
	}
	s.options.Log.InfoContext(ctx, "sweeps: the owner was asked", "repository", a.Repo, "step", stepWords(step))
	return s.rememberAsked(ctx, installation, a)
}

// invitation is where to ask, and what about. There is nothing to ask before every repository was looked at, when
// somebody agreed already, or when there is nothing to gain.
func invitation(all []queue.Repository, now time.Time) (
	place forge.Repo, totals []sweep.RepoTotals, skipped map[sweep.Reason]int, ok bool) {
	skipped = map[sweep.Reason]int{}
	var own forge.Repo
	for _, r := range all {
		if r.Skip != "" {
			skipped[sweep.Reason(r.Skip)]++
			continue
		}
		w, known := readSwept(r)
		if !known && r.Job == "" && r.Due.After(now) {
			continue // it was begun and has no job: it cannot be looked at
		}
		if !known {
			return place, nil, nil, false
		}
		switch {
		case w.Skipped != "":
			skipped[w.Skipped]++
		case w.Consent == sweep.Missing:
			if isHome(r.Repo) {
				own = r.Repo
			}
			totals = append(totals, sweep.RepoTotals{Repo: r.Repo, Totals: w.Totals})
		default: // somebody knows of sweeps
			return place, nil, nil, false
		}
	}
	best, ok := sweep.MostToGain(totals)
	return cmp.Or(own, best.Repo), totals, skipped, ok
}
