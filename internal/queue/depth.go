package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// A Depth counts the jobs of one kind, of all processes on the database.
type Depth struct {
	Waiting int // ready to run
	Running int // being run, or left by a process that died and not yet taken over
	Delayed int // put off by a rate limit or a backoff
	Dead    int // failed too often and kept
	// Oldest is how long the job that waits for longest could have run already; 0 when none waits.
	Oldest time.Duration
}

// Live is the number of jobs that are yet to be finished.
func (d Depth) Live() int { return d.Waiting + d.Running + d.Delayed }

// Depth counts the jobs about pull requests and merge groups as they stand.
func (q *Queue) Depth(ctx context.Context) (Depth, error) { return q.depth(ctx, reviewKind) }

// Sweeps counts the jobs about whole repositories as they stand.
func (q *Queue) Sweeps(ctx context.Context) (Depth, error) { return q.depth(ctx, sweepKind) }

func (q *Queue) depth(ctx context.Context, kind string) (Depth, error) {
	d, err := q.engine.depth(ctx, kind)
	if err != nil {
		return Depth{}, fmt.Errorf("count jobs: %w", err)
	}
	return d, nil
}

// idlePoll is how often Idle looks. Other processes may do the work, so there is nothing to be notified by.
const idlePoll = 20 * time.Millisecond

// Idle waits until every job is finished or dead, those included that are put off by a limit or a backoff. It is for
// tests and demonstrations.
func (q *Queue) Idle(ctx context.Context) error {
	tick := time.NewTicker(idlePoll)
	defer tick.Stop()
	for {
		reviews, err := q.Depth(ctx)
		if err != nil {
			return err
		}
		sweeps, err := q.Sweeps(ctx)
		if err != nil {
			return err
		}
		live := reviews.Live() + sweeps.Live()
		if live == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d jobs: %w", live, ctx.Err())
		}
	}
}

func (a *app[TTx]) depth(ctx context.Context, kind string) (Depth, error) {
	var d Depth
	err := a.db.within(ctx, func(_ TTx, s session) error {
		_, err := s.one(ctx, []any{&d.Waiting, &d.Running, &d.Delayed, &d.Dead}, `
			SELECT coalesce(sum(CASE WHEN state = 'available' THEN 1 ELSE 0 END), 0),
				coalesce(sum(CASE WHEN state = 'running' THEN 1 ELSE 0 END), 0),
				coalesce(sum(CASE WHEN state IN ('pending', 'retryable', 'scheduled') THEN 1 ELSE 0 END), 0),
				coalesce(sum(CASE WHEN state = 'discarded' THEN 1 ELSE 0 END), 0)
			FROM river_job
			WHERE kind = $1 AND state IN ('available', 'running', 'pending', 'retryable', 'scheduled', 'discarded')`,
			kind)
		if err != nil || d.Waiting == 0 {
			return err
		}
		var since time.Time
		some, err := s.one(ctx, []any{&since}, `
			SELECT scheduled_at FROM river_job WHERE kind = $1 AND state = 'available' ORDER BY scheduled_at LIMIT 1`,
			kind)
		if some {
			d.Oldest = max(0, time.Since(since))
		}
		return err
	})
	return d, err
}

// subjectIn is the subject that a job's row names.
func subjectIn(row *rivertype.JobRow) (string, error) {
	var args reviewArgs
	if err := json.Unmarshal(row.EncodedArgs, &args); err != nil {
		return "", fmt.Errorf("read arguments of job %d: %w", row.ID, err)
	}
	return args.Subject, nil
}
