package github_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// A book is a ledger that replicas share.
type book struct {
	mu    sync.Mutex
	texts map[string]string
	err   error
}

func (b *book) Change(_ context.Context, key string, change func(string) string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.texts[key] = change(b.texts[key])
	return nil
}

// TestReplicasShareTheirWrites lets replicas write by turns, each of which is new after a while. All together keep the
// pause and write no more than one may.
func TestReplicasShareTheirWrites(t *testing.T) {
	key := githubtest.Start(t, githubtest.Options{}).PrivateKey()
	clock, shared := newClock(), &book{texts: map[string]string{}}
	var sent []time.Time
	transport := wire(func(r *http.Request) (int, http.Header, string) {
		sent = append(sent, clock.Now())
		return good(r)
	})
	replica := func() *github.App {
		app, err := github.New(github.Options{AppID: 1, PrivateKey: key, Transport: transport, Clock: clock, Ledger: shared})
		if err != nil {
			t.Fatal(err)
		}
		return app
	}
	replicas := []*github.App{replica(), replica(), replica()}
	limits := 0
	for n := 0; len(sent) < 1100; n++ {
		if n%100 == 99 {
			replicas[n/100%3] = replica()
		}
		err := edit(t.Context(), replicas[n%3])
		var limit *forge.LimitError
		if errors.As(err, &limit) {
			limits++
			err = clock.Sleep(t.Context(), limit.Until.Sub(clock.Now()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n < len(sent); n++ {
		if took := sent[n].Sub(sent[n-1]); took < time.Second {
			t.Fatalf("two writes in %s", took)
		}
		if n >= 500 && sent[n].Sub(sent[n-500]) < time.Hour {
			t.Fatalf("501 writes in %s", sent[n].Sub(sent[n-500]))
		}
	}
	if limits == 0 {
		t.Error("more was written than fits, and nobody met a limit")
	}
}

// TestAnotherClockIsAhead writes after a replica whose clock is wrong by a day, or where the ledger holds something
// odd.
func TestAnotherClockIsAhead(t *testing.T) {
	ahead, _ := json.Marshal([]int64{time.Now().Add(24 * time.Hour).UnixNano()})
	for name, text := range map[string]string{"a day ahead": string(ahead), "odd": `{"at": 1}`} {
		clock := newClock()
		shared := &book{texts: map[string]string{"writes of installation 5": text}}
		app, err := github.New(github.Options{
			AppID: 1, PrivateKey: githubtest.Start(t, githubtest.Options{}).PrivateKey(), Transport: wire(good), Clock: clock,
			Ledger: shared,
		})
		if err != nil {
			t.Fatal(err)
		}
		began := clock.Now()
		for range 2 {
			if err := edit(t.Context(), app); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if took := clock.Now().Sub(began); took < time.Second || took > 2*time.Second {
			t.Errorf("%s: two writes in %s", name, took)
		}
	}
}

// TestWhatCannotBeCountedIsNotWritten: without its ledger nobody knows whether there is room.
func TestWhatCannotBeCountedIsNotWritten(t *testing.T) {
	away := errors.New("the database is away")
	app, err := github.New(github.Options{
		AppID: 1, PrivateKey: githubtest.Start(t, githubtest.Options{}).PrivateKey(), Clock: newClock(),
		Ledger: &book{err: away},
		Transport: wire(func(r *http.Request) (int, http.Header, string) {
			t.Errorf("sent %s %s", r.Method, r.URL.Path)
			return good(r)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := edit(t.Context(), app); !errors.Is(err, away) {
		t.Errorf("%v, want %v", err, away)
	}
}
