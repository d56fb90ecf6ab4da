// Package trace tells an OpenTelemetry collector what the service does and how long each step takes: from a webhook, over
// the job that it led to, to the requests of that job. It is off unless the standard variables of OpenTelemetry name a
// collector; then a nil *Tracer stands for it, which does nothing at no cost. Who is traced does not know this package: it
// calls functions that it is handed.
//
// No span holds what somebody wrote or a credential: only names that we chose, ids, and addresses as templates.
package trace

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// A Tracer makes spans. Its methods may be called from any goroutine, and on nil.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   api.Tracer
}

// The kinds of spans, in OpenTelemetry's words.
const (
	Internal = api.SpanKindInternal
	Server   = api.SpanKindServer   // something came in
	Consumer = api.SpanKindConsumer // a job
	Client   = api.SpanKindClient   // something went out
)

// FromEnvironment makes the Tracer that the variables OTEL_* ask for: nil when they name no collector, or switch tracing
// off. Traces are sent as protobuf over HTTP. What cannot be sent is dropped, and logged.
func FromEnvironment(ctx context.Context, version string, log *slog.Logger) (*Tracer, error) {
	if !wanted() {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := os.Getenv(name); p != "" && p != "http/protobuf" {
			return nil, fmt.Errorf("%s is %q, and only http/protobuf is spoken", name, p)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	self, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "lighterman"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces were not sent", "error", err) }))
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(self))
	return &Tracer{provider: p, tracer: p.Tracer("lighterman")}, nil
}

// wanted reports whether there is a collector to tell.
func wanted() bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")+os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Close sends what was not sent yet.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// nothing ends no span.
func nothing(error) {}

// Start begins a span below the one in the context. attributes are names and values by turns. What it returns ends the
// span; of an error only that there was one is told.
func (t *Tracer) Start(ctx context.Context, kind api.SpanKind, name string, attributes ...string) (
	context.Context, func(error)) {
	if t == nil {
		return ctx, nothing
	}
	return t.start(ctx, kind, name, pairs(attributes))
}

func (t *Tracer) start(ctx context.Context, kind api.SpanKind, name string, attributes []attribute.KeyValue) (
	context.Context, func(error)) {
	ctx, span := t.tracer.Start(ctx, name, api.WithSpanKind(kind), api.WithAttributes(attributes...))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Note adds attributes to the span in the context.
func (t *Tracer) Note(ctx context.Context, attributes ...string) {
	if t != nil {
		api.SpanFromContext(ctx).SetAttributes(pairs(attributes)...)
	}
}

// pairs are names and values by turns. A value that is empty says nothing.
func pairs(words []string) []attribute.KeyValue {
	var out []attribute.KeyValue
	for n := 0; n+1 < len(words); n += 2 {
		if words[n+1] != "" {
			out = append(out, attribute.String(words[n], words[n+1]))
		}
	}
	return out
}

// Parent is the span of the context as another process continues it (W3C Trace Context), "" without one.
func (t *Tracer) Parent(ctx context.Context) string {
	if t == nil {
		return ""
	}
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c.Get("traceparent")
}

// Continue puts what Parent returned into a context. What it did not return is nothing.
func (t *Tracer) Continue(ctx context.Context, parent string) context.Context {
	if t == nil || parent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
}

// IDs are those of the context's span and its trace, "" without one.
func IDs(ctx context.Context) (trace, span string) {
	c := api.SpanContextFromContext(ctx)
	if !c.IsValid() {
		return "", ""
	}
	return c.TraceID().String(), c.SpanID().String()
}
