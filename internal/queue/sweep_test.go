package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

func repository(name string) forge.Ref {
	return forge.Ref{Repo: forge.Repo{Installation: 7, Owner: "Acme", Name: name}}
}

func enqueue(t testing.TB, q *Queue, refs ...forge.Ref) {
	t.Helper()
	if err := q.Enqueue(t.Context(), refs...); err != nil {
		t.Fatal(err)
	}
}

// waitSweeps waits until the sweeps stand so, the age of the oldest aside.
func waitSweeps(t testing.TB, q *Queue, want Depth) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(idlePoll) {
		got, err := q.Sweeps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got.Oldest = 0
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("sweeps: %+v, want %+v", got, want)
		}
	}
}

// sweepsBeside holds that reviews do not wait for sweeps, nor one kind for the workers of the other, and that they are
// counted apart.
func sweepsBeside(t *testing.T, p place) {
	reviews, sweeps := newDesk(), newDesk()
	kinds := make(chan string, 10)
	q := open(t, p, Options{
		Workers: 1, Work: reviews.work, Sweep: sweeps.work, Ended: func(r Run) { kinds <- r.Kind + " " + r.Ref.String() },
	})
	enqueue(t, q, repository("app"), repository("other"), repository("third"))
	next(t, sweeps.begun)
	waitSweeps(t, q, Depth{Waiting: 2, Running: 1})
	receive(t, q, push("1", pullRequest(1)))
	if got := next(t, reviews.begun); got != pullRequest(1) {
		t.Errorf("reviewed %s", got)
	}
	wantDepth(t, q, Depth{Running: 1})
	reviews.end <- nil
	if got := next(t, kinds); got != "review Acme/app#1" {
		t.Errorf("ended: %s", got)
	}
	for n := range 3 {
		if n > 0 {
			next(t, sweeps.begun)
		}
		sweeps.end <- nil
		if got := next(t, kinds); got[:6] != "sweep " {
			t.Errorf("ended: %s", got)
		}
	}
	idle(t, q)
	all, err := q.Reports(t.Context(), 10)
	if err != nil || len(all) != 4 {
		t.Errorf("%d reports, %v", len(all), err)
	}
	if r, ok, err := q.Report(t.Context(), repository("app")); !ok || err != nil || r.Outcome != Finished || !r.Ref.Whole() {
		t.Errorf("report of the sweep: %+v, %v, %v", r, ok, err)
	}
}

// sweepsInTurn holds that a repository is swept once at a time, and again after a push during a sweep.
func sweepsInTurn(t *testing.T, p place) {
	d := newDesk()
	q := open(t, p, Options{Work: new(tally).work, Sweep: d.work, Sweepers: 3, SweepCooldown: -1})
	receive(t, q, push("1", repository("app")))
	next(t, d.begun)
	receive(t, q, push("2", repository("app")))
	receive(t, q, push("3", forge.Ref{Repo: forge.Repo{Installation: 7, Owner: "ACME", Name: "App"}}))
	waitSweeps(t, q, Depth{Running: 1})
	d.end <- nil
	next(t, d.begun)
	d.end <- nil
	idle(t, q)
}

// sweepsSeldom has a review's cool-down of none beside that of a sweep.
func sweepsSeldom(t *testing.T, p place) {
	var reviews, sweeps tally
	q := open(t, p, Options{Work: reviews.work, Sweep: sweeps.work, SweepCooldown: time.Hour})
	receive(t, q, push("1", repository("app")))
	idle(t, q)
	for n := range 3 {
		receive(t, q, push(fmt.Sprint("again ", n), repository("app")))
	}
	waitSweeps(t, q, Depth{Delayed: 1})
	receive(t, q, push("review", pullRequest(1)))
	waitDepth(t, q, Depth{})
	sweeps.want(t, 1)
	reviews.want(t, 1)
}

// sweepsAreBounded has a sweep end by its own timeout, which is longer or shorter than that of a review.
func sweepsAreBounded(t *testing.T, p place) {
	lasts := make(chan time.Duration, 1)
	q := open(t, p, Options{
		Work: new(tally).work, Timeout: time.Second, SweepTimeout: 30 * time.Minute,
		Sweep: func(ctx context.Context, _ Job) (Done, error) {
			end, _ := ctx.Deadline()
			lasts <- time.Until(end)
			return Done{}, nil
		},
	})
	enqueue(t, q, repository("app"))
	if got := next(t, lasts); got < 29*time.Minute || got > 30*time.Minute {
		t.Errorf("a sweep may last %s", got)
	}
	idle(t, q)
}

// sweepsGiveWay holds that what puts off sweeps does not put off reviews, and the other way round that it does.
func sweepsGiveWay(t *testing.T, p place) {
	limited := &forge.LimitError{Until: time.Now().Add(time.Hour), Err: errors.New("the rest is kept")}
	reviews, sweeps := tally{}, tally{answers: []error{limited}}
	q := open(t, p, Options{Work: reviews.work, Sweep: sweeps.work})
	enqueue(t, q, repository("app"))
	waitSweeps(t, q, Depth{Delayed: 1})
	enqueue(t, q, repository("other"))
	waitSweeps(t, q, Depth{Delayed: 2})
	sweeps.want(t, 1)
	receive(t, q, push("1", pullRequest(1)))
	waitDepth(t, q, Depth{})
	reviews.want(t, 1)

	elsewhere := forge.Repo{Installation: 8, Owner: "Umbrella", Name: "app"}
	reviews.mu.Lock()
	reviews.answers = []error{nil, limited}
	reviews.mu.Unlock()
	receive(t, q, push("2", forge.Ref{Repo: elsewhere, Number: 1}))
	waitDepth(t, q, Depth{Delayed: 1})
	enqueue(t, q, forge.Ref{Repo: elsewhere})
	waitSweeps(t, q, Depth{Delayed: 3})
	sweeps.want(t, 1)
}

// sweepsAreBuried holds that a sweep that fails too often is kept, and can be replayed.
func sweepsAreBuried(t *testing.T, p place) {
	c := tally{answers: []error{errors.New("no"), errors.New("no")}}
	q := open(t, p, Options{Work: new(tally).work, Sweep: c.work, Attempts: 2, Backoff: at(0), SweepCooldown: -1})
	enqueue(t, q, repository("app"))
	idle(t, q)
	dead := wantDead(t, q, 1)
	if dead[0].Ref != repository("app") {
		t.Errorf("dead: %s", dead[0].Ref)
	}
	if err := q.Replay(t.Context(), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	c.want(t, 3)
	wantDead(t, q, 0)
}

// sweepsAreNotTaken is a process without sweeps.
func sweepsAreNotTaken(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work})
	receive(t, q, push("1", repository("app")))
	enqueue(t, q, repository("app"))
	idle(t, q)
	c.want(t, 0)
}

// becomesDue follows three repositories from their listing to their next sweeps.
func becomesDue(t *testing.T, p place) {
	now := time.Now().Truncate(time.Millisecond)
	var ran []string
	q := openStill(t, p, Options{Work: new(tally).work, SweepCooldown: -1, Sweep: func(_ context.Context, j Job) (Done, error) {
		ran = append(ran, j.Ref.Repo.Name)
		return Done{Memory: "m", Sweep: &Swept{Due: now.Add(time.Hour), Body: `{"after":"` + j.Memory + `"}`}}, nil
	}})
	list := func(all ...Listed) {
		t.Helper()
		due := func(r forge.Repo) time.Time { return now.Add(time.Duration(len(r.Name)) * time.Minute) }
		if err := q.List(t.Context(), 7, all, due); err != nil {
			t.Fatal(err)
		}
	}
	claim := func(at time.Time, most, want int) {
		t.Helper()
		if n, err := q.SweepDue(t.Context(), at, most); n != want || err != nil {
			t.Errorf("%d are due, want %d; %v", n, want, err)
		}
	}
	a, bb, old := Listed{Repo: repository("a").Repo}, Listed{Repo: repository("bb").Repo},
		Listed{Repo: repository("ccc").Repo, Skip: "archived"}
	list(a, bb, old)
	claim(now, 10, 0)
	claim(now.Add(time.Minute), 10, 1)
	claim(now.Add(time.Hour), 10, 1) // the first is claimed, and the third is skipped
	claim(now.Add(time.Hour), 10, 0)
	wantRepositories(t, q, "a waiting", "bb waiting", "ccc archived")
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	if !slices.Equal(ran, []string{"a", "bb"}) {
		t.Errorf("swept %v", ran)
	}
	list(a, bb, old) // changes nothing
	wantRepositories(t, q, `a swept {"after":""}`, `bb swept {"after":""}`, "ccc archived")
	claim(now.Add(59*time.Minute), 10, 0)
	claim(now.Add(time.Hour), 1, 1)
	idle(t, q)
	wantRepositories(t, q, `a swept {"after":"m"}`, `bb swept {"after":""}`, "ccc archived")

	old.Skip = ""
	list(a, old)
	wantRepositories(t, q, `a swept {"after":"m"}`, "ccc")
	claim(now.Add(3*time.Minute), 10, 1)
	idle(t, q)
	if !slices.Equal(ran, []string{"a", "bb", "a", "ccc"}) {
		t.Errorf("swept %v", ran)
	}
	if err := q.Hasten(t.Context(), 7, now.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	claim(now.Add(9*time.Minute), 10, 0)
	claim(now.Add(10*time.Minute), 10, 2)
	idle(t, q)
	if other, err := q.Repositories(t.Context(), 8); len(other) != 0 || err != nil {
		t.Errorf("another installation has %v, %v", other, err)
	}
}

// wantRepositories compares what is known of repositories: name, why it is skipped, job, whether it was swept, and body.
func wantRepositories(t *testing.T, q *Queue, want ...string) {
	t.Helper()
	all, err := q.Repositories(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		text := r.Repo.Name
		if !r.Swept.IsZero() {
			text += " swept"
		}
		for _, word := range []string{r.Skip, r.Job, r.Body} {
			if word != "" {
				text += " " + word
			}
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("repositories: %q, want %q", got, want)
	}
}

// listsMany takes over more repositories than a transaction takes.
func listsMany(t *testing.T, p place) {
	q := openStill(t, p, Options{Work: new(tally).work, Sweep: new(tally).work})
	var all []Listed
	for n := range listRows + 1 {
		all = append(all, Listed{Repo: repository(fmt.Sprint("r", n)).Repo})
	}
	due := func(forge.Repo) time.Time { return time.Now().Add(-time.Second) }
	for _, some := range [][]Listed{all, all[:1]} {
		if err := q.List(t.Context(), 7, some, due); err != nil {
			t.Fatal(err)
		}
		if got, err := q.Repositories(t.Context(), 7); len(got) != len(some) || err != nil {
			t.Errorf("%d repositories, want %d; %v", len(got), len(some), err)
		}
	}
}
