package github_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// A wire stands in for the network: it gives tokens and answers everything else with answer.
type wire func(r *http.Request) (status int, h http.Header, body string)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	status, h, body := 201, http.Header{}, `{"token":"ghs_x","expires_at":"2999-01-01T00:00:00Z"}`
	if !strings.HasSuffix(r.URL.Path, "/access_tokens") {
		status, h, body = w(r)
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func good(*http.Request) (int, http.Header, string) { return 200, http.Header{}, "{}" }

// wired is an App on a wire, with the usual pause unless told otherwise.
func wired(t *testing.T, w wire, c github.Clock, pause time.Duration) *github.App {
	t.Helper()
	key := githubtest.Start(t, githubtest.Options{}).PrivateKey()
	app, err := github.New(github.Options{AppID: 1, PrivateKey: key, Transport: w, Clock: c, WritePause: pause})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

var somewhere = forge.Ref{Repo: forge.Repo{Installation: 5, Owner: "acme", Name: "shop"}, Number: 7}

// edit writes once.
func edit(ctx context.Context, app *github.App) error {
	return app.Publish(ctx, somewhere, forge.Plan{Edit: []forge.CommentEdit{{ID: 1, Body: "x"}}})
}

// TestWritesOfAMinuteAndAnHour: no more is written than GitHub allows, with a short wait where that helps and else with a
// limit, whatever the pause; and it goes on when there is room.
func TestWritesOfAMinuteAndAnHour(t *testing.T) {
	for name, c := range map[string]struct {
		pause time.Duration
		span  time.Duration
		most  int
	}{
		"minute": {100 * time.Millisecond, time.Minute, 80}, "hour": {time.Second, time.Hour, 500},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			var sent []time.Time
			app := wired(t, func(r *http.Request) (int, http.Header, string) {
				sent = append(sent, clock.Now())
				return good(r)
			}, clock, c.pause)
			limits := 0
			for len(sent) < 2*c.most {
				err := edit(t.Context(), app)
				var limit *forge.LimitError
				if errors.As(err, &limit) {
					limits++
					err = clock.Sleep(t.Context(), limit.Until.Sub(clock.Now()))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for n := c.most; n < len(sent); n++ {
				if took := sent[n].Sub(sent[n-c.most]); took < c.span {
					t.Fatalf("%d writes in %s", c.most+1, took)
				}
			}
			if limits == 0 || limits > 12 {
				t.Errorf("%d limits for twice as many writes as fit", limits)
			}
		})
	}
}

// TestWaitsDouble: where GitHub does not say how long, every further answer of the kind doubles the wait until one is good.
func TestWaitsDouble(t *testing.T) {
	type answer = func(*http.Request) (int, http.Header, string)
	limited := func(*http.Request) (int, http.Header, string) {
		return 403, http.Header{}, `{"message":"You have exceeded a secondary rate limit."}`
	}
	overGraphQL := func(*http.Request) (int, http.Header, string) {
		return 200, http.Header{}, `{"errors":[{"type":"RATE_LIMITED","message":"secondary rate limit"}]}`
	}
	for name, bad := range map[string]answer{"REST": limited, "GraphQL": overGraphQL} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			next := answer(good)
			app := wired(t, func(r *http.Request) (int, http.Header, string) { return next(r) }, clock, -1)
			ask := func() error {
				if name == "GraphQL" {
					return app.Publish(t.Context(), somewhere, forge.Plan{Resolve: []string{"T_1"}})
				}
				return edit(t.Context(), app)
			}
			meet := func(want time.Duration) {
				t.Helper()
				next = bad
				var limit *forge.LimitError
				if err := ask(); !errors.As(err, &limit) || limit.Until.Sub(clock.Now()) != want {
					t.Fatalf("%v, want a limit of %s", err, want)
				}
				if err := clock.Sleep(t.Context(), want); err != nil {
					t.Fatal(err)
				}
			}
			for _, minutes := range []int{1, 2, 4, 8, 15, 15} {
				meet(time.Duration(minutes) * time.Minute)
			}
			next = func(*http.Request) (int, http.Header, string) { return 200, http.Header{}, `{"data":{}}` }
			for range 2 {
				if err := ask(); err != nil {
					t.Fatal(err)
				}
			}
			meet(time.Minute)
		})
	}
}

// TestBackgroundIsFrugal: background work stops when three tenths of the hour are left, and goes on in the next hour.
func TestBackgroundIsFrugal(t *testing.T) {
	clock := newClock()
	reset := clock.Now().Add(20 * time.Minute).Truncate(time.Second)
	left := 1501
	app := wired(t, func(r *http.Request) (int, http.Header, string) {
		left--
		return 200, http.Header{
			"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {strconv.Itoa(left)},
			"X-Ratelimit-Reset": {strconv.FormatInt(reset.Unix(), 10)}, "X-Ratelimit-Resource": {"core"},
		}, "[]"
	}, clock, -1)
	list := func(ctx context.Context) error {
		_, err := app.Open(ctx, somewhere.Repo)
		return err
	}
	background := github.Background(t.Context())
	for range 2 { // 1500 are three tenths, 1499 fewer
		if err := list(background); err != nil {
			t.Fatal(err)
		}
	}
	var limit *forge.LimitError
	if err := list(background); !errors.As(err, &limit) || !limit.Until.Equal(reset) {
		t.Errorf("with %d left: %v, want a limit until %s", left, err, reset)
	}
	if err := list(t.Context()); err != nil {
		t.Errorf("what somebody waits for: %v", err)
	}
	if err := clock.Sleep(t.Context(), reset.Sub(clock.Now())); err != nil {
		t.Fatal(err)
	}
	if err := list(background); err != nil {
		t.Errorf("in the next hour: %v", err)
	}
}

// TestBackgroundLetsOthersPass: of those that wait for an installation, background work is last, and who gives up waiting
// holds nobody up.
func TestBackgroundLetsOthersPass(t *testing.T) {
	key := githubtest.Start(t, githubtest.Options{}).PrivateKey()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		var order []string
		transport := wire(func(r *http.Request) (int, http.Header, string) {
			if len(order) == 0 {
				<-hold
			}
			order = append(order, r.URL.Path[len("/repos/acme/"):len("/repos/acme/")+1])
			return 200, http.Header{}, "[]"
		})
		app, err := github.New(github.Options{AppID: 1, PrivateKey: key, Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		list := func(ctx context.Context, name string, fails bool) {
			wg.Go(func() {
				repo := somewhere.Repo
				repo.Name = name
				if _, err := app.Open(ctx, repo); (err != nil) != fails {
					t.Errorf("%s: %v", name, err)
				}
			})
			time.Sleep(time.Second) // past the pause of background work
			synctest.Wait()
		}
		impatient, cancel := context.WithCancel(t.Context())
		list(t.Context(), "a", false)
		list(github.Background(t.Context()), "x", false)
		list(github.Background(t.Context()), "y", false)
		list(impatient, "q", true)
		list(t.Context(), "b", false)
		list(t.Context(), "c", false)
		cancel()
		synctest.Wait()
		close(hold)
		wg.Wait()
		if got := strings.Join(order, ""); got != "abcxy" {
			t.Errorf("sent %s, want abcxy", got)
		}
	})
}
