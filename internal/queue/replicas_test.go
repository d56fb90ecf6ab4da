package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// openAtOnce has replicas meet an empty database at the same time.
func openAtOnce(t *testing.T, p place) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			q, err := Open(t.Context(), p.options(Options{Work: new(tally).work, Logger: logTo(t)}))
			if err != nil {
				t.Error(err)
				return
			}
			stop(t, q)
		})
	}
	wg.Wait()
}

// declareDead makes a replica's row as stale as that of a dead one, and lets another notice.
func declareDead(t *testing.T, dead, other *Queue) {
	t.Helper()
	alter(t, other, `UPDATE lighterman_client SET beat_at = beat_at - interval '1 hour' WHERE id = '`+leaseOf(dead).id+`'`)
	if err := leaseOf(other).adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fence lets a replica finish a job that was taken from it: the new owner's run must not end by that, however the old
// one goes.
func fence(t *testing.T, p place) {
	for name, end := range map[string]error{
		"finished": nil,
		"failed":   errors.New("no"),
		"limited":  &forge.LimitError{Until: time.Now(), Err: errors.New("403")},
	} {
		t.Run(name, func(t *testing.T) {
			paused, live := newDesk(), newDesk()
			old := open(t, p, Options{Workers: 1, Work: func(_ context.Context, job Job) (Done, error) {
				return paused.work(context.Background(), job) // it does not notice that it is cancelled
			}})
			receive(t, old, push(name, pullRequest(1)))
			next(t, paused.begun)
			heir := open(t, p, Options{Work: live.work})
			declareDead(t, old, heir)
			next(t, live.begun)
			paused.end <- end
			stop(t, old) // what it has to say about the job is written now
			wantDepth(t, heir, Depth{Running: 1})
			live.end <- nil
			idle(t, heir)
		})
	}
}

// selfFence sees that a replica which was taken for dead cancels what it runs.
func selfFence(t *testing.T, p place) {
	begun, cancelled := make(chan forge.Ref), make(chan error)
	old := open(t, p, Options{Workers: 1, Work: func(ctx context.Context, job Job) (Done, error) {
		begun <- job.Ref
		<-ctx.Done()
		cancelled <- context.Cause(ctx)
		return Done{}, ctx.Err()
	}})
	receive(t, old, push("1", pullRequest(1)))
	next(t, begun)
	live := newDesk()
	heir := open(t, p, Options{Work: live.work})
	declareDead(t, old, heir)
	next(t, live.begun)
	if cause := next(t, cancelled); !errors.Is(cause, errLost) {
		t.Errorf("cancelled by %v, want %v", cause, errLost)
	}
	live.end <- nil
	idle(t, heir)
}

// cutOff lets the beats of a replica fail for too long.
func cutOff(t *testing.T, p place) {
	q := openStill(t, p, Options{Work: new(tally).work})
	l := leaseOf(q)
	held, cancel := l.guard(t.Context())
	defer cancel()
	alter(t, q, `ALTER TABLE lighterman_client RENAME TO away`)

	recently := time.Now().Add(-giveUpAfter / 2)
	if last := l.renew(t.Context(), recently); !last.Equal(recently) || held.Err() != nil {
		t.Errorf("after a failed beat: last beat %s, jobs cancelled by %v", last, context.Cause(held))
	}
	l.renew(t.Context(), time.Now().Add(-giveUpAfter-time.Second))
	next(t, held.Done())
	if !errors.Is(context.Cause(held), errLost) {
		t.Errorf("cancelled by %v, want %v", context.Cause(held), errLost)
	}
	alter(t, q, `ALTER TABLE away RENAME TO lighterman_client`)
	l.renew(t.Context(), recently)
	again, cancel := l.guard(t.Context())
	defer cancel()
	if again.Err() != nil {
		t.Error("the hold was not regained")
	}
}

func badURL(t *testing.T, p place) {
	for _, url := range []string{
		p.url + "&connect_timeout=soon", "mysql://user:hunter2@host/db", "postgres://u:hunter2@:x/db",
	} {
		q, err := Open(t.Context(), Options{DatabaseURL: url, Work: new(tally).work})
		if err == nil {
			t.Errorf("opened %s", url)
			stop(t, q)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error gives the password away: %v", err)
		}
	}
}
