package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"github.com/sourcegraph/conc/panics"

	"github.com/lighterman/lighterman/internal/forge"
)

// settleTime bounds the transaction that ends a run. It starts anew when the run is over, because a run that used up
// its time must still be settled.
const settleTime = 30 * time.Second

// A worker runs jobs for River.
type worker[TTx any] struct {
	river.WorkerDefaults[reviewArgs]
	app *app[TTx]
}

// Work runs one job. What it returns tells River to retry or to snooze; nil means that the transaction which settled
// the job has said everything.
func (w *worker[TTx]) Work(ctx context.Context, job *river.Job[reviewArgs]) error {
	a := w.app
	p, until, err := a.look(ctx, job.Args.Subject)
	if err != nil {
		return a.blind(job, err)
	}
	if time.Now().Before(until) {
		return river.JobSnooze(waitFor(until, time.Now()))
	}
	p.began = time.Now()
	r := a.run(ctx, job, p)
	v, pause := judge(r, time.Now())
	took := time.Since(p.began)
	a.tell(p, runOf(job.JobRow), r, v, pause, took)

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return a.carryOut(ctx, job, p, r, v, pause)
}

// look reads what a job needs to know before it runs: its pull request's row, what was asked for on it, and until when
// to leave it alone.
func (a *app[TTx]) look(ctx context.Context, subject string) (p pull, until time.Time, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) error {
		if p, err = readPull(ctx, s, subject, ""); err != nil {
			return err
		}
		if p.requests, err = requests(ctx, s, subject); err != nil {
			return err
		}
		if p.memory, err = memoryOf(ctx, s, subject); err != nil {
			return err
		}
		if until, err = limitedUntil(ctx, s, p.ref); err != nil {
			return err
		}
		p.limited = until
		if rested := p.began.Add(a.options.cooldown(p.ref)); len(p.requests) == 0 && rested.After(until) {
			until = rested
		}
		return nil
	})
	return p, until, err
}

// blind ends the run of a job that could not be looked at. It costs no attempt: River discards a job whose last attempt
// fails, without the second look at the generation.
func (a *app[TTx]) blind(job *river.Job[reviewArgs], err error) error {
	a.log.Error("a job could not be begun", "pull", job.Args.Subject, "error", err)
	if errors.Is(err, errNoPull) {
		return river.JobCancel(err)
	}
	return river.JobSnooze(lostWait)
}

// run calls Options.Work. A panic in it is its error. A job that was taken over more often than it may be tried is not
// run: what it does kills the process.
func (a *app[TTx]) run(ctx context.Context, job *river.Job[reviewArgs], p pull) run {
	r := run{attempt: job.Attempt, attempts: job.MaxAttempts}
	if job.Attempt > job.MaxAttempts {
		r.err = errRepeated
		return r
	}
	held, letGo := a.db.guard(ctx)
	defer letGo()
	var caught panics.Catcher
	caught.Try(func() {
		r.done, r.err = a.options.work(p.ref)(held, Job{
			Ref: p.ref, Requests: p.requests, Mark: p.mark, Head: p.told, Memory: p.memory,
			ID: runOf(job.JobRow), Delivery: p.delivery, Trace: p.trace,
			Limited: p.heldUp(),
		})
	})
	if value := caught.Recovered(); value != nil {
		r.err = value.AsError()
	}
	if held.Err() != nil {
		r.cause = context.Cause(held)
	}
	if r.err != nil {
		r.err = storable{r.err}
	}
	return r
}

// A storable error can be kept by every database: PostgreSQL takes no NUL in its JSON, in which River keeps the text of a
// failure, and a job whose failure cannot be kept is never run again. What others say may hold one.
type storable struct{ error }

func (e storable) Error() string {
	return strings.ToValidUTF8(strings.ReplaceAll(e.error.Error(), "\x00", ""), "\uFFFD")
}

func (e storable) Unwrap() error { return e.error }

// tell logs how a run went.
func (a *app[TTx]) tell(p pull, id string, r run, v verdict, pause, took time.Duration) {
	log := a.log.With("pull", p.ref.String(), "repository", p.ref.Repo.String(), "installation", p.ref.Repo.Installation,
		"job", id, "request", Job{ID: id, Delivery: p.delivery}.Request(), "delivery", p.delivery, "attempt", r.attempt,
		"took", took.Round(time.Millisecond))
	switch v {
	case finish:
		log.Info("pull request brought up to date")
	case forget:
		log.Warn("pull request given up: it is gone or out of reach", "error", r.err)
	case wait:
		log.Warn("pull request put off", "for", pause.Round(time.Second), "error", r.err)
	case interrupt:
		log.Info("pull request left to the next process", "error", r.err)
	case retry:
		if errors.Is(r.err, forge.ErrStale) {
			log.Info("pull request moved on; it is looked at again", "error", r.err)
			return
		}
		log.Warn("bringing the pull request up to date went wrong; it will be tried again", "error", r.err)
	case bury:
		log.Error("bringing the pull request up to date went wrong too often; its job is put aside", "error", r.err)
	}
}

// carryOut does what was decided about a job.
func (a *app[TTx]) carryOut(ctx context.Context, job *river.Job[reviewArgs], p pull, r run, v verdict,
	pause time.Duration) error {
	e := ending[TTx]{seen: p, report: reportOf(p, runOf(job.JobRow), r, v)}
	switch v {
	case wait:
		return a.putOff(ctx, e.report, r.err, pause)
	case interrupt:
		a.ended(e.report, 0, Done{})
		// River knows a job that was stopped by the error of its cancelled context.
		return fmt.Errorf("%w: %w", context.Canceled, r.err)
	case retry:
		e.failure = r.err
		return a.settle(ctx, job, e)
	case bury:
		e.end, e.final = func(tx TTx) error { return a.discard(ctx, tx, job, r.err) }, true
		return a.settle(ctx, job, e)
	}
	e.end, e.final, e.done = func(tx TTx) error { return complete(ctx, tx, job) }, true, r.done
	return a.settle(ctx, job, e)
}

// ended tells Options.Ended of a run.
func (a *app[TTx]) ended(r Report, waited time.Duration, d Done) {
	if d.Settled != nil {
		d.Settled()
	}
	if a.options.Ended != nil {
		a.options.Ended(Run{Kind: kindOf(r.Ref), Ref: r.Ref, Outcome: r.Outcome, Took: r.Took, Waited: waited, Done: d})
	}
}

// putOff snoozes a job, and notes a rate limit so that other jobs of the installation do not run into it.
func (a *app[TTx]) putOff(ctx context.Context, r Report, cause error, pause time.Duration) error {
	err := a.db.within(ctx, func(_ TTx, s session) error {
		if err := r.save(ctx, s, ""); err != nil {
			return err
		}
		var limited *forge.LimitError
		if !errors.As(cause, &limited) {
			return nil
		}
		return limit(ctx, s, r.Ref, time.Now().Add(pause))
	})
	if err != nil {
		a.log.Error("why the job is put off could not be noted", "pull", r.Ref.String(), "error", err)
	}
	a.ended(r, 0, Done{})
	return river.JobSnooze(pause)
}

// An ending is how a run is to be ended.
type ending[TTx any] struct {
	seen    pull            // as it was before the run
	end     func(TTx) error // what becomes of the job when its pull request did not move meanwhile
	failure error           // instead of end: why it is to be run again
	// final is set when the run is not repeated: what it was asked for is then done, or was tried often enough. A request
	// that fails, or kills the process, must not keep its pull request from ever being looked at again.
	final  bool
	done   Done
	report Report
}

// settle ends a run, in one transaction with a second look at the generation. When that did not move, and nothing more is
// asked for, end is what becomes of the job. When it did, the job is complete, however the run went, and a new one is inserted: a webhook that
// comes later finds the row locked, and then either the new job or none. A fresh job is inserted, rather than the old
// one snoozed, because the new head deserves its full number of attempts, and at once.
//
// What is returned goes to River, which writes it a moment later, by the job's id and only if the job still runs. So a
// job must not be runnable again when settle returns nil: its next run would be taken for the one that ended. That is
// why a retry is left to River.
func (a *app[TTx]) settle(ctx context.Context, job *river.Job[reviewArgs], e ending[TTx]) error {
	seen, again, waited := e.seen, false, time.Duration(0)
	err := a.db.within(ctx, func(tx TTx, s session) error {
		now, err := readPull(ctx, s, job.Args.Subject, a.db.forUpdate)
		if err != nil {
			return err
		}
		waited = now.waited(e.done, time.Now())
		if err := e.report.save(ctx, s, e.done.Memory); err != nil {
			return err
		}
		if err := count(ctx, s, e.done.Counts, e.report.At); err != nil {
			return err
		}
		more := false
		if e.final {
			if more, err = seen.close(ctx, s, e.done); err != nil {
				return err
			}
			if err := e.done.Sweep.save(ctx, s, seen.ref.Repo, e.report.At); err != nil {
				return err
			}
		}
		if errors.Is(e.failure, forge.ErrStale) {
			if err := seen.rest(ctx, s); err != nil {
				return err
			}
		}
		if again = now.generation == seen.generation && e.failure != nil; again {
			return failing(ctx, s, job.Args.Subject, job.JobRow)
		}
		if now.generation == seen.generation && !more {
			return e.end(tx)
		}
		if err := complete(ctx, tx, job); err != nil {
			return err
		}
		return a.insert(ctx, tx, s, []string{job.Args.Subject}, nil)
	})
	if err == nil {
		a.ended(e.report, waited, e.done)
	}
	switch {
	case err == nil && again:
		return e.failure
	case err == nil:
		return nil
	case errors.Is(err, errTaken):
		a.log.Warn("the job was taken over by another process meanwhile", "pull", seen.ref.String())
		return nil
	}
	a.log.Error("the end of a job could not be written; it runs again", "pull", seen.ref.String(), "error", err)
	return river.JobSnooze(minWait)
}

// errTaken says that a job is not this process's any more.
var errTaken = errors.New("the job was taken over")

// complete marks a job as done. River answers with the job as it now stands, which is another state, or nothing, when
// the job was no longer running.
func complete[TTx any](ctx context.Context, tx TTx, job *river.Job[reviewArgs]) error {
	done, err := river.JobCompleteTx[riverdriver.Driver[TTx]](ctx, tx, job)
	if errors.Is(err, rivertype.ErrNotFound) || err == nil && done.State != rivertype.JobStateCompleted {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("complete job %d: %w", job.ID, err)
	}
	return nil
}

// discard marks a job as dead in the given transaction. River has JobCompleteTx but nothing like it for failures, and
// discards them outside of any transaction of ours, where a push could come between and be lost; so this goes through
// its driver.
func (a *app[TTx]) discard(ctx context.Context, tx TTx, job *river.Job[reviewArgs], failure error) error {
	now := time.Now().UTC()
	data, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: job.Attempt, Error: failure.Error()})
	if err != nil {
		return fmt.Errorf("discard job %d: %w", job.ID, err)
	}
	return a.setState(ctx, tx, riverdriver.JobSetStateDiscarded(job.ID, now, data, nil))
}

// setState brings a running job to another state.
func (a *app[TTx]) setState(ctx context.Context, tx TTx, p *riverdriver.JobSetStateIfRunningParams) error {
	rows, err := a.db.driver.UnwrapExecutor(tx).JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID:              []int64{p.ID},
		Attempt:         []*int{p.Attempt},
		ErrData:         [][]byte{p.ErrData},
		FinalizedAt:     []*time.Time{p.FinalizedAt},
		MetadataDoMerge: []bool{p.MetadataDoMerge},
		MetadataUpdates: [][]byte{p.MetadataUpdates},
		ScheduledAt:     []*time.Time{p.ScheduledAt},
		State:           []rivertype.JobState{p.State},
	})
	if err != nil {
		return fmt.Errorf("set the state of job %d: %w", p.ID, err)
	}
	if len(rows) == 0 || rows[0].State != p.State {
		return errTaken
	}
	return nil
}
