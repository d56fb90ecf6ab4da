package github_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// An endless answers every request with a JSON text that does not end, but those for tokens as GitHub does.
type endless struct {
	next     http.RoundTripper
	tokens   bool // those too
	announce int64
	read     int
}

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	if !e.tokens && strings.HasSuffix(r.URL.Path, "/access_tokens") {
		return e.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		ContentLength: e.announce, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"data":"`), e)),
	}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

// TestAnswersAreBounded holds for every way of asking GitHub that an answer which does not end, or says that it is huge,
// is given up and fills no memory.
func TestAnswersAreBounded(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	_, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	calls := map[string]func(*github.App) error{
		"change":   func(a *github.App) error { _, err := a.Change(t.Context(), ref); return err },
		"standing": func(a *github.App) error { _, err := a.Standing(t.Context(), ref); return err },
		"tree": func(a *github.App) error {
			tree, err := a.Tree(t.Context(), ref.Repo, "main")
			if err != nil {
				return err
			}
			_, err = tree.Stat("README.md")
			return err
		},
		"publish": func(a *github.App) error {
			return a.Publish(t.Context(), ref, forge.Plan{Head: "x", Review: &oneReview})
		},
		"token":   func(a *github.App) error { _, _, err := a.Head(t.Context(), ref); return err },
		"failed":  func(a *github.App) error { _, err := a.Failed(t.Context(), time.Now()); return err },
		"payload": func(a *github.App) error { _, err := a.Payload(t.Context(), 1); return err },
		"the App": func(a *github.App) error { _, err := a.Shortfalls(t.Context(), ""); return err },
		"arrivals": func(a *github.App) error {
			return a.Arrived(t.Context(), github.Arrival{Installation: ref.Repo.Installation}, nil)
		},
	}
	for name, call := range calls {
		for _, announce := range []int64{-1, 1 << 30} {
			e := &endless{next: http.DefaultTransport, tokens: name == "token", announce: announce}
			app := newApp(t, h.Server, github.Options{Clock: newClock(), Transport: e})
			if err := call(app); err == nil || !strings.Contains(err.Error(), "larger than is read") && !strings.Contains(err.Error(), "too large") {
				t.Errorf("%s, %d bytes announced: %v", name, announce, err)
			}
			if e.read > 33<<20 {
				t.Errorf("%s: %d MB were read", name, e.read>>20)
			}
		}
	}
	e := &endless{announce: -1}
	o := github.Options{BaseURL: h.URL(), Transport: e}
	if _, err := github.Register(t.Context(), o, "4a1b00c0ffee"); err == nil || e.read > 33<<20 {
		t.Errorf("credentials: %v, %d MB", err, e.read>>20)
	}
}

// TestHugeHeadersAreRefused holds it for headers, over a real connection.
func TestHugeHeadersAreRefused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 40 {
			w.Header().Add("X-Large", strings.Repeat("x", 10_000))
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer s.Close()
	_, err := github.Register(t.Context(), github.Options{BaseURL: s.URL}, "4a1b00c0ffee")
	if err == nil || !strings.Contains(err.Error(), "headers exceeded") {
		t.Errorf("%v", err)
	}
}

// silent takes every request and never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestASilentGitHubIsGivenUp: whoever takes a request and says nothing does not keep us for good.
func TestASilentGitHubIsGivenUp(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	key, id := h.PrivateKey(), h.AppID()
	synctest.Test(t, func(t *testing.T) {
		app, err := github.New(github.Options{AppID: id, PrivateKey: key, Transport: silent{}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ref := forge.Ref{Repo: forge.Repo{Installation: 1, Owner: "o", Name: "r"}, Number: 1}
		if _, _, err := app.Head(t.Context(), ref); err == nil || time.Since(began) > 5*time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if _, err := github.Register(t.Context(), github.Options{Transport: silent{}}, "4a1b00c0ffee"); err == nil {
			t.Error("credentials came out of nothing")
		}
	})
}
