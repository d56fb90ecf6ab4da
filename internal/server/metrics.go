package server

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// metrics are the server's own counters. Their labels take values from fixed lists only: an event's name is not signed.
type metrics struct {
	taken   *prometheus.CounterVec
	refused *prometheus.CounterVec
}

func newMetrics(r *prometheus.Registry, q Queue) (*metrics, error) {
	m := &metrics{
		taken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lighterman_webhooks_total",
			Help: "Verified webhooks by event (other: one that is not handled) and what became of them.",
		}, []string{"event", "outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lighterman_webhooks_refused_total",
			Help: "Webhooks that were not taken, by reason.",
		}, []string{"reason"}),
	}
	for _, c := range []prometheus.Collector{m.taken, m.refused, newBacklog(q)} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// A backlog shows the queue's depth, counted when it is asked for.
type backlog struct {
	queue Queue
	jobs  *prometheus.Desc
}

func newBacklog(q Queue) backlog {
	return backlog{q, prometheus.NewDesc("lighterman_jobs",
		"Jobs by state, of all processes on the database. Dead ones failed too often and wait to be replayed.",
		[]string{"state"}, nil)}
}

// Describe implements prometheus.Collector.
func (b backlog) Describe(to chan<- *prometheus.Desc) { to <- b.jobs }

// Collect implements prometheus.Collector. Without an answer from the queue there is no number, rather than a wrong
// one.
func (b backlog) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	d, err := b.queue.Depth(ctx)
	if err != nil {
		return
	}
	states := map[string]int{"waiting": d.Waiting, "running": d.Running, "delayed": d.Delayed, "dead": d.Dead}
	for state, n := range states {
		to <- prometheus.MustNewConstMetric(b.jobs, prometheus.GaugeValue, float64(n), state)
	}
}
