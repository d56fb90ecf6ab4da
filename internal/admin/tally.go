package admin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxWrong is how many wrong tokens are looked at from one place within wrongLife.
	maxWrong  = 10
	wrongLife = 5 * time.Minute
	// maxPlaces bounds what is remembered. When as many places send wrong tokens, those beyond count as one.
	maxPlaces = 10_000
)

// A tally counts the wrong tokens of a place. Who has an IPv6 address has its whole network.
type tally struct {
	mu     sync.Mutex
	places map[netip.Prefix]*count
}

type count struct {
	n     int
	until time.Time
}

func newTally() *tally { return &tally{places: map[netip.Prefix]*count{}} }

func place(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero one for an address that is not known
	return p
}

// many reports whether no more tokens are looked at from an address.
func (t *tally) many(a netip.Addr, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.places[t.key(a, now)]
	return c != nil && now.Before(c.until) && c.n >= maxWrong
}

// add counts a wrong token.
func (t *tally) add(a netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.key(a, now)
	c := t.places[key]
	if c == nil || !now.Before(c.until) {
		c = &count{until: now.Add(wrongLife)}
		t.places[key] = c
	}
	c.n++
}

// key is under which an address is counted. The caller holds mu.
func (t *tally) key(a netip.Addr, now time.Time) netip.Prefix {
	p := place(a)
	if _, known := t.places[p]; known || len(t.places) < maxPlaces {
		return p
	}
	for other, c := range t.places {
		if !now.Before(c.until) {
			delete(t.places, other)
		}
	}
	if len(t.places) < maxPlaces {
		return p
	}
	return netip.Prefix{}
}
