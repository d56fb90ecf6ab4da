package prove

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
)

// A memo remembers answers by what was asked; when it is full it forgets them all. Whoever verifies a fix and then makes it
// asks the same twice, and all fixes of one file are compared with the same file before.
type memo[V any] struct {
	most int // how many answers are kept

	mu   sync.Mutex
	seen map[[sha256.Size]byte]V
}

// keyOf is a question's key.
func keyOf(question any) (key [sha256.Size]byte, err error) {
	text, err := json.Marshal(question)
	return sha256.Sum256(text), err
}

func (m *memo[V]) get(key [sha256.Size]byte) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	answer, ok := m.seen[key]
	return answer, ok
}

func (m *memo[V]) put(key [sha256.Size]byte, answer V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil || len(m.seen) >= m.most {
		m.seen = map[[sha256.Size]byte]V{}
	}
	m.seen[key] = answer
}
