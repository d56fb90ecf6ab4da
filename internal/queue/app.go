package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// fetchCooldown and fetchPoll are River's pace of looking for jobs. Its default cooldown of 100 ms would cap short
	// jobs at some 80 a second. The poll finds what came without a notification: adopted jobs and short backoffs.
	fetchCooldown = 20 * time.Millisecond
	fetchPoll     = 500 * time.Millisecond
	// hardStop is how long jobs get to return once their contexts were cancelled.
	hardStop = 5 * time.Second
	// rescueAfter is how long after its timeout River takes over a job that still counts as running: the last resort for
	// one whose end could not be written though its process lives. It leaves time to settle.
	rescueAfter = 2 * time.Minute
	keepDead    = -1 // River's word for "never delete"
)

// reviewArgs is the job "bring this pull request up to date". Everything else about it is in the pull request's row.
type reviewArgs struct {
	Subject string `json:"subject" river:"unique"`
}

// Kind is the job's name in River's table.
func (reviewArgs) Kind() string { return reviewKind }

// InsertOpts makes a job unique by its pull request while it is live. River requires the running state to count, which
// is why a push during a run needs the generation.
func (reviewArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: liveStates()}}
}

func liveStates() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
}

// An app is the engine over one kind of database.
type app[TTx any] struct {
	options Options
	log     *slog.Logger
	db      *database[TTx]
	client  *river.Client[TTx]

	ticking   context.Context // ends when the process begins to stop
	stopTicks context.CancelFunc
}

func newApp[TTx any](o Options, db *database[TTx], clientID string) (*app[TTx], error) {
	a := &app[TTx]{options: o, log: o.Logger, db: db}
	a.ticking, a.stopTicks = context.WithCancel(context.Background())
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker[TTx]{app: a}); err != nil {
		return nil, fmt.Errorf("register the job: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &sweeper[TTx]{app: a}); err != nil {
		return nil, fmt.Errorf("register the sweeps: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &ticker[TTx]{app: a}); err != nil {
		return nil, fmt.Errorf("register the ticks: %w", err)
	}
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}}
	if o.Sweep != nil {
		queues[sweepQueue] = river.QueueConfig{MaxWorkers: o.Sweepers}
	}
	if len(o.Ticks) > 0 {
		queues[tickQueue] = river.QueueConfig{MaxWorkers: len(o.Ticks)}
	}
	client, err := river.NewClient(db.driver, &river.Config{
		ID:                          clientID,
		Logger:                      warnings(o.Logger),
		Workers:                     workers,
		Queues:                      queues,
		PeriodicJobs:                periodic(o.Ticks),
		JobTimeout:                  o.Timeout,
		RescueStuckJobsAfter:        o.Timeout + rescueAfter,
		MaxAttempts:                 o.Attempts,
		RetryPolicy:                 backoff(o.Backoff),
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchPoll,
		DiscardedJobRetentionPeriod: keepDead,
	})
	if err != nil {
		return nil, fmt.Errorf("make River's client: %w", err)
	}
	a.client = client
	return a, nil
}

// backoff is Options.Backoff as River wants it.
type backoff func(attempt int) time.Duration

// NextRetry is when a job that failed just now is run again.
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(max(0, b(job.Attempt)))
}

// store keeps deliveries and schedules their pull requests, all in one transaction. Rows are written in the order of
// their keys, so that replicas which store at the same time never wait for each other in a circle.
func (a *app[TTx]) store(ctx context.Context, deliveries []Delivery) ([]bool, error) {
	var fresh []bool
	err := a.db.within(ctx, func(tx TTx, s session) error {
		fresh = make([]bool, len(deliveries))
		w, now := newWishes(), time.Now()
		for _, i := range byGUID(deliveries) {
			d := deliveries[i]
			var err error
			if fresh[i], err = saveDelivery(ctx, s, d, now); err != nil {
				return err
			}
			if !fresh[i] {
				continue
			}
			if err := w.add(ctx, s, d, now); err != nil {
				return err
			}
		}
		if err := a.schedule(ctx, tx, s, w); err != nil {
			return err
		}
		return w.save(ctx, s, now)
	})
	return fresh, err
}

func (a *app[TTx]) enqueue(ctx context.Context, refs []forge.Ref) error {
	w := newWishes()
	for _, r := range refs {
		w.refs[subjectOf(r)] = r
	}
	return a.db.within(ctx, func(tx TTx, s session) error { return a.schedule(ctx, tx, s, w) })
}

func (a *app[TTx]) share(ctx context.Context, ref forge.Ref, commit string) error {
	return a.db.within(ctx, func(tx TTx, s session) error {
		refs, err := siblings(ctx, s, ref, commit)
		if err != nil || len(refs) == 0 {
			return err
		}
		w := newWishes()
		for _, r := range refs {
			w.refs[subjectOf(r)] = r
		}
		return a.schedule(ctx, tx, s, w)
	})
}

// byGUID lists the indexes of deliveries in the order of their GUIDs, equal ones as they came.
func byGUID(deliveries []Delivery) []int {
	order := make([]int, len(deliveries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(deliveries[i].GUID, deliveries[j].GUID) })
	return order
}

// schedule notes that pull requests are to be brought up to date and sees to it that each has a live job.
func (a *app[TTx]) schedule(ctx context.Context, tx TTx, s session, w wishes) error {
	if a.options.Sweep == nil {
		maps.DeleteFunc(w.refs, func(_ string, r forge.Ref) bool { return r.Whole() })
	}
	if len(w.refs) == 0 {
		return nil
	}
	subjects := slices.Sorted(maps.Keys(w.refs))
	for _, subject := range subjects {
		if err := bump(ctx, s, w.refs[subject], w.heads[subject], w.causes[subject]); err != nil {
			return err
		}
	}
	return a.insert(ctx, tx, s, subjects, w.asked)
}

// insert makes a job for each subject that has no live one. A live one that waits to be retried is run at once: a push
// may well have settled what failed, and its author is waiting. One that waits for anything else is run at once when
// somebody asked for something. And one that was made by a look at all open pull requests no longer stands back.
func (a *app[TTx]) insert(ctx context.Context, tx TTx, s session, subjects []string, asked []wish) error {
	results, err := a.insertAt(ctx, tx, subjects, river.PriorityDefault)
	if err != nil {
		return err
	}
	for n, r := range results {
		if !r.UniqueSkippedAsDuplicate {
			continue
		}
		if r.Job.State == rivertype.JobStateRunning {
			if err := a.relieve(ctx, tx, s, subjects[n], r.Job); err != nil {
				return err
			}
		}
		wanted := slices.ContainsFunc(asked, func(w wish) bool { return w.subject == subjects[n] })
		if r.Job.State == rivertype.JobStateRetryable || wanted && r.Job.State != rivertype.JobStateRunning {
			if _, err := a.client.JobRetryTx(ctx, tx, r.Job.ID); err != nil {
				return fmt.Errorf("hasten job %d: %w", r.Job.ID, err)
			}
		}
		if r.Job.Priority > river.PriorityDefault {
			const raise = `UPDATE river_job SET priority = $2 WHERE id = $1 AND state <> 'running'`
			if _, err := s.exec(ctx, raise, r.Job.ID, river.PriorityDefault); err != nil {
				return fmt.Errorf("hasten job %d: %w", r.Job.ID, err)
			}
		}
	}
	return nil
}

// relieve puts a new job in the place of one whose run has failed and which River is about to put off: what comes in
// between must not wait for the backoff. As the job is complete then, River leaves it alone.
func (a *app[TTx]) relieve(ctx context.Context, tx TTx, s session, subject string, job *rivertype.JobRow) error {
	failed, err := hasFailed(ctx, s, subject, job)
	if err != nil || !failed {
		return err
	}
	// Not complete: River has that only for its workers.
	err = a.setState(ctx, tx, riverdriver.JobSetStateCompleted(job.ID, time.Now().UTC(), nil))
	if errors.Is(err, errTaken) { // River was faster
		_, err = a.client.JobRetryTx(ctx, tx, job.ID)
		return err
	}
	if err != nil {
		return err
	}
	_, err = a.insertAt(ctx, tx, []string{subject}, river.PriorityDefault)
	return err
}

// insertAt makes a job for each subject that has no live one, to be run in this order.
func (a *app[TTx]) insertAt(ctx context.Context, tx TTx, subjects []string, priority int) (
	[]*rivertype.JobInsertResult, error) {
	jobs := make([]river.InsertManyParams, len(subjects))
	for i, subject := range subjects {
		jobs[i] = river.InsertManyParams{Args: argsOf(subject), InsertOpts: &river.InsertOpts{Priority: priority}}
	}
	results, err := a.client.InsertManyTx(ctx, tx, jobs)
	if err != nil {
		return nil, fmt.Errorf("insert jobs: %w", err)
	}
	return results, nil
}

func (a *app[TTx]) start(ctx context.Context) error {
	if err := a.db.take(ctx); err != nil {
		return err
	}
	if err := a.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start River: %w", err)
	}
	return nil
}

func (a *app[TTx]) keep(ctx context.Context) { a.db.keep(ctx) }

// drain ends the work: ticks at once, jobs gently until the context is done, then with cancelled contexts.
func (a *app[TTx]) drain(ctx context.Context) error {
	a.stopTicks()
	err := a.client.Stop(ctx)
	if err == nil {
		return nil
	}
	a.log.Warn("jobs are still running at the end of the time to drain; cancelling them")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hardStop)
	defer cancel()
	if hard := a.client.StopAndCancel(ctx); hard != nil {
		return fmt.Errorf("cancel the running jobs: %w", errors.Join(err, hard))
	}
	return nil
}

func (a *app[TTx]) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), hardStop)
	defer cancel()
	a.stopTicks()
	return errors.Join(a.db.release(ctx), a.db.close())
}

func (a *app[TTx]) ping(ctx context.Context) error {
	return a.db.within(ctx, func(_ TTx, s session) error {
		var one int
		_, err := s.one(ctx, []any{&one}, `SELECT 1`)
		return err
	})
}
