package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/redact"
)

// defaultWait is how long to wait when GitHub does not say (best-practices-for-using-the-rest-api.md).
const defaultWait = time.Minute

// maxErrorText bounds what is read of an answer that says no.
const maxErrorText = 64 << 10

// A gate lets one request of an installation through at a time, with a pause between writes, and none until the time
// at which GitHub asked us to come back.
type gate struct {
	clock Clock
	pause time.Duration
	next  http.RoundTripper
	turn  chan struct{} // holds one value; whoever takes it may send

	mu    sync.Mutex
	until time.Time // of the last limit
	wrote time.Time // when the last write ended; only who has the turn changes it
}

func newGate(o Options) *gate {
	g := &gate{clock: o.Clock, pause: o.WritePause, next: o.Transport, turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-g.turn:
		defer func() { g.turn <- struct{}{} }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err := g.wait(r); err != nil {
		return nil, err
	}
	res, err := g.send(r)
	if writes(r) {
		g.wrote = g.clock.Now()
	}
	if err != nil {
		return nil, err
	}
	return g.judge(res)
}

// requestPatience is how long one exchange may take, so that a connection that hangs does not hold up an installation.
const requestPatience = time.Minute

func (g *gate) send(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), requestPatience)
	res, err := g.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = &timedBody{res.Body, cancel}
	return res, nil
}

// A timedBody ends the time limit of its exchange when it is closed.
type timedBody struct {
	io.ReadCloser
	done context.CancelFunc
}

func (b *timedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// wait keeps the pause between writes, and refuses to send at all while a limit holds.
func (g *gate) wait(r *http.Request) error {
	now := g.clock.Now()
	g.mu.Lock()
	until := g.until
	g.mu.Unlock()
	if now.Before(until) {
		return &forge.LimitError{Until: until, Err: errors.New("not sent: GitHub asked us to wait")}
	}
	if rest := g.pause - now.Sub(g.wrote); writes(r) && g.pause > 0 && rest > 0 {
		return g.clock.Sleep(r.Context(), rest)
	}
	return nil
}

// writes reports whether a request makes content; asking for a token does not.
func writes(r *http.Request) bool {
	return !reads(r) && !strings.HasSuffix(r.URL.Path, "/access_tokens")
}

// judge turns an answer that says "wait" into a LimitError, and shuts the gate after the last answer of an hour.
func (g *gate) judge(res *http.Response) (*http.Response, error) {
	if res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusTooManyRequests {
		g.note(res.Header)
		return res, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxErrorText))
	_ = res.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the answer %s: %w", res.Status, err)
	}
	if !isLimit(res, string(body)) {
		res.Body = io.NopCloser(bytes.NewReader(body))
		return res, nil
	}
	r := res.Request
	return nil, g.shut(res.Header, fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Path, res.Status, redact.Text(string(body))))
}

// isLimit tells a limit from a permission that is missing: both are 403.
func isLimit(res *http.Response, body string) bool {
	h, text := res.Header, strings.ToLower(body)
	return res.StatusCode == http.StatusTooManyRequests || h.Get("Retry-After") != "" ||
		h.Get("X-RateLimit-Remaining") == "0" || strings.Contains(text, "secondary rate limit") ||
		strings.Contains(text, "rate limit exceeded") || strings.Contains(text, "abuse detection")
}

// shut closes the gate until GitHub is ready again.
func (g *gate) shut(h http.Header, cause error) error {
	until := readyAt(h, g.clock.Now())
	g.mu.Lock()
	defer g.mu.Unlock()
	if until.After(g.until) {
		g.until = until
	}
	return &forge.LimitError{Until: g.until, Err: cause}
}

// note shuts the gate when an answer was the last of its hour. The header is taken out, because go-github keeps a
// record of its own that knows neither our clock nor the other limits.
func (g *gate) note(h http.Header) {
	if h.Get("X-RateLimit-Remaining") == "0" {
		_ = g.shut(h, nil) // this answer is good
	}
	h.Del("X-RateLimit-Remaining")
	h.Del("X-RateLimit-Reset")
}

// readyAt is when to come back: Retry-After in seconds, else the reset of an hour that is used up, else a minute on.
func readyAt(h http.Header, now time.Time) time.Time {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		return now.Add(time.Duration(seconds) * time.Second)
	}
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err == nil && h.Get("X-RateLimit-Remaining") == "0" && time.Unix(reset, 0).After(now) {
		return time.Unix(reset, 0)
	}
	return now.Add(defaultWait)
}

// settled reports whether an error was answered rather than met: repeating would not change it.
func settled(err error) bool {
	var limit *forge.LimitError
	var token *ghinstallation.HTTPError
	if errors.As(err, &token) && token.Response != nil {
		return token.Response.StatusCode < 500
	}
	return errors.As(err, &limit) || errors.Is(err, forge.ErrGone) || errors.Is(err, context.Canceled)
}
