package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// permits bound how many pull requests are opened for an installation, by all replicas together: within an hour, and open
// at once. What is not known to have been used counts as used.
type permits struct {
	ledger interface {
		Change(ctx context.Context, key string, change func(string) string) error
	}
	limits sweepOptions
	repo   forge.Repo // for which they are taken

	refused bool // one was
	err     error
}

// A permitBook is what the ledger has for an installation.
type permitBook struct {
	At   []int64        `json:"at,omitempty"`   // Unix seconds of what was opened within an hour
	Open map[string]int `json:"open,omitempty"` // what is open, by repository in lower case
}

func (p *permits) change(ctx context.Context, change func(*permitBook)) error {
	key := fmt.Sprintf("sweeps of installation %d", p.repo.Installation)
	err := p.ledger.Change(ctx, key, func(text string) string {
		b := permitBook{}
		if json.Unmarshal([]byte(text), &b) != nil {
			b = permitBook{} // "", or what no version of ours wrote
		}
		if b.Open == nil {
			b.Open = map[string]int{}
		}
		change(&b)
		out, _ := json.Marshal(b) // numbers never fail
		return string(out)
	})
	if err != nil {
		return fmt.Errorf("count the pull requests of %s: %w", p.repo.Owner, err)
	}
	return nil
}

func (p *permits) name() string { return strings.ToLower(p.repo.String()) }

// take takes one permit.
func (p *permits) take(ctx context.Context, now time.Time) bool {
	ok := false
	err := p.change(ctx, func(b *permitBook) { ok = b.take(p.name(), p.limits, now) })
	if p.err == nil {
		p.err = err
	}
	p.refused = p.refused || !ok
	return ok && err == nil
}

func (b *permitBook) take(repo string, limits sweepOptions, now time.Time) bool {
	var recent []int64
	for _, at := range b.At {
		if now.Sub(time.Unix(at, 0)) < time.Hour {
			recent = append(recent, at)
		}
	}
	open := 0
	for _, n := range b.Open {
		open += n
	}
	b.At = recent
	if len(recent) >= limits.OpensPerHour || open >= limits.OpenPerOwner {
		return false
	}
	b.At = append(b.At, now.Unix())
	b.Open[repo]++
	return true
}

// settle notes how many are open now.
func (p *permits) settle(ctx context.Context, open int) error {
	return p.change(ctx, func(b *permitBook) {
		if delete(b.Open, p.name()); open > 0 {
			b.Open[p.name()] = open
		}
	})
}
