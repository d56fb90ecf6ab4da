package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// permits bound how many pull requests are opened for an installation, by all replicas together: within an hour, and open
// at once. What is not known to have been used counts as used within the hour; 0 bounds nothing.
type permits struct {
	ledger interface {
		Change(ctx context.Context, key string, change func(string) string) error
	}
	limits sweepOptions
	repo   forge.Repo // for which they are taken

	refused time.Time // when there may be one again, once there was none
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

// take takes one permit for a repository with so many of our pull requests open. Being told sets right what a sweep that was
// cut off had taken and not used.
func (p *permits) take(ctx context.Context, open int, now time.Time) bool {
	err := p.change(ctx, func(b *permitBook) { p.refused = b.take(p.name(), open, p.limits, now) })
	if p.err == nil {
		p.err = err
	}
	return p.refused.IsZero() && err == nil
}

// left reports whether there is one.
func (p *permits) left(ctx context.Context, now time.Time) (bool, error) {
	err := p.change(ctx, func(b *permitBook) { p.refused = b.full(p.limits, now) })
	return p.refused.IsZero(), err
}

// take takes one, or says when there may be one.
func (b *permitBook) take(repo string, open int, limits sweepOptions, now time.Time) (later time.Time) {
	if b.Open[repo] = open; open == 0 {
		delete(b.Open, repo)
	}
	if later = b.full(limits, now); later.IsZero() {
		b.At = append(b.At, now.Unix())
		b.Open[repo] = open + 1
	}
	return later
}

// full is when there may be permits again, zero when there are. It forgets what was over an hour ago.
func (b *permitBook) full(limits sweepOptions, now time.Time) time.Time {
	b.At = slices.DeleteFunc(b.At, func(at int64) bool { return now.Sub(time.Unix(at, 0)) >= time.Hour })
	open := 0
	for _, n := range b.Open {
		open += n
	}
	switch most := limits.OpensPerHour; {
	case limits.OpenPerOwner > 0 && open >= limits.OpenPerOwner:
		return now.Add(waitForPermit)
	case most > 0 && len(b.At) >= most:
		return time.Unix(b.At[len(b.At)-most], 0).Add(time.Hour)
	}
	return time.Time{}
}

// keep forgets what is open in repositories that are not swept any more, under that name or at all: it would count for ever.
func (p *permits) keep(ctx context.Context, swept map[string]bool) error {
	return p.change(ctx, func(b *permitBook) {
		maps.DeleteFunc(b.Open, func(name string, _ int) bool { return !swept[name] })
	})
}

// settle notes how many are open now.
func (p *permits) settle(ctx context.Context, open int) error {
	return p.change(ctx, func(b *permitBook) {
		if delete(b.Open, p.name()); open > 0 {
			b.Open[p.name()] = open
		}
	})
}
