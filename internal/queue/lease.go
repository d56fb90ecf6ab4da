package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The pace of the heartbeat. A replica stops its jobs before another may take them: it does so at the latest
// giveUpAfter + beatEvery + beatTime after its last beat, which is before staleAfter. A dead replica's jobs are
// available again staleAfter + beatEvery after its last beat.
const (
	beatEvery   = 1500 * time.Millisecond
	beatTime    = 1500 * time.Millisecond // how long one beat may take
	giveUpAfter = 5 * time.Second
	staleAfter  = 9 * time.Second

	_ = uint(staleAfter - giveUpAfter - beatEvery - beatTime) // does not compile when that order is broken
)

// clientID names this process among the replicas, anew at every start.
func clientID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%.40s-%s", host, rand.Text())
}

// A lease is the custody of one replica among several: a row that it renews every beat. The database's clock alone
// decides whose row is stale.
type lease struct {
	pool *pgxpool.Pool
	id   string
	log  *slog.Logger

	mu   sync.Mutex
	held context.Context // ends when the hold on the jobs is lost
	lose context.CancelCauseFunc
}

func newLease(pool *pgxpool.Pool, id string, log *slog.Logger) *lease {
	l := &lease{pool: pool, id: id, log: log}
	l.regain()
	return l
}

// regain begins a new hold, for the jobs that start from now on, unless the present one is good.
func (l *lease) regain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil || l.held.Err() != nil {
		l.held, l.lose = context.WithCancelCause(context.Background())
	}
}

// drop cancels the jobs that run now.
func (l *lease) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose(errLost)
}

func (l *lease) guard(ctx context.Context) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	held := l.held
	l.mu.Unlock()
	guarded, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(held, func() { cancel(context.Cause(held)) })
	return guarded, func() { stop(); cancel(nil) }
}

func (l *lease) take(ctx context.Context) error {
	if _, err := l.beat(ctx); err != nil {
		return err
	}
	return l.adopt(ctx)
}

// keep renews the row every beat and takes over the jobs of replicas that do not.
func (l *lease) keep(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-tick.C:
			last = l.renew(ctx, last)
		case <-ctx.Done():
			return
		}
	}
}

// renew beats once and returns when it last succeeded. The time counts from before the beat was sent: the row may be as
// old as that.
func (l *lease) renew(ctx context.Context, last time.Time) time.Time {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, beatTime)
	defer cancel()
	fresh, err := l.beat(bounded)
	switch {
	case err == nil && fresh: // another replica deleted the row, and took what was running here
		l.log.Warn("this replica was taken for dead; its running jobs are cancelled")
		l.drop()
	case err != nil && ctx.Err() == nil:
		l.log.Warn("the database could not be told that this replica is alive", "error", err)
		if time.Since(last) > giveUpAfter {
			l.drop()
		}
		return last
	case err != nil:
		return last
	}
	l.regain()
	if err := l.adopt(bounded); err != nil && ctx.Err() == nil {
		l.log.Warn("jobs of dead replicas could not be taken over", "error", err)
	}
	return began
}

// beat renews the row and reports whether it had to be made.
func (l *lease) beat(ctx context.Context) (fresh bool, err error) {
	const statement = `
		INSERT INTO lighterman_client AS c (id, beat_at) VALUES ($1, clock_timestamp())
		ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at
		RETURNING xmax = 0`
	if err := l.pool.QueryRow(ctx, statement, l.id).Scan(&fresh); err != nil {
		return false, fmt.Errorf("renew the replica's row: %w", err)
	}
	return fresh, nil
}

// adopt forgets stale replicas and makes the jobs that are running on no known replica available again.
//
// An adopted job gets a new id. Its former owner may be paused rather than dead, and River marks a running job as
// completed, failed or snoozed by its id alone; by the old id it now finds nothing. The attempt stays counted, so a job
// that kills its process is not run forever.
func (l *lease) adopt(ctx context.Context) error {
	return pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM lighterman_client WHERE beat_at < clock_timestamp() - $1::interval`, staleAfter)
		if err != nil {
			return fmt.Errorf("forget stale replicas: %w", err)
		}
		tag, err := tx.Exec(ctx, `
			UPDATE river_job SET id = DEFAULT, state = 'available'
			WHERE state = 'running' AND kind = ANY($1) AND NOT EXISTS (
				SELECT 1 FROM lighterman_client c WHERE c.id = attempted_by[array_upper(attempted_by, 1)])`,
			kinds())
		if err != nil {
			return fmt.Errorf("take over jobs: %w", err)
		}
		if n := tag.RowsAffected(); n > 0 {
			l.log.Warn("jobs of a dead replica taken over", "jobs", n)
		}
		return nil
	})
}

func (l *lease) release(ctx context.Context) error {
	if _, err := l.pool.Exec(ctx, `DELETE FROM lighterman_client WHERE id = $1`, l.id); err != nil {
		return fmt.Errorf("remove the replica's row: %w", err)
	}
	return nil
}
