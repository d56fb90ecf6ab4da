package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// A place is where the database of a test lives.
type place struct{ dir, url string }

func (p place) options(o Options) Options {
	o.DataDir, o.DatabaseURL = p.dir, p.url
	if o.Cooldown == 0 {
		o.Cooldown = -1
	}
	return o
}

func sqlitePlace(t testing.TB) place { return place{dir: t.TempDir()} }

// TestConformance holds both databases to the same promises.
func TestConformance(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { conform(t, sqlitePlace) })
	t.Run("postgres", func(t *testing.T) {
		cluster := pgtest.Start(t)
		conform(t, func(t testing.TB) place { return place{url: cluster.Database(t)} })
		for name, promise := range map[string]func(*testing.T, place){
			"replicas open at once":           openAtOnce,
			"replicas coalesce":               func(t *testing.T, p place) { coalesce(t, p, 2) },
			"a paused owner is fenced":        fence,
			"an owner taken for dead stops":   selfFence,
			"an owner cut off stops":          cutOff,
			"a live replica takes over":       takeOver,
			"a database URL must be readable": badURL,
			"one replica ticks":               ticksOnce,
			"replicas change what they share": func(t *testing.T, p place) { changes(t, p, 3) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				promise(t, place{url: cluster.Database(t)})
			})
		}
	})
}

func conform(t *testing.T, where func(testing.TB) place) {
	for name, promise := range map[string]func(*testing.T, place){
		"a delivery runs its pull request once": runsOnce,
		"a known delivery changes nothing":      dedupes,
		"a delivery that failed is not known":   failedIsNotKnown,
		"pull requests without a delivery":      enqueues,
		"pushes during a run make it run again": runsAgain,
		"pushes coalesce":                       func(t *testing.T, p place) { coalesce(t, p, 1) },
		"failures are retried":                  retries,
		"a push ends the backoff":               hastens,
		"a push at the end of a failure":        hastensAtOnce,
		"the last failure is kept":              buries,
		"a push during the last attempt runs":   outlivesLastAttempt,
		"a panic is a failure":                  panicsAreFailures,
		"what is gone is given up":              givesUp,
		"a run leaves a mark for the next":      leavesMark,
		"a limit puts off its installation":     putsOff,
		"what a limit kept waiting is told":     tellsOfLimits,
		"stop waits for running jobs":           drains,
		"stop cancels at its deadline":          interrupts,
		"a stopped queue refuses":               refuses,
		"old deliveries are forgotten":          forgets,
		"killed and started again":              resumes,
		"killed in every attempt":               buriesKillers,
		"a request is handed over until done":   handsOver,
		"a request does not wait":               asksAtOnce,
		"a request is done once":                asksOnce,
		"a request that fails is given up":      givesUpAsking,
		"many requests take several runs":       asksOften,
		"a head stands for its pull requests":   finds,
		"a merge group is a subject of its own": groups,
		"what is remembered is there again":     remembers,
		"a newer schema is refused":             func(t *testing.T, p place) { refusesNewer(t, p, newerSchema()) },
		"a newer River is refused":              func(t *testing.T, p place) { refusesNewer(t, p, newerRiver) },
		"what is changed is changed by one":     func(t *testing.T, p place) { changes(t, p, 1) },
		"open pull requests are caught up with": catchesUp,
		"a head is shared":                      sharesHeads,
		"what is found waits behind webhooks":   waitsBehind,
		"a tick comes again":                    ticks,
		"a tick does not overlap itself":        ticksInTurn,
		"stop does not wait for a tick":         stopsTicking,
		"a series of pushes is run seldom":      rests,
		"a run that moved on counts as one":     restsAfterMoving,
		"the last run is reported":              reportsRuns,
		"what happened is counted once":         countsOnce,
		"a pull request is looked up":           looksUp,
		"deliveries are remembered":             remembersDeliveries,
		"a head's wait is told once":            tellsWait,
		"a run knows the webhook behind it":     knowsCause,
		"old reports and counts are forgotten":  forgetsReports,
		"the oldest job has waited":             waitsLongest,
		"sweeps run beside reviews":             sweepsBeside,
		"a repository is swept by one":          sweepsInTurn,
		"a series of pushes is swept seldom":    sweepsSeldom,
		"a sweep has its own time":              sweepsAreBounded,
		"sweeps give way to reviews":            sweepsGiveWay,
		"the last failure of a sweep is kept":   sweepsAreBuried,
		"sweeps may be left out":                sweepsAreNotTaken,
		"repositories become due":               becomesDue,
		"many repositories are listed":          listsMany,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			promise(t, where(t))
		})
	}
}

// A log collects log lines; they are printed when the test fails.
func logTo(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// open opens and starts a queue that is stopped at the end of the test.
func open(t testing.TB, p place, o Options) *Queue {
	t.Helper()
	q := openStill(t, p, o)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return q
}

func openStill(t testing.TB, p place, o Options) *Queue {
	t.Helper()
	if o.Logger == nil {
		o.Logger = logTo(t)
	}
	q, err := Open(t.Context(), p.options(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, q) })
	return q
}

func stop(t testing.TB, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func pullRequest(n int) forge.Ref {
	return forge.Ref{Repo: forge.Repo{Installation: 7, Owner: "Acme", Name: "app"}, Number: n}
}

func push(guid string, ref forge.Ref) Delivery {
	return Delivery{GUID: guid, Event: "pull_request", Call: forge.Call{Action: "synchronize", Refs: []forge.Ref{ref}},
		Payload: []byte(`{"a":1}`)}
}

func receive(t testing.TB, q *Queue, d Delivery) bool {
	t.Helper()
	fresh, err := q.Receive(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func idle(t testing.TB, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := q.Idle(ctx); err != nil {
		t.Fatal(err)
	}
}

// A desk is work under a test's control: every run reports in begun and goes on with what it gets from end.
type desk struct {
	begun chan forge.Ref
	end   chan error
}

func newDesk() desk { return desk{make(chan forge.Ref), make(chan error)} }

func (d desk) work(ctx context.Context, job Job) (Done, error) {
	select {
	case d.begun <- job.Ref:
	case <-ctx.Done():
		return Done{}, ctx.Err()
	}
	select {
	case err := <-d.end:
		return Done{}, err
	case <-ctx.Done():
		return Done{}, ctx.Err()
	}
}

// patience bounds how long a test waits for what is bound to happen.
const patience = time.Minute

func next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// A tally counts runs and answers them from a list; when that is used up with nil.
type tally struct {
	mu      sync.Mutex
	answers []error
	runs    []forge.Ref
	asked   [][]string // ids of the requests of each run
}

// work tells that the pull request is done up to the head "head n" after the nth run.
func (c *tally) work(_ context.Context, job Job) (Done, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = append(c.runs, job.Ref)
	var ids []string
	for _, r := range job.Requests {
		ids = append(ids, r.ID)
	}
	c.asked = append(c.asked, ids)
	n := len(c.runs)
	if n <= len(c.answers) {
		return Done{}, c.answers[n-1]
	}
	return Done{Head: fmt.Sprint("head ", n)}, nil
}

func (c *tally) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.runs)
}

func (c *tally) want(t testing.TB, n int) {
	t.Helper()
	if got := c.count(); got != n {
		t.Errorf("ran %d times, want %d", got, n)
	}
}

func at(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

func wantDepth(t testing.TB, q *Queue, want Depth) {
	t.Helper()
	got, err := q.Depth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Oldest = 0; got != want {
		t.Errorf("depth is %+v, want %+v", got, want)
	}
}

func runsOnce(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work})
	if !receive(t, q, push("1", pullRequest(1))) {
		t.Error("the delivery is not fresh")
	}
	receive(t, q, Delivery{GUID: "2", Event: "ping"})
	idle(t, q)
	c.want(t, 1)
	if c.runs[0] != pullRequest(1) {
		t.Errorf("ran %+v, want %+v", c.runs[0], pullRequest(1))
	}
	if err := q.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// rests pushes again and again: the first run is at once, the next after the cool-down, and a request does not wait.
func rests(t *testing.T, p place) {
	const cooldown = 2 * time.Second
	var c tally
	q := open(t, p, Options{Work: c.work, Cooldown: cooldown})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	began := time.Now()
	for n := range 20 {
		receive(t, q, push(fmt.Sprint("again ", n), pullRequest(1)))
	}
	most := 2 + int(time.Since(began)/cooldown)
	idle(t, q)
	if n := c.count(); n < 2 || n > most {
		t.Errorf("%d runs, want at least 2 and at most %d", n, most)
	}
	stop(t, q)

	q = open(t, p, Options{Work: c.work, Cooldown: time.Hour})
	before := c.count()
	receive(t, q, push("late", pullRequest(1)))
	waitDepth(t, q, Depth{Delayed: 1})
	d := push("asked", pullRequest(1))
	d.Call.Request = &forge.Request{Kind: forge.Rerun}
	receive(t, q, d)
	idle(t, q) // what somebody asks for does not wait
	c.want(t, before+1)
}

// restsAfterMoving pushes during each run, so that all end because the pull request moved on.
func restsAfterMoving(t *testing.T, p place) {
	const cooldown, pushes = time.Second, 3
	var c tally
	var q *Queue
	began := time.Now()
	q = openStill(t, p, Options{Cooldown: cooldown, Work: func(ctx context.Context, job Job) (Done, error) {
		done, err := c.work(ctx, job)
		if n := c.count(); n < pushes {
			receive(t, q, push(fmt.Sprint("meanwhile ", n), pullRequest(1)))
			return done, fmt.Errorf("moved: %w", forge.ErrStale)
		}
		return done, err
	}})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	c.want(t, pushes)
	if took := time.Since(began); took < (pushes-1)*cooldown {
		t.Errorf("%d runs within %s", pushes, took)
	}
}

func dedupes(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	if receive(t, q, push("1", pullRequest(1))) {
		t.Error("the second delivery with a GUID is fresh")
	}
	idle(t, q)
	c.want(t, 1)
	if _, err := q.Receive(t.Context(), Delivery{Event: "ping"}); err == nil {
		t.Error("a delivery without a GUID was stored")
	}
}

// enqueues spells one pull request in two ways.
func enqueues(t *testing.T, p place) {
	var c tally
	q := openStill(t, p, Options{Work: c.work})
	shouted := pullRequest(1)
	shouted.Repo.Owner = "ACME"
	if err := q.Enqueue(t.Context(), pullRequest(1), shouted, pullRequest(2)); err != nil {
		t.Fatal(err)
	}
	wantDepth(t, q, Depth{Waiting: 2})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	c.want(t, 2)
}

// failedIsNotKnown breaks the database between the insert of the delivery and that of the job.
func failedIsNotKnown(t *testing.T, p place) {
	var c tally
	q := openStill(t, p, Options{Work: c.work})
	alter(t, q, `ALTER TABLE river_job RENAME TO away`)
	if _, err := q.Receive(t.Context(), push("1", pullRequest(1))); err == nil {
		t.Fatal("stored a delivery without a job table")
	}
	alter(t, q, `ALTER TABLE away RENAME TO river_job`)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !receive(t, q, push("1", pullRequest(1))) {
		t.Error("a delivery that failed half way was swallowed")
	}
	idle(t, q)
	c.want(t, 1)
}

// alter runs a statement on the queue's database.
func alter(t testing.TB, q *Queue, statement string) {
	t.Helper()
	if err := onSession(t.Context(), q, func(s session) error {
		_, err := s.exec(t.Context(), statement)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func runsAgain(t *testing.T, p place) {
	d := newDesk()
	q := open(t, p, Options{Work: d.work})
	receive(t, q, push("1", pullRequest(1)))
	next(t, d.begun)
	for i := range 5 {
		receive(t, q, push(fmt.Sprint("during ", i), pullRequest(1)))
	}
	wantDepth(t, q, Depth{Running: 1})
	d.end <- nil
	next(t, d.begun)
	d.end <- nil
	idle(t, q) // a third run would never begin its work, and hang here
}

// coalesce pushes to a few pull requests from many sides. In the end the newest push of each was seen by a run, no two
// runs of one were at the same time, and there were far fewer runs than pushes.
func coalesce(t *testing.T, p place, replicas int) {
	const pulls, pushes, senders, runTime = 10, 300, 30, 10 * time.Millisecond
	var head, seen, busy [pulls]atomic.Int64
	var runs, overlaps atomic.Int64
	work := func(_ context.Context, job Job) (Done, error) {
		n := job.Ref.Number - 1
		if busy[n].Add(1) > 1 {
			overlaps.Add(1)
		}
		defer busy[n].Add(-1)
		runs.Add(1)
		seen[n].Store(head[n].Load())
		<-time.After(runTime) // pushes come meanwhile, and the run does not see them
		return Done{}, nil
	}
	queues := make([]*Queue, replicas)
	for i := range queues {
		queues[i] = open(t, p, Options{Work: work, Workers: 8})
	}
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			for i := sender; i < pushes; i += senders {
				ref := pullRequest(i%pulls + 1)
				head[ref.Number-1].Add(1)
				d := push(fmt.Sprint("push ", i), ref)
				if _, err := queues[i%replicas].Receive(t.Context(), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	idle(t, queues[0])
	for n := range pulls {
		if got, want := seen[n].Load(), head[n].Load(); got != want {
			t.Errorf("pull request %d was brought up to push %d, the newest is %d", n+1, got, want)
		}
	}
	if overlaps.Load() > 0 {
		t.Errorf("%d runs overlapped another of the same pull request", overlaps.Load())
	}
	t.Logf("%d pushes on %d pull requests: %d runs", pushes, pulls, runs.Load())
}

func retries(t *testing.T, p place) {
	c := tally{answers: []error{errors.New("one"), errors.New("two")}}
	q := open(t, p, Options{Work: c.work, Attempts: 3, Backoff: at(0)})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	c.want(t, 3)
	wantDepth(t, q, Depth{})
}

func hastens(t *testing.T, p place) {
	c := tally{answers: []error{errors.New("once")}}
	q := open(t, p, Options{Work: c.work, Backoff: at(time.Hour)})
	receive(t, q, push("1", pullRequest(1)))
	waitDepth(t, q, Depth{Delayed: 1})
	receive(t, q, push("2", pullRequest(1)))
	idle(t, q)
	c.want(t, 2)
}

// hastensAtOnce pushes when a run has failed and its backoff is not written yet.
func hastensAtOnce(t *testing.T, p place) {
	c := tally{answers: []error{errors.New("not now")}}
	var q *Queue
	between := func(int) time.Duration {
		receive(t, q, push("2", pullRequest(1)))
		return time.Hour
	}
	q = openStill(t, p, Options{Work: c.work, Backoff: between})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	c.want(t, 2)
}

// waitDepth waits until the jobs stand as wanted.
func waitDepth(t testing.TB, q *Queue, want Depth) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		got, err := q.Depth(ctx)
		if err != nil {
			t.Fatalf("waiting for %+v: %v", want, err)
		}
		if got.Oldest = 0; got == want {
			return
		}
	}
}

func buries(t *testing.T, p place) {
	c := tally{answers: []error{errors.New("one"), errors.New("two")}}
	q := open(t, p, Options{Work: c.work, Attempts: 2, Backoff: at(0)})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	c.want(t, 2)
	dead := wantDead(t, q, 1)
	if dead[0].Error != "two" || dead[0].Attempts != 2 || dead[0].Ref != pullRequest(1) || dead[0].At.IsZero() {
		t.Errorf("the dead job is %+v", dead[0])
	}
	if err := q.Replay(t.Context(), dead[0].ID+1000); !errors.Is(err, ErrNotDead) {
		t.Errorf("replay of a job that is not there: %v", err)
	}
	if err := q.Replay(t.Context(), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	c.want(t, 3)
	wantDead(t, q, 0)
	if err := q.Replay(t.Context(), dead[0].ID); !errors.Is(err, ErrNotDead) {
		t.Errorf("second replay: %v", err)
	}
}

func wantDead(t testing.TB, q *Queue, n int) []DeadJob {
	t.Helper()
	dead, err := q.Dead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(dead) != n {
		t.Fatalf("%d dead jobs, want %d: %+v", len(dead), n, dead)
	}
	return dead
}

func outlivesLastAttempt(t *testing.T, p place) {
	d := newDesk()
	q := open(t, p, Options{Work: d.work, Attempts: 1})
	receive(t, q, push("1", pullRequest(1)))
	next(t, d.begun)
	receive(t, q, push("2", pullRequest(1)))
	d.end <- errors.New("the first head does not work")
	next(t, d.begun)
	d.end <- nil
	idle(t, q)
	wantDead(t, q, 0)
}

func panicsAreFailures(t *testing.T, p place) {
	q := open(t, p, Options{Attempts: 1, Work: func(context.Context, Job) (Done, error) { panic("boom") }})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	if dead := wantDead(t, q, 1); !strings.Contains(dead[0].Error, "boom") {
		t.Errorf("the error %q does not name the panic", dead[0].Error)
	}
}

func givesUp(t *testing.T, p place) {
	gone := fmt.Errorf("read: %w", forge.ErrGone)
	c := tally{answers: []error{gone, gone, gone}}
	q := open(t, p, Options{Work: c.work, Backoff: at(0)})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	c.want(t, goneAttempts)
	wantDepth(t, q, Depth{})
	receive(t, q, push("2", pullRequest(1))) // it is back
	idle(t, q)
	c.want(t, goneAttempts+1)
}

// leavesMark hands on what a run left, until another one leaves something else, and the head that was told last.
func leavesMark(t *testing.T, p place) {
	var got, heads []string
	var mu sync.Mutex
	marks := []string{"one", "", "two", ""}
	q := open(t, p, Options{Work: func(_ context.Context, job Job) (Done, error) {
		mu.Lock()
		defer mu.Unlock()
		got, heads = append(got, job.Mark), append(heads, job.Head)
		return Done{Mark: marks[len(got)-1]}, nil
	}})
	for n, head := range []string{"", "a", "", "b"} {
		d := push(fmt.Sprint(n), pullRequest(1))
		d.Call.Head = head
		receive(t, q, d)
		idle(t, q)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"", "one", "one", "two"}; !slices.Equal(got, want) {
		t.Errorf("marks %q, want %q", got, want)
	}
	if want := []string{"", "a", "a", "b"}; !slices.Equal(heads, want) {
		t.Errorf("heads %q, want %q", heads, want)
	}
}

// putsOff has one attempt only, which the limit must not use up.
// putsOff reaches a limit: jobs of that installation wait for its end, at no cost of an attempt, and others do not.
func putsOff(t *testing.T, p place) {
	d := newDesk()
	q := open(t, p, Options{Work: d.work, Attempts: 1, Workers: 1})
	receive(t, q, push("1", pullRequest(1)))
	next(t, d.begun)
	until := time.Now().Add(2 * time.Second)
	d.end <- fmt.Errorf("list files: %w", &forge.LimitError{Until: until, Err: errors.New("403")})
	waitDepth(t, q, Depth{Waiting: 1}) // the limit is noted before the job stops running
	receive(t, q, push("2", pullRequest(2)))
	for range 2 {
		next(t, d.begun)
		if time.Now().Before(until) {
			t.Error("a job of the limited installation ran early")
		}
		d.end <- nil
	}
	idle(t, q)

	other := pullRequest(3)
	other.Repo.Installation, other.Repo.Name = 8, "other"
	receive(t, q, push("3", pullRequest(1)))
	next(t, d.begun)
	d.end <- &forge.LimitError{Until: time.Now().Add(time.Hour), Err: errors.New("403")}
	waitDepth(t, q, Depth{Delayed: 1})
	receive(t, q, push("4", pullRequest(2)))
	receive(t, q, push("5", other))
	if got := next(t, d.begun); got != other {
		t.Errorf("%s ran while its installation is limited", got)
	}
	d.end <- nil
	waitDepth(t, q, Depth{Delayed: 2})
}

// tellsOfLimits has jobs know what kept their head waiting, when that was long, and not when it was over before.
func tellsOfLimits(t *testing.T, p place) {
	jobs := make(chan Job, 2)
	q := openStill(t, p, Options{Work: func(_ context.Context, job Job) (Done, error) {
		jobs <- job
		return Done{Head: job.Head}, nil
	}})
	until := time.Now().Add(-time.Second).Truncate(time.Millisecond)
	for n, ago := range []time.Duration{3 * time.Minute, 30 * time.Second} {
		ref := pullRequest(n + 1)
		d := push(fmt.Sprint(n), ref)
		d.Call.Head = strings.Repeat("a", 40)
		receive(t, q, d)
		alter(t, q, fmt.Sprintf(`UPDATE lighterman_pull SET told_at = %d WHERE number = %d`, until.Add(-ago).UnixMilli(), n+1))
	}
	alter(t, q, fmt.Sprintf(`INSERT INTO lighterman_limit (installation, until) VALUES (%d, %d)`,
		pullRequest(1).Repo.Installation, until.UnixMilli()))
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	want := map[int]time.Time{1: until, 2: {}}
	for range 2 {
		if job := next(t, jobs); !job.Limited.Equal(want[job.Ref.Number]) {
			t.Errorf("%s was kept waiting until %s, want %s", job.Ref, job.Limited, want[job.Ref.Number])
		}
	}
}

func drains(t *testing.T, p place) {
	d := newDesk()
	q := open(t, p, Options{Work: d.work})
	receive(t, q, push("1", pullRequest(1)))
	next(t, d.begun)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop(t, q) }()
	select {
	case <-stopped:
		t.Fatal("stopped while a job was running")
	case d.end <- nil:
	}
	next(t, stopped)
	wantDepth(t, openStill(t, p, Options{Work: d.work}), Depth{})
}

// interrupts has one attempt only, which the interruption must not use up.
func interrupts(t *testing.T, p place) {
	d := newDesk()
	q := open(t, p, Options{Work: d.work, Attempts: 1})
	receive(t, q, push("1", pullRequest(1)))
	next(t, d.begun)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Stop(over); err != nil {
		t.Fatal(err)
	}
	again := open(t, p, Options{Work: d.work, Attempts: 1})
	next(t, d.begun)
	d.end <- nil
	idle(t, again)
	wantDead(t, again, 0)
}

func refuses(t *testing.T, p place) {
	q := open(t, p, Options{Work: new(tally).work})
	stop(t, q)
	if _, err := q.Receive(t.Context(), push("1", pullRequest(1))); !errors.Is(err, ErrStopped) {
		t.Errorf("receive: %v", err)
	}
	if err := q.Ready(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("ready: %v", err)
	}
	if err := q.Start(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("start: %v", err)
	}
	stop(t, q)
}

func forgets(t *testing.T, p place) {
	q := openStill(t, p, Options{Work: new(tally).work})
	var wg sync.WaitGroup
	for i := range pruneRows + 1 { // more than one transaction takes
		wg.Go(func() {
			d := Delivery{GUID: fmt.Sprint(i), Event: "ping", Payload: []byte("{}")}
			if _, err := q.Receive(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := func(what string) (n int) {
		t.Helper()
		if err := onSession(t.Context(), q, func(s session) error {
			_, err := s.one(t.Context(), []any{&n}, `SELECT count(`+what+`) FROM lighterman_delivery`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, step := range []struct {
		after          time.Duration
		rows, payloads int
	}{
		{payloadKept / 2, pruneRows + 1, pruneRows + 1},
		{payloadKept + time.Minute, pruneRows + 1, 0},
		{deliveryKept + time.Minute, 0, 0},
	} {
		if err := q.engine.prune(t.Context(), time.Now().Add(step.after)); err != nil {
			t.Fatal(err)
		}
		if rows, payloads := count("*"), count("payload"); rows != step.rows || payloads != step.payloads {
			t.Errorf("after %s: %d rows and %d payloads, want %d and %d", step.after, rows, payloads, step.rows,
				step.payloads)
		}
	}
}
