package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// An installation is the client of one installation of the App. It has one go-github client and one gate, because
// GitHub's limits are counted per installation, and one token for each repository, because a token should open no more
// than the job needs.
type installation struct {
	app    *App
	id     int64
	gate   *gate
	client *gogithub.Client

	mu      sync.Mutex
	sources map[scope]*ghinstallation.Transport
	asks    int              // which of grants tokens ask for
	wide    *gogithub.Client // see reader
}

// A scope is what a token opens.
type scope struct {
	repo  string // its name
	reads bool   // its files alone, and only to read
}

// maxSources bounds the tokens kept for one installation; past it they are all dropped, which costs a request each.
const maxSources = 500

func newInstallation(a *App, id int64) *installation {
	i := &installation{
		app: a, id: id, gate: newGate(a.options), sources: make(map[scope]*ghinstallation.Transport),
	}
	chain := &replay{clock: a.options.Clock, next: &auth{installation: i, next: i.gate}}
	i.client = gogithub.NewClient(&http.Client{Transport: chain, CheckRedirect: keepMethod})
	i.client.BaseURL = a.rest
	i.client.UserAgent = "lighterman"
	return i
}

// keepMethod follows redirects, which renamed repositories send, but not where following would turn a write into a
// read, and not without end.
func keepMethod(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("redirected five times")
	}
	if req.Method != via[0].Method {
		return fmt.Errorf("a %s was redirected to a %s", via[0].Method, req.Method)
	}
	return nil
}

// source is where the repository's token comes from, and which of grants it asks for.
func (i *installation) source(of scope) (s *ghinstallation.Transport, asks int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s := i.sources[of]; s != nil {
		return s, i.asks
	}
	if len(i.sources) >= maxSources {
		clear(i.sources)
	}
	// Each source has an AppsTransport of its own: ghinstallation v2.10.0 writes to it on every refresh.
	apps := ghinstallation.NewAppsTransportFromPrivateKey(i.gate, i.app.options.AppID, i.app.key)
	apps.BaseURL = strings.TrimSuffix(i.app.rest.String(), "/")
	s = ghinstallation.NewFromAppsTransport(apps, i.id)
	allowed := grants()[i.asks].permissions()
	if of.reads {
		allowed = &gogithub.InstallationPermissions{Metadata: gogithub.String("read"), Contents: gogithub.String("read")}
	}
	s.InstallationTokenOptions = &gogithub.InstallationTokenOptions{Repositories: []string{of.repo}, Permissions: allowed}
	i.sources[of] = s
	return s, i.asks
}

// drop forgets a source whose token was refused, unless another goroutine did so before.
func (i *installation) drop(of scope, s *ghinstallation.Transport) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sources[of] == s {
		delete(i.sources, of)
	}
}

// token is a token for a scope and the source it came from.
func (i *installation) token(ctx context.Context, of scope) (string, *ghinstallation.Transport, error) {
	s, asks := i.source(of)
	text, err := s.Token(ctx)
	if err == nil {
		return text, s, nil
	}
	i.drop(of, s)
	refusal, status := refusedToken(err)
	if status == http.StatusUnprocessableEntity && strings.Contains(refusal, "permissions requested are not granted") {
		if !of.reads && i.lower(asks) {
			return i.token(ctx, of)
		}
	}
	return "", nil, tokenError(err, status, refusal)
}

// A grant is what tokens may ask for beyond what every installation grants: contents: write, which resolving threads
// needs (github/gh-aw#35726), and checks: write, which an installation lacks until its owner accepted it.
type grant struct {
	contents string
	checks   *string
}

// permissions are what a token asks for.
func (g grant) permissions() *gogithub.InstallationPermissions {
	return &gogithub.InstallationPermissions{
		Metadata: gogithub.String("read"), PullRequests: gogithub.String("write"), Contents: &g.contents, Checks: g.checks,
	}
}

// grants are tried in this order until GitHub gives a token.
func grants() []grant {
	write := gogithub.String("write")
	return []grant{{"write", write}, {"read", write}, {"write", nil}, {"read", nil}}
}

// lower makes tokens ask for less than was refused. It reports false when that is not possible.
func (i *installation) lower(refused int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asks == refused && refused+1 < len(grants()) {
		i.asks++
		clear(i.sources)
	}
	return i.asks > refused
}

// mayCheck reports whether tokens allow check runs to be written.
func (i *installation) mayCheck() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return grants()[i.asks].checks != nil
}

// mayPush reports whether tokens allow commits to be made.
func (i *installation) mayPush() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return grants()[i.asks].contents == "write"
}

// refusedToken reads why GitHub gave no token. ghinstallation leaves the body of that answer open.
func refusedToken(err error) (text string, status int) {
	var no *ghinstallation.HTTPError
	if !errors.As(err, &no) || no.Response == nil {
		return "", 0
	}
	body, _ := io.ReadAll(io.LimitReader(no.Response.Body, maxErrorText)) // what could be read is enough
	_ = no.Response.Body.Close()
	return string(body), no.Response.StatusCode
}

// tokenError says whether the App can still reach the repository: no longer when it was uninstalled (404), suspended
// (403), or lost the repository (422).
func tokenError(err error, status int, text string) error {
	switch {
	case status == http.StatusNotFound,
		status == http.StatusForbidden && strings.Contains(text, "suspended"),
		status == http.StatusUnprocessableEntity && strings.Contains(text, "does not exist or is not accessible"):
		return fmt.Errorf("%w: %w: %s", forge.ErrGone, err, text)
	case status != 0:
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
