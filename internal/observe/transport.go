package observe

import (
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"parley/connectors/sdk"
)

// Wrap returns what [sdk.HTTPOptions.Wrap] takes: a transport that gives each
// call of the connector a span and counts it, by connector and by the operation
// that the context names ([sdk.WithOperation]; "other" if none). It records
// nothing of the request but its method, since provider URLs hold identifiers,
// and it sends no trace header: our trace IDs are no business of a provider.
func (m *Calls) Wrap(connector string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &transport{next: next, connector: connector, metrics: m}
	}
}

type transport struct {
	next      http.RoundTripper
	connector string
	metrics   *Calls
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	op := sdk.OperationOf(req.Context())
	if op == "" {
		op = "other"
	}
	ctx, span := Tracer().Start(req.Context(), t.connector+" "+op, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("parley.connector", t.connector), attribute.String("parley.operation", op),
		attribute.String("http.request.method", req.Method)))
	defer span.End()
	start := time.Now()
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	t.metrics.Seconds.WithLabelValues(t.connector, op).Observe(time.Since(start).Seconds())
	outcome := "error"
	if err != nil {
		span.SetStatus(codes.Error, "no answer")
	} else {
		outcome = StatusClass(resp.StatusCode)
		span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
		if resp.StatusCode >= 400 {
			span.SetStatus(codes.Error, strconv.Itoa(resp.StatusCode))
		}
	}
	t.metrics.Requests.WithLabelValues(t.connector, op, outcome).Inc()
	return resp, err
}

// StatusClass is an HTTP status as a label of few values: "2xx".
func StatusClass(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status/100) + "xx"
}
