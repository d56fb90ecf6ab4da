package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sourcegraph/conc"
)

// notesLife is how long the last look at the App's registration counts.
const notesLife = time.Minute

// notes say how the App's registration falls short, for /readyz and the log. Probes come often and must not wait, so
// they get what the last look found, and one that comes late starts the next look.
type notes struct {
	look func(context.Context) ([]string, error) // nil: there is never anything to note
	log  *slog.Logger
	wg   conc.WaitGroup

	mu      sync.Mutex
	texts   []string
	looked  time.Time
	looking bool
}

// current are the notes of the last look.
func (n *notes) current() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.look != nil && !n.looking && time.Since(n.looked) >= notesLife {
		n.looking = true
		n.wg.Go(n.refresh)
	}
	return n.texts
}

// refresh looks once. What was not there the last time is logged; a look that fails keeps what there was.
func (n *notes) refresh() {
	texts, err := n.look(context.Background()) // bounded by the one who looks
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looking, n.looked = false, time.Now()
	if err != nil {
		n.log.Warn("the App's registration could not be looked at", "error", err)
		return
	}
	for _, text := range texts {
		if !slices.Contains(n.texts, text) {
			n.log.Warn(text)
		}
	}
	if len(texts) == 0 && len(n.texts) > 0 {
		n.log.Info("the App's registration is complete again")
	}
	n.texts = texts
}
