package main

import (
	"context"

	"github.com/lighterman/lighterman/internal/metrics"
	"github.com/lighterman/lighterman/internal/queue"
)

// jobs are the queue's, for the metrics.
func (s *service) jobs(ctx context.Context) (metrics.Jobs, error) {
	d, err := s.queue.Depth(ctx)
	return jobsIn(d), err
}

// sweepJobs are the queue's sweeps, for the metrics.
func (s *service) sweepJobs(ctx context.Context) (metrics.Jobs, error) {
	d, err := s.queue.Sweeps(ctx)
	return jobsIn(d), err
}

func jobsIn(d queue.Depth) metrics.Jobs {
	return metrics.Jobs{Waiting: d.Waiting, Running: d.Running, Delayed: d.Delayed, Dead: d.Dead, Oldest: d.Oldest}
}

// ended counts a run of a job.
func (s *service) ended(r queue.Run) {
	s.metrics.Ran(metrics.Run{Kind: r.Kind, Outcome: string(r.Outcome), Took: r.Took, Waited: r.Waited})
}
