// Package server is HTTP in: GitHub's webhooks, the probes of whoever runs the service, its metrics, the page on which the
// App is set up, and whatever pages administrators have.
//
// A webhook is answered after it was verified over its raw bytes and stored durably, and before anything is done about
// it: GitHub waits ten seconds and never delivers again by itself. What a payload means is another package's knowledge;
// the server asks Options.Decode what a payload asks for. Everything in a request is untrusted
// until its signature held, its headers even then, since only the body is signed.
//
// Serve ends gently: while it drains, /readyz fails so that no new traffic is sent here, deliveries under way are still
// stored and answered, and only then does it return.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

// A Queue is what the server needs of package queue.
type Queue interface {
	Receive(ctx context.Context, d queue.Delivery) (fresh bool, err error)
	Ready(ctx context.Context) error
	// CatchUp asks for those pull requests to be brought up to date whose heads are not known to be.
	CatchUp(ctx context.Context, heads []forge.Head) (int, error)
	// Unknown are those of the GUIDs that were never received. Recall and Remember keep what the server must know again.
	Unknown(ctx context.Context, guids []string) ([]string, error)
	Recall(ctx context.Context, key string) (string, error)
	Remember(ctx context.Context, key, value string) error
}

// Decode reads what a verified payload asks for. An error says that the payload is not what the code host sends.
type Decode func(event string, payload []byte) (forge.Call, error)

// Options are what a server is made of.
type Options struct {
	// Secrets are the webhook's secrets: one, or two while it is being rotated. An empty one would let everybody in
	// and is refused. With Setup there may be none: they come by Configure.
	Secrets []string
	// Setup is how the App is registered from a page; nil is for one that is registered already.
	Setup  *Setup
	Queue  Queue
	Decode Decode
	// Heard is told of each delivery that was stored for the first time; it must not block. Nil is fine.
	Heard func(event string, payload []byte)
	// Notes are what /readyz adds for people: how the App's registration falls short. It must not block. Nil is none.
	Notes func() []string
	// Logger takes the log lines, which carry a delivery's id, never its payload. Nil discards them.
	Logger *slog.Logger
	// Meter counts what becomes of webhooks; nil counts nothing.
	Meter Meter
	// Metrics is the page at /metrics, which is for the network inside; nil is none.
	Metrics http.Handler
	// Admin answers below /admin/, and asks by itself who sends a request; nil is no such pages.
	Admin http.Handler
	// Linger is how long Serve goes on accepting connections after its context ended, with /readyz failing. A load
	// balancer that learns of the end later than we do would else send webhooks to a closed port.
	Linger time.Duration
	// Drain is how long requests under way get to finish after that; 0 means fifteen seconds.
	Drain time.Duration
}

// The bounds of one connection. A client that sends or reads slower than this is cut off; GitHub has long given up.
const (
	headerTime     = 5 * time.Second
	readTime       = 15 * time.Second
	writeTime      = 30 * time.Second
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 16 << 10
	probeTime      = 3 * time.Second
	defaultDrain   = 15 * time.Second
)

// A Server answers HTTP requests. It is an http.Handler; Serve runs it on a listener.
type Server struct {
	options  Options
	log      *slog.Logger
	mux      *http.ServeMux
	large    chan struct{} // has room for maxLarge bodies
	draining atomic.Bool
	secrets  atomic.Pointer[[]string] // nil until the server is configured
	setup    *entrance                // nil when there was never anything to set up
}

// New makes a server. It refuses to be one without a secret, or a way to get one.
func New(o Options) (*Server, error) {
	if o.Queue == nil || o.Decode == nil {
		return nil, errors.New("make server: Options.Queue and Options.Decode must be set")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Drain == 0 {
		o.Drain = defaultDrain
	}
	if o.Meter == nil {
		o.Meter = unmetered{}
	}
	s := &Server{options: o, log: o.Logger, mux: http.NewServeMux(), large: make(chan struct{}, maxLarge)}
	if o.Setup != nil && len(o.Secrets) == 0 {
		s.setup = newEntrance(*o.Setup)
		s.mux.HandleFunc("/setup", s.untilConfigured(s.setupPage))
		s.mux.HandleFunc("/setup/done", s.untilConfigured(s.setupDone))
	} else if err := s.Configure(o.Secrets); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("POST /webhook", s.webhook)
	s.mux.HandleFunc("GET /installed", s.installed)
	s.mux.HandleFunc("GET /healthz", s.health)
	s.mux.HandleFunc("GET /readyz", s.ready)
	if o.Metrics != nil {
		s.mux.HandleFunc("GET /metrics", s.nearby(o.Metrics))
	}
	if o.Admin != nil {
		mount(s.mux, o.Admin)
	}
	return s, nil
}

// mount puts the administrators' pages where they belong.
func mount(mux *http.ServeMux, pages http.Handler) {
	mux.Handle("/admin/", pages)
	mux.HandleFunc("GET /admin", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "admin/") // relative, for proxies that put us below a path
		w.WriteHeader(http.StatusSeeOther)
	})
}

// Configure gives the server its secrets and lets webhooks in; until then they are answered with 503. It shuts the
// set-up pages.
func (s *Server) Configure(secrets []string) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	s.secrets.Store(&secrets)
	return nil
}

func (s *Server) configured() bool { return s.secrets.Load() != nil }

func checkSecrets(secrets []string) error {
	if len(secrets) == 0 || len(secrets) > 2 {
		return fmt.Errorf("webhook secret: there are %d, want one, or two during rotation", len(secrets))
	}
	for _, s := range secrets {
		if strings.TrimSpace(s) == "" {
			return errors.New("webhook secret: it is empty, so everybody could send webhooks")
		}
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { guarded(s.mux).ServeHTTP(w, r) }

// guarded is a handler of whose answers a browser makes nothing that they are not.
func guarded(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		safeHeaders(w.Header())
		if len(r.TransferEncoding) > 0 {
			// Where a body ends is what a proxy and we may read differently. Nothing that follows on this connection is taken
			// for another request (RFC 9112, section 11.2).
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	}
}

// Serve answers requests on the listener until the context ends, and then drains. It closes the listener. Requests
// that outlast the time to drain are cut off, and reported as an error.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := s.bounded(s)
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.Info("draining", "linger", s.options.Linger)
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-time.After(s.options.Linger):
	}
	err := s.shutDown(context.WithoutCancel(ctx), h)
	<-ended // http.ErrServerClosed
	return err
}

// bounded serves with the limits of each connection.
func (s *Server) bounded(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// ServeAdmin answers requests for the administrators' pages alone, on a listener of their own, until the context ends.
func (s *Server) ServeAdmin(ctx context.Context, l net.Listener, pages http.Handler) error {
	mux := http.NewServeMux()
	mount(mux, pages)
	h := s.bounded(guarded(mux))
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the admin page on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	err := s.shutDown(context.WithoutCancel(ctx), h)
	<-ended // http.ErrServerClosed
	return err
}

func (s *Server) shutDown(ctx context.Context, h *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Drain)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		return fmt.Errorf("drain requests: %w", errors.Join(err, h.Close()))
	}
	return nil
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") }

// ready says whether webhooks should be sent here: not while draining, and not while they could not be stored. A server
// that waits to be set up is ready, or nobody behind a proxy could reach the page.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		answer(w, http.StatusServiceUnavailable, "draining")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	if err := s.options.Queue.Ready(ctx); err != nil {
		s.log.Warn("not ready", "error", err)
		answer(w, http.StatusServiceUnavailable, "the queue cannot be reached")
		return
	}
	if !s.configured() {
		answer(w, http.StatusOK, "ready to be set up")
		return
	}
	text := "ready"
	if s.options.Notes != nil && near(r) {
		text = strings.Join(append([]string{text}, s.options.Notes()...), "\n")
	}
	answer(w, http.StatusOK, text)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
