package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	failure := errors.New("no")
	limited := func(in time.Duration) error {
		return fmt.Errorf("list files: %w", &forge.LimitError{Until: now.Add(in), Err: failure})
	}
	for name, c := range map[string]struct {
		run   run
		want  verdict
		pause time.Duration
	}{
		"success":               {run{err: nil, cause: nil, attempt: 1, attempts: 3}, finish, 0},
		"success though late":   {run{err: nil, cause: context.DeadlineExceeded, attempt: 1, attempts: 3}, finish, 0},
		"gone":                  {run{err: fmt.Errorf("x: %w", forge.ErrGone), cause: nil, attempt: 3, attempts: 12}, forget, 0},
		"gone, perhaps":         {run{err: fmt.Errorf("x: %w", forge.ErrGone), cause: nil, attempt: 2, attempts: 12}, retry, 0},
		"gone, one attempt":     {run{err: fmt.Errorf("x: %w", forge.ErrGone), cause: nil, attempt: 1, attempts: 1}, forget, 0},
		"limit":                 {run{err: limited(time.Minute), cause: nil, attempt: 1, attempts: 3}, wait, time.Minute},
		"limit, last attempt":   {run{err: limited(time.Minute), cause: nil, attempt: 3, attempts: 3}, wait, time.Minute},
		"limit that has passed": {run{err: limited(-time.Minute), cause: nil, attempt: 1, attempts: 3}, wait, minWait},
		"limit of a bad clock":  {run{err: limited(9999 * time.Hour), cause: nil, attempt: 1, attempts: 3}, wait, maxWait},
		"hold lost":             {run{err: failure, cause: errLost, attempt: 3, attempts: 3}, wait, lostWait},
		"stopped":               {run{err: failure, cause: context.Canceled, attempt: 3, attempts: 3}, interrupt, 0},
		"too slow":              {run{err: failure, cause: context.DeadlineExceeded, attempt: 1, attempts: 3}, retry, 0},
		"too slow to the end":   {run{err: failure, cause: context.DeadlineExceeded, attempt: 3, attempts: 3}, bury, 0},
		"failure":               {run{err: failure, cause: nil, attempt: 2, attempts: 3}, retry, 0},
		"last failure":          {run{err: failure, cause: nil, attempt: 3, attempts: 3}, bury, 0},
		"killed too often":      {run{err: errRepeated, cause: nil, attempt: 4, attempts: 3}, bury, 0},
	} {
		if got, pause := judge(c.run, now); got != c.want || pause != c.pause {
			t.Errorf("%s: %d after %s, want %d after %s", name, got, pause, c.want, c.pause)
		}
	}
}
