package dockerfile

import (
	"bytes"
	"sync"
)

// A memo has the files that were parsed last. A recipe, the verification and the proof of a fix all read the same text,
// and a File never changes. It keeps two generations: what was not asked for while the younger one filled is forgotten.
type memo struct {
	mu         sync.Mutex
	young, old map[string]parsed
	bytes      int // of the texts in young
}

// maxTexts and maxBytes bound a generation.
const (
	maxTexts = 32
	maxBytes = 512 << 10
)

type parsed struct {
	file *File
	err  error
}

var lately memo

// Parse reads a Dockerfile with BuildKit's parser and checks that its instructions dispatch. Every error is an *Error.
func Parse(path string, src []byte) (*File, error) {
	key := path + "\x00" + string(src)
	p, ok := lately.get(key)
	if !ok {
		p.file, p.err = parse(path, bytes.Clone(src))
		lately.put(key, p)
	}
	return p.file, p.err
}

func (m *memo) get(key string) (parsed, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.young[key]
	if !ok {
		if p, ok = m.old[key]; ok {
			m.keep(key, p)
		}
	}
	return p, ok
}

func (m *memo) put(key string, p parsed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(key, p)
}

// keep adds to the younger generation.
func (m *memo) keep(key string, p parsed) {
	if len(key) > maxBytes {
		return
	}
	if m.young == nil || len(m.young) >= maxTexts || m.bytes+len(key) > maxBytes {
		m.young, m.old, m.bytes = map[string]parsed{}, m.young, 0
	}
	m.young[key] = p
	m.bytes += len(key)
}
