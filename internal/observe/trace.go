package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names our instrumentation in spans.
const scope = "parley"

// TraceOptions say where spans go.
type TraceOptions struct {
	// Service is the role's name, e.g. "parley-api".
	Service string
	// Version of the program.
	Version string
	// Endpoint is the OTLP/HTTP collector's base URL, e.g. "http://collector:4318".
	// Empty means that nothing is exported; trace IDs still travel.
	Endpoint string
	// Ratio is the share of new traces that are kept, 0 to 1; 0 means all.
	Ratio float64
}

// Propagator is W3C trace context (https://www.w3.org/TR/trace-context/).
// Baggage is left out on purpose: it could carry anything.
var Propagator propagation.TextMapPropagator = propagation.TraceContext{}

// StartTracing installs the global tracer provider and propagator and returns
// what must be called before the process ends, so that the last spans leave. A
// collector that cannot be reached never holds up or fails the program.
func StartTracing(ctx context.Context, o TraceOptions) (shutdown func(context.Context) error, err error) {
	sampler := sdktrace.NeverSample()
	opts := []sdktrace.TracerProviderOption{}
	if o.Endpoint != "" {
		exp, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimRight(o.Endpoint, "/")+"/v1/traces"))
		if err != nil {
			return nil, fmt.Errorf("tracing: otlp_endpoint cannot be used: %w", err)
		}
		ratio := o.Ratio
		if ratio == 0 {
			ratio = 1
		}
		sampler = sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))
		opts = append(opts, sdktrace.WithBatcher(exp), sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", o.Service), attribute.String("service.version", o.Version))))
	}
	tp := sdktrace.NewTracerProvider(append(opts, sdktrace.WithSampler(sampler))...)
	otel.SetTracerProvider(tp)
	otel.SetTextMapPropagator(Propagator)
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := tp.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("tracing: the last spans could not be sent: %w", err)
		}
		return nil
	}, nil
}

// Tracer is the tracer for our own spans.
func Tracer() trace.Tracer { return otel.Tracer(scope) }

// End closes a span with err's outcome. Only the class of an error is recorded.
func End(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, ErrText(err))
	}
	span.End()
}

// TraceParent is the W3C traceparent of the context's span, to be stored with an
// event so that work done later joins the same trace; "" if there is no span.
func TraceParent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	Propagator.Inject(ctx, c)
	return c["traceparent"]
}

// WithTraceParent is the reverse of [TraceParent]: spans started with the returned
// context continue the stored trace. An empty or malformed value changes nothing.
func WithTraceParent(ctx context.Context, parent string) context.Context {
	if parent == "" {
		return ctx
	}
	return Propagator.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
}

// StartServer starts the span of an HTTP request served at route, a template like
// "/v1/contacts/{id}". A caller is trusted to continue its own trace only where
// trusted is set; a stranger's (a webhook's) is linked, so that it can neither
// choose our trace IDs nor switch sampling on. Nothing else of the request is
// recorded: paths, queries and client addresses can point to a person.
func StartServer(r *http.Request, route string, trusted bool) (context.Context, trace.Span) {
	ctx := r.Context()
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route))}
	remote := Propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if trusted {
		ctx = remote
	} else if sc := trace.SpanContextFromContext(remote); sc.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: sc}))
	}
	return Tracer().Start(ctx, r.Method+" "+route, opts...)
}
