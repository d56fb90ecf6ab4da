package github_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// A fakeClock passes only while somebody sleeps, and remembers for how long.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newClock() *fakeClock { return &fakeClock{now: time.Now()} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.slept = c.now.Add(d), append(c.slept, d)
	return ctx.Err()
}

// reviewed is a host with an open pull request, and an App on a fake clock.
func reviewed(t *testing.T) (*host, *githubtest.Pull, forge.Ref, *fakeClock) {
	t.Helper()
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	p, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	c := newClock()
	h.app = newApp(t, h.Server, github.Options{Clock: c})
	return h, p, ref, c
}

var oneReview = forge.Draft{Body: "a word"}

// TestLimits: every way in which GitHub asks to wait is recognised, and nothing is sent until then.
func TestLimits(t *testing.T) {
	reset := time.Now().Add(20 * time.Minute).Truncate(time.Second)
	body := func(text string) string { return `{"message":"` + text + `"}` }
	for _, tc := range []struct {
		name  string
		fault githubtest.Fault
		wait  time.Duration // from now; 0 is until reset
	}{
		{"429 with retry-after", githubtest.SecondaryLimit("pulls/get", 429, 30), 30 * time.Second},
		{"403 with retry-after", githubtest.SecondaryLimit("pulls/get", 403, 45), 45 * time.Second},
		{"403 with words only", githubtest.SecondaryLimit("pulls/get", 403, 0), time.Minute},
		{"429 with nothing", githubtest.Fault{Operation: "pulls/get", Status: 429, Body: body("Too many")}, time.Minute},
		{"403 hour used up", githubtest.PrimaryLimit("pulls/get", 403, reset), 0},
		{"429 hour used up", githubtest.PrimaryLimit("pulls/get", 429, reset), 0},
		{"token", githubtest.SecondaryLimit("apps/create-installation-access-token", 403, 30), 30 * time.Second},
		{"GraphQL by status", githubtest.SecondaryLimit("graphql", 403, 30), 30 * time.Second},
		{"GraphQL by error", githubtest.GraphQLLimit("graphql", reset), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, _, ref, clock := reviewed(t)
			h.Inject(tc.fault)
			ask := func() error {
				if strings.HasPrefix(tc.fault.Operation, "graphql") {
					_, err := h.app.Standing(t.Context(), ref)
					return err
				}
				_, _, err := h.app.Head(t.Context(), ref)
				return err
			}
			want := reset
			if tc.wait != 0 {
				want = clock.Now().Add(tc.wait)
			}
			var limit *forge.LimitError
			if err := ask(); !errors.As(err, &limit) || !limit.Until.Equal(want) {
				t.Fatalf("error %v, want a limit until %v", err, want)
			}
			sent := len(h.Requests()) + h.TokenRequests()
			if err := ask(); !errors.As(err, &limit) || len(h.Requests())+h.TokenRequests() != sent {
				t.Errorf("asked again at once: %v, %d requests more", err, len(h.Requests())+h.TokenRequests()-sent)
			}
			if err := clock.Sleep(t.Context(), limit.Until.Sub(clock.Now())); err != nil {
				t.Fatal(err)
			}
			if err := ask(); err != nil {
				t.Errorf("after the wait: %v", err)
			}
		})
	}
}

// TestReadsAreRepeated: a read outlives a few server errors and cut connections, with growing pauses.
func TestReadsAreRepeated(t *testing.T) {
	for _, f := range []githubtest.Fault{
		{Operation: "pulls/get", Status: 500, Times: 3}, {Operation: "pulls/get", Cut: true, Times: 3},
	} {
		h, p, ref, clock := reviewed(t)
		h.Inject(f)
		if head, _, err := h.app.Head(t.Context(), ref); err != nil || head != p.Head() {
			t.Errorf("%+v: %v", f, err)
		}
		// net/http itself repeats a read on a kept connection that was cut, without a pause.
		if n := len(clock.slept); n < 2 || clock.slept[1] != 2*clock.slept[0] || !f.Cut && n != 3 {
			t.Errorf("pauses %v", clock.slept)
		}
		h.Inject(githubtest.Fault{Operation: "pulls/get", Status: 502, Times: 4})
		if _, _, err := h.app.Head(t.Context(), ref); err == nil {
			t.Error("four server errors are no error")
		}
	}
	h, _, ref, _ := reviewed(t)
	h.Inject(githubtest.Fault{Operation: "graphql:Standing", Status: 502, Times: 2})
	if _, err := h.app.Standing(t.Context(), ref); err != nil {
		t.Errorf("GraphQL query: %v", err)
	}
}

// TestWritesAreNotRepeated: after an unclear answer to a write it is the caller's turn to look.
func TestWritesAreNotRepeated(t *testing.T) {
	for _, f := range []githubtest.Fault{{Status: 502, After: true}, {Cut: true, After: true}, {Status: 500}} {
		h, p, ref, _ := reviewed(t)
		f.Operation = "pulls/create-review"
		h.Inject(f)
		err := h.app.Publish(t.Context(), ref, forge.Plan{Head: p.Head(), Review: &oneReview})
		kept := len(p.Reviews())
		if err == nil || kept > 1 || (kept == 1) != f.After {
			t.Errorf("%+v: %v, %d reviews", f, err, kept)
		}
	}
}

// TestTokenRenewal: a token that ended early is replaced once, for reads and for writes.
func TestTokenRenewal(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	if _, _, err := h.app.Head(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.RevokeTokens()
	if err := h.app.Publish(t.Context(), ref, forge.Plan{Head: p.Head(), Review: &oneReview}); err != nil {
		t.Error(err)
	}
	if n := h.TokenRequests(); n != 2 || len(p.Reviews()) != 1 {
		t.Errorf("%d tokens, %d reviews", n, len(p.Reviews()))
	}
	h.Inject(githubtest.Fault{Operation: "pulls/get", Status: 401, Times: 2})
	if _, _, err := h.app.Head(t.Context(), ref); err == nil || h.TokenRequests() != 3 {
		t.Errorf("refused twice: %v, %d tokens", err, h.TokenRequests())
	}
}

// TestGone: what cannot be reached any more is ErrGone.
func TestGone(t *testing.T) {
	for name, lose := range map[string]func(*host){
		"uninstalled": func(h *host) { h.Uninstall("acme") },
		"suspended":   func(h *host) { h.Suspend("acme", true) },
		"deleted":     func(h *host) { h.repo.Delete() },
	} {
		h, _, ref, _ := reviewed(t)
		lose(h)
		if _, err := h.app.Standing(t.Context(), ref); !errors.Is(err, forge.ErrGone) {
			t.Errorf("%s: Change: %v", name, err)
		}
		if _, _, err := h.app.Head(t.Context(), ref); !errors.Is(err, forge.ErrGone) {
			t.Errorf("%s: Head: %v", name, err)
		}
	}
	h, _, ref, _ := reviewed(t)
	ref.Number = 9
	if _, err := h.app.Standing(t.Context(), ref); !errors.Is(err, forge.ErrGone) {
		t.Errorf("no such pull request: %v", err)
	}
	ref.Repo.Installation = 0
	if _, err := h.app.Standing(t.Context(), ref); !errors.Is(err, forge.ErrGone) {
		t.Errorf("no installation: %v", err)
	}
}

// TestPermission: a permission that is missing is named, and is neither a limit nor the end of the repository.
func TestPermission(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	h.Inject(githubtest.Fault{Operation: "pulls/create-review", Status: 403,
		Body:   `{"message":"Resource not accessible by integration"}`,
		Header: map[string]string{"X-Accepted-GitHub-Permissions": "pull_requests=write", "X-RateLimit-Remaining": "4999"}})
	err := h.app.Publish(t.Context(), ref, forge.Plan{Head: p.Head(), Review: &oneReview})
	var limit *forge.LimitError
	if err == nil || errors.As(err, &limit) || errors.Is(err, forge.ErrGone) ||
		!strings.Contains(err.Error(), "pull_requests=write") {
		t.Errorf("error %v", err)
	}
}

// TestRenamed: a renamed repository is found under its old name while the token still opens it.
func TestRenamed(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	if _, _, err := h.app.Head(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.repo.Rename("store")
	ref.Repo.Name = "shop"
	h.app = newApp(t, h.Server, github.Options{})
	if _, _, err := h.app.Head(t.Context(), ref); !errors.Is(err, forge.ErrGone) {
		t.Errorf("a token for the old name: %v", err)
	}
	ref.Repo.Name = "store"
	if head, _, err := h.app.Head(t.Context(), ref); err != nil || head != p.Head() {
		t.Errorf("under the new name: %v", err)
	}
}

// A spy records who was sent a credential.
type spy struct {
	mu   sync.Mutex
	seen map[string]string // by host
}

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.seen[r.URL.Host] = r.Header.Get("Authorization")
	s.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// TestRedirectElsewhere: a redirect to another host is followed without our token.
func TestRedirectElsewhere(t *testing.T) {
	h, _, ref, _ := reviewed(t)
	other := githubtest.Start(t, githubtest.Options{})
	h.Inject(githubtest.Fault{Operation: "pulls/get", Status: 302,
		Header: map[string]string{"Location": other.URL() + "/somewhere"}})
	s := &spy{seen: map[string]string{}}
	app := newApp(t, h.Server, github.Options{Transport: s})
	if _, _, err := app.Head(t.Context(), ref); !errors.Is(err, forge.ErrGone) {
		t.Errorf("error %v, want the other host's 404", err)
	}
	host := strings.TrimPrefix(other.URL(), "http://")
	if got, ok := s.seen[host]; !ok || got != "" {
		t.Errorf("the other host was sent %q, asked %v", got, ok)
	}
}

// TestRedirectOfWrite: a write is not turned into a read.
func TestRedirectOfWrite(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	h.Inject(githubtest.Fault{Operation: "pulls/create-review", Status: 301,
		Header: map[string]string{"Location": h.URL() + "/api/v3/app"}})
	err := h.app.Publish(t.Context(), ref, forge.Plan{Head: p.Head(), Review: &oneReview})
	if err == nil || !strings.Contains(err.Error(), "redirected to a GET") {
		t.Errorf("error %v", err)
	}
}

// TestErrorsHideTokens: whatever GitHub, or somebody in between, echoes back.
func TestErrorsHideTokens(t *testing.T) {
	for _, secret := range []string{
		"ghs_424242_eyJhbGciOiJIUzI1NiJ9.e30.abcdefghij-klmnopq_rstuv", "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
		"github_pat_11ABCDEFG0abcdefghijkl_mnop", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl",
	} {
		h, _, ref, _ := reviewed(t)
		for _, status := range []int{400, 403, 422, 429} {
			h.Inject(githubtest.Fault{Operation: "pulls/get", Status: status, Body: `{"message":"you sent ` + secret + `"}`})
			_, _, err := h.app.Head(t.Context(), ref)
			if err == nil || strings.Contains(err.Error(), secret[len(secret)-8:]) ||
				!strings.Contains(err.Error(), "[redacted]") {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
}

// TestWritePause: a second between two writes of an installation, as GitHub advises.
func TestWritePause(t *testing.T) {
	h, p, ref, clock := reviewed(t)
	app, err := github.New(github.Options{AppID: h.AppID(), PrivateKey: h.PrivateKey(), BaseURL: h.URL(), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := app.Publish(t.Context(), ref, forge.Plan{Head: p.Head(), Review: &oneReview}); err != nil {
			t.Fatal(err)
		}
	}
	if len(clock.slept) != 2 || clock.slept[0] != time.Second {
		t.Errorf("pauses %v, want two of a second", clock.slept)
	}
}

// TestBadKey: an App whose key GitHub does not know asks once and gives up.
func TestBadKey(t *testing.T) {
	h, _, ref, _ := reviewed(t)
	h.Inject(githubtest.Fault{Operation: "apps/create-installation-access-token", Status: 401, Times: 9})
	if _, _, err := h.app.Head(t.Context(), ref); err == nil || h.TokenRequests() != 1 {
		t.Errorf("error %v after %d requests", err, h.TokenRequests())
	}
}

// TestCancel: a context that ends while GitHub is slow ends the call.
func TestCancel(t *testing.T) {
	h, _, ref, _ := reviewed(t)
	h.Inject(githubtest.Fault{Operation: "pulls/get", Hold: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	h.app = newApp(t, h.Server, github.Options{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			cancel()
		}
		return http.DefaultTransport.RoundTrip(r)
	})})
	if _, _, err := h.app.Head(ctx, ref); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPublicAddresses: api.github.com has both interfaces at its root.
func TestPublicAddresses(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	app := newApp(t, h.Server, github.Options{BaseURL: "https://api.github.com",
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "api.github.com" || strings.HasPrefix(r.URL.Path, "/api/") {
				t.Errorf("asked %s", r.URL)
			}
			r = r.Clone(r.Context())
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(h.URL(), "http://")
			return http.DefaultTransport.RoundTrip(r)
		})})
	c, err := app.Standing(t.Context(), ref)
	if err != nil || c.Head != p.Head() {
		t.Errorf("Change: %v", err)
	}
}

// TestManyAtOnce: jobs of several repositories of one installation share its client, each with tokens of its own.
func TestManyAtOnce(t *testing.T) {
	h, _, ref, _ := reviewed(t)
	for _, name := range []string{"a", "b", "c"} {
		r, err := h.CreateRepo("acme", name, map[string]string{"x": "x\n"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Push("topic", "y", map[string]string{"Dockerfile": dockerfile}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.OpenPull(githubtest.PullOptions{Title: name, Head: "topic"}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "a", "b", "c"} {
		at := forge.Ref{Repo: forge.Repo{Installation: ref.Repo.Installation, Owner: "acme", Name: name}, Number: 1}
		wg.Go(func() {
			if _, err := h.app.Standing(t.Context(), at); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := h.TokenRequests(); n < 4 || n > 6 {
		t.Errorf("%d tokens for three repositories, want one each, and one or more to know whether commits may be made", n)
	}
}

// TestNew refuses what cannot work.
func TestNew(t *testing.T) {
	for name, o := range map[string]github.Options{
		"no key": {AppID: 1}, "no PEM": {AppID: 1, PrivateKey: []byte("secret")},
	} {
		if _, err := github.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	s := githubtest.Start(t, githubtest.Options{})
	for name, o := range map[string]github.Options{
		"no App": {PrivateKey: s.PrivateKey()}, "no host": {AppID: 1, PrivateKey: s.PrivateKey(), BaseURL: "github.example"},
	} {
		if _, err := github.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
