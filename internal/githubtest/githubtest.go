// Package githubtest is a GitHub for tests and for the demo: HTTP on a loopback address over a real git repository.
//
// A Server holds one App, its installations, repositories, pull requests, reviews and webhooks. Real client libraries
// talk to it; nothing is replaced above the wire. Because git itself stores the commits, SHAs, trees, merge bases,
// diffs and modes are true, and the rules that GitHub adds on top are enforced as GitHub documents them, or as people
// who met them reported: what is commentable, reviews that are accepted whole or not at all, one pending review, token
// scopes, rate limits, what a check run may say, who may push where. People's actions (push, reply, resolve, the button
// of a suggestion or of a check run, a merge queue's tests) are methods of Repo and Pull.
//
// The package is kept honest by GitHub's own descriptions (folder contract, cut by command cut): every REST request and
// every answer is checked against the OpenAPI description, every GraphQL query and result against the schema. What does
// not fit is kept and returned by Close; Start makes it fail the test.
package githubtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

//go:generate go run ./cut contract ../../testdata/github

// Options say how a Server is set up. The zero value is a GitHub with an App that holds the full set of permissions.
type Options struct {
	Addr        string            // listen address; "" is a free port of 127.0.0.1
	Slug        string            // the App's slug; "" is lighterman
	Permissions map[string]string // granted to every installation; nil is Full()
	Events      []string          // that the App is told of; nil is those about pull requests
	// Unregistered leaves it to the web pages to register the App, and to Install to install it.
	Unregistered bool
	Now          func() time.Time // the server's clock; nil is time.Now
	// TokenNow is the clock for tokens and who asks for them, which client libraries tell by the machine's; nil is Now.
	TokenNow func() time.Time
	Limits   Limits
	Latency  time.Duration // that every answer takes at least
}

// Limits are GitHub's sizes and rates, which a test may change. Zero is GitHub's own value.
type Limits struct {
	Primary       int // requests an hour and installation: 5000
	Content       int // content-creating requests a minute: 80
	ContentHour   int // content-creating requests an hour: 500
	Points        int // of REST requests a minute, a read 1 and a write 5: 900
	GraphQLPoints int // of GraphQL requests a minute, a query 1 and a mutation 5: 2000
	Concurrent    int // requests at once: 100
	Files         int // files listed of one pull request: 3000
	TreeEntries   int // entries of one recursive tree: 100,000
	Runs          int // check runs of one name that a commit keeps: 1000
	PatchLines    int // lines beyond which a file's patch is left out: 20,000
	GraphQLBytes  int // bytes beyond which GraphQL cuts a blob's text: 512,000

	NoRetryAfter bool // secondary limits do not say how long to wait
}

// Unlimited is Limits for tests that are about something else and go faster than GitHub lets anybody.
func Unlimited() Limits {
	const n = 1 << 40
	return Limits{Primary: n, Runs: n, Content: n, ContentHour: n, Points: n, GraphQLPoints: n, Concurrent: n}
}

// GitHub's own limits. The one on text in GraphQL is an observation, the others are documented.
const (
	primaryLimit       = 5000
	contentLimit       = 80
	contentHourLimit   = 500
	pointsLimit        = 900
	graphQLPointsLimit = 2000
	concurrentLimit    = 100
	filesLimit         = 3000
	treeEntriesLimit   = 100_000
	runsLimit          = 1000
	patchLinesLimit    = 20_000
	graphQLBytesLimit  = 512_000
)

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	set(&l.Primary, primaryLimit)
	set(&l.Content, contentLimit)
	set(&l.ContentHour, contentHourLimit)
	set(&l.Points, pointsLimit)
	set(&l.GraphQLPoints, graphQLPointsLimit)
	set(&l.Concurrent, concurrentLimit)
	set(&l.Files, filesLimit)
	set(&l.TreeEntries, treeEntriesLimit)
	set(&l.Runs, runsLimit)
	set(&l.PatchLines, patchLinesLimit)
	set(&l.GraphQLBytes, graphQLBytesLimit)
	return l
}

// Full is the permissions of the App's full manifest.
func Full() map[string]string {
	return map[string]string{
		"contents": "write", "metadata": "read", "pull_requests": "write", "checks": "write", "issues": "read",
		"merge_queues": "read",
	}
}

// ReviewOnly is the permissions of the App's review-only manifest: it cannot resolve threads.
func ReviewOnly() map[string]string {
	p := Full()
	p["contents"] = "read"
	return p
}

// The App's identity. An id that does not fit 32 bits would be refused by GitHub's own schema for Apps.
const (
	appID     = 424242
	botUserID = 99424242
)

// A Server is a running GitHub. Its methods may be called from any goroutine.
type Server struct {
	options  Options
	key      *rsa.PrivateKey
	dir      string
	url      string
	http     *http.Server
	contract *contract
	hooks    hooks
	app      atomic.Pointer[app]
	serving  sync.WaitGroup

	mu            sync.Mutex
	lastID        int64
	repos         []*Repo
	installations map[string]*installation // by owner
	tokens        map[string]*token
	requests      []Request
	faults        []*Fault
	reads         map[string]*answer // to GET and GraphQL queries, for Fault.Stale
	failures      []error
	outdated      []string
	asked         map[string]*registration // by the key of the page that asks
	codes         map[string]*registration // by the code that the page gave
	reach         map[string]string        // public addresses and where they lead
}

// New starts a Server. The caller must Close it.
func New(o Options) (*Server, error) {
	key, err := processKey()
	if err != nil {
		return nil, err
	}
	c, err := loadContract()
	if err != nil {
		return nil, fmt.Errorf("load GitHub's contract: %w", err)
	}
	if o.Slug == "" {
		o.Slug = "lighterman"
	}
	if o.Permissions == nil {
		o.Permissions = Full()
	}
	if o.Events == nil {
		o.Events = []string{"pull_request", "pull_request_review", "pull_request_review_comment", "issue_comment", "merge_group"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Limits = o.Limits.withDefaults()
	s := &Server{
		options: o, key: key, contract: c, lastID: firstID,
		installations: make(map[string]*installation), tokens: make(map[string]*token),
		asked: make(map[string]*registration), codes: make(map[string]*registration), reach: make(map[string]string),
	}
	s.app.Store(&app{
		registered: !o.Unregistered, slug: o.Slug, name: o.Slug, owner: "ghost", kind: "User", url: docs,
		permissions: o.Permissions, events: o.Events,
	})
	return s, s.listen()
}

// firstID is beyond 32 bits, as GitHub's ids of review comments are.
const firstID = 1 << 33

// processKey is the App's private key, one for the whole process: making one takes up to a second.
var processKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func (s *Server) listen() error {
	dir, err := os.MkdirTemp("", "githubtest")
	if err != nil {
		return err
	}
	s.dir = dir
	addr := s.options.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.url = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.serving.Go(func() { _ = s.http.Serve(l) }) // always http.ErrServerClosed
	return nil
}

// Start is New for a test: the server ends with the test, and the test fails if anybody broke GitHub's contract.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("GitHub's contract was broken: %v", err)
		}
	})
	return s
}

// Close stops the server, waits for deliveries under way, removes its files, and returns what broke GitHub's contract.
func (s *Server) Close() error {
	s.hooks.close()
	err := s.http.Close()
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, os.RemoveAll(s.dir), errors.Join(s.failures...))
}

// URL is the address of the web site. As on GitHub Enterprise Server the REST interface lies at /api/v3 and GraphQL at
// /api/graphql; both are also served at the root, as on api.github.com.
func (s *Server) URL() string { return s.url }

// AppID is the App's id.
func (s *Server) AppID() int64 { return appID }

// Bot is the login of the App's user.
func (s *Server) Bot() string { return s.app.Load().slug + "[bot]" }

// PrivateKey is the App's private key in PEM, as GitHub hands it out.
func (s *Server) PrivateKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s.key)})
}

// InstallationID is the App's installation for an owner, 0 if there is none. An owner's first repository makes one.
func (s *Server) InstallationID(owner string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.installations[owner]; i != nil {
		return i.id
	}
	return 0
}

// Wait returns when every webhook sent so far has been answered.
func (s *Server) Wait(ctx context.Context) error { return s.hooks.wait(ctx) }

// id hands out the next identifier. The caller holds mu.
func (s *Server) id() int64 {
	s.lastID++
	return s.lastID
}

func (s *Server) now() time.Time { return s.options.Now() }

func (s *Server) tokenNow() time.Time {
	if s.options.TokenNow != nil {
		return s.options.TokenNow()
	}
	return s.now()
}

// broken records that somebody, perhaps this package, broke GitHub's contract. The caller holds mu.
func (s *Server) broken(format string, args ...any) {
	s.failures = append(s.failures, fmt.Errorf(format, args...))
}

func (s *Server) newGit(name string) (*gitDir, error) {
	return initGit(filepath.Join(s.dir, name+".git"))
}
