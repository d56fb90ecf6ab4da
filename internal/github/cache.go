package github

import (
	"container/list"
	"sync"
)

// A cache remembers blobs up to a number of bytes, and forgets first what was not asked for the longest. Keys hold the
// installation besides the SHA, so that nobody is served what another account stored.
type cache struct {
	limit int

	mu    sync.Mutex
	size  int
	order list.List // of cached, newest use first
	byKey map[blobKey]*list.Element
}

type blobKey struct {
	installation int64
	sha          string
}

type cached struct {
	key  blobKey
	data []byte
}

// cachedOverhead is counted for each blob besides its bytes.
const cachedOverhead = 200

func newCache(limit int) *cache { return &cache{limit: limit, byKey: make(map[blobKey]*list.Element)} }

func (c *cache) get(key blobKey) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cached).data, true
}

func (c *cache) put(key blobKey, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil || len(data)+cachedOverhead > c.limit {
		return
	}
	c.byKey[key] = c.order.PushFront(cached{key, data})
	c.size += len(data) + cachedOverhead
	for c.size > c.limit {
		oldest := c.order.Remove(c.order.Back()).(cached)
		delete(c.byKey, oldest.key)
		c.size -= len(oldest.data) + cachedOverhead
	}
}
