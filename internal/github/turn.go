package github

import (
	"context"
	"slices"
	"sync"
)

// Background marks the requests of a context as work that nobody waits for, such as a look at all pull requests. They let
// others pass, leave a pause between them, and are refused with a *forge.LimitError when the hour's requests run low.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey, true)
}

func inBackground(ctx context.Context) bool { return ctx.Value(backgroundKey) != nil }

// A turn lets one caller through at a time, in the order in which they came, those in the background last.
type turn struct {
	mu    sync.Mutex
	taken bool
	front []chan struct{} // closed when it is the waiter's turn
	back  []chan struct{}
}

// take waits for the caller's turn, which ends with give.
func (t *turn) take(ctx context.Context) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	mine, line := make(chan struct{}), &t.front
	if inBackground(ctx) {
		line = &t.back
	}
	*line = append(*line, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	n := slices.Index(*line, mine)
	if n >= 0 {
		*line = slices.Delete(*line, n, n+1)
	}
	t.mu.Unlock()
	if n < 0 { // it came just now
		t.give()
	}
	return ctx.Err()
}

// give passes the turn on.
func (t *turn) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range []*[]chan struct{}{&t.front, &t.back} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = slices.Delete(*line, 0, 1)
			return
		}
	}
	t.taken = false
}
