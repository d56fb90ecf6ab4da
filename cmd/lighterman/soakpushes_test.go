package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lighterman/lighterman/testdata/demo"
)

// TestSoakPushes pushes twenty times within ten seconds, at random moments. In the end all is said about the last head,
// not every push was reviewed, and nothing was written for a head of which GitHub had told a newer one.
func TestSoakPushes(t *testing.T) {
	rounds := soaking(t, 50)
	const pushes = 20
	reviews, wrong := 0, 0
	for n := range rounds {
		within := 10 * time.Second
		if *soakScale < 1 {
			within = 2 * time.Second
		}
		r, w := pushRound(t, rand.New(rand.NewPCG(uint64(n), 3)), pushes, within)
		reviews, wrong = max(reviews, r), wrong+w
	}
	figures("pushes", rounds*pushes, "wrong-head", wrong, "most-reviews-of-a-round", reviews)
	if wrong > 0 {
		t.Fail()
	}
}

func pushRound(t *testing.T, draw *rand.Rand, pushes int, within time.Duration) (reviews, wrong int) {
	t.Helper()
	s := newStageWith(t, unlimited())
	go func() { // nobody waits for the outcomes
		for range s.outcomes {
		}
	}()
	base, change := archived(demo.Base), archived(demo.Change)
	repo, err := s.hub.CreateRepo("acme", "shop", base)
	must(t, err)
	push := func(n int) {
		for name, text := range change {
			if draw.IntN(2) == 0 {
				change[name] = edited(draw, text)
			}
		}
		change["push.txt"] = fmt.Sprint(n)
		_, err := repo.Push("topic", fmt.Sprint("push ", n), change)
		must(t, err)
	}
	push(0)
	pull := openTopic(t, repo)
	for n := range pushes {
		time.Sleep(time.Duration(draw.Int64N(int64(within) * 2 / int64(pushes))))
		push(n + 1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, s.hub.Wait(ctx))
	must(t, s.service.queue.Idle(ctx))
	run := lastRun(t, pull)
	if run.HeadSHA != pull.Head() {
		t.Errorf("the check run is of %s, the head is %s", run.HeadSHA, pull.Head())
	}
	once(t, pull)
	for _, what := range s.hub.Outdated() {
		t.Logf("for an old head: %s", what)
	}
	return len(pull.Reviews()), len(s.hub.Outdated())
}
