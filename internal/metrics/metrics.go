// Package metrics holds the numbers that the service shows to Prometheus, under names that dashboards and alerts hold on
// to. It knows what is counted and by which labels; who counts knows neither, and tells it through an interface or a
// value of its own.
//
// Every label takes its values from a list that is bounded: the events and answers of the webhook, the checks of the
// catalogue, the templates of the addresses that are asked for. Only the rate limits are told by a number that
// strangers can add to, the installation's; see maxInstallations.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Set is all metrics of one process. Its methods may be called from any goroutine.
type Set struct {
	registry *prometheus.Registry

	webhooks, refused            *prometheus.CounterVec
	runs                         *prometheus.CounterVec
	runTime                      *prometheus.HistogramVec
	pushToReview                 prometheus.Histogram
	reviews                      *prometheus.CounterVec
	sweeps, proposals            *prometheus.CounterVec
	repositories                 *prometheus.GaugeVec
	requests                     *prometheus.CounterVec
	requestTime                  *prometheus.HistogramVec
	waits                        *prometheus.HistogramVec
	limited                      *prometheus.CounterVec
	budgets                      *budgets
	shown, suppressed            *prometheus.CounterVec
	offered, withdrawn, outcomes *prometheus.CounterVec
}

// New makes the metrics of a process of that version.
func New(version string) *Set {
	s := &Set{registry: prometheus.NewRegistry(), budgets: newBudgets(time.Now)}
	s.service()
	s.github()
	s.findings()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lighterman_build_info", Help: "Always 1; the label says which version runs.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	s.registry.MustRegister(info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// maxScrapes is how many answers are made at once.
const maxScrapes = 3

// Handler shows the metrics in Prometheus' formats.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// service makes the metrics of webhooks and jobs.
func (s *Set) service() {
	s.webhooks = s.counter("lighterman_webhooks_total",
		"Verified webhooks by event (other: one that is not handled) and what became of them.", "event", "outcome")
	s.refused = s.counter("lighterman_webhooks_refused_total", "Webhooks that were not taken, by reason.", "reason")
	s.runs = s.counter("lighterman_job_runs_total",
		"Runs of jobs that ended, by kind (review, or the name of a tick) and outcome: done, gone, limited, interrupted, "+
			"moved_on, failed (it is tried again) or dead (it failed too often).", "kind", "outcome")
	s.runTime = s.histogram("lighterman_job_run_duration_seconds", "How long runs of jobs took, by kind.",
		runBuckets(), "kind")
	s.pushToReview = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "lighterman_push_to_review_seconds", Buckets: waitBuckets(),
		Help: "Time from the webhook that told of a pull request's head to the end of that head's review.",
	})
	s.registry.MustRegister(s.pushToReview)
	s.reviews = s.counter("lighterman_reviews_total",
		"Reviews that ended: published, unchanged (nothing new to say) or closed.", "end")
	s.sweeps = s.counter("lighterman_sweeps_total",
		"Sweeps of repositories that ended: written, unchanged (nothing to write), surveyed (nobody decided whether sweeps are "+
			"enabled), refused (they are not) or skipped.", "end")
	s.proposals = s.counter("lighterman_sweep_steps_total",
		"What sweeps did about pull requests of their own: open, finish, renew, retext, withdraw, yield, tidy or answer.", "act")
	s.repositories = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "lighterman_repositories",
		Help: "Repositories within reach, as the process that listed them last saw them: swept, or why they are not.",
	}, []string{"state"})
	s.registry.MustRegister(s.repositories)
}

// github makes the metrics of what goes over the wire to GitHub.
func (s *Set) github() {
	s.requests = s.counter("lighterman_github_requests_total",
		"Requests to GitHub's API, by the template of the address (other: one without) and the answer's status (none: no "+
			"answer came).", "endpoint", "status")
	s.requestTime = s.histogram("lighterman_github_request_duration_seconds",
		"Time until the head of GitHub's answer came, by the template of the address.", requestBuckets(), "endpoint")
	s.waits = s.histogram("lighterman_github_wait_seconds",
		"How long requests to GitHub were held before they were sent: for their turn, for the pause after a write, for "+
			"room in what may be written in that time, or because they are background work.", waitBuckets(), "reason")
	s.limited = s.counter("lighterman_github_limited_total",
		"Times that work on an installation was put off: GitHub asked to wait (asked), it had asked before (waiting), as "+
			"much was written as it allows (full), or the rest of the hour is kept for others (kept).", "reason")
	s.registry.MustRegister(s.budgets)
}

// findings makes the metrics of what is told on pull requests.
func (s *Set) findings() {
	s.shown = s.counter("lighterman_findings_shown_total",
		"Findings that a pull request was told for the first time, by check and place: on the diff, or beside it because "+
			"its lines are not on the diff (off_diff), there were enough comments (over_limit), or GitHub refused the review "+
			"(refused).", "check", "place")
	s.suppressed = s.counter("lighterman_findings_suppressed_total",
		"Findings that a pull request was not told, or not any more, by check and reason: dismissed by a person, a duplicate "+
			"in another file of the same family, untouched lines, ignored by a comment in the file (ignored_comment) or by "+
			"the configuration (ignored_config).", "check", "reason")
	s.offered = s.counter("lighterman_fixes_offered_total",
		"Fixes that were offered with findings told for the first time, by check, proof class (same, equivalent, intended), "+
			"and form: a suggestion to click, or a commit.", "check", "class", "form")
	s.withdrawn = s.counter("lighterman_fixes_refused_total",
		"Fixes of findings told for the first time that did not hold and were not offered, by check and the proof class "+
			"that was promised.", "check", "class")
	s.outcomes = s.counter("lighterman_suggestions_total",
		"What became of fixes on pull requests, by check: shown, then applied as offered, fixed by_hand in another way, or "+
			"declined by a person. applied over shown is the rate of acceptance.", "check", "outcome")
}

func (s *Set) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	s.registry.MustRegister(c)
	return c
}

func (s *Set) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	s.registry.MustRegister(h)
	return h
}

// The buckets, in seconds. A review of one Dockerfile takes a second or two, most of it GitHub's.
func runBuckets() []float64     { return []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600} }
func requestBuckets() []float64 { return []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60} }
func waitBuckets() []float64    { return []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600} }
