package main

import (
	"github.com/lighterman/lighterman/internal/metrics"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
)

// done is what the queue keeps of a review: what happened is counted in its database with the end of the job, and shown
// to Prometheus after that.
func (s *service) done(out review.Outcome) queue.Done {
	return queue.Done{
		Head: out.Head, Mark: out.Mark, Memory: out.Memory, Counts: tallied(out.Events), Posted: out.Posted, Why: out.Why,
		Settled: func() { meter(s.metrics, out) },
	}
}

// tallied are events as the queue counts them, by check: "shown" is a fix that was offered, which then may be "applied",
// made "by_hand" in another way, or "declined"; "told" and "suppressed" are findings, and "refused" is a fix that did not
// hold.
func tallied(events []review.Event) []queue.Count {
	var all []queue.Count
	for _, e := range events {
		what := string(e.What)
		switch e.What {
		case review.Offered:
			what = "shown"
		case review.Untold:
			what += " " + e.How
		}
		all = append(all, queue.Count{Name: e.Check, What: what, N: e.N})
	}
	return all
}

// meter shows to Prometheus what came of a review.
func meter(m *metrics.Set, out review.Outcome) {
	m.Reviewed(map[review.End]string{
		review.Published: "published", review.Unchanged: "unchanged", review.Closed: "closed",
	}[out.End])
	for _, e := range out.Events {
		for range e.N {
			meterOne(m, e)
		}
	}
}

func meterOne(m *metrics.Set, e review.Event) {
	switch e.What {
	case review.Told:
		m.Shown(e.Check, e.How)
	case review.Untold:
		m.Suppressed(e.Check, e.How)
	case review.Offered:
		m.Offered(e.Check, e.How, e.Form)
		m.Outcome(e.Check, "shown")
	case review.Withdrawn:
		m.Withdrawn(e.Check, e.How)
	case review.Applied, review.ByHand, review.Declined:
		m.Outcome(e.Check, string(e.What))
	}
}
