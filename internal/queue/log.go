package queue

import (
	"context"
	"log/slog"
)

// warnings is a logger that passes on warnings and errors only. River reports every failed job at the level Info by the
// job's number; we do so ourselves, by its pull request.
func warnings(log *slog.Logger) *slog.Logger {
	return slog.New(atLeastWarn{log.Handler()}).With("component", "river")
}

type atLeastWarn struct{ slog.Handler }

func (h atLeastWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h atLeastWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(attrs)}
}

func (h atLeastWarn) WithGroup(name string) slog.Handler {
	return atLeastWarn{h.Handler.WithGroup(name)}
}
