package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
)

// newSweepStage is a stage on which repositories are swept.
func newSweepStage(t *testing.T, limits sweepOptions) *stage {
	t.Helper()
	o := githubtest.Options{Limits: githubtest.Unlimited()}
	s, err := setStageFor(t.Context(), io.Discard, o, queue.Options{Cooldown: -1, SweepCooldown: -1}, &limits, logs.logger)
	must(t, err)
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	go func() { // nobody asks for the reviews
		for {
			select {
			case <-s.outcomes:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return s
}

// sweepDue lists all repositories and sweeps what is due by then.
func (s *stage) sweepDue(t *testing.T, after time.Duration) {
	t.Helper()
	must(t, s.service.listRepositories(t.Context()))
	_, err := s.service.queue.SweepDue(t.Context(), time.Now().Add(after), dueAtOnce)
	must(t, err)
	s.swept(t)
}

// swept waits until every webhook was delivered and every job is done.
func (s *stage) swept(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	must(t, s.hub.Wait(ctx))
	must(t, s.service.queue.Idle(ctx))
}

// known is what is kept of the sweeps of the one repository.
func (s *stage) known(t *testing.T) (queue.Repository, swept) {
	t.Helper()
	all, err := s.service.queue.Repositories(t.Context(), 0)
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d repositories are known", len(all))
	}
	w, _ := readSwept(all[0])
	return all[0], w
}

// TestSweepsFromInstallationToMerge surveys, asks, opens what was agreed to, and ends when everything is merged: then there
// is nothing to fix, and nothing is written.
func TestSweepsFromInstallationToMerge(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, sweepOptions{OpenPerOwner: 10, OpensPerHour: 10})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{
		"Dockerfile": "FROM node:22-bookworm\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN apt-get update && apt-get install -y curl\n" +
			"USER node\nCMD [\"node\", \"index.js\"]\n",
		"package.json": "{}\n", "package-lock.json": "{}\n", "index.js": "1\n",
	})
	must(t, err)
	repo.SetPermission("robin", "write")
	s.sweepDue(t, 0)
	r, w := s.known(t)
	if len(repo.Pulls()) != 0 || w.Consent != "missing" || w.Totals.Fixable == 0 || !r.Due.After(time.Now()) {
		t.Fatalf("after the survey: %d pull requests, %+v, due %s", len(repo.Pulls()), w, r.Due)
	}
	for range 2 {
		s.sweepDue(t, 0)
	}
	if n := len(repo.Pulls()); n != 1 {
		t.Fatalf("the owner was asked in %d pull requests", n)
	}
	_, err = repo.Pulls()[0].Merge("robin")
	must(t, err)
	s.swept(t)
	if _, w = s.known(t); w.Opened == 0 || w.Open != len(repo.Pulls())-1 {
		t.Fatalf("%d pull requests after the answer, %+v", len(repo.Pulls()), w)
	}
	for n := 1; n < len(repo.Pulls()) && n < 20; n++ {
		if _, err := repo.Pulls()[n].Merge("robin"); err != nil {
			t.Logf("#%d: %v", n+1, err) // it was withdrawn, because what came before did its work
		}
		s.swept(t)
	}
	if _, w = s.known(t); w.Totals.Fixable != 0 || w.Open != 0 {
		t.Errorf("after all merges there is something to fix: %+v", w)
	}
	s.hub.ForgetRequests()
	must(t, s.service.queue.Enqueue(t.Context(), forge.Ref{Repo: r.Repo}))
	s.swept(t)
	if _, w = s.known(t); w.Written != 0 {
		t.Errorf("a sweep with nothing changed: %+v", w)
	}
	if page := s.scrape(t); sum(page, "lighterman_sweeps_total", `end="surveyed"`) != 1 ||
		sum(page, "lighterman_sweep_steps_total", `act="open"`) == 0 {
		t.Error("the metrics do not tell of it")
	}
}
