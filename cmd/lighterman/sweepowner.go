package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/hidden"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/sweep"
)

// The dashboard of an owner is written after sweeps of OWNER/.github alone, of which there is one at a time. When other
// repositories have changed, that one is swept.

// home is the name of the repository with an owner's dashboard.
const home = ".github"

// A fleetShown is what is remembered of an owner's dashboard.
type fleetShown struct {
	Number int    `json:"number"` // of the issue, 0 when it was never seen
	Mark   string `json:"mark"`   // of what it shows
}

func fleetKey(installation int64) string {
	return fmt.Sprintf("dashboard of installation %d", installation)
}

func (s *service) fleetShown(ctx context.Context, installation int64) (d fleetShown, err error) {
	text, err := s.queue.Recall(ctx, fleetKey(installation))
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &d)
	}
	return d, err
}

func isHome(r forge.Repo) bool { return strings.EqualFold(r.Name, home) }

// wantsFleet reports whether an owner decided to have one dashboard for all.
func wantsFleet(w swept) bool {
	return w.Dashboard == config.OrganisationDashboard && w.Consent == sweep.Given
}

// fleetMark is the same for repositories of which the same is to be shown.
func fleetMark(all []queue.Repository) string {
	var parts []string
	for _, r := range all {
		w, _ := readSwept(r)
		parts = append(parts, r.Repo.String(), r.Skip, fmt.Sprint(w.Totals.Findings, w.Totals.Fixable, w.Open, w.Waits, whyNothing(w)))
	}
	return hidden.Hash(parts...)
}

// refleet has OWNER/.github swept when its dashboard does not show how the repositories stand.
func (s *service) refleet(ctx context.Context, installation int64) error {
	all, err := s.queue.Repositories(ctx, installation)
	if err != nil {
		return err
	}
	for _, r := range all {
		if w, ok := readSwept(r); !isHome(r.Repo) || !ok || !wantsFleet(w) {
			continue
		}
		d, err := s.fleetShown(ctx, installation)
		if err != nil || d.Mark == fleetMark(all) {
			return err
		}
		return s.queue.Enqueue(ctx, forge.Ref{Repo: r.Repo})
	}
	return nil
}

// displayFleet brings the dashboard of an owner up to date after a sweep of OWNER/.github.
func (s *service) displayFleet(ctx context.Context, repo forge.Repo, w swept) error {
	if !isHome(repo) || w.Skipped != "" {
		return nil
	}
	d, err := s.fleetShown(ctx, repo.Installation)
	if err != nil || !wantsFleet(w) && d.Number == 0 {
		return err
	}
	all, err := s.queue.Repositories(ctx, repo.Installation)
	if err != nil {
		return err
	}
	f := sweep.Fleet{Home: repo, Number: d.Number, Wanted: wantsFleet(w)}
	if f.Members, err = s.members(ctx, repo, all); err != nil {
		return err
	}
	number, err := s.app.Load().sweeper.Display(ctx, f, func(names []string) error {
		var refs []forge.Ref
		for _, name := range names {
			refs = append(refs, forge.Ref{Repo: forge.Repo{Installation: repo.Installation, Owner: repo.Owner, Name: name}})
		}
		return s.queue.Enqueue(ctx, refs...)
	})
	if errors.Is(err, forge.ErrForbidden) {
		s.options.Log.WarnContext(ctx, "sweeps: the owner has no dashboard", "error", err)
	} else if err != nil {
		return err
	}
	text, err := json.Marshal(fleetShown{number, fleetMark(all)})
	if err != nil {
		return err
	}
	return s.queue.Remember(ctx, fleetKey(repo.Installation), string(text))
}

// members are the repositories that the dashboard in one of them shows: private ones only in a private one.
func (s *service) members(ctx context.Context, at forge.Repo, all []queue.Repository) (members []sweep.Member, err error) {
	site, err := github.Site(s.options.GitHub.BaseURL)
	if err != nil {
		return nil, err
	}
	private := map[string]bool{}
	err = s.app.Load().RepositoriesOf(ctx, at.Installation, func(r forge.Repository) error {
		private[strings.ToLower(r.Repo.Name)] = r.Private
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		w, known := readSwept(r)
		hides, there := private[strings.ToLower(r.Repo.Name)]
		if r.Skip != "" || !known || !there || hides && !private[home] {
			continue
		}
		members = append(members, sweep.Member{
			Name: r.Repo.Name, Page: site + "/" + r.Repo.String(), Totals: w.Totals, Open: w.Open, Waits: w.Waits, Why: whyNothing(w),
		})
	}
	return members, nil
}
