package queue

import (
	"context"
	"errors"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// A verdict is what becomes of a job after a run.
type verdict int

const (
	finish    verdict = iota // it is done
	forget                   // it can never be done: its subject is gone for good
	wait                     // run it again later, at no cost of an attempt
	interrupt                // this process stops: leave it to the next, at no cost of an attempt
	retry                    // run it again after the backoff
	bury                     // it failed too often: put it aside
)

const (
	// minWait and maxWait bound how long a rate limit puts a job off. GitHub's primary limit resets within the hour;
	// a time further ahead is a mistake (a clock, a header) that must not park a pull request for long.
	minWait = time.Second
	maxWait = 70 * time.Minute
	// lostWait is the pause after this process lost its hold on its jobs.
	lostWait = time.Second
	// goneAttempts is how often a subject must be found gone. The host answers from many machines, and to some of them what
	// it has just told us of is still unknown.
	goneAttempts = 3
)

// errLost is the cause of the cancelled context of a job whose process lost its hold on it.
var errLost = errors.New("lost the hold on the job: the database could not be reached in time")

// errRepeated is how a job ends that was taken over from dead processes until its attempts were used up.
var errRepeated = errors.New("the process died in every attempt")

// A run is one finished run of a job.
type run struct {
	err      error
	cause    error // why the job's context was cancelled, nil when it was not
	attempt  int   // from 1
	attempts int   // how many there are
	done     Done
}

// judge decides what becomes of a job, and for wait how long.
func judge(r run, now time.Time) (verdict, time.Duration) {
	var limited *forge.LimitError
	switch {
	case r.err == nil:
		return finish, 0
	case errors.Is(r.err, forge.ErrGone) && r.attempt >= min(goneAttempts, r.attempts):
		return forget, 0
	case errors.As(r.err, &limited):
		return wait, waitFor(limited.Until, now)
	case errors.Is(r.cause, errLost):
		return wait, lostWait
	case r.cause != nil && !errors.Is(r.cause, context.DeadlineExceeded):
		return interrupt, 0
	case r.attempt >= r.attempts:
		return bury, 0
	}
	return retry, 0
}

// outcome is the verdict as others are told it.
func (v verdict) outcome(r run) Outcome {
	switch v {
	case finish:
		return Finished
	case forget:
		return Gone
	case wait:
		return Limited
	case interrupt:
		return Interrupted
	case bury:
		return Buried
	}
	if errors.Is(r.err, forge.ErrStale) {
		return MovedOn
	}
	return Failed
}

// waitFor is how long to wait for a limit to end.
func waitFor(until, now time.Time) time.Duration {
	return min(max(until.Sub(now), minWait), maxWait)
}
