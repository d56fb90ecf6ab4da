package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/lighterman/lighterman/internal/admin"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/metrics"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/internal/server"
	"github.com/lighterman/lighterman/internal/sweep"
	"github.com/lighterman/lighterman/internal/trace"
)

// A service is the App: webhooks in, jobs in a queue, reviews out. serve and demo run the same one. Without an App it
// waits for the set-up page to make it one.
type service struct {
	options  serviceOptions
	engine   check.Options
	queue    *queue.Queue
	server   *server.Server
	pages    *admin.Pages // nil without Admin
	metrics  *metrics.Set
	trace    *trace.Tracer
	close    func() // ends the prover's children
	app      atomic.Pointer[liveApp]
	arrivals chan github.Arrival
}

// A liveApp is what there is once the App's credentials are known.
type liveApp struct {
	*github.App
	work    func(context.Context, queue.Job) (queue.Done, error)
	sweeper *sweep.Sweeper
	library *review.Library // where configurations of other repositories come from
	notes   *notes
}

// serviceOptions say what a service is made of.
type serviceOptions struct {
	GitHub  github.Options // without an AppID the App is set up from a page
	Queue   queue.Options  // Work, Ticks and Logger are filled in
	Secrets []string
	Linger  time.Duration
	Log     *slog.Logger
	Images  image.Facts // nil: the bundled table
	// Secret is told of what came to the service later and is not to be logged; nil is fine.
	Secret func(words ...string)
	// Public is how people and GitHub reach the service, without a slash at the end; "" is not known.
	Public string
	// Credentials is the file where the set-up page keeps what GitHub gives.
	Credentials string
	// Admin says who may see the admin page; the zero value is that there is none. It has an address of its own when AdminAddr
	// is not "".
	Admin     admin.Access
	AdminAddr string
	// RiverUI is the address of River's own page about its jobs; "" for none.
	RiverUI string
	// Presets are owners whose presets every repository may extend.
	Presets []string
	// Inspect has the App's registration compared with what it needs, at the start and for /readyz.
	Inspect bool
	// Recover makes up for webhooks that did not arrive, at the start and on a timer.
	Recover bool
	// Sweeps has whole repositories swept; nil has none.
	Sweeps *sweepOptions
	// Reviewed hears the outcome of each review; nil is fine.
	Reviewed func(review.Outcome)
}

// maxArrivals is how many webhooks that tell of new repositories may wait. One more is left to the next look at all open
// pull requests.
const maxArrivals = 100

// newService opens the queue and puts the parts together; nothing runs yet.
func newService(ctx context.Context, o serviceOptions) (_ *service, err error) {
	s := &service{options: o, metrics: metrics.New(version()), arrivals: make(chan github.Arrival, maxArrivals)}
	s.options.Log = aware(o.Log)
	o.Log = s.options.Log
	if s.trace, err = trace.FromEnvironment(ctx, version(), o.Log); err != nil {
		return nil, err
	}
	if s.trace != nil {
		s.options.GitHub.Trace = s.exchange
	}
	s.options.GitHub.Logger, s.options.GitHub.Ledger, s.options.GitHub.Meter = o.Log, s, s.metrics
	s.engine, s.close = newEngine(o.Log)
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if o.Images != nil {
		s.engine.Images = o.Images
	}
	o.Queue.Logger = o.Log
	o.Queue.Work = func(ctx context.Context, job queue.Job) (queue.Done, error) {
		return s.app.Load().work(ctx, job)
	}
	o.Queue.Ended = s.ended
	if o.Recover {
		o.Queue.Ticks = s.ticks()
	}
	if o.Sweeps != nil {
		o.Queue.Sweep = s.sweep
	}
	if o.GitHub.AppID != 0 {
		if err := s.become(s.options.GitHub); err != nil {
			return nil, err
		}
	}
	if s.queue, err = queue.Open(ctx, o.Queue); err != nil {
		return nil, err
	}
	s.metrics.Watch(s.jobs, s.sweepJobs)
	if s.pages, err = s.newPages(ctx); err != nil {
		return nil, errors.Join(err, s.queue.Stop(ctx))
	}
	if s.server, err = s.newServer(); err != nil {
		return nil, errors.Join(err, s.queue.Stop(ctx))
	}
	return s, nil
}

// Change makes the queue's database the ledger of what all replicas write.
func (s *service) Change(ctx context.Context, key string, change func(string) string) error {
	return s.queue.Change(ctx, key, change)
}

// become makes the service the App with these credentials.
func (s *service) become(o github.Options) error {
	o.Settings = config.Names()
	app, err := github.New(o)
	if err != nil {
		return err
	}
	reviewer := newReviewer(app, s.options.Presets, s.engine, s.options.Log)
	if s.trace != nil {
		reviewer.Trace = s.phase
	}
	live := &liveApp{App: app, work: s.work(reviewer), notes: &notes{log: s.options.Log}}
	live.sweeper, live.library = newSweeper(app, reviewer, s.timing()), reviewer.Library
	live.sweeper.Now = s.now
	if s.trace != nil {
		live.sweeper.Trace = s.phase
	}
	if s.options.Inspect {
		hook := ""
		if s.options.Public != "" {
			hook = s.options.Public + "/webhook"
		}
		live.notes.look = func(ctx context.Context) ([]string, error) { return app.Shortfalls(ctx, hook) }
	}
	s.app.Store(live)
	return nil
}

func (s *service) newServer() (*server.Server, error) {
	o := server.Options{
		Secrets: s.options.Secrets, Queue: tracedQueue{s.queue, s.trace}, Decode: github.Decode, Logger: s.options.Log, Linger: s.options.Linger,
		Heard: s.heard, Meter: s.metrics, Metrics: s.metrics.Handler(), Notes: func() []string { return s.app.Load().notes.current() },
	}
	if s.pages != nil && s.options.AdminAddr == "" {
		o.Admin = s.pages
	}
	if s.app.Load() == nil {
		site, err := github.Site(s.options.GitHub.BaseURL)
		if err != nil {
			return nil, err
		}
		o.Setup = &server.Setup{Site: site, Public: s.options.Public, Manifest: manifest, Register: s.register}
	}
	return server.New(o)
}

// drain is how long jobs under way get to finish when the service ends.
const drain = 30 * time.Second

// run serves on the listener until the context ends: then no more webhooks are taken, jobs under way are finished, and
// what is left is for the next process.
func (s *service) run(ctx context.Context, l net.Listener) error {
	defer s.close()
	if s.app.Load() != nil {
		if err := s.start(ctx); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	welcoming, enough := context.WithCancel(ctx)
	var background conc.WaitGroup
	background.Go(func() { s.welcome(welcoming) })
	apart, err := s.listenAdmin()
	if apart != nil {
		background.Go(func() { s.serveAdmin(welcoming, apart) })
	}
	if err == nil {
		err = s.server.Serve(ctx, l)
	} else {
		err = errors.Join(err, l.Close())
	}
	enough()
	background.Wait()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err = errors.Join(err, s.queue.Stop(stopping))
	s.sendTraces(stopping)
	if app := s.app.Load(); app != nil {
		app.notes.wg.Wait()
	}
	return err
}

// start begins to run jobs, and looks at the App's registration.
func (s *service) start(ctx context.Context) error {
	if err := s.queue.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	s.app.Load().notes.current()
	return nil
}

// now is the time on the clock by which GitHub is talked to.
func (s *service) now() time.Time {
	if clock := s.options.GitHub.Clock; clock != nil {
		return clock.Now()
	}
	return time.Now()
}

// share has the other pull requests of a head looked at when what its check run says may have changed for them: because one
// was written, or because the pull request that it was written for is closed. Either ends: a review that writes nothing,
// and one that no webhook led to, lead to no further one.
func (s *service) share(ctx context.Context, job queue.Job, out review.Outcome) {
	wrote := out.End == review.Published && out.Plan.Check != nil
	if job.Ref.Number == 0 || out.Head == "" || !wrote && (out.End != review.Closed || job.Delivery == "") {
		return
	}
	if err := s.queue.Share(ctx, job.Ref, out.Head); err != nil {
		s.options.Log.Warn("other pull requests of the same head are not looked at", "pull", job.Ref.String(), "error", err)
	}
}

// work is what the queue does with a pull request. A review that the pull request moved away from comes again: if no
// webhook brought it, because what was read was older than the one that led here, then after a while.
func (s *service) work(r *review.Reviewer) func(context.Context, queue.Job) (queue.Done, error) {
	return func(ctx context.Context, job queue.Job) (done queue.Done, err error) {
		ctx = noting(ctx, job)
		ctx, end := s.jobSpan(ctx, job)
		defer func() { end(err) }()
		since := review.Since{Mark: job.Mark, Memory: job.Memory, Head: job.Head, Request: job.Request(), Limited: job.Limited}
		out, err := r.ReviewSince(ctx, job.Ref, since, job.Requests...)
		if err != nil {
			return queue.Done{}, err
		}
		if s.options.Reviewed != nil {
			s.options.Reviewed(out)
		}
		if out.End == review.MovedOn {
			return queue.Done{}, fmt.Errorf("review %s: %w", job.Ref, forge.ErrStale)
		}
		s.share(ctx, job, out)
		return s.done(out), nil
	}
}
