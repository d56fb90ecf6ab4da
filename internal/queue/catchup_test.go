package queue

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

func headOf(n int, commit string) forge.Head { return forge.Head{Ref: pullRequest(n), Commit: commit} }

func wantCaughtUp(t *testing.T, q *Queue, want int, heads ...forge.Head) {
	t.Helper()
	if n, err := q.CatchUp(t.Context(), heads); err != nil || n != want {
		t.Errorf("caught up with %d, %v; want %d", n, err, want)
	}
}

// catchesUp looks at pull requests that are done, that moved on, that fail, and that nobody has heard of.
func catchesUp(t *testing.T, p place) {
	c := tally{answers: []error{nil, errors.New("no")}}
	q := open(t, p, Options{Work: c.work, Attempts: 1})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	wantCaughtUp(t, q, 1, headOf(1, "head 1")) // the first answer told no head
	idle(t, q)
	wantDead(t, q, 1)
	wantCaughtUp(t, q, 0, headOf(1, "head 1")) // it failed just now
	receive(t, q, push("2", pullRequest(1)))
	idle(t, q)
	wantCaughtUp(t, q, 0, headOf(1, "head 3"))
	wantCaughtUp(t, q, 2, headOf(1, "head 4"), headOf(2, "unheard of"))
	idle(t, q)
	c.want(t, 5)
	if n, err := q.engine.catchUp(t.Context(), []forge.Head{headOf(2, "unheard of")}, time.Now().Add(2*askedAgain)); n != 1 {
		t.Errorf("a day later caught up with %d, %v", n, err)
	}
	idle(t, q)
}

// sharesHeads asks for the other pull requests of a head, be it told or done, and for nothing else.
func sharesHeads(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work, Workers: 1})
	for n, head := range []string{"x", "x", "y"} {
		d := push(fmt.Sprint(n), pullRequest(n+1))
		d.Call.Head = head
		receive(t, q, d)
	}
	idle(t, q)
	c.want(t, 3)
	for _, commit := range []string{"x", "x", "head 5", "y", "z"} {
		if err := q.Share(t.Context(), pullRequest(1), commit); err != nil {
			t.Fatal(err)
		}
		idle(t, q)
	}
	c.want(t, 7)
	if other := q.Share(t.Context(), forge.Ref{Repo: forge.Repo{Owner: "other", Name: "repo"}, Number: 1}, "x"); other != nil {
		t.Fatal(other)
	}
	idle(t, q)
	c.want(t, 7)
	for _, r := range c.runs[3:] {
		if r.Number == 1 {
			t.Error("the one that shares is asked for itself")
		}
	}
}

// waitsBehind has pull requests that were found wait behind one of a webhook, in the order in which they were found.
func waitsBehind(t *testing.T, p place) {
	var c tally
	q := openStill(t, p, Options{Work: c.work, Workers: 1})
	wantCaughtUp(t, q, 4, headOf(9, "a"), headOf(8, "a"), headOf(7, "a"), headOf(6, "a"))
	receive(t, q, push("1", pullRequest(1)))
	receive(t, q, push("2", pullRequest(7))) // its turn is brought forward
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	var got []int
	for _, r := range c.runs {
		got = append(got, r.Number)
	}
	slices.Sort(got[:2])
	if want := []int{1, 7, 9, 8, 6}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", fmt.Sprint(got), want)
	}
}
