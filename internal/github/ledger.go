package github

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// A Ledger keeps texts, each under a key, for all processes that speak as the App, and for those to come.
type Ledger interface {
	// Change hands the text under a key to change, "" for none, and keeps what that returns. Nobody else changes the text
	// in between. It may call change more than once.
	Change(ctx context.Context, key string, change func(text string) string) error
}

// memory is the ledger of one process.
type memory struct {
	mu    sync.Mutex
	texts map[string]string
}

func newMemory() *memory { return &memory{texts: make(map[string]string)} }

func (m *memory) Change(_ context.Context, key string, change func(string) string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts[key] = change(m.texts[key])
	return nil
}

// reserve takes a place for one write, among those of all processes, or says how long to wait before there may be one.
//
// The places and the pause between them are shared because GitHub counts by installation: several replicas would else
// write several times as much as it allows, and so would one that is started again. What is not shared is the turn.
// Each replica sends one request at a time, so there are as many at once as there are replicas, of which GitHub takes a
// hundred; a lock around every request would cost more than it is worth. And a replica learns by itself when GitHub
// asks to wait: it is answered so once, and then its jobs are put off by the queue as all others are.
func (g *gate) reserve(ctx context.Context) (rest time.Duration, err error) {
	now := g.clock.Now()
	if rest = g.pause - now.Sub(g.wrote); rest > 0 {
		return rest, nil
	}
	err = g.ledger.Change(ctx, g.key, func(text string) string {
		at := readTimes(text, now)
		if rest = restOf(at, now, g.pause); rest > 0 {
			return writeTimes(at)
		}
		return writeTimes(append(at, now))
	})
	if err != nil {
		return 0, fmt.Errorf("count a write: %w", err)
	}
	return rest, nil
}

// restOf is how long to wait after the writes at these times before another one.
func restOf(at []time.Time, now time.Time, pause time.Duration) time.Duration {
	if len(at) == 0 {
		return 0
	}
	rest := pause - now.Sub(at[len(at)-1])
	for _, w := range windows() {
		rest = max(rest, w.rest(at, now))
	}
	return rest
}

// readTimes are the times of a text that some window still holds. One that is still to come was written by a clock that
// is ahead of ours, and counts as now.
func readTimes(text string, now time.Time) []time.Time {
	var stamps []int64
	if json.Unmarshal([]byte(text), &stamps) != nil {
		return nil // "", or what no version of ours wrote
	}
	var at []time.Time
	for _, s := range stamps {
		t := time.Unix(0, s)
		if t.After(now) {
			t = now
		}
		if now.Sub(t) < longest {
			at = append(at, t)
		}
	}
	return at
}

func writeTimes(at []time.Time) string {
	stamps := make([]int64, len(at))
	for n, t := range at {
		stamps[n] = t.UnixNano()
	}
	text, _ := json.Marshal(stamps) // numbers never fail
	return string(text)
}
