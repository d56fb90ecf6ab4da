package admin

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// A Host is what the code host tells of the App. Its answers are kept for a minute.
type Host interface {
	Installations(ctx context.Context) ([]forge.Installation, error)
	Repositories(ctx context.Context, installation int64) ([]forge.Listed, error)
	// Sent are the newest attempts to deliver webhooks, the newest first.
	Sent(ctx context.Context) ([]forge.Sent, error)
}

// ErrNoApp says that there is no App yet, so that nothing can be asked of the host.
var ErrNoApp = errors.New("there is no App yet")

const (
	// hostLife is how long an answer of the host counts, and missLife how long it counts that there was none.
	hostLife = time.Minute
	missLife = 10 * time.Second
	// maxKept bounds the answers that are kept.
	maxKept = 100
)

// A memo keeps answers of one kind.
type memo[K comparable, V any] struct {
	now func() time.Time

	mu   sync.Mutex
	kept map[K]*slot[V]
}

type slot[V any] struct {
	mu    sync.Mutex // held while it is asked for, so that many who come at once ask once
	value V
	err   error
	until time.Time
}

func newMemo[K comparable, V any](now func() time.Time) *memo[K, V] {
	return &memo[K, V]{now: now, kept: map[K]*slot[V]{}}
}

// get is the answer that is kept, or a fresh one.
func (m *memo[K, V]) get(key K, ask func() (V, error)) (V, error) {
	at := m.slot(key)
	at.mu.Lock()
	defer at.mu.Unlock()
	if m.now().Before(at.until) {
		return at.value, at.err
	}
	at.value, at.err = ask()
	at.until = m.now().Add(hostLife)
	if at.err != nil {
		at.until = m.now().Add(missLife)
	}
	return at.value, at.err
}

// slot is the place of a key. When all are taken, they are cleared.
func (m *memo[K, V]) slot(key K) *slot[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[key] == nil {
		if len(m.kept) >= maxKept {
			clear(m.kept)
		}
		m.kept[key] = &slot[V]{}
	}
	return m.kept[key]
}

// forget has the next answers be fresh ones.
func (m *memo[K, V]) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.kept)
}
