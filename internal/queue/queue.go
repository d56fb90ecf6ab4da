package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/lighterman/lighterman/internal/forge"
)

// A Delivery is one webhook delivery as it came in, after its signature was verified.
type Delivery struct {
	GUID    string     // the X-GitHub-Delivery header; the same on a redelivery
	Event   string     // the X-GitHub-Event header
	Call    forge.Call // what it asks for; when that is nothing, the delivery is stored and nothing starts
	Payload []byte     // the body as signed
	Trace   string     // what its handling is part of, as Job.Trace hands it on; "" for nothing
}

// A Job is a pull request or a merge group to be brought up to date, or a whole repository to be swept, with what people
// asked for on it, in the order in which they did. What was asked for is handed over until a run returns nil, or the job is given up.
type Job struct {
	Ref      forge.Ref
	Requests []forge.Request
	Mark     string // what the last run that was done left as Done.Mark
	Head     string // the head as the newest webhook told it; "" when none did
	Memory   string // what the last run that was done left as Done.Memory
	// ID names this run among all. Delivery is the newest webhook that asked for it, and Trace what that left as
	// Delivery.Trace; both are "" when none did.
	ID       string
	Delivery string
	Trace    string
	// Limited is until when the code host let nobody in, if that kept the newest head waiting for a minute or more since its
	// webhook came; else zero.
	Limited time.Time
}

// Request is the id under which the run is told to people and in the log: the webhook's where there is one, so that one
// name leads from the code host's delivery log to what was posted.
func (j Job) Request() string {
	if j.Delivery != "" {
		return j.Delivery
	}
	return "job-" + j.ID
}

// A Run is one run of a job or a tick that ended.
type Run struct {
	Kind    string // "review", "sweep", or the name of the tick
	Ref     forge.Ref
	Outcome Outcome
	Took    time.Duration
	// Waited is how long it took to bring the pull request up to date with a head, from the webhook that told of it on. It
	// is 0 for a run that did not end that, and told of once for a head unless the process dies at that moment.
	Waited time.Duration
	Done   Done
}

// An Outcome is what became of a job after a run.
type Outcome string

// The outcomes of a run.
const (
	Finished    Outcome = "done"
	Gone        Outcome = "gone"        // its subject is gone for good
	Limited     Outcome = "limited"     // it was put off: the host asked to wait, or this process lost its hold on it
	Interrupted Outcome = "interrupted" // this process stops
	MovedOn     Outcome = "moved_on"    // the pull request moved on meanwhile: it is run again
	Failed      Outcome = "failed"      // it is tried again
	Buried      Outcome = "dead"        // it failed too often
)

// Done is what a run that returned nil came to.
type Done struct {
	Head string // the commit that needs nothing more; "" when that is not known
	Mark string // for the next run; "" leaves the one before
	// Memory is for the next run too, but is forgotten when the pull request is left alone for long; "" leaves the one
	// before. Counts are what happened, which is counted in the transaction that ends the job: once, unless the run that
	// left the Memory which they were told by is forgotten.
	Memory string
	Counts []Count
	// Posted is what was written, and Why why it was not more, in words for people: see Report.
	Posted []string
	Why    string
	// Sweep is what a sweep that is done leaves in its repository's row; nil leaves that.
	Sweep *Swept
	// Settled is called after the end of the job was written, which a run that is cut off does not come to. Nil is fine.
	Settled func()
}

// Options say where a queue lives and what its jobs do.
type Options struct {
	// DataDir is the folder of the SQLite database, created when missing. It is not used with a DatabaseURL, and must
	// not be on a network disk: SQLite's locks do not hold there.
	DataDir string
	// DatabaseURL is a PostgreSQL connection URL (postgres:// or postgresql://); "" means SQLite in DataDir. It must
	// lead to the server or to a pooler in session mode: River listens for notifications, and migrations take a lock
	// that belongs to a session.
	DatabaseURL string
	// Logger takes the queue's log lines. They name pull requests and deliveries, never payloads. Nil discards them.
	Logger *slog.Logger
	// Workers is the number of jobs this process runs at once, Sweepers the number of sweeps beside them; 0 means 4, and 1.
	Workers  int
	Sweepers int
	// Timeout bounds one run of a job; 0 means ten minutes. Work sees it as its context's deadline. SweepTimeout is for
	// sweeps; 0 means an hour.
	Timeout      time.Duration
	SweepTimeout time.Duration
	// Attempts is how often a failing job is run before it is put aside as dead; 0 means 12, which with the default
	// Backoff spreads over about eleven hours.
	Attempts int
	// Backoff is the wait after the given attempt (from 1) failed; nil means the fourth power of the attempt in
	// seconds, which is River's default without its jitter.
	Backoff func(attempt int) time.Duration
	// Cooldown is the least time between two runs for one pull request, unless somebody asked for something: a series of
	// pushes is looked at a few times, and its end for certain. 0 means five seconds, less than 0 none. SweepCooldown is for
	// the sweeps of a repository; 0 means ten minutes.
	Cooldown      time.Duration
	SweepCooldown time.Duration
	// Work does one job. It must change nothing when there is nothing to change, because a
	// job whose process died is run again. An error that wraps a *forge.LimitError puts off the jobs of the
	// installation until then and costs no attempt; one that wraps forge.ErrGone ends the job at the third attempt; any other is retried.
	Work func(ctx context.Context, job Job) (Done, error)
	// Sweep does a job about a whole repository, on the terms of Work. When it is nil such jobs are not taken on. A limit
	// that it runs into puts off the other sweeps of the installation, but none of its reviews.
	Sweep func(ctx context.Context, job Job) (Done, error)
	// Ended hears of every run of a job or a tick, after its end was written. It must not block. Nil is fine.
	Ended func(Run)
	// Ticks are run while the queue is started.
	Ticks []Tick
}

const (
	defaultWorkers  = 4
	defaultTimeout  = 10 * time.Minute
	defaultAttempts = 12
	defaultCooldown = 5 * time.Second

	defaultSweepers      = 1
	defaultSweepTimeout  = time.Hour
	defaultSweepCooldown = 10 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Workers = cmp.Or(o.Workers, defaultWorkers)
	o.Sweepers = cmp.Or(o.Sweepers, defaultSweepers)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.SweepTimeout = cmp.Or(o.SweepTimeout, defaultSweepTimeout)
	o.Attempts = cmp.Or(o.Attempts, defaultAttempts)
	o.Cooldown = cmp.Or(o.Cooldown, defaultCooldown)
	o.SweepCooldown = cmp.Or(o.SweepCooldown, defaultSweepCooldown)
	if o.Backoff == nil {
		o.Backoff = fourthPower
	}
	return o
}

func fourthPower(attempt int) time.Duration {
	return time.Duration(attempt*attempt*attempt*attempt) * time.Second
}

// ErrStopped is returned by Receive and Ready once Stop was called.
var ErrStopped = errors.New("the queue is stopped")

// A Queue stores deliveries and runs jobs. Its methods may be called concurrently.
type Queue struct {
	engine engine
	inbox  *inbox
	log    *slog.Logger

	background conc.WaitGroup
	cancel     context.CancelFunc // ends what runs in background

	mu      sync.Mutex
	started bool
	stopped bool
}

// An engine is a queue over one kind of database.
type engine interface {
	// store keeps deliveries in one transaction, and reports for each whether it was new.
	store(ctx context.Context, deliveries []Delivery) ([]bool, error)
	enqueue(ctx context.Context, refs []forge.Ref) error
	share(ctx context.Context, ref forge.Ref, commit string) error
	catchUp(ctx context.Context, heads []forge.Head, now time.Time) (int, error)
	start(ctx context.Context) error
	// keep renews this process's hold on its jobs until the context ends.
	keep(ctx context.Context)
	drain(ctx context.Context) error
	close() error
	ping(ctx context.Context) error
	depth(ctx context.Context, kind string) (Depth, error)
	dead(ctx context.Context) ([]DeadJob, error)
	replay(ctx context.Context, id int64) error
	prune(ctx context.Context, now time.Time) error
	unknown(ctx context.Context, guids []string) ([]string, error)
	recall(ctx context.Context, key string) (string, error)
	remember(ctx context.Context, key, value string) error
	change(ctx context.Context, key string, change func(string) string) error
	report(ctx context.Context, subject string) (Report, bool, error)
	reports(ctx context.Context, most int) ([]Report, error)
	counts(ctx context.Context, since time.Time) ([]DayCount, error)
	list(ctx context.Context, installation int64, all []Listed, due func(forge.Repo) time.Time) error
	repositories(ctx context.Context, installation int64) ([]Repository, error)
	sweepDue(ctx context.Context, now time.Time, most int) (int, error)
	hasten(ctx context.Context, installation int64, at time.Time) error
	live(ctx context.Context, most int) ([]LiveJob, error)
	received(ctx context.Context, most int) ([]Received, error)
	payload(ctx context.Context, guid string) (event string, body []byte, ok bool, err error)
	known(ctx context.Context, subject string) (Known, error)
}

// Open opens the database, brings its tables up to date and makes the queue ready to receive. On SQLite it fails when
// another process has the same DataDir open. Jobs run from Start on. The context bounds the opening only.
func Open(ctx context.Context, options Options) (*Queue, error) {
	o := options.withDefaults()
	if o.Work == nil {
		return nil, errors.New("open queue: no work to do: Options.Work is nil")
	}
	if err := checkTicks(o.Ticks); err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	e, err := openEngine(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &Queue{engine: e, inbox: newInbox(e.store), log: o.Logger, cancel: cancel}
	q.background.Go(q.inbox.run)
	q.background.Go(func() { q.pruneHourly(running) })
	q.background.Go(func() { e.keep(running) })
	return q, nil
}

func openEngine(ctx context.Context, o Options) (engine, error) {
	switch {
	case o.DatabaseURL == "":
		return openSQLite(ctx, o)
	case strings.HasPrefix(o.DatabaseURL, "postgres://"), strings.HasPrefix(o.DatabaseURL, "postgresql://"):
		return openPostgres(ctx, o)
	}
	return nil, errors.New("the database URL begins with neither postgres:// nor postgresql://")
}

// Receive stores a delivery and notes the pull request it names, both or neither, and returns once that is on disk.
// A delivery whose GUID is known already changes nothing, and fresh is false. After an error the caller cannot know
// whether it was stored; receiving it again is safe.
func (q *Queue) Receive(ctx context.Context, d Delivery) (fresh bool, err error) {
	if d.GUID == "" {
		return false, errors.New("store delivery: it has no GUID")
	}
	fresh, err = q.inbox.receive(ctx, d)
	if err != nil {
		return false, fmt.Errorf("store delivery %s: %w", d.GUID, err)
	}
	return fresh, nil
}

// Enqueue asks for pull requests to be brought up to date, or repositories to be swept, without a delivery, all or none:
// for those whose webhooks may have been missed.
func (q *Queue) Enqueue(ctx context.Context, refs ...forge.Ref) error {
	if q.inbox.isClosed() {
		return fmt.Errorf("enqueue: %w", ErrStopped)
	}
	if err := q.engine.enqueue(ctx, refs); err != nil {
		return fmt.Errorf("enqueue %d pull requests: %w", len(refs), err)
	}
	return nil
}

// Share asks for the other pull requests that have a commit as their head to be brought up to date, because what was
// written on it for one of them is seen on all.
func (q *Queue) Share(ctx context.Context, ref forge.Ref, commit string) error {
	if err := q.engine.share(ctx, ref, commit); err != nil {
		return fmt.Errorf("share %s of %s: %w", commit, ref, err)
	}
	return nil
}

// CatchUp asks for those of the open pull requests to be brought up to date whose heads are not known to be, and returns
// how many there are. They wait behind the others, in the order given. A head that was asked for a short while ago is not
// asked for again: when its job failed for good it would fail again.
func (q *Queue) CatchUp(ctx context.Context, heads []forge.Head) (int, error) {
	if q.inbox.isClosed() {
		return 0, fmt.Errorf("catch up: %w", ErrStopped)
	}
	n, err := q.engine.catchUp(ctx, heads, time.Now())
	if err != nil {
		return 0, fmt.Errorf("catch up with %d pull requests: %w", len(heads), err)
	}
	return n, nil
}

// Start begins to run jobs: those left over by a dead process first, then what is received. It returns when the first
// ones are being fetched. The context bounds the start only; Stop ends the work.
func (q *Queue) Start(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return fmt.Errorf("start queue: %w", ErrStopped)
	}
	if q.started {
		return nil
	}
	if err := q.engine.start(ctx); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	q.started = true
	return nil
}

// Stop waits for the running jobs to end, or until the context is done, when it cancels them and leaves what they did
// not finish to the next process, at no cost of an attempt. Then it closes the database. Deliveries are refused from
// here on, so whoever receives them is stopped first. A second call does nothing.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return nil
	}
	q.stopped = true
	q.inbox.close()
	var drained error
	if q.started {
		drained = q.engine.drain(ctx)
	}
	q.cancel()
	q.background.Wait()
	if err := errors.Join(drained, q.engine.close()); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// Ready reports whether deliveries can be stored now: the queue is not stopped and its database answers.
func (q *Queue) Ready(ctx context.Context) error {
	if q.inbox.isClosed() {
		return ErrStopped
	}
	if err := q.engine.ping(ctx); err != nil {
		return fmt.Errorf("reach the queue's database: %w", err)
	}
	return nil
}
