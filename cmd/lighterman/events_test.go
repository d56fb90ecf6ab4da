package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/review"
)

// sum adds up the series of a metric that have all these labels.
func sum(page map[string]string, metric string, labels ...string) int {
	total := 0
next:
	for series, value := range page {
		if !strings.HasPrefix(series, metric+"{") {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(series, label) {
				continue next
			}
		}
		n, _ := strconv.Atoi(value)
		total += n
	}
	return total
}

// became is what the metrics say of fixes: how many were shown, applied, made by hand in another way, and declined. It
// fails the test when the queue's database has counted anything else.
func (s *stage) became(t *testing.T) string {
	t.Helper()
	page := s.scrape(t)
	days, err := s.service.queue.Counts(t.Context(), time.Now().Add(-24*time.Hour))
	must(t, err)
	stored := map[string]int{}
	for _, c := range days {
		stored[c.What] += c.N
	}
	var words []string
	for _, outcome := range []string{"shown", "applied", "by_hand", "declined"} {
		n := sum(page, "lighterman_suggestions_total", `outcome="`+outcome+`"`)
		words = append(words, fmt.Sprint(n))
		if n != stored[outcome] {
			t.Errorf("%s: the metrics say %d, the database %d", outcome, n, stored[outcome])
		}
	}
	return strings.Join(words, " ")
}

// again has a pull request reviewed once more, with nothing changed.
func (s *stage) again(t *testing.T, pull *githubtest.Pull) review.Outcome {
	t.Helper()
	must(t, pull.Close("robin"))
	s.settled(t)
	must(t, pull.Reopen("robin"))
	return s.outcome(t, pull)
}

// TestSuggestionsComeToSomething follows the fixes of a pull request to what people do with them.
func TestSuggestionsComeToSomething(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const path = "web/Dockerfile"
	pull := s.pull(t, "shop", demoFile(path))
	offered := 0
	for _, c := range s.outcome(t, pull).Opinion.Comments {
		offered += min(1, len(c.Finding.Fixes))
	}
	holds := func(what, want string) {
		t.Helper()
		if got := s.became(t); got != fmt.Sprint(offered, want) {
			t.Errorf("%s: shown, applied, by hand, declined are %s, want %d%s", what, got, offered, want)
		}
	}
	if offered < 3 {
		t.Fatalf("only %d fixes are offered", offered)
	}
	holds("the first review", " 0 0 0")
	s.again(t, pull)
	holds("a second one", " 0 0 0")
	page := s.scrape(t)
	if page[`lighterman_reviews_total{end="published"}`] != "1" ||
		page[`lighterman_reviews_total{end="unchanged"}`] != "1" {
		t.Errorf("reviews: %v", page)
	}

	_, err := pull.ApplySuggestions("robin", openSuggestion(t, pull).CommentID)
	must(t, err)
	s.outcome(t, pull)
	holds("a suggestion applied", " 1 0 0")

	must(t, pull.Resolve(openSuggestion(t, pull).ThreadID, "ann"))
	out := s.again(t, pull)
	holds("a thread closed by a person", " 1 0 1")
	if !strings.Contains(out.Why, "1 finding dismissed by ann") {
		t.Errorf("why: %s", out.Why)
	}

	_, err = pull.Repo().Push("topic", "Start over", map[string]string{path: "FROM scratch\n"})
	must(t, err)
	s.outcome(t, pull)
	holds("all others taken out", fmt.Sprintf(" 1 %d 1", offered-2))
	s.again(t, pull)
	holds("the last review", fmt.Sprintf(" 1 %d 1", offered-2))
}

// TestTheButtonsFixesAreApplied holds that what a button pushed counts as applied.
func TestTheButtonsFixesAreApplied(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.outcome(t, pull)
	shown, _, _ := strings.Cut(s.became(t), " ")
	pull.Repo().SetPermission("ann", "write")
	must(t, pull.Click(lastRun(t, pull).ID, string(forge.FixAll), "ann"))
	s.outcome(t, pull)
	if got, want := s.became(t), shown+" "+shown+" 0 0"; got != want {
		t.Errorf("shown, applied, by hand, declined are %s, want %s", got, want)
	}
}

// TestWhyNothingWasPosted holds what an operator is told when asked.
func TestWhyNothingWasPosted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, c := range map[string]struct {
		change map[string]string
		why    string
	}{
		"docs":     {map[string]string{"README.md": "# Shop\n"}, "no Dockerfile is touched, nor what another one depends on"},
		"spotless": {map[string]string{"x/Dockerfile": "FROM scratch\n"}, "nothing was found in 1 Dockerfile"},
		"broken":   {map[string]string{"x/Dockerfile": "FRO\n"}, "1 Dockerfile could not be looked at"},
	} {
		pull := s.pull(t, name, c.change)
		s.outcome(t, pull)
		r, ok, err := s.service.queue.Report(t.Context(), forge.Ref{Repo: forge.Repo{Owner: "acme", Name: name}, Number: 1})
		if err != nil || !ok || !strings.Contains(r.Why, c.why) {
			t.Errorf("%s: %q, %t, %v; want %q", name, r.Why, ok, err, c.why)
		}
		if len(r.Posted) != 1 || !strings.HasPrefix(r.Posted[0], "the check run ") {
			t.Errorf("%s: posted %q", name, r.Posted)
		}
	}
}

// metricsAt reads another process's metrics.
func metricsAt(t *testing.T, addr string) map[string]string {
	t.Helper()
	r, err := http.Get("http://" + addr + "/metrics")
	must(t, err)
	defer r.Body.Close()
	return series(r.Body)
}
