package githubtest_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestSecondaryLimits: content by the minute and the hour, points of both interfaces by the minute; each is over when
// its time is.
func TestSecondaryLimits(t *testing.T) {
	read := func(c caller) answer { return c.do("GET", reviews, nil) }
	say := func(c caller) answer { return c.do("POST", talk+"1/comments", obj{"body": "x"}) }
	change := func(c caller) answer { return c.do("POST", gitPath+"blobs", obj{"content": "x"}) }
	ask := func(c caller) answer { return c.do("POST", "/api/graphql", obj{"query": "{ id }"}) }
	resolve := func(c caller) answer {
		const q = `mutation { resolveReviewThread(input: {threadId: "x"}) { clientMutationId } }`
		return c.do("POST", "/api/graphql", obj{"query": q})
	}
	for _, tc := range []struct {
		name   string
		limits githubtest.Limits
		do     func(caller) answer
		ok     int           // requests that pass
		after  time.Duration // when they pass again
	}{
		{"content of a minute", githubtest.Limits{Content: 3}, say, 3, time.Minute},
		{"content of an hour", githubtest.Limits{ContentHour: 4}, change, 4, time.Hour},
		{"reads", githubtest.Limits{Points: 7}, read, 7, time.Minute},
		{"writes", githubtest.Limits{Points: 14}, change, 2, time.Minute},
		{"queries", githubtest.Limits{GraphQLPoints: 5}, ask, 5, time.Minute},
		{"mutations", githubtest.Limits{GraphQLPoints: 16}, resolve, 3, time.Minute},
		{"no word on how long", githubtest.Limits{Content: 2, NoRetryAfter: true}, say, 2, time.Minute},
	} {
		var ahead atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		s, _, _ := scene(t, githubtest.Options{Now: now, Limits: tc.limits})
		c := installation(t, s, obj{})
		for range tc.ok {
			if a := tc.do(c); a.status > 299 {
				t.Errorf("%s: %d %s within the limit", tc.name, a.status, a.body)
			}
		}
		a := tc.do(c)
		if a.status != 403 || !strings.Contains(a.body, "secondary rate limit") ||
			(a.header.Get("Retry-After") == "") != tc.limits.NoRetryAfter || !strings.Contains(a.body, "secondary-rate-limits") {
			t.Errorf("%s: %d %s, Retry-After %q", tc.name, a.status, a.body, a.header.Get("Retry-After"))
		}
		ahead.Store(int64(tc.after))
		if a := tc.do(installationAt(t, s, obj{}, now())); a.status > 299 {
			t.Errorf("%s: %d %s after %v", tc.name, a.status, a.body, tc.after)
		}
	}
}

// TestGraphQLHour: GraphQL has an hour of its own, whose end is an answer of 200 with an error.
func TestGraphQLHour(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{Limits: githubtest.Limits{Primary: 2}})
	c := installation(t, s, obj{})
	for range 2 {
		if a := c.do("POST", "/api/graphql", obj{"query": "{ id }"}); !strings.Contains(a.body, "data") {
			t.Errorf("within the limit: %s", a.body)
		}
	}
	a := c.do("POST", "/api/graphql", obj{"query": "{ id }"})
	if a.status != 200 || !strings.Contains(a.body, "RATE_LIMITED") || a.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("beyond it: %d %s", a.status, a.body)
	}
	if a := c.do("GET", reviews, nil); a.status != 200 || a.header.Get("X-RateLimit-Remaining") != "1" {
		t.Errorf("REST: %d, %s left", a.status, a.header.Get("X-RateLimit-Remaining"))
	}
}

// TestConcurrentLimit: an installation has so many requests under way at once, and no more.
func TestConcurrentLimit(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{Limits: githubtest.Limits{Concurrent: 2}})
	c := installation(t, s, obj{})
	hold, met := make(chan struct{}), make(chan struct{})
	s.Inject(githubtest.Fault{Operation: "pulls/list-reviews", Times: 2, Hold: hold, Met: met})
	var held sync.WaitGroup
	for range 2 {
		held.Go(func() {
			if a := c.do("GET", reviews, nil); a.status != 200 {
				t.Errorf("held: %d", a.status)
			}
		})
	}
	<-met
	<-met
	if a := c.do("GET", "/api/v3/repos/acme/shop/pulls/1", nil); a.status != 403 {
		t.Errorf("third at once: %d %s", a.status, a.body)
	}
	close(hold)
	held.Wait()
	if got := s.Peak("acme"); got != 3 {
		t.Errorf("at most %d at once", got)
	}
	if a := c.do("GET", reviews, nil); a.status != 200 {
		t.Errorf("alone: %d %s", a.status, a.body)
	}
}

// TestUnlimited: what is about something else is not slowed down.
func TestUnlimited(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{Limits: githubtest.Unlimited()})
	c := installation(t, s, obj{})
	for n := range 200 {
		if a := c.do("POST", talk+"1/comments", obj{"body": fmt.Sprint(n)}); a.status != 201 {
			t.Fatalf("comment %d: %d %s", n, a.status, a.body)
		}
	}
}
