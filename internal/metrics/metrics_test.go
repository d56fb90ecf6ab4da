package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// scrape is the page of a set without the metrics of Go and the process.
func scrape(t *testing.T, s *Set) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.String()
}

// full is a set in which every metric has a value.
func full() *Set {
	s := New("v1")
	s.Webhook("push", "stored")
	s.Refused("no signature")
	s.Ran(Run{Kind: "review", Outcome: "done", Took: time.Second, Waited: time.Minute})
	jobs := func(context.Context) (Jobs, error) {
		return Jobs{Waiting: 1, Running: 2, Delayed: 3, Dead: 4, Oldest: 5 * time.Second}, nil
	}
	s.Watch(jobs, jobs)
	s.Reviewed("published")
	s.Swept("written", []string{"open"})
	s.Listed(map[string]int{"swept": 1})
	s.Requested("GET /app", 200, time.Second)
	s.Held("turn", time.Second)
	s.Held("asked", -1)
	s.Budget(7, "core", 10, 5000, time.Now().Add(time.Hour))
	s.Shown("root-user", "diff")
	s.Suppressed("root-user", "dismissed")
	s.Offered("root-user", "intended", "suggestion")
	s.Withdrawn("root-user", "same")
	s.Outcome("root-user", "applied")
	return s
}

// names are those that dashboards and alerts hold on to: one is added at will, and never changed.
var names = map[string]string{
	"lighterman_build_info":                      "gauge version",
	"lighterman_webhooks_total":                  "counter event outcome",
	"lighterman_webhooks_refused_total":          "counter reason",
	"lighterman_jobs":                            "gauge kind state",
	"lighterman_job_oldest_waiting_seconds":      "gauge",
	"lighterman_job_runs_total":                  "counter kind outcome",
	"lighterman_job_run_duration_seconds":        "histogram kind",
	"lighterman_push_to_review_seconds":          "histogram",
	"lighterman_reviews_total":                   "counter end",
	"lighterman_repositories":                    "gauge state",
	"lighterman_sweeps_total":                    "counter end",
	"lighterman_sweep_steps_total":               "counter act",
	"lighterman_github_requests_total":           "counter endpoint status",
	"lighterman_github_request_duration_seconds": "histogram endpoint",
	"lighterman_github_wait_seconds":             "histogram reason",
	"lighterman_github_limited_total":            "counter reason",
	"lighterman_github_rate_limit":               "gauge installation resource",
	"lighterman_github_rate_limit_remaining":     "gauge installation resource",
	"lighterman_findings_shown_total":            "counter check place",
	"lighterman_findings_suppressed_total":       "counter check reason",
	"lighterman_fixes_offered_total":             "counter check class form",
	"lighterman_fixes_refused_total":             "counter check class",
	"lighterman_suggestions_total":               "counter check outcome",
}

var labelName = regexp.MustCompile(`([a-z]+)="`)

// TestNames holds the names, types and labels of all metrics, and that each is explained.
func TestNames(t *testing.T) {
	page := scrape(t, full())
	got := map[string]string{}
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# TYPE lighterman_"); ok {
			name, kind, _ := strings.Cut(rest, " ")
			got["lighterman_"+name] = kind
			if !regexp.MustCompile(`# HELP lighterman_` + name + ` [A-Z].+\.`).MatchString(page) {
				t.Errorf("lighterman_%s is not explained", name)
			}
		}
		if !strings.HasPrefix(line, "lighterman_") || strings.Contains(line, "_bucket{") || strings.Contains(line, "_sum") {
			continue
		}
		series := line[:strings.LastIndexByte(line, ' ')]
		name, labels, _ := strings.Cut(series, "{")
		if base := strings.TrimSuffix(name, "_count"); base != name {
			name = base
		}
		kind, _, _ := strings.Cut(got[name], " ")
		for _, m := range labelName.FindAllStringSubmatch(labels, -1) {
			kind += " " + m[1]
		}
		got[name] = kind
	}
	for name, want := range names {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	for name := range got {
		if names[name] == "" {
			t.Errorf("%s is not in the list", name)
		}
	}
}

func TestValues(t *testing.T) {
	page := scrape(t, full())
	for _, want := range []string{
		`lighterman_build_info{version="v1"} 1`,
		`lighterman_jobs{kind="review",state="dead"} 4`,
		`lighterman_jobs{kind="sweep",state="dead"} 4`,
		"lighterman_job_oldest_waiting_seconds 5",
		`lighterman_job_run_duration_seconds_sum{kind="review"} 1`,
		"lighterman_push_to_review_seconds_sum 60",
		`lighterman_github_requests_total{endpoint="GET /app",status="200"} 1`,
		`lighterman_github_wait_seconds_count{reason="turn"} 1`,
		`lighterman_github_limited_total{reason="asked"} 1`,
		`lighterman_github_rate_limit_remaining{installation="7",resource="core"} 10`,
		`lighterman_github_rate_limit{installation="7",resource="core"} 5000`,
		"go_goroutines",
	} {
		if !strings.Contains(page, want+" ") && !strings.Contains(page, want+"\n") {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// TestNoAnswerNoNumber holds that a queue which cannot be reached shows no number of jobs, and breaks nothing else.
func TestNoAnswerNoNumber(t *testing.T) {
	s := New("v1")
	gone := func(context.Context) (Jobs, error) { return Jobs{Waiting: 1}, errors.New("gone") }
	s.Watch(gone, gone)
	if page := scrape(t, s); strings.Contains(page, "lighterman_jobs{") || strings.Contains(page, "waiting_seconds ") ||
		!strings.Contains(page, "go_goroutines") {
		t.Error(page)
	}
}

// TestRunsThatWaitedForNothing holds that only a run which brought a new head up to date tells of its wait.
func TestRunsThatWaitedForNothing(t *testing.T) {
	s := New("v1")
	s.Ran(Run{Kind: "review", Outcome: "failed"})
	if page := scrape(t, s); !strings.Contains(page, "lighterman_push_to_review_seconds_count 0") {
		t.Error(page)
	}
}

// TestScarceBudgetsAreShown holds that of many installations those are shown that have the smallest share left.
func TestScarceBudgetsAreShown(t *testing.T) {
	now := time.Now()
	b := newBudgets(func() time.Time { return now })
	for id := range int64(3 * maxInstallations) {
		b.note(account{id, "core"}, budget{left: int(1000 - id), of: 1000, reset: now.Add(time.Hour)})
	}
	b.note(account{1000, "graphql"}, budget{left: 900, of: 100_000, reset: now.Add(time.Hour)})
	b.note(account{1001, "core"}, budget{left: 0, of: 5000, reset: now.Add(-time.Second)}) // its hour is over
	shown := b.scarcest()
	if len(shown) != maxInstallations {
		t.Fatalf("%d are shown", len(shown))
	}
	if shown[0].installation != 1000 || shown[1].installation != 299 || shown[99].installation != 201 {
		t.Errorf("shown are %v, %v … %v", shown[0], shown[1], shown[99])
	}
	now = now.Add(2 * time.Hour)
	if shown := b.scarcest(); len(shown) > 0 {
		t.Errorf("after the hour %v is shown", shown[0])
	}
}

// TestBudgetsAreForgotten holds the bound on what is remembered of them, also when no hour is over.
func TestBudgetsAreForgotten(t *testing.T) {
	now := time.Now()
	b := newBudgets(func() time.Time { return now })
	for id := range int64(maxBudgets + 50) {
		b.note(account{id, "core"}, budget{1, 1, now.Add(time.Hour)})
	}
	if len(b.known) > maxBudgets {
		t.Errorf("%d are remembered", len(b.known))
	}
	now = now.Add(2 * time.Hour)
	b.note(account{-1, "core"}, budget{1, 1, now.Add(time.Hour)})
	if len(b.known) != 1 {
		t.Errorf("%d are remembered after the hour", len(b.known))
	}
}

// TestOperatorsReadTheNames holds that deploy/README.md has a row for each metric, with its kind and labels. Alerts and
// dashboard are held against that table.
func TestOperatorsReadTheNames(t *testing.T) {
	page, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(lighterman_[a-z_]+)` \\| ([a-z]+) \\| (.*?) ?\\|")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		got[m[1]] = strings.TrimSpace(m[2] + " " + strings.NewReplacer("`", "", ",", "").Replace(m[3]))
	}
	for name, want := range names {
		if got[name] != want {
			t.Errorf("%s is %q in the table, and is %q", name, got[name], want)
		}
	}
	for name := range got {
		if names[name] == "" {
			t.Errorf("the table has %s, which there is not", name)
		}
	}
}
