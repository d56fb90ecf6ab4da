package queue

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/riverqueue/river"
	"github.com/sourcegraph/conc/panics"
)

// A Tick is something that is done again and again by one replica at a time: when it becomes the leader, which the first
// process to start is at once, and then every so often. A run that fails, or does not end before the next one is due, is
// logged and given up; the next one follows in its time.
type Tick struct {
	Name  string        // lower case letters and dashes
	Every time.Duration // a second or more; also how long a run may take
	Run   func(ctx context.Context) error
}

const (
	// tickQueue keeps ticks out of the line in which pull requests wait.
	tickQueue = "ticks"
	// tickAttempts is how often a run is begun that its processes do not survive.
	tickAttempts = 3
)

// tickArgs is one run of a tick.
type tickArgs struct {
	Name string `json:"name" river:"unique"`
}

// Kind is the job's name in River's table.
func (tickArgs) Kind() string { return "tick" }

// InsertOpts makes a run unique while it is live, so that no two are at the same time and none pile up.
func (tickArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: tickQueue, MaxAttempts: tickAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: liveStates()},
	}
}

// kinds are the jobs that are taken over from a dead process.
func kinds() []string { return []string{reviewKind, sweepKind, tickArgs{}.Kind()} }

var tickName = regexp.MustCompile(`^[a-z][a-z-]{1,40}$`)

func checkTicks(ticks []Tick) error {
	seen := map[string]bool{}
	for _, t := range ticks {
		if !tickName.MatchString(t.Name) || seen[t.Name] || t.Every < time.Second || t.Run == nil {
			return fmt.Errorf("tick %q: it needs a name of its own, a second or more, and something to run", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

// periodic are the ticks as River's leader knows them.
func periodic(ticks []Tick) []*river.PeriodicJob {
	var jobs []*river.PeriodicJob
	for _, t := range ticks {
		jobs = append(jobs, river.NewPeriodicJob(river.PeriodicInterval(t.Every),
			func() (river.JobArgs, *river.InsertOpts) { return tickArgs{Name: t.Name}, nil },
			&river.PeriodicJobOpts{ID: t.Name, RunOnStart: true}))
	}
	return jobs
}

// A ticker runs ticks for River.
type ticker[TTx any] struct {
	river.WorkerDefaults[tickArgs]
	app *app[TTx]
}

// Timeout is how long a run may take.
func (k *ticker[TTx]) Timeout(job *river.Job[tickArgs]) time.Duration {
	if t, ok := k.tick(job); ok {
		return t.Every
	}
	return 0
}

func (k *ticker[TTx]) tick(job *river.Job[tickArgs]) (Tick, bool) {
	for _, t := range k.app.options.Ticks {
		if t.Name == job.Args.Name {
			return t, true
		}
	}
	return Tick{}, false
}

// Work runs a tick. Whatever comes of it the job is done: the next one is on its way.
func (k *ticker[TTx]) Work(ctx context.Context, job *river.Job[tickArgs]) error {
	log := k.app.log.With("tick", job.Args.Name)
	t, ok := k.tick(job)
	if !ok || job.Attempt > tickAttempts {
		log.Error("a tick was given up", "attempt", job.Attempt, "known", ok)
		return nil
	}
	began := time.Now()
	err := k.run(ctx, t)
	ended := Run{Kind: t.Name, Outcome: Finished, Took: time.Since(began)}
	switch {
	case err != nil && k.app.ticking.Err() != nil:
		ended.Outcome = Interrupted
		log.Info("tick left to the next process")
	case err != nil:
		ended.Outcome = Failed
		log.Warn("tick went wrong; it is tried again in its time", "error", err, "next", t.Every)
	default:
		log.Debug("tick done", "took", ended.Took.Round(time.Millisecond))
	}
	if k.app.options.Ended != nil {
		k.app.options.Ended(ended)
	}
	return nil
}

var errStopping = errors.New("this process stops")

// run runs a tick until it ends, the process stops, or it loses its hold on its jobs. A panic is an error.
func (k *ticker[TTx]) run(ctx context.Context, t Tick) (err error) {
	held, letGo := k.app.db.guard(ctx)
	defer letGo()
	running, cancel := context.WithCancelCause(held)
	defer cancel(nil)
	defer context.AfterFunc(k.app.ticking, func() { cancel(errStopping) })()
	var caught panics.Catcher
	caught.Try(func() { err = t.Run(running) })
	if p := caught.Recovered(); p != nil {
		return p.AsError()
	}
	return err
}
