package main

import (
	"context"
	"time"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/queue"
)

const (
	// recoverEvery is how often the delivery log is read: a webhook that did not arrive is made up for within this time.
	recoverEvery = 5 * time.Minute
	// catchUpEvery is how often all open pull requests are looked at.
	catchUpEvery = time.Hour
)

// ticks are what is done beside the webhooks, at the start and then every so often. It gives way to them.
func (s *service) ticks() []queue.Tick {
	all := []queue.Tick{
		{Name: "missed-webhooks", Every: recoverEvery, Run: func(ctx context.Context) error {
			return s.server.Recover(github.Background(ctx), s.app.Load())
		}},
		{Name: "open-pulls", Every: catchUpEvery, Run: func(ctx context.Context) error {
			return s.server.CatchUp(github.Background(ctx), s.app.Load())
		}},
	}
	if s.options.Sweeps != nil {
		all = append(all, s.sweepTicks()...)
	}
	for n, tick := range all {
		all[n].Run = s.tickSpan(tick)
	}
	return all
}
