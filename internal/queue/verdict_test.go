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
		"success":               {run{nil, nil, 1, 3}, finish, 0},
		"success though late":   {run{nil, context.DeadlineExceeded, 1, 3}, finish, 0},
		"gone":                  {run{fmt.Errorf("x: %w", forge.ErrGone), nil, 3, 3}, forget, 0},
		"limit":                 {run{limited(time.Minute), nil, 1, 3}, wait, time.Minute},
		"limit, last attempt":   {run{limited(time.Minute), nil, 3, 3}, wait, time.Minute},
		"limit that has passed": {run{limited(-time.Minute), nil, 1, 3}, wait, minWait},
		"limit of a bad clock":  {run{limited(9999 * time.Hour), nil, 1, 3}, wait, maxWait},
		"hold lost":             {run{failure, errLost, 3, 3}, wait, lostWait},
		"stopped":               {run{failure, context.Canceled, 3, 3}, interrupt, 0},
		"too slow":              {run{failure, context.DeadlineExceeded, 1, 3}, retry, 0},
		"too slow to the end":   {run{failure, context.DeadlineExceeded, 3, 3}, bury, 0},
		"failure":               {run{failure, nil, 2, 3}, retry, 0},
		"last failure":          {run{failure, nil, 3, 3}, bury, 0},
		"killed too often":      {run{errRepeated, nil, 4, 3}, bury, 0},
	} {
		if got, pause := judge(c.run, now); got != c.want || pause != c.pause {
			t.Errorf("%s: %d after %s, want %d after %s", name, got, pause, c.want, c.pause)
		}
	}
}
