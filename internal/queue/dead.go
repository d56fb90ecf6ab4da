package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/lighterman/lighterman/internal/forge"
)

// A DeadJob is a job that failed in every attempt. It is kept until it is replayed.
type DeadJob struct {
	ID       int64
	Ref      forge.Ref // zero when the queue's row of the pull request was deleted
	Attempts int
	Error    string    // of the last attempt
	At       time.Time // when it was put aside
}

// ErrNotDead is returned by Replay when no dead job has that id.
var ErrNotDead = errors.New("no dead job has this id")

// maxDead is how many dead jobs are listed at once.
const maxDead = 1000

// Dead lists the dead jobs, the newest first, at most a thousand.
func (q *Queue) Dead(ctx context.Context) ([]DeadJob, error) {
	jobs, err := q.engine.dead(ctx)
	if err != nil {
		return nil, fmt.Errorf("list dead jobs: %w", err)
	}
	return jobs, nil
}

// Replay runs a dead job again with all its attempts, as a new job; the dead one is removed in the same transaction.
// When its pull request has a live job already, that one does the work.
func (q *Queue) Replay(ctx context.Context, id int64) error {
	if err := q.engine.replay(ctx, id); err != nil {
		return fmt.Errorf("replay job %d: %w", id, err)
	}
	return nil
}

func (a *app[TTx]) dead(ctx context.Context) ([]DeadJob, error) {
	return listJobs(ctx, a, describe, river.NewJobListParams().First(maxDead).States(rivertype.JobStateDiscarded).
		OrderBy(river.JobListOrderByFinalizedAt, river.SortOrderDesc))
}

// listJobs are jobs of ours, each as it is described.
func listJobs[TTx, T any](ctx context.Context, a *app[TTx], describe func(context.Context, session, *rivertype.JobRow) (T, error),
	which *river.JobListParams) (all []T, err error) {
	err = a.db.within(ctx, func(tx TTx, s session) error {
		list, err := a.client.JobListTx(ctx, tx, which.Kinds(reviewKind, sweepKind))
		if err != nil {
			return err
		}
		all = make([]T, len(list.Jobs))
		for i, row := range list.Jobs {
			if all[i], err = describe(ctx, s, row); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

func describe(ctx context.Context, s session, row *rivertype.JobRow) (DeadJob, error) {
	subject, err := subjectIn(row)
	if err != nil {
		return DeadJob{}, err
	}
	p, err := readPull(ctx, s, subject, "")
	if err != nil && !errors.Is(err, errNoPull) {
		return DeadJob{}, err
	}
	job := DeadJob{ID: row.ID, Ref: p.ref, Attempts: row.Attempt}
	if n := len(row.Errors); n > 0 {
		job.Error = row.Errors[n-1].Error
	}
	if row.FinalizedAt != nil {
		job.At = *row.FinalizedAt
	}
	return job, nil
}

func (a *app[TTx]) replay(ctx context.Context, id int64) error {
	return a.db.within(ctx, func(tx TTx, s session) error {
		subject, err := a.deadSubject(ctx, tx, id)
		if err != nil {
			return err
		}
		p, err := readPull(ctx, s, subject, a.db.forUpdate)
		if err != nil {
			return err
		}
		if err := a.schedule(ctx, tx, s, wishes{refs: map[string]forge.Ref{subject: p.ref}}); err != nil {
			return err
		}
		_, err = a.client.JobDeleteTx(ctx, tx, id)
		return notDead(err)
	})
}

// deadSubject is the pull request of a dead job.
func (a *app[TTx]) deadSubject(ctx context.Context, tx TTx, id int64) (string, error) {
	row, err := a.client.JobGetTx(ctx, tx, id)
	if err != nil {
		return "", notDead(err)
	}
	if row.Kind != reviewKind && row.Kind != sweepKind || row.State != rivertype.JobStateDiscarded {
		return "", ErrNotDead
	}
	return subjectIn(row)
}

// notDead is ErrNotDead for River's word that a job is not there (any more), and else the error itself.
func notDead(err error) error {
	if errors.Is(err, rivertype.ErrNotFound) {
		return ErrNotDead
	}
	return err
}
