package metrics

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requested counts a request to GitHub by the template of its address; status is 0 when no answer came.
func (s *Set) Requested(endpoint string, status int, took time.Duration) {
	text := "none"
	if status != 0 {
		text = strconv.Itoa(status)
	}
	s.requests.WithLabelValues(endpoint, text).Inc()
	s.requestTime.WithLabelValues(endpoint).Observe(took.Seconds())
}

// Held counts a request that was held back for a while, or not sent at all when d is below 0.
func (s *Set) Held(reason string, d time.Duration) {
	if d < 0 {
		s.limited.WithLabelValues(reason).Inc()
		return
	}
	s.waits.WithLabelValues(reason).Observe(d.Seconds())
}

// Budget notes what GitHub said about the requests of an hour: how many of how many are left, by its name for what is
// counted, for an installation, or for the App itself when that is 0.
func (s *Set) Budget(installation int64, resource string, left, of int, reset time.Time) {
	s.budgets.note(account{installation, resource}, budget{left, of, reset})
}

// A Limit is what GitHub last said about the requests of an hour that is not over.
type Limit struct {
	Installation int64 // 0 for the App itself
	Resource     string
	Left, Of     int
	Reset        time.Time
}

// Limits are the rate limits that are shown, those with the smallest share left first.
func (s *Set) Limits() []Limit {
	var all []Limit
	for _, l := range s.budgets.scarcest() {
		all = append(all, Limit{l.installation, l.resource, l.left, l.of, l.reset})
	}
	return all
}

const (
	// maxInstallations is how many rate limits are shown: those of which the least is left. An installation that is not
	// among them has more left than each that is, so no alert on them misses one.
	maxInstallations = 100
	// maxBudgets bounds what is remembered; past it, limits whose hour is over are forgotten, and then any.
	maxBudgets = 10_000
)

type account struct {
	installation int64
	resource     string
}

type budget struct {
	left, of int
	reset    time.Time
}

// budgets show the rate limits as GitHub last told them, until their hour is over.
type budgets struct {
	now func() time.Time

	mu    sync.Mutex
	known map[account]budget
}

func newBudgets(now func() time.Time) *budgets {
	return &budgets{now: now, known: map[account]budget{}}
}

func (b *budgets) note(a account, is budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.known[a]; !known && len(b.known) >= maxBudgets {
		b.forget()
	}
	b.known[a] = is
}

// forget makes room. The caller holds mu.
func (b *budgets) forget() {
	now := b.now()
	for a, is := range b.known {
		if !now.Before(is.reset) {
			delete(b.known, a)
		}
	}
	for a := range b.known {
		if len(b.known) < maxBudgets {
			break
		}
		delete(b.known, a)
	}
}

var (
	leftDesc = prometheus.NewDesc("lighterman_github_rate_limit_remaining",
		"Requests that are left of the hour, as GitHub last told, by installation (0: the App itself) and GitHub's name for "+
			"what is counted. Of many installations those with the smallest share left.", []string{"installation", "resource"}, nil)
	ofDesc = prometheus.NewDesc("lighterman_github_rate_limit",
		"Requests that GitHub allows in the hour, for those of lighterman_github_rate_limit_remaining.",
		[]string{"installation", "resource"}, nil)
)

// Describe implements prometheus.Collector.
func (b *budgets) Describe(to chan<- *prometheus.Desc) {
	to <- leftDesc
	to <- ofDesc
}

// Collect implements prometheus.Collector.
func (b *budgets) Collect(to chan<- prometheus.Metric) {
	for _, l := range b.scarcest() {
		id := strconv.FormatInt(l.installation, 10)
		to <- prometheus.MustNewConstMetric(leftDesc, prometheus.GaugeValue, float64(l.left), id, l.resource)
		to <- prometheus.MustNewConstMetric(ofDesc, prometheus.GaugeValue, float64(l.of), id, l.resource)
	}
}

type limit struct {
	account
	budget
}

// scarcest are the limits whose hour is not over, those with the smallest share left first, at most maxInstallations.
func (b *budgets) scarcest() []limit {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	var all []limit
	for a, is := range b.known {
		if now.Before(is.reset) {
			all = append(all, limit{a, is})
		}
	}
	slices.SortFunc(all, func(x, y limit) int {
		return cmp.Or(cmp.Compare(x.left*max(y.of, 1), y.left*max(x.of, 1)),
			cmp.Compare(x.installation, y.installation), cmp.Compare(x.resource, y.resource))
	})
	return all[:min(len(all), maxInstallations)]
}
