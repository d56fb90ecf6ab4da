package main

import (
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collected "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// A collector takes traces by OTLP over HTTP.
type collector struct {
	mu     sync.Mutex
	spans  []*spans.Span
	bodies []string
	wrong  []string
}

// newCollector starts one, which the service that is made next is told of.
func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	at := httptest.NewServer(c)
	t.Cleanup(at.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", at.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var batch collected.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &batch)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("X-Key") != "abc" {
		c.wrong = append(c.wrong, r.URL.Path)
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	c.bodies = append(c.bodies, string(body))
	for _, of := range batch.ResourceSpans {
		for _, in := range of.ScopeSpans {
			c.spans = append(c.spans, in.Spans...)
		}
	}
}

func attributeOf(s *spans.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// TestOneTraceLeadsFromWebhookToCheckRun follows a webhook to the request that writes the check run: all spans between
// are one trace, each below the one that it is a part of, and none tells what somebody wrote or a credential.
func TestOneTraceLeadsFromWebhookToCheckRun(t *testing.T) {
	c := newCollector(t)
	var log recorder
	secret := ""
	s, err := setStage(t.Context(), io.Discard, githubtest.Options{}, -1, func(of string) *slog.Logger {
		secret = of
		return slog.New(slog.NewJSONHandler(&log, nil))
	})
	must(t, err)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.outcome(t, pull)
	must(t, s.stop())
	if len(c.wrong) > 0 {
		t.Fatalf("sent to %q", c.wrong)
	}
	byID := map[string]*spans.Span{}
	var write *spans.Span
	for _, span := range c.spans {
		byID[string(span.SpanId)] = span
		if span.Name == "POST /repos/{owner}/{repo}/check-runs" {
			write = span
		}
	}
	if write == nil {
		t.Fatalf("no span writes the check run; %d spans", len(c.spans))
	}
	if attributeOf(write, "http.response.status_code") != "201" || attributeOf(write, "http.request.method") != "POST" ||
		attributeOf(write, "url.template") != "/repos/{owner}/{repo}/check-runs" {
		t.Errorf("%v", write.Attributes)
	}
	var path []string
	for span := write; span != nil; span = byID[string(span.ParentSpanId)] {
		if path = append(path, span.Name); string(span.TraceId) != string(write.TraceId) {
			t.Errorf("%s is part of another trace", span.Name)
		}
	}
	want := []string{"POST /repos/{owner}/{repo}/check-runs", "publish", "review", "webhook"}
	if !slices.Equal(path, want) {
		t.Errorf("the way is %q, want %q", path, want)
	}
	told := map[string]bool{}
	for _, line := range log.lines(t) {
		if line["trace_id"] == hex.EncodeToString(write.TraceId) && line["span_id"] != "" {
			told[line["msg"].(string)] = true
		}
	}
	if !told["reviewed"] {
		t.Errorf("the log tells of the trace in %v", told)
	}
	for _, body := range c.bodies {
		for _, word := range []string{secret, "ghs_", "npm ci", "CMD"} {
			if strings.Contains(body, word) {
				t.Errorf("a span holds %q", word)
			}
		}
	}
}

// TestASweepIsOneTrace: what a push leads to is told by its phases, down to the request that opens a pull request.
func TestASweepIsOneTrace(t *testing.T) {
	c := newCollector(t)
	s, _ := newFleet(t, sweepOptions{})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{".github/lighterman.yml": agreed, "package.json": "{}\n"})
	must(t, err)
	_, err = repo.Push("main", "Ship it", map[string]string{"Dockerfile": wasteful})
	must(t, err)
	s.idle(t)
	must(t, s.service.trace.Close(t.Context()))
	c.mu.Lock()
	defer c.mu.Unlock()
	byID, phases := map[string]*spans.Span{}, map[string]bool{}
	for _, span := range c.spans {
		byID[string(span.SpanId)] = span
	}
	var path []string
	for _, span := range c.spans {
		above := byID[string(span.ParentSpanId)]
		if above != nil && above.Name == "sweep" {
			phases[span.Name] = attributeOf(above, "lighterman.repository") == "acme/shop"
		}
		if span.Name == "POST /repos/{owner}/{repo}/pulls" {
			for path = nil; span != nil; span = byID[string(span.ParentSpanId)] {
				path = append(path, strings.Fields(span.Name)[0])
			}
		}
	}
	if want := []string{"POST", "open", "sweep", "webhook"}; !slices.Equal(path, want) {
		t.Errorf("the way is %q, want %q", path, want)
	}
	for _, want := range []string{"recall", "configure", "examine", "fix", "proposals"} {
		if !phases[want] {
			t.Errorf("no %s among %v", want, phases)
		}
	}
}

// TestTracesHinderNothing holds that a collector which is gone delays no review and no end.
func TestTracesHinderNothing(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	s := newStage(t)
	s.outcome(t, s.pull(t, "shop", demoFile("web/Dockerfile")))
}
