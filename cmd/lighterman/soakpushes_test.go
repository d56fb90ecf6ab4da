package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/testdata/demo"
)

// TestSoakPushes pushes twenty times within ten seconds, at random moments. In the end all is said about the last head,
// at most three reviews run, and nothing is written for a head of which GitHub had told a newer one.
func TestSoakPushes(t *testing.T) {
	rounds := soaking(t, 50)
	const pushes = 20
	const within = 10 * time.Second
	most, wrong, late := 0, 0, 0
	for n := range rounds {
		reviews, outdated, took := pushRound(t, rand.New(rand.NewPCG(uint64(n), 3)), pushes, within)
		wrong += outdated
		if took > within { // the machine was full, and the last push was heard of later
			late++
			if allowed := 1 + int((took+cooldown-1)/cooldown); reviews > allowed {
				t.Errorf("round %d: %d reviews of pushes within %s, want at most %d", n, reviews, took, allowed)
			}
			continue
		}
		most = max(most, reviews)
	}
	figures("pushes", rounds*pushes, "wrong-head", wrong, "most-reviews", most, "late-rounds", late)
	if wrong > 0 || most > 3 {
		t.Fail()
	}
}

// cooldown is the queue's own.
const cooldown = 5 * time.Second

// pushRound is one round: how many reviews ran, how much was written for a head that was not the newest, and after how long
// the last push was heard of.
func pushRound(t *testing.T, draw *rand.Rand, pushes int, within time.Duration) (reviews, outdated int, took time.Duration) {
	t.Helper()
	s := newStageWith(t, unlimited(), 0)
	var mu sync.Mutex
	var ran []string // when each review ended, and how
	began := time.Now()
	go func() {
		for out := range s.outcomes {
			mu.Lock()
			ran = append(ran, fmt.Sprintf("%s: %.7s %s", time.Since(began).Round(time.Millisecond), out.Head, out.End))
			mu.Unlock()
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
	began = time.Now()
	moments := make([]time.Duration, pushes-1)
	for n := range moments {
		moments[n] = time.Duration(draw.Int64N(int64(within)))
	}
	slices.Sort(moments)
	for n, at := range moments {
		time.Sleep(at - time.Since(began))
		push(n + 1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, s.hub.Wait(ctx))
	took = time.Since(began)
	must(t, s.service.queue.Idle(ctx))
	if run := lastRun(t, pull); run.HeadSHA != pull.Head() {
		t.Errorf("the check run is of %s, the head is %s", run.HeadSHA, pull.Head())
	}
	once(t, pull)
	for _, what := range s.hub.Outdated() {
		t.Logf("for an old head: %s", what)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ran) > 3 {
		t.Logf("reviews of pushes after %s:\n%s", moments, strings.Join(ran, "\n"))
	}
	return len(ran), len(s.hub.Outdated()), took
}
