package github_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// An ear remembers what a Meter is told.
type ear struct {
	mu       sync.Mutex
	requests []string
	held     map[string]time.Duration
	budgets  map[string]int
}

func newEar() *ear { return &ear{held: map[string]time.Duration{}, budgets: map[string]int{}} }

func (e *ear) Requested(endpoint string, status int, _ time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests = append(e.requests, fmt.Sprint(endpoint, " ", status))
}

func (e *ear) Held(reason string, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held[reason] += d
}

func (e *ear) Budget(installation int64, resource string, left, of int, _ time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.budgets[fmt.Sprint(installation > 0, " ", resource, " of ", of)] = left
}

// TestMeterHearsEveryRequest reads and writes a pull request: each exchange is told of by the template of its address.
func TestMeterHearsEveryRequest(t *testing.T) {
	h, _, ref, c := reviewed(t)
	e := newEar()
	app, err := github.New(github.Options{
		AppID: h.AppID(), PrivateKey: h.PrivateKey(), BaseURL: h.URL(), Clock: c, Meter: e, WritePause: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	change, err := app.Change(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	plan := forge.Plan{Head: change.Head, Review: &oneReview, Check: &forge.CheckDraft{
		Key: "#1 x", Request: "guid", Conclusion: forge.Success, Title: "t", Summary: "s"}}
	if err := app.Publish(t.Context(), ref, plan); err != nil {
		t.Fatal(err)
	}
	st, err := app.Standing(t.Context(), ref)
	if err != nil || len(st.Checks) != 1 || st.Checks[0].Key != "#1 x" || st.Checks[0].Request != "guid" {
		t.Errorf("check runs %+v, %v", st.Checks, err)
	}
	for _, want := range []string{
		"POST /app/installations/{installation_id}/access_tokens 201", "POST /graphql Standing 200",
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/files 200", "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews 200",
		"POST /repos/{owner}/{repo}/check-runs 201",
	} {
		if !slices.Contains(e.requests, want) {
			t.Errorf("no %q in %q", want, e.requests)
		}
	}
	if slices.ContainsFunc(e.requests, func(r string) bool { return strings.HasPrefix(r, "other") }) {
		t.Errorf("requests without a template: %q", e.requests)
	}
	if e.held["pause"] != time.Second { // between the two writes
		t.Errorf("held %v", e.held)
	}
	if len(e.budgets) == 0 {
		t.Error("nothing was told of budgets")
	}
}

// TestMeterHearsOfLimits holds that a limit is told of once as asked for, and then for each time that it is obeyed.
func TestMeterHearsOfLimits(t *testing.T) {
	h, _, ref, c := reviewed(t)
	e := newEar()
	app := newApp(t, h.Server, github.Options{Clock: c, Meter: e})
	h.Inject(githubtest.SecondaryLimit("pulls/get", 429, 30))
	for range 3 {
		if _, _, err := app.Head(t.Context(), ref); err == nil {
			t.Error("no limit")
		}
	}
	if e.held["asked"] != -1 || e.held["waiting"] != -2 {
		t.Errorf("held %v", e.held)
	}
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// TestEndpointsAreGitHubs holds the templates against GitHub's own description.
func TestEndpointsAreGitHubs(t *testing.T) {
	text, err := os.ReadFile("../githubtest/contract/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	plain := func(s string) string { return parameter.ReplaceAllString(s, "{}") }
	for path, methods := range doc.Paths {
		for method := range methods {
			known[plain(strings.ToUpper(method)+" "+strings.ReplaceAll(path, "{base}...{head}", "{basehead}"))] = true
		}
	}
	for _, e := range github.Endpoints() {
		if !known[plain(e)] {
			t.Errorf("%s is not in GitHub's description", e)
		}
	}
}
