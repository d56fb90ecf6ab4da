package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/internal/server"
)

// A service is the App: webhooks in, jobs in a queue, reviews out. serve and demo run the same one.
type service struct {
	queue  *queue.Queue
	server *server.Server
	close  func() // ends the prover's children
}

// serviceOptions say what a service is made of.
type serviceOptions struct {
	GitHub  github.Options
	Queue   queue.Options // Work and Logger are filled in
	Secrets []string
	Linger  time.Duration
	Log     *slog.Logger
	Images  image.Facts // nil: the bundled table
	// Reviewed hears the outcome of each review; nil is fine.
	Reviewed func(review.Outcome)
}

// newService opens the queue and puts the parts together; nothing runs yet.
func newService(ctx context.Context, o serviceOptions) (*service, error) {
	o.GitHub.Logger = o.Log
	app, err := github.New(o.GitHub)
	if err != nil {
		return nil, err
	}
	engine, done := newEngine(o.Log)
	if o.Images != nil {
		engine.Images = o.Images
	}
	reviewer := &review.Reviewer{Forge: app, Options: engine, Logger: o.Log}
	o.Queue.Logger = o.Log
	o.Queue.Work = work(reviewer, o.Reviewed)
	q, err := queue.Open(ctx, o.Queue)
	if err != nil {
		done()
		return nil, err
	}
	s, err := server.New(server.Options{Secrets: o.Secrets, Queue: q, Decode: github.Decode, Logger: o.Log, Linger: o.Linger})
	if err != nil {
		done()
		return nil, errors.Join(err, q.Stop(ctx))
	}
	return &service{queue: q, server: s, close: done}, nil
}

// drain is how long jobs under way get to finish when the service ends.
const drain = 30 * time.Second

// run serves on the listener until the context ends: then no more webhooks are taken, jobs under way are finished, and
// what is left is for the next process.
func (s *service) run(ctx context.Context, l net.Listener) error {
	defer s.close()
	if err := s.queue.Start(ctx); err != nil {
		return errors.Join(fmt.Errorf("start the queue: %w", err), l.Close())
	}
	err := s.server.Serve(ctx, l)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return errors.Join(err, s.queue.Stop(stopping))
}

// work is what the queue does with a pull request. What was asked for is done when the review of the head is: a review
// that the pull request moved away from comes again.
func work(r *review.Reviewer, heard func(review.Outcome)) func(context.Context, queue.Job) (queue.Done, error) {
	return func(ctx context.Context, job queue.Job) (queue.Done, error) {
		out, err := r.Review(ctx, job.Ref, job.Requests...)
		if err != nil {
			return queue.Done{}, err
		}
		if heard != nil {
			heard(out)
		}
		if out.End != review.MovedOn {
			return queue.Done{Head: out.Head}, nil
		}
		if len(job.Requests) > 0 {
			return queue.Done{}, fmt.Errorf("do what was asked for: %w", forge.ErrStale)
		}
		return queue.Done{}, nil
	}
}
