package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

// TestSoakBudget counts the requests of the first review of pull requests with one, five and twenty Dockerfiles, where
// every answer takes a tenth of a second: at full size, when the machine does nothing else, none of them waits longer than
// five seconds for its comments.
func TestSoakBudget(t *testing.T) {
	soaking(t, 1)
	for dockerfiles, most := range map[int]int{1: 6, 5: 8, 20: 12} {
		o := unlimited()
		o.Latency = 100 * time.Millisecond
		s := newStageWith(t, o, -1)
		change := map[string]string{}
		for n := range dockerfiles {
			for path, text := range archived(demo.Change) {
				if path == "web/Dockerfile" {
					change[fmt.Sprintf("app%02d/Dockerfile", n)] = text + fmt.Sprintf("LABEL app=%d\n", n)
				}
			}
			change[fmt.Sprintf("app%02d/package.json", n)] = `{"scripts": {"start": "node server.js"}}`
		}
		repo, err := s.hub.CreateRepo("acme", "shop", archived(demo.Base))
		must(t, err)
		_, err = repo.Push("topic", "Change", change)
		must(t, err)
		s.hub.ForgetRequests()
		began := time.Now()
		pull := openTopic(t, repo)
		took := firstReview(t, s, began)
		requests := len(s.hub.Requests())
		figures("dockerfiles", dockerfiles, "requests", requests, "first-review-ms", took.Milliseconds())
		s.requests(t, most)
		if *soakScale >= 1 && took > 5*time.Second {
			t.Errorf("the first review of %d Dockerfiles took %s", dockerfiles, took)
		}
		lastRun(t, pull)
	}
}

// firstReview is how long it took until the review was written.
func firstReview(t *testing.T, s *stage, began time.Time) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case out := <-s.outcomes:
		took := time.Since(began)
		if out.End != review.Published || out.Plan.Review == nil {
			t.Fatalf("outcome %s, plan %+v", out.End, out.Plan)
		}
		must(t, s.service.queue.Idle(ctx))
		return took
	case <-ctx.Done():
		t.Fatal("no review in time")
	}
	return 0
}
