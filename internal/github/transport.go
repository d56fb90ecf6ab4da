package github

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

type contextKey int

const (
	scopeKey      contextKey = iota // what the token of a request opens: scope
	readKey                         // present when a POST only reads, as a GraphQL query does
	backgroundKey                   // present when nobody waits for the answer
)

// about says which repository's token the requests of a context carry; it may look.
func about(ctx context.Context, repo string) context.Context {
	return context.WithValue(ctx, scopeKey, scope{repo: repo})
}

// with says what the token of a context's requests may do.
func with(ctx context.Context, p power) context.Context {
	of, _ := ctx.Value(scopeKey).(scope)
	of.power = p
	return context.WithValue(ctx, scopeKey, of)
}

// reading marks the POSTs of a context as reads, which may be repeated.
func reading(ctx context.Context) context.Context { return context.WithValue(ctx, readKey, true) }

func onlyReads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Context().Value(readKey) != nil
}

// replay repeats reads that met a server error or a cut connection, after growing pauses.
type replay struct {
	clock Clock
	next  http.RoundTripper
}

const (
	readTries = 4
	firstWait = 500 * time.Millisecond
)

func (t *replay) RoundTrip(r *http.Request) (*http.Response, error) {
	wait := firstWait
	for try := 1; ; try++ {
		res, err := t.next.RoundTrip(r)
		if try == readTries || !onlyReads(r) || !passing(r, res, err) {
			return res, err
		}
		if res != nil {
			discard(res)
		}
		if err := t.clock.Sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		wait *= 2
		if r, err = again(r); err != nil {
			return nil, err
		}
	}
}

// passing reports whether a failure may be gone the next time.
func passing(r *http.Request, res *http.Response, err error) bool {
	if err != nil {
		return r.Context().Err() == nil && !settled(err)
	}
	return res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented
}

// again is the request with its body from the start.
func again(r *http.Request) (*http.Request, error) {
	if r.GetBody == nil {
		return r, nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = body
	return r, nil
}

func discard(res *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxErrorText)) // only to keep the connection
	_ = res.Body.Close()
}

// auth adds the token of the repository that the request's context is about.
type auth struct {
	installation *installation
	next         http.RoundTripper
}

func (t *auth) RoundTrip(r *http.Request) (*http.Response, error) {
	home := t.installation.app.rest
	if r.URL.Host != home.Host || r.URL.Scheme != home.Scheme {
		return t.next.RoundTrip(r) // a redirect to somebody else, who must not see the token
	}
	of, _ := r.Context().Value(scopeKey).(scope)
	res, source, err := t.try(r, of)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	// A refused credential did nothing, so a write may be sent again. Once: GitHub bans who goes on.
	discard(res)
	t.installation.drop(of, source)
	if r, err = again(r); err != nil {
		return nil, err
	}
	res, _, err = t.try(r, of)
	return res, err
}

func (t *auth) try(r *http.Request, of scope) (*http.Response, *ghinstallation.Transport, error) {
	token, source, err := t.installation.token(r.Context(), of)
	if err != nil {
		return nil, nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := t.next.RoundTrip(r)
	return res, source, err
}
