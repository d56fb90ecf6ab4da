package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/trace"
)

type logKey struct{}

// noting has every log line that is written with the context say for which job.
func noting(ctx context.Context, job queue.Job) context.Context {
	attrs := []slog.Attr{
		slog.String("request", job.Request()), slog.String("job", job.ID), slog.String("delivery", job.Delivery),
		slog.Int64("installation", job.Ref.Repo.Installation), slog.String("repository", job.Ref.Repo.String()),
		slog.String("pull", job.Ref.String()),
	}
	return context.WithValue(ctx, logKey{}, attrs)
}

// aware is a log whose lines say what noting put into their context.
func aware(log *slog.Logger) *slog.Logger { return slog.New(awareHandler{log.Handler()}) }

type awareHandler struct{ slog.Handler }

// Handle implements slog.Handler. A line that is part of a trace says of which. What a line says itself is not said twice.
func (h awareHandler) Handle(ctx context.Context, r slog.Record) error {
	attrs, _ := ctx.Value(logKey{}).([]slog.Attr)
	if id, span := trace.IDs(ctx); id != "" {
		attrs = append(slices.Clip(attrs), slog.String("trace_id", id), slog.String("span_id", span))
	}
	if len(attrs) == 0 {
		return h.Handler.Handle(ctx, r)
	}
	var said []string
	r.Attrs(func(a slog.Attr) bool {
		said = append(said, a.Key)
		return true
	})
	r = r.Clone()
	for _, a := range attrs {
		if !slices.Contains(said, a.Key) {
			r.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h awareHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return awareHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h awareHandler) WithGroup(name string) slog.Handler {
	return awareHandler{h.Handler.WithGroup(name)}
}
