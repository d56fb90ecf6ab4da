package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Setup lets a server start before it is an App. A page that only the holder of a one-time token sees registers the App
// with GitHub, which sends the browser back with a code; Register buys the App's credentials with it. The pages are shut
// for good once Configure was called.
type Setup struct {
	// Site is the code host's web site: https://github.com, or an Enterprise Server.
	Site string
	// Public is the address at which people and the code host reach the service; "" lets the page ask.
	Public string
	// Manifest describes an App as the code host's registration page wants it.
	Manifest func(Registration) ([]byte, error)
	// Register makes this process the App for which the host gave the code, keeps the credentials, and calls Configure.
	// It returns the page on which the App is installed. Its error wraps ErrCode, or is an *UnsavedError, or any other.
	Register func(ctx context.Context, code string) (install string, err error)
}

// A Registration is what differs between one App and the next.
type Registration struct {
	Name       string
	Page       string // where the browser reaches us
	Hook       string // where the code host reaches us
	ReviewOnly bool
}

// ErrCode says that the code host gives nothing for a code.
var ErrCode = errors.New("the code host does not know the code")

// An UnsavedError says that the App was registered and its credentials were lost: the code host gives them once.
type UnsavedError struct {
	Settings string // the App's page
	Err      error
}

func (e *UnsavedError) Error() string { return "the App's credentials were not kept: " + e.Err.Error() }
func (e *UnsavedError) Unwrap() error { return e.Err }

const (
	// stateLife is how long the host's whole flow may take
	// (content/apps/sharing-github-apps/registering-a-github-app-from-a-manifest.md).
	stateLife = time.Hour
	// maxStates bounds the pages that can be open at a time.
	maxStates = 100
	// registerTime bounds Setup.Register; an answer must be written within writeTime.
	registerTime = writeTime - 5*time.Second
)

// An entrance is what stands open until the server is configured.
type entrance struct {
	Setup
	token string
	one   sync.Mutex // held while a code is used

	mu     sync.Mutex
	states map[[sha256.Size]byte]time.Time // until when each holds, by its hash
}

func newEntrance(s Setup) *entrance {
	s.Public = strings.TrimRight(s.Public, "/")
	return &entrance{Setup: s, token: secretText(), states: make(map[[sha256.Size]byte]time.Time)}
}

// secretText is 256 random bits.
func secretText() string { return rand.Text() + rand.Text() }

// admits compares a token in constant time.
func (e *entrance) admits(token string) bool {
	want, got := sha256.Sum256([]byte(e.token)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// newState is a fresh word that the code host carries back to us. The oldest of too many is dropped.
func (e *entrance) newState() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	var oldest [sha256.Size]byte
	for key, until := range e.states {
		if !now.Before(until) {
			delete(e.states, key)
		} else if first, ok := e.states[oldest]; !ok || until.Before(first) {
			oldest = key
		}
	}
	if len(e.states) >= maxStates {
		delete(e.states, oldest)
	}
	state := secretText()
	e.states[sha256.Sum256([]byte(state))] = now.Add(stateLife)
	return state
}

// takeState reports whether a state is one of ours, within its hour. It is used up.
func (e *entrance) takeState(state string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := sha256.Sum256([]byte(state))
	until, ok := e.states[key]
	delete(e.states, key)
	return ok && time.Now().Before(until)
}

// SetupPath is the path and query of the set-up page, which holds the token; "" when the server is configured.
func (s *Server) SetupPath() string {
	if s.setup == nil || s.configured() {
		return ""
	}
	return "/setup?token=" + s.setup.token
}

// untilConfigured answers 404, as for any unknown page, when there is nothing to set up any more.
func (s *Server) untilConfigured(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.SetupPath() == "" || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		next(w, r)
	}
}

// setupPage is the page that begins: whose App, where, with which permissions.
func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !s.setup.admits(q.Get("token")) {
		http.NotFound(w, r)
		return
	}
	v, err := s.setup.choice(r)
	if err != nil {
		s.log.Error("the set-up page cannot be made", "error", err)
		http.Error(w, "the page cannot be made; the server's log says why", http.StatusInternalServerError)
		return
	}
	s.show(w, http.StatusOK, "choose", v)
}

// codeShape is what a code of the host looks like.
var codeShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// setupDone is where the code host sends the browser with the code. It knows the person by the state alone, so a
// browser that lost its way is told how to go on, and nothing else.
func (s *Server) setupDone(w http.ResponseWriter, r *http.Request) {
	e, q := s.setup, r.URL.Query()
	e.one.Lock()
	defer e.one.Unlock()
	if s.configured() {
		http.NotFound(w, r)
		return
	}
	if !e.takeState(q.Get("state")) || !codeShape.MatchString(q.Get("code")) {
		s.log.Warn("set-up refused: the state or the code is not one to go on with")
		s.show(w, http.StatusForbidden, "trouble", e.strayed())
		return
	}
	// A browser that goes away must not cut in two what can be done only once.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), registerTime)
	defer cancel()
	install, err := e.Register(ctx, q.Get("code"))
	if err != nil {
		s.log.Error("set-up went wrong", "error", err)
		s.show(w, http.StatusBadGateway, "trouble", e.failed(err, "setup?token="+e.token))
		return
	}
	s.log.Info("set up; the set-up page is closed")
	w.Header().Set("Referrer-Policy", "strict-origin")
	http.Redirect(w, r, install, http.StatusSeeOther)
}

// installed is where the code host sends people who installed the App.
func (s *Server) installed(w http.ResponseWriter, _ *http.Request) {
	s.show(w, http.StatusOK, "installed", nil)
}
