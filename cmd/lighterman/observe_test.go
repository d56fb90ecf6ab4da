package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
)

// scrape is the service's metrics, by series.
func (s *stage) scrape(t *testing.T) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:1"
	s.service.server.ServeHTTP(w, r)
	return series(w.Body)
}

// series are the numbers of a page of metrics.
func series(page io.Reader) map[string]string {
	out := map[string]string{}
	for lines := bufio.NewScanner(page); lines.Scan(); {
		if n := strings.LastIndexByte(lines.Text(), ' '); n > 0 && lines.Text()[0] != '#' {
			out[lines.Text()[:n]] = lines.Text()[n+1:]
		}
	}
	return out
}

// TestMetricsOfAReview holds what is scraped after a review against what the double of GitHub saw.
func TestMetricsOfAReview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.outcome(t, pull)
	page := s.scrape(t)
	for series, want := range map[string]string{
		`lighterman_webhooks_total{event="pull_request",outcome="queued"}`: "1",
		`lighterman_jobs{kind="review",state="waiting"}`:                   "0",
		"lighterman_job_oldest_waiting_seconds":                            "0",
		`lighterman_job_runs_total{kind="review",outcome="done"}`:          "1",
		`lighterman_job_run_duration_seconds_count{kind="review"}`:         "1",
		"lighterman_push_to_review_seconds_count":                          "1",
	} {
		if page[series] != want {
			t.Errorf("%s is %q, want %s", series, page[series], want)
		}
	}
	asked := 0
	for series, n := range page {
		if strings.HasPrefix(series, `lighterman_github_requests_total{endpoint="other"`) {
			t.Errorf("%s %s", series, n)
		}
		if strings.HasPrefix(series, "lighterman_github_requests_total{") && !strings.Contains(series, "access_tokens") {
			var count int
			_, err := fmt.Sscan(n, &count)
			must(t, err)
			asked += count
		}
	}
	if seen := len(s.hub.Requests()); asked != seen || seen == 0 {
		t.Errorf("%d requests are counted, GitHub saw %d", asked, seen)
	}
}

// A recorder keeps a log's lines.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) lines(t *testing.T) (all []map[string]any) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(r.text.String()) {
		one := map[string]any{}
		must(t, json.Unmarshal([]byte(line), &one))
		all = append(all, one)
	}
	return all
}

// TestOneIDLeadsFromWebhookToCheckRun follows the id of GitHub's delivery through the log and the queue to what was
// posted.
func TestOneIDLeadsFromWebhookToCheckRun(t *testing.T) {
	t.Parallel()
	var log recorder
	s, err := setStage(t.Context(), io.Discard, githubtest.Options{}, -1, func(string) *slog.Logger {
		return slog.New(slog.NewJSONHandler(&log, nil))
	})
	must(t, err)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.outcome(t, pull)
	guid := ""
	for _, d := range s.hub.Deliveries() {
		if d.Event == "pull_request" {
			guid = d.GUID
		}
	}
	run := lastRun(t, pull)
	if !strings.HasSuffix(run.ExternalID, " request="+guid) {
		t.Errorf("the check run's external id is %q, the delivery's %s", run.ExternalID, guid)
	}
	report, ok, err := s.service.queue.Report(t.Context(), forge.Ref{Repo: forge.Repo{Owner: "acme", Name: "shop"}, Number: 1})
	if err != nil || !ok || report.Delivery != guid || report.Outcome != queue.Finished || report.Head != pull.Head() {
		t.Errorf("report %+v, %t, %v", report, ok, err)
	}
	must(t, s.stop())
	var told []string
	for _, line := range log.lines(t) {
		if line["delivery"] != guid {
			continue
		}
		told = append(told, line["msg"].(string))
		if line["msg"] == "webhook taken" {
			continue
		}
		for key, want := range map[string]any{"request": guid, "repository": "acme/shop", "pull": "acme/shop#1"} {
			if line[key] != want {
				t.Errorf("%q says %s=%v, want %v", line["msg"], key, line[key], want)
			}
		}
		job, _ := line["job"].(string)
		if installation, _ := line["installation"].(float64); job == "" || installation == 0 {
			t.Errorf("%v", line)
		}
	}
	for _, want := range []string{"webhook taken", "reviewed", "pull request brought up to date"} {
		if !slices.Contains(told, want) {
			t.Errorf("%q is not told of the delivery; told are %q", want, told)
		}
	}
}
