// Package registry asks image registries what a reference means today: its digest, its platforms and their sizes, and how
// the image runs.
//
// It never fails a run. A Registry answers every question with what the bundled table knows, and adds what the registry
// said, or why it said nothing. A reference is asked for once; what was said is kept on disk for as long as Options.MaxAge.
// References come from strangers' files, so whom is spoken to is limited: no address inside the operator's own network,
// unless the operator names the host; and so is everything else: time, bytes, requests, look-ups at once.
package registry

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/pattern"
)

// Options say how registries are asked.
type Options struct {
	Fallback image.Facts // what is known without asking; nil: the bundled table
	Dir      string      // where answers are kept; "" for nowhere
	// MaxAge is how long an answer is believed; 0: 6 hours. Nothing that was not answered is kept longer than a minute.
	MaxAge time.Duration
	// Timeout is how long one look-up may take, with all its requests; 0: 10 seconds.
	Timeout time.Duration
	// Hosts are registries that may lie inside the operator's network: "registry.corp.example", "localhost:5000".
	Hosts []string
	// Keychain has the credentials for private registries; nil: those of the docker command and its helpers.
	Keychain authn.Keychain
	// Strangers says that references come from people who may not see what the credentials open: these are used for Hosts
	// only.
	Strangers bool
	// Proxy chooses the proxy of a request; nil: by the usual variables.
	Proxy func(*http.Request) (*url.URL, error)
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

const (
	defaultMaxAge  = 6 * time.Hour
	defaultTimeout = 10 * time.Second
	// retryAfter is how long a look-up that failed is not tried again.
	retryAfter = time.Minute
	// maxAtOnce is how many look-ups are under way at once.
	maxAtOnce = 8
	// maxRemembered is how many references are kept in memory.
	maxRemembered = 4096
	// maxDown is how many hosts that do not answer are waited for before no others are asked for a while: a file may name
	// any number of them.
	maxDown = 10
)

// A Registry is image.Facts that asks. It may be used from many goroutines.
type Registry struct {
	o      Options
	client client
	disk   disk
	slots  chan struct{}

	mu    sync.Mutex
	known map[string]*lookup
	down  map[string]time.Time // hosts that could not be reached, until when they are left alone
}

// A lookup is one reference being asked for; ready is closed when said is there.
type lookup struct {
	ready chan struct{}
	said  said
}

// said is what came of a look-up.
type said struct {
	Ref        string
	At         time.Time
	Answer     *image.Answer
	Family     family
	Unanswered string
}

// New makes a Registry; nothing is asked yet.
func New(o Options) *Registry {
	if o.Fallback == nil {
		o.Fallback = image.Bundled()
	}
	if o.MaxAge <= 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	if o.Strangers {
		o.Keychain = ownOnly{o.Keychain, o.Hosts}
	}
	if o.Proxy == nil {
		o.Proxy = http.ProxyFromEnvironment
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Registry{
		o: o, client: newClient(o), disk: disk{o.Dir}, slots: make(chan struct{}, maxAtOnce),
		known: map[string]*lookup{}, down: map[string]time.Time{},
	}
}

// Lookup implements image.Facts.
func (r *Registry) Lookup(ref string) (image.Image, bool) {
	facts, known := r.o.Fallback.Lookup(ref)
	if ref == "scratch" || ref == "" {
		return facts, known
	}
	s := r.ask(ref)
	if s.Answer == nil {
		facts.Unanswered = s.Unanswered
		return facts, known
	}
	return merged(facts, s), true
}

// ask is what the registry says about a reference; the second who asks waits for the first.
func (r *Registry) ask(ref string) said {
	r.mu.Lock()
	l := r.known[ref]
	if l == nil || l.done() && r.stale(l.said) {
		l = &lookup{ready: make(chan struct{})}
		r.remember(ref, l)
		r.mu.Unlock()
		defer close(l.ready)
		l.said = r.find(ref)
		return l.said
	}
	r.mu.Unlock()
	<-l.ready
	return l.said
}

// remember keeps a look-up, making room when there are too many.
func (r *Registry) remember(ref string, l *lookup) {
	if len(r.known) >= maxRemembered {
		for old, other := range r.known {
			if other.done() {
				delete(r.known, old)
			}
		}
	}
	r.known[ref] = l
}

func (l *lookup) done() bool {
	select {
	case <-l.ready:
		return true
	default:
		return false
	}
}

// stale reports whether it is time to ask again.
func (r *Registry) stale(s said) bool {
	age := r.o.Now().Sub(s.At)
	if s.Answer == nil {
		return age > retryAfter
	}
	return age < 0 || age > r.o.MaxAge
}

// find looks on disk, then asks. A panic of the client, which reads what strangers send, is an answer that did not come.
func (r *Registry) find(ref string) (s said) {
	s = said{Ref: ref, At: r.o.Now()}
	parsed, err := name.ParseReference(ref)
	if err != nil {
		s.Unanswered = ref + " is not the name of an image"
		return s
	}
	if kept, ok := r.disk.read(ref); ok && !r.stale(kept) {
		return kept
	}
	host := parsed.Context().RegistryStr()
	if r.isDown(host) {
		s.Unanswered = "it, or too many others, did not answer a moment ago"
		return s
	}
	r.slots <- struct{}{}
	defer func() { <-r.slots }()
	defer func() {
		if recover() != nil {
			s.Answer, s.Unanswered = nil, "what it said could not be read"
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
	defer cancel()
	s.Answer, s.Family, err = r.client.ask(ctx, parsed, s.At)
	if err != nil {
		s.Answer, s.Unanswered = nil, reason(ctx, err, ref, r.o.Timeout)
		r.mark(host, err)
		return s
	}
	r.disk.write(s)
	return s
}

// isDown reports whether a host is left alone for now, so that a file with many images of one that does not answer, or of
// many that do not, waits a few times only.
func (r *Registry) isDown(host string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.Now()
	for other, until := range r.down {
		if !now.Before(until) {
			delete(r.down, other)
		}
	}
	_, ok := r.down[host]
	return ok || len(r.down) >= maxDown
}

func (r *Registry) mark(host string, err error) {
	if !unreachable(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down[host] = r.o.Now().Add(retryAfter)
}

// What an image says of itself may be anything; only a user and a directory that look like ones are passed on.
var (
	plainUser = pattern.New(`^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,63}(:[A-Za-z0-9_.][A-Za-z0-9_.-]{0,63})?$`)
	plainDir  = pattern.New(`^/[A-Za-z0-9_./+@-]{0,255}$`)
)

// merged is what the table knows, with what the registry said in its place.
func merged(facts image.Image, s said) image.Image {
	c := s.Answer.Config
	facts.Answer = s.Answer
	facts.User, facts.Workdir = "", ""
	if user := cmp.Or(c.User, "root"); plainUser.MatchString(user) {
		facts.User = user
	}
	if dir := cmp.Or(c.Workdir, "/"); plainDir.MatchString(dir) {
		facts.Workdir = dir
	}
	switch {
	case len(c.Entrypoint) == 0:
		facts.Entrypoint = "none"
	case facts.Entrypoint == "none":
		facts.Entrypoint = ""
	}
	if facts.Libc == "" {
		facts.Libc, facts.Manager = s.Family.Libc, s.Family.Manager
	}
	facts.Source = s.Answer.Source
	return facts
}

// ownOnly are the credentials for the operator's own registries; others are asked without.
type ownOnly struct {
	authn.Keychain
	own hosts
}

// Resolve implements authn.Keychain.
func (o ownOnly) Resolve(of authn.Resource) (authn.Authenticator, error) {
	host := of.RegistryStr()
	if bare, _, _ := strings.Cut(host, ":"); !o.own.has(host, bare) {
		return authn.Anonymous, nil
	}
	return o.Keychain.Resolve(of)
}

// hosts tells the operator's own registries from others.
type hosts []string

func (h hosts) has(hostport, bare string) bool {
	return slices.Contains(h, hostport) || slices.Contains(h, bare)
}
