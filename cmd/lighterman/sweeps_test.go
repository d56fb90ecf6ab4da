package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/sweep"
)

// TestPermits takes as many as there may be within an hour, and open at once, and gives back what was merged.
func TestPermits(t *testing.T) {
	b := permitBook{Open: map[string]int{}}
	limits := sweepOptions{OpenPerOwner: 3, OpensPerHour: 2}
	now := time.Unix(1_800_000_000, 0)
	take := func(after time.Duration, want bool) {
		t.Helper()
		later := b.take("acme/a", b.Open["acme/a"], limits, now.Add(after))
		if later.IsZero() != want || !want && !later.After(now.Add(after)) {
			t.Errorf("after %s: again at %s, want %t; %+v", after, later, want, b)
		}
	}
	take(0, true)
	take(time.Minute, true)
	take(time.Minute, false)
	take(time.Hour, true) // the first is an hour old
	take(3*time.Hour, false)
	b.Open["acme/a"] = 1
	take(3*time.Hour, true)
}

// memoryLedger is a ledger of one key.
type memoryLedger string

func (m *memoryLedger) Change(_ context.Context, _ string, change func(string) string) error {
	*m = memoryLedger(change(string(*m)))
	return nil
}

// TestPermitsOfGoneRepositories: what was open where nothing is swept any more counts no longer.
func TestPermitsOfGoneRepositories(t *testing.T) {
	ledger, now := new(memoryLedger), time.Unix(1_800_000_000, 0)
	limits := sweepOptions{OpenPerOwner: 2}
	at := func(name string) *permits {
		return &permits{ledger: ledger, limits: limits, repo: forge.Repo{Owner: "Acme", Name: name}}
	}
	if !at("a").take(t.Context(), 0, now) || !at("b").take(t.Context(), 0, now) || at("c").take(t.Context(), 0, now) {
		t.Fatal(*ledger)
	}
	must(t, at("").keep(t.Context(), map[string]bool{"acme/a": true, "acme/b": false}))
	if !at("c").take(t.Context(), 0, now) || at("d").take(t.Context(), 0, now) {
		t.Error(*ledger)
	}
}

// TestInvitationWaits asks when everything was looked at, nobody agreed, and there is something to gain.
func TestInvitationWaits(t *testing.T) {
	at := func(name, body string) queue.Repository {
		r := queue.Repository{Listed: queue.Listed{Repo: forge.Repo{Owner: "acme", Name: name}}, Body: body}
		if body != "" {
			r.Swept = time.Now()
		}
		return r
	}
	skipped := func(name string) queue.Repository {
		r := at(name, "")
		r.Skip = "fork"
		return r
	}
	const missing, more = `{"consent":"missing","totals":{"fixable":1}}`, `{"consent":"missing","totals":{"fixable":2}}`
	for name, tt := range map[string]struct {
		all   []queue.Repository
		place string // "" when nobody is asked
	}{
		"the one with most":       {[]queue.Repository{at("a", missing), at("b", more), skipped("c")}, "b"},
		"the owner's own":         {[]queue.Repository{at("a", missing), at(".github", `{"consent":"missing"}`)}, ".github"},
		"the owner's is empty":    {[]queue.Repository{at("a", missing), at(".github", `{"skipped":"empty"}`)}, "a"},
		"somebody said no":        {[]queue.Repository{at("a", missing), at("b", `{"consent":"refused"}`)}, ""},
		"one is still to come":    {[]queue.Repository{at("a", missing), at("b", "")}, ""},
		"somebody agreed":         {[]queue.Repository{at("a", missing), at("b", `{"consent":"given"}`)}, ""},
		"there is nothing to fix": {[]queue.Repository{at("a", `{"consent":"missing"}`)}, ""},
	} {
		place, _, _, ok := invitation(tt.all, time.Now().Add(-time.Minute))
		if ok != (tt.place != "") || ok && place.Name != tt.place {
			t.Errorf("%s: %s, %t", name, place, ok)
		}
	}
}

// TestSweepsWaitForPermits comes again soon where something waits, and else when the schedule says.
func TestSweepsWaitForPermits(t *testing.T) {
	s := config.Sweeps{Schedule: "monthly", TimeZone: "UTC"}
	repo := forge.Repo{Owner: "acme", Name: "a"}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	if got := nextSweep(s, repo, now, now.Add(waitForPermit)); got != now.Add(waitForPermit) {
		t.Errorf("waits until %s for a permit", got)
	}
	if got := nextSweep(s, repo, now, time.Time{}); got != s.Next("acme/a", now) {
		t.Errorf("comes again at %s", got)
	}
	if got := sweepEnd(swept{Consent: sweep.Given, Written: 1}); got != "written" {
		t.Errorf("ended %s", got)
	}
}

// TestSweepStatus counts repositories as they stand, and names those that have something to tell.
func TestSweepStatus(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	at := func(name, skip, job, body string) queue.Repository {
		return queue.Repository{Listed: queue.Listed{Repo: forge.Repo{Owner: "acme", Name: name}, Skip: skip}, Job: job, Body: body,
			Swept: now.Add(-time.Hour), Due: now.Add(time.Hour)}
	}
	var out strings.Builder
	must(t, printStatus(&out, []queue.Repository{
		at("a", "", "running", `{"open":2,"waits":1,"totals":{"fixable":3}}`), at("b", "fork", "", ""), at("c", "", "", `{}`),
		at("d", "", "", `{"skipped":"empty"}`),
	}, now))
	const want = `4 repositories known, 2 swept, 0 due, 0 waiting, 1 running, 0 put off; 2 pull requests open, 1 more to be opened
passed over: 1 (empty)
passed over: 1 (fork)
acme/a  running  2 open  3 to fix  next 2026-11-26T13:00:00Z
`
	if out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}
