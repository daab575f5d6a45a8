package observe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"parley/connectors/sdk"
	"parley/internal/observe"
)

// record makes the global tracer keep spans for the test.
func record(t *testing.T) *tracetest.SpanRecorder {
	t.Helper()
	rec := tracetest.NewSpanRecorder()
	old := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(rec)))
	t.Cleanup(func() { otel.SetTracerProvider(old) })
	return rec
}

func TestTraceTravelsWithoutCollector(t *testing.T) {
	old := otel.GetTracerProvider()
	t.Cleanup(func() { otel.SetTracerProvider(old) })
	stop, err := observe.StartTracing(t.Context(), observe.TraceOptions{Service: "parley-api"})
	require.NoError(t, err)
	ctx, span := observe.Tracer().Start(t.Context(), "webhook")
	defer span.End()

	parent := observe.TraceParent(ctx)
	require.NotEmpty(t, parent)
	later := observe.WithTraceParent(t.Context(), parent)
	require.Equal(t, span.SpanContext().TraceID(), trace.SpanContextFromContext(later).TraceID())
	require.False(t, span.IsRecording(), "nothing is recorded when there is nowhere to send it")
	require.NoError(t, stop(t.Context()))
}

func TestTraceParentOfNothing(t *testing.T) {
	require.Empty(t, observe.TraceParent(t.Context()))
	for _, bad := range []string{"", "garbage", "00-zz-zz-00"} {
		ctx := observe.WithTraceParent(t.Context(), bad)
		require.False(t, trace.SpanContextFromContext(ctx).IsValid())
	}
}

func TestSpansReachTheCollector(t *testing.T) {
	old := otel.GetTracerProvider()
	t.Cleanup(func() { otel.SetTracerProvider(old) })
	paths := make(chan string, 4)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
	defer collector.Close()
	stop, err := observe.StartTracing(t.Context(), observe.TraceOptions{Service: "parley-api", Endpoint: collector.URL + "/"})
	require.NoError(t, err)
	_, span := observe.Tracer().Start(t.Context(), "webhook")
	span.End()
	require.NoError(t, stop(t.Context()))
	require.Equal(t, "/v1/traces", <-paths)
}

func TestStrangersCannotChooseOurTrace(t *testing.T) {
	rec := record(t)
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	req := httptest.NewRequest(http.MethodPost, "/hooks/stripe/919876543210?token=sk_live_canary", nil)
	req.Header.Set("Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")

	_, public := observe.StartServer(req, "/hooks/{connector}/{account}", false)
	public.End()
	require.NotEqual(t, theirs, public.SpanContext().TraceID().String())
	_, own := observe.StartServer(req, "/v1/contacts", true)
	own.End()
	require.Equal(t, theirs, own.SpanContext().TraceID().String())

	first := rec.Ended()[0]
	require.Equal(t, theirs, first.Links()[0].SpanContext.TraceID().String())
	for _, a := range first.Attributes() {
		require.NotContains(t, a.Value.Emit(), "919876543210")
		require.NotContains(t, a.Value.Emit(), "canary")
	}
}

func TestCallsAreCountedByOperationAndNothingElse(t *testing.T) {
	rec := record(t)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.Header.Get("Traceparent"), "our trace IDs are not given away")
		if strings.HasSuffix(r.URL.Path, "/missing") {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer provider.Close()
	reg := prometheus.NewRegistry()
	m := observe.NewCalls(reg)
	client := sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: strings.TrimPrefix(provider.URL, "http://"), Wrap: m.Wrap("stripe")})

	for _, r := range []sdk.Request{
		{Method: "GET", URL: provider.URL + "/v1/customers/cus_canary", Operation: "customer_get"},
		{Method: "GET", URL: provider.URL + "/missing"},
	} {
		_, err := sdk.Do(t.Context(), client, r)
		require.NoError(t, err)
	}
	provider.Close()
	_, err := sdk.Do(t.Context(), client, sdk.Request{Method: "GET", URL: provider.URL, Operation: "customer_get"})
	require.Error(t, err)

	text := scrape(reg)
	require.Contains(t, text, `parley_connector_requests_total{connector="stripe",operation="customer_get",outcome="2xx"} 1`)
	require.Contains(t, text, `parley_connector_requests_total{connector="stripe",operation="customer_get",outcome="error"} 1`)
	require.Contains(t, text, `parley_connector_requests_total{connector="stripe",operation="other",outcome="4xx"} 1`)
	require.NotContains(t, text, "canary")
	for _, s := range rec.Ended() {
		require.NotContains(t, s.Name(), "canary")
		for _, a := range s.Attributes() {
			require.NotContains(t, a.Value.Emit(), "canary")
		}
	}
	require.Len(t, rec.Ended(), 3)
}

func scrape(g prometheus.Gatherer) string {
	w := httptest.NewRecorder()
	observe.MetricsHandler(g).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestEndRecordsNoContent(t *testing.T) {
	rec := record(t)
	_, span := observe.Tracer().Start(t.Context(), "x")
	observe.End(span, errors.New(`bad "Asha Canary"`))
	require.NotContains(t, rec.Ended()[0].Status().Description, "Asha")
}

func TestMetricsAreServed(t *testing.T) {
	reg := observe.NewRegistry()
	observe.NewHTTP(reg).Requests.WithLabelValues("GET", "/x", "2xx").Inc()
	observe.NewIngress(reg).InFlight.Inc()
	text := scrape(reg)
	require.Contains(t, text, `parley_http_requests_total{method="GET",route="/x",status="2xx"} 1`)
	require.Contains(t, text, "parley_ingress_in_flight 1")
	require.Contains(t, text, "go_goroutines")
}

func TestStatusClass(t *testing.T) {
	require.Equal(t, "2xx", observe.StatusClass(204))
	require.Equal(t, "5xx", observe.StatusClass(503))
	require.Equal(t, "other", observe.StatusClass(0))
}
