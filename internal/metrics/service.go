package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Webhook counts a verified webhook.
func (s *Set) Webhook(event, outcome string) { s.webhooks.WithLabelValues(event, outcome).Inc() }

// Refused counts a webhook that was not taken.
func (s *Set) Refused(reason string) { s.refused.WithLabelValues(reason).Inc() }

// A Run is one run of a job that ended.
type Run struct {
	Kind    string
	Outcome string
	Took    time.Duration
	// Waited is how long the review of a head took that a webhook told of, from the webhook on; 0 for other runs.
	Waited time.Duration
}

// Ran counts a run.
func (s *Set) Ran(r Run) {
	s.runs.WithLabelValues(r.Kind, r.Outcome).Inc()
	s.runTime.WithLabelValues(r.Kind).Observe(r.Took.Seconds())
	if r.Waited > 0 {
		s.pushToReview.Observe(r.Waited.Seconds())
	}
}

// Swept counts a sweep that ended, and what it did.
func (s *Set) Swept(end string, acts []string) {
	s.sweeps.WithLabelValues(end).Inc()
	for _, act := range acts {
		s.proposals.WithLabelValues(act).Inc()
	}
}

// Listed shows how many repositories there are, by state.
func (s *Set) Listed(states map[string]int) {
	s.repositories.Reset()
	for state, n := range states {
		s.repositories.WithLabelValues(state).Set(float64(n))
	}
}

// Jobs are those of all processes on the database.
type Jobs struct {
	Waiting, Running, Delayed, Dead int
	Oldest                          time.Duration // how long the oldest of the waiting ones could have run; 0 without any
}

// Watch shows the jobs, and beside them the sweeps, counted when they are asked for. It is called once.
func (s *Set) Watch(jobs, sweeps func(context.Context) (Jobs, error)) {
	s.registry.MustRegister(backlog{jobs, sweeps})
}

// A backlog shows the queue's depth.
type backlog struct {
	count, sweeps func(context.Context) (Jobs, error)
}

var (
	jobsDesc = prometheus.NewDesc("lighterman_jobs",
		"Jobs by kind and state, of all processes on the database. Dead ones failed too often and wait to be replayed.",
		[]string{"kind", "state"}, nil)
	oldestDesc = prometheus.NewDesc("lighterman_job_oldest_waiting_seconds",
		"How long the oldest review that is ready to run has been so; 0 without any.", nil, nil)
)

// countTime bounds counting the jobs.
const countTime = 3 * time.Second

// Describe implements prometheus.Collector.
func (b backlog) Describe(to chan<- *prometheus.Desc) {
	to <- jobsDesc
	to <- oldestDesc
}

// Collect implements prometheus.Collector. Without an answer from the queue there is no number, rather than a wrong
// one.
func (b backlog) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTime)
	defer cancel()
	j, err := b.count(ctx)
	if err != nil {
		return
	}
	j.collect(to, "review")
	to <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, j.Oldest.Seconds())
	if j, err = b.sweeps(ctx); err == nil {
		j.collect(to, "sweep")
	}
}

func (j Jobs) collect(to chan<- prometheus.Metric, kind string) {
	states := map[string]int{"waiting": j.Waiting, "running": j.Running, "delayed": j.Delayed, "dead": j.Dead}
	for state, n := range states {
		to <- prometheus.MustNewConstMetric(jobsDesc, prometheus.GaugeValue, float64(n), kind, state)
	}
}
