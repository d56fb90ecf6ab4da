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

const (
	// defaultWait is how long to wait when GitHub does not say. It doubles each time that the answer is still the same,
	// up to maxWait (content/rest/using-the-rest-api/best-practices-for-using-the-rest-api.md).
	defaultWait = time.Minute
	maxWait     = 15 * time.Minute
	// backgroundShare is the part of an hour's requests, in percent, that is kept for what somebody waits for.
	backgroundShare = 30
	// backgroundPause is what background work leaves between its requests: GitHub takes 900 reads a minute.
	backgroundPause = 100 * time.Millisecond
)

// maxErrorText bounds what is read of an answer that says no.
const maxErrorText = 64 << 10

// A gate lets one request of an installation through at a time, with a pause between writes and no more of them than
// GitHub allows, and none until the time at which GitHub asked us to come back.
type gate struct {
	clock  Clock
	pause  time.Duration // none is no windows either
	ledger Ledger
	key    string // under which the ledger has the writes of this gate
	of     int64  // the installation, 0 for the App itself
	meter  Meter
	trace  func(context.Context, string) (context.Context, func(int))
	next   http.RoundTripper
	turn   turn

	wrote time.Time // when the last write ended; only who has the turn uses it

	mu      sync.Mutex
	until   time.Time         // of the last limit
	strikes int               // limits in a row for which GitHub did not say how long
	healed  int               // the strikes that the last good answer ended
	budgets map[string]budget // by GitHub's name for what is counted
}

// A budget is what GitHub said about the requests of an hour.
type budget struct {
	left, of int
	reset    time.Time
}

// newGate is a gate for an installation, or for the App itself, which is 0.
func newGate(o Options, installation int64) *gate {
	return &gate{
		clock: o.Clock, pause: o.WritePause, ledger: o.Ledger, key: fmt.Sprintf("writes of installation %d", installation),
		of: installation, meter: o.Meter, trace: o.Trace, next: o.Transport, budgets: make(map[string]budget),
	}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if inBackground(r.Context()) {
		g.meter.Held(forBackground, backgroundPause)
		if err := g.clock.Sleep(r.Context(), backgroundPause); err != nil {
			return nil, err
		}
	}
	came := g.clock.Now()
	if err := g.turn.take(r.Context()); err != nil {
		return nil, err
	}
	defer g.turn.give()
	g.meter.Held(forTurn, g.clock.Now().Sub(came))
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
	endpoint, answered := endpointOf(r), func(int) {}
	if g.trace != nil {
		ctx, answered = g.trace(ctx, endpoint)
	}
	began := g.clock.Now()
	res, err := g.next.RoundTrip(r.WithContext(ctx))
	took := g.clock.Now().Sub(began)
	if err != nil {
		answered(0)
		g.meter.Requested(endpoint, 0, took)
		cancel()
		return nil, err
	}
	answered(res.StatusCode)
	g.meter.Requested(endpoint, res.StatusCode, took)
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
	for {
		now := g.clock.Now()
		if err := g.refusal(now, inBackground(r.Context())); err != nil {
			return err
		}
		if !writes(r) || g.pause <= 0 {
			return nil
		}
		rest, err := g.reserve(r.Context())
		if err != nil || rest <= 0 {
			return err
		}
		if rest > maxSleep && rest > g.pause {
			g.meter.Held(full, -1)
			return &forge.LimitError{Until: now.Add(rest), Err: errFull}
		}
		g.meter.Held(forPause, rest)
		if err := g.clock.Sleep(r.Context(), rest); err != nil {
			return err
		}
	}
}

// refusal is why nothing may be sent, or nothing in the background, nil when it may.
func (g *gate) refusal(now time.Time, background bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		g.meter.Held(waiting, -1)
		return &forge.LimitError{Until: g.until, Err: errors.New("not sent: GitHub asked us to wait")}
	}
	if !background {
		return nil
	}
	for _, b := range g.budgets {
		if now.Before(b.reset) && b.left*100 < b.of*backgroundShare {
			g.meter.Held(kept, -1)
			return &forge.LimitError{Until: b.reset, Err: errors.New("not sent: the rest of the hour's requests is kept")}
		}
	}
	return nil
}

// writes reports whether a request makes content; asking for a token does not.
func writes(r *http.Request) bool { return !onlyReads(r) && !givesToken(r) }

// givesToken reports whether a request asks for an installation's token, which counts against the App's own hour.
func givesToken(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/access_tokens") }

// judge turns an answer that says "wait" into a LimitError, and shuts the gate after the last answer of an hour.
func (g *gate) judge(res *http.Response) (*http.Response, error) {
	if res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusTooManyRequests {
		g.note(res)
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
	now := g.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if cause != nil {
		g.meter.Held(asked, -1)
	}
	until, said := readyAt(h, now)
	if !said {
		until = now.Add(min(defaultWait<<min(g.strikes, 10), maxWait))
		g.strikes++
	}
	if until.After(g.until) {
		g.until = until
	}
	return &forge.LimitError{Until: g.until, Err: cause}
}

// deny is shut for a limit that came in an answer with the status 200, which was taken for a good one.
func (g *gate) deny(h http.Header, cause error) error {
	g.mu.Lock()
	g.strikes = max(g.strikes, g.healed)
	g.mu.Unlock()
	return g.shut(h, cause)
}

// note keeps what an answer tells about the hour, and shuts the gate when it was the last one. The headers are taken out,
// because go-github keeps a record of its own that knows neither our clock nor the other limits.
func (g *gate) note(res *http.Response) {
	h := res.Header
	if h.Get("X-RateLimit-Remaining") == "0" {
		_ = g.shut(h, nil) // this answer is good
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if res.StatusCode < http.StatusBadRequest {
		g.healed, g.strikes = g.strikes, 0
	}
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	of, errOf := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	reset, errReset := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err == nil && errOf == nil && errReset == nil && !givesToken(res.Request) {
		resource := h.Get("X-RateLimit-Resource")
		g.budgets[resource] = budget{left, of, time.Unix(reset, 0)}
		g.meter.Budget(g.of, resource, left, of, time.Unix(reset, 0))
	}
	h.Del("X-RateLimit-Remaining")
	h.Del("X-RateLimit-Reset")
}

// readyAt is when to come back: Retry-After in seconds, else the reset of an hour that is used up. said is false when
// there is neither.
func readyAt(h http.Header, now time.Time) (at time.Time, said bool) {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		return now.Add(time.Duration(seconds) * time.Second), true
	}
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err == nil && h.Get("X-RateLimit-Remaining") == "0" && time.Unix(reset, 0).After(now) {
		return time.Unix(reset, 0), true
	}
	return time.Time{}, false
}

// settled reports whether an error was answered rather than met: repeating would not change it.
func settled(err error) bool {
	var limit *forge.LimitError
	var token *ghinstallation.HTTPError
	if errors.As(err, &token) && token.Response != nil {
		return token.Response.StatusCode < 500
	}
	return errors.As(err, &limit) || errors.Is(err, forge.ErrGone) || errors.Is(err, errTooLarge) ||
		errors.Is(err, context.Canceled)
}
