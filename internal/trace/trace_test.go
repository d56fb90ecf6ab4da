package trace

import (
	"context"
	"errors"
	"log/slog"
	"testing"
)

func off(t testing.TB) *Tracer {
	t.Helper()
	tracer, err := FromEnvironment(context.Background(), "v1", slog.New(slog.DiscardHandler))
	if err != nil || tracer != nil {
		t.Fatalf("%v, %v", tracer, err)
	}
	return tracer
}

// TestOffWithoutACollector holds when nothing is traced, and that this allocates nothing.
func TestOffWithoutACollector(t *testing.T) {
	for _, env := range [][2]string{{"", ""}, {"OTEL_SDK_DISABLED", "true"}, {"OTEL_TRACES_EXPORTER", "none"}} {
		t.Run(env[0], func(t *testing.T) {
			if env[0] != "" {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
				t.Setenv(env[0], env[1])
			}
			tracer := off(t)
			if n := testing.AllocsPerRun(100, func() { spanned(tracer) }); n > 0 {
				t.Errorf("%.0f allocations", n)
			}
			if err := tracer.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

var errWrong = errors.New("wrong")

// spanned is a piece of work with a span, begun elsewhere.
func spanned(t *Tracer) {
	ctx := t.Continue(context.Background(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ctx, end := t.Start(ctx, Client, "GET /app", "http.request.method", "GET")
	if t.Parent(ctx) != "" {
		panic("there is a span")
	}
	t.Note(ctx, "http.response.status_code", "200")
	end(errWrong)
}

// BenchmarkOff is what a span costs when nothing is traced.
func BenchmarkOff(b *testing.B) {
	tracer := off(b)
	b.ReportAllocs()
	for b.Loop() {
		spanned(tracer)
	}
}

// TestOtherProtocolsAreRefused holds that a collector which is not spoken to as asked is told of at the start.
func TestOtherProtocolsAreRefused(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	if _, err := FromEnvironment(t.Context(), "v1", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("grpc is taken")
	}
}
