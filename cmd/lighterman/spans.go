package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/trace"
)

// A tracedQueue is the queue as the server has it: each webhook begins a trace, which the job that it leads to goes on.
type tracedQueue struct {
	*queue.Queue
	trace *trace.Tracer
}

// Receive stores a delivery.
func (q tracedQueue) Receive(ctx context.Context, d queue.Delivery) (fresh bool, err error) {
	ctx, end := q.trace.Start(ctx, trace.Server, "webhook", "github.event", d.Event, "github.delivery", d.GUID)
	d.Trace = q.trace.Parent(ctx)
	fresh, err = q.Queue.Receive(ctx, d)
	end(err)
	return fresh, err
}

// jobSpan begins the span of a run, in the trace of the webhook that asked for it.
func (s *service) jobSpan(ctx context.Context, job queue.Job) (context.Context, func(error)) {
	if s.trace == nil {
		return ctx, func(error) {}
	}
	what, about := "review", "lighterman.pull"
	if job.Ref.Whole() {
		what, about = "sweep", "lighterman.repository"
	}
	ctx, end := s.trace.Start(s.trace.Continue(ctx, job.Trace), trace.Consumer, what,
		about, job.Ref.String(), "lighterman.job", job.ID, "github.delivery", job.Delivery)
	return ctx, func(err error) {
		if errors.Is(err, forge.ErrStale) {
			err = nil // it is looked at again, and nothing went wrong
		}
		end(err)
	}
}

// tickSpan is what a tick does, in a trace of its own.
func (s *service) tickSpan(t queue.Tick) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, end := s.trace.Start(ctx, trace.Internal, "tick "+t.Name)
		err := t.Run(ctx)
		end(err)
		return err
	}
}

// phase begins the span of a phase of a review or a sweep.
func (s *service) phase(ctx context.Context, name string) (context.Context, func(error)) {
	return s.trace.Start(ctx, trace.Internal, name)
}

var errStatus = errors.New("no answer, or one that says no")

// exchange begins the span of a request to GitHub. The address is told as its template alone.
func (s *service) exchange(ctx context.Context, endpoint string) (context.Context, func(int)) {
	method, route, found := strings.Cut(endpoint, " ")
	if !found {
		method, route = "", endpoint
	}
	ctx, end := s.trace.Start(ctx, trace.Client, endpoint, "http.request.method", method, "url.template", route)
	return ctx, func(status int) {
		if status != 0 {
			s.trace.Note(ctx, "http.response.status_code", strconv.Itoa(status))
		}
		if status == 0 || status >= 400 {
			end(errStatus)
			return
		}
		end(nil)
	}
}

// sendTime bounds sending the last traces.
const sendTime = 5 * time.Second

// sendTraces sends what was not sent yet.
func (s *service) sendTraces(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if err := s.trace.Close(ctx); err != nil {
		s.options.Log.Warn("the last traces were not sent", "error", err)
	}
}
