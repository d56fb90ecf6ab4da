// Package github is a forge.Forge over GitHub's HTTP interfaces.
//
// An App holds the App's key and, for each installation, one client with its tokens and its limits. A call picks the
// client of the Ref's installation; its requests pass, from the outside in,
//
//	replay   repeats reads that met a 5xx or a cut connection
//	auth     adds the token narrowed to the one repository; renews it once after a 401; never to another host
//	gate     one request at a time, background work last, a pause between writes and no more of them than GitHub
//	         allows, counted over all replicas, and none while GitHub asked us to wait
//
// before they reach Options.Transport. Reading a pull request costs one GraphQL query (the pull request, its threads
// and reviews) and the REST file list, which alone carries the patches; a tree costs one request and its files one
// GraphQL query for fifty. Blobs are remembered by their SHA, so an unchanged file costs nothing the next time.
//
// A repository costs one GraphQL query, and so do all proposals in it, with a second one where people spoke. Their
// branches are moved by GraphQL too, which alone compares where a branch was; else GraphQL only resolves threads and
// minimises comments.
//
// No write whose outcome is unknown is repeated here: see Publish and Propose.
package github

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// Options say which App speaks, and to which GitHub.
type Options struct {
	AppID      int64
	PrivateKey []byte // PEM, as GitHub hands it out
	// BaseURL is https://api.github.com (the default) or an Enterprise Server's https://HOST, whose interfaces lie
	// at /api/v3 and /api/graphql.
	BaseURL   string
	Transport http.RoundTripper // nil is one with limits of time on every step
	Logger    *slog.Logger      // nil is silent
	Clock     Clock             // nil is the real one
	// Settings are the files of the base branch whose blobs a forge.Standing names.
	Settings []string
	// WritePause is the time between two writes of one installation; 0 is a second, as GitHub advises, and less
	// than 0 is none (content/rest/using-the-rest-api/best-practices-for-using-the-rest-api.md), and then writes are not
	// counted either.
	WritePause time.Duration
	// Ledger counts the writes of all processes that speak as the App; nil counts those of this one.
	Ledger Ledger
	// Meter hears of every request; nil is nobody.
	Meter Meter
	// Trace begins a span for an exchange, by the template of its address, and returns what ends it with the answer's status
	// (0: none came). Nil is none.
	Trace func(ctx context.Context, endpoint string) (context.Context, func(status int))
}

const (
	publicURL  = "https://api.github.com"
	writePause = time.Second
	// cacheBytes bounds the blobs remembered over all installations.
	cacheBytes = 64 << 20
)

// An App is a GitHub App. It may be used from any goroutine.
type App struct {
	options Options
	key     *rsa.PrivateKey
	rest    *url.URL // ends in a slash, as go-github wants
	graphql string
	blobs   *cache
	gate    *gate // of the requests that the App makes as itself

	permissions permissions

	mu            sync.Mutex
	installations map[int64]*installation
	bot           string // the App's login, "" until it is known
}

var _ forge.Forge = (*App)(nil)

// New checks the options; it sends nothing.
func New(o Options) (*App, error) {
	key, err := parseKey(o.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("read the App's private key: %w", err)
	}
	if o.AppID <= 0 {
		return nil, errors.New("no App id")
	}
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	o.Transport = newBounded(o.Transport)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	if o.Clock == nil {
		o.Clock = clock{}
	}
	if o.WritePause == 0 {
		o.WritePause = writePause
	}
	if o.Ledger == nil {
		o.Ledger = newMemory()
	}
	a := &App{options: o, key: key, blobs: newCache(cacheBytes), installations: make(map[int64]*installation)}
	a.rest, a.graphql = endpoints(base)
	a.gate = newGate(o, 0)
	return a, nil
}

// parseBase reads an Options.BaseURL.
func parseBase(text string) (*url.URL, error) {
	if text == "" {
		text = publicURL
	}
	base, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("the address %q of GitHub is not https://HOST", text)
	}
	return base, nil
}

// endpoints are the addresses of the REST and the GraphQL interface: at the root of api.github.com, below /api on an
// Enterprise Server.
func endpoints(base *url.URL) (rest *url.URL, graphql string) {
	if base.Host == "api.github.com" {
		return base.JoinPath("/"), base.JoinPath("graphql").String()
	}
	return base.JoinPath("api", "v3", "/"), base.JoinPath("api", "graphql").String()
}

// parseKey reads an RSA key in the form GitHub hands out (PKCS #1) or as tools convert it (PKCS #8).
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T, not an RSA key", key)
	}
	return rsaKey, nil
}

// installation is the client of the repository's installation, kept from then on.
func (a *App) installation(repo forge.Repo) (*installation, error) {
	if repo.Installation == 0 {
		return nil, fmt.Errorf("%s: the App is not installed there: %w", repo, forge.ErrGone)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.installations[repo.Installation]
	if i == nil {
		i = newInstallation(a, repo.Installation)
		a.installations[repo.Installation] = i
	}
	return i, nil
}
