package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// asking is a delivery that brings a request.
func asking(guid string, ref forge.Ref, r forge.Request) Delivery {
	d := push(guid, ref)
	d.Call.Request = &r
	return d
}

func wantAsked(t *testing.T, c *tally, want ...[]string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.EqualFunc(c.asked, want, slices.Equal) {
		t.Errorf("the runs were asked for %q, want %q", c.asked, want)
	}
}

// handsOver asks for something in a comment while a backoff lasts, and by a button.
func handsOver(t *testing.T, p place) {
	var got []forge.Request
	c := tally{answers: []error{errors.New("not now")}}
	q := open(t, p, Options{Backoff: at(0), Work: func(ctx context.Context, job Job) (Done, error) {
		got = job.Requests
		return c.work(ctx, job)
	}})
	want := forge.Request{
		ID: "comment-7", Kind: forge.Command, By: "robin", Comment: 7, Thread: true, Text: "/lighterman ignore \"x\"",
	}
	receive(t, q, asking("1", pullRequest(1), want))
	idle(t, q)
	wantAsked(t, &c, []string{"comment-7"}, []string{"comment-7"})
	if len(got) != 1 || got[0] != want {
		t.Errorf("handed over %+v, want %+v", got, want)
	}
	receive(t, q, asking("2", pullRequest(1), forge.Request{Kind: forge.FixAll, Commit: "c"}))
	idle(t, q)
	receive(t, q, push("3", pullRequest(1)))
	idle(t, q)
	wantAsked(t, &c, []string{"comment-7"}, []string{"comment-7"}, []string{"2"}, nil)
}

// asksAtOnce asks for something while the job waits for the cool-down to end.
func asksAtOnce(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work, Cooldown: time.Hour})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	receive(t, q, push("2", pullRequest(1)))
	waitDepth(t, q, Depth{Delayed: 1})
	receive(t, q, asking("3", pullRequest(1), forge.Request{Kind: forge.Rerun}))
	idle(t, q)
	wantAsked(t, &c, nil, []string{"3"})
}

// asksOnce replays a delivery under another GUID.
func asksOnce(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work})
	for n := range 2 {
		receive(t, q, asking(fmt.Sprint(n), pullRequest(1), forge.Request{ID: "comment-7", Kind: forge.Command}))
		idle(t, q)
	}
	receive(t, q, asking("another pull request", pullRequest(2), forge.Request{ID: "comment-7", Kind: forge.Command}))
	idle(t, q)
	wantAsked(t, &c, []string{"comment-7"}, nil, []string{"comment-7"})
}

// givesUpAsking lets a request fail in every attempt, and another one find nothing to ask of.
func givesUpAsking(t *testing.T, p place) {
	c := tally{answers: []error{errors.New("one"), errors.New("two"), forge.ErrGone, forge.ErrGone}}
	q := open(t, p, Options{Work: c.work, Attempts: 2, Backoff: at(0)})
	receive(t, q, asking("1", pullRequest(1), forge.Request{Kind: forge.FixAll}))
	idle(t, q)
	receive(t, q, asking("2", pullRequest(1), forge.Request{Kind: forge.FixAll}))
	idle(t, q)
	receive(t, q, push("3", pullRequest(1)))
	idle(t, q)
	wantAsked(t, &c, []string{"1"}, []string{"1"}, []string{"2"}, []string{"2"}, nil)
}

func asksOften(t *testing.T, p place) {
	var c tally
	q := openStill(t, p, Options{Work: c.work})
	long := strings.Repeat("x", 2*forge.MaxRequestID)
	receive(t, q, asking("long", pullRequest(1), forge.Request{ID: long, Kind: forge.Rerun}))
	for n := range maxAsked {
		receive(t, q, asking(fmt.Sprint(n), pullRequest(1), forge.Request{Kind: forge.Rerun}))
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	c.want(t, 2)
	if len(c.asked[0]) != maxAsked || len(c.asked[1]) != 1 || c.asked[0][0] != long[:forge.MaxRequestID] {
		t.Errorf("the runs were asked for %q", c.asked)
	}
}

// finds asks for something by the head alone.
func finds(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	other := pullRequest(1)
	other.Repo.Name = "other"
	receive(t, q, push("2", other))
	idle(t, q)
	for guid, commit := range map[string]string{"3": "head 1", "4": "unheard of"} {
		call := forge.Call{Repo: forge.Repo{Installation: 9, Owner: "acme", Name: "APP"}, Commit: commit}
		call.Request = &forge.Request{Kind: forge.Rerun}
		receive(t, q, Delivery{GUID: guid, Event: "check_suite", Call: call})
	}
	idle(t, q)
	wantAsked(t, &c, nil, nil, []string{"3"})
	want := pullRequest(1)
	want.Repo.Installation = 9
	if got := c.runs[2]; got != want {
		t.Errorf("ran %+v, want %+v", got, want)
	}
}

func groups(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work})
	group := forge.Ref{Repo: pullRequest(1).Repo, Group: strings.Repeat("a", 40), GroupBase: strings.Repeat("b", 40)}
	twin := group
	twin.Group = group.Group[:39] + "c"
	receive(t, q, push("1", group))
	idle(t, q)
	receive(t, q, push("2", twin))
	idle(t, q)
	if want := []forge.Ref{group, twin}; !slices.Equal(c.runs, want) {
		t.Errorf("ran %+v, want %+v", c.runs, want)
	}
}
