package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// An installation is the client of one installation of the App. It has one go-github client and one gate, because
// GitHub's limits are counted per installation, and tokens for each repository and each kind of request, because a token
// should open no more than it is used for.
type installation struct {
	app    *App
	id     int64
	gate   *gate
	client *gogithub.Client

	mu       sync.Mutex
	sources  map[scope]*ghinstallation.Transport
	lacks    lack
	renewals int              // how often lacks changed
	learned  time.Time        // when it was last found out whether commits may be made
	unissued time.Time        // when it was last found out that no issues may be written
	wide     *gogithub.Client // see reader
}

// A lack is what the owner of an installation did not grant of what tokens ask for: contents: write, or check runs, which
// an installation lacks until its owner accepted them.
type lack struct{ pushes, checks bool }

// A scope is what a token opens: one repository, and there no more than one kind of request needs.
type scope struct {
	repo  string // its name
	power power
}

// A power is what a token may do.
type power int

const (
	looks  power = iota // read what a review looks at
	reads               // read files, and nothing else
	speaks              // write reviews, comments and check runs
	pushes              // make commits, and resolve threads, which takes the same permission (github/gh-aw#35726)
	posts               // write issues, which few owners grant
)

// permissions are what a token with a power asks for.
func (p power) permissions(l lack) *gogithub.InstallationPermissions {
	read, write := gogithub.String("read"), gogithub.String("write")
	out := &gogithub.InstallationPermissions{Metadata: read}
	switch p {
	case reads:
		out.Contents = read
	case looks:
		out.Contents, out.PullRequests, out.Checks = read, read, read
	case speaks:
		out.PullRequests, out.Checks = write, write
	case pushes:
		out.Contents, out.PullRequests = write, write
	case posts:
		out.Issues = write
	}
	if l.checks {
		out.Checks = nil
	}
	return out
}

// maxSources bounds the tokens kept for one installation; past it they are all dropped, which costs a request each.
const maxSources = 500

func newInstallation(a *App, id int64) *installation {
	i := &installation{
		app: a, id: id, gate: newGate(a.options, id), sources: make(map[scope]*ghinstallation.Transport),
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

// source is where a scope's token comes from, and at which of the renewals it was made.
func (i *installation) source(of scope) (s *ghinstallation.Transport, renewal int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s := i.sources[of]; s != nil {
		return s, i.renewals
	}
	if len(i.sources) >= maxSources {
		clear(i.sources)
	}
	// Each source has an AppsTransport of its own: ghinstallation v2.10.0 writes to it on every refresh.
	apps := ghinstallation.NewAppsTransportFromPrivateKey(i.gate, i.app.options.AppID, i.app.key)
	apps.BaseURL = strings.TrimSuffix(i.app.rest.String(), "/")
	s = ghinstallation.NewFromAppsTransport(apps, i.id)
	s.InstallationTokenOptions = &gogithub.InstallationTokenOptions{
		Repositories: []string{of.repo}, Permissions: of.power.permissions(i.lacks),
	}
	i.sources[of] = s
	return s, i.renewals
}

// drop forgets a source whose token was refused, unless another goroutine did so before.
func (i *installation) drop(of scope, s *ghinstallation.Transport) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sources[of] == s {
		delete(i.sources, of)
	}
}

// token is a token for a scope and the source it came from. The error wraps forge.ErrForbidden when no token can have the
// power.
func (i *installation) token(ctx context.Context, of scope) (string, *ghinstallation.Transport, error) {
	if of.power == pushes && i.lacking().pushes {
		return "", nil, fmt.Errorf("contents: write is not granted: %w", forge.ErrForbidden)
	}
	if of.power == posts && i.postless() {
		return "", nil, fmt.Errorf("issues: write is not granted: %w", forge.ErrForbidden)
	}
	s, renewal := i.source(of)
	text, err := s.Token(ctx)
	if err == nil {
		return text, s, nil
	}
	i.drop(of, s)
	refusal, status := refusedToken(err)
	if status == http.StatusUnprocessableEntity && strings.Contains(refusal, "permissions requested are not granted") &&
		i.lower(of.power, renewal) {
		return i.token(ctx, of)
	}
	return "", nil, tokenError(err, status, refusal)
}

// lower makes tokens ask for less than was refused. It reports false when there is nothing more to leave out.
func (i *installation) lower(refused power, renewal int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	l := i.lacks
	switch {
	case i.renewals != renewal: // somebody else did
		return true
	case refused == posts:
		i.unissued = i.app.options.Clock.Now()
		return true
	case refused == pushes:
		l.pushes = true
	case refused == looks || refused == speaks:
		l.checks = true
	}
	return i.renew(l)
}

// renew takes note of what is lacking. It reports whether that is something new. The caller holds mu.
func (i *installation) renew(l lack) bool {
	if l == i.lacks {
		return false
	}
	if l.checks != i.lacks.checks {
		clear(i.sources)
	}
	i.lacks = l
	i.renewals++
	return true
}

func (i *installation) lacking() lack {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.lacks
}

// mayCheck reports whether tokens allow check runs to be written.
func (i *installation) mayCheck() bool { return !i.lacking().checks }

// grantLife is how long it is remembered what an owner granted. A permission that they accept counts within it.
const grantLife = time.Hour

// mayPush reports whether commits may be made. It asks for a token that can, and does not use it.
func (i *installation) mayPush(ctx context.Context, repo forge.Repo) (bool, error) {
	if i.outdated() {
		_, _, err := i.token(ctx, scope{repo.Name, pushes})
		if err != nil && !errors.Is(err, forge.ErrForbidden) {
			return false, err
		}
		i.mu.Lock()
		i.learned = i.app.options.Clock.Now()
		i.mu.Unlock()
	}
	return !i.lacking().pushes, nil
}

// postless reports whether it was found out lately that no issues may be written.
func (i *installation) postless() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.unissued.IsZero() && i.app.options.Clock.Now().Sub(i.unissued) < grantLife
}

// outdated reports whether it is time to find out again what is granted, and forgets what was lacking then.
func (i *installation) outdated() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.app.options.Clock.Now().Sub(i.learned) < grantLife {
		return false
	}
	i.renew(lack{})
	return true
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
