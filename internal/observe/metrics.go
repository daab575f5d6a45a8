package observe

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry returns a registry with the Go runtime's and the process's own
// metrics. Every metric of Parley is registered on one that was passed in, so
// that tests and several roles in one process do not collide on a global.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// MetricsHandler serves what g gathers, in Prometheus' text format.
func MetricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// fast suits what should take milliseconds; calls what waits for a provider.
var (
	fast  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	calls = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30}
)

// HTTP are the metrics of the HTTP server.
type HTTP struct {
	Requests *prometheus.CounterVec   // method, route, status ("2xx")
	Seconds  *prometheus.HistogramVec // method, route
}

// NewHTTP registers the server's metrics.
func NewHTTP(r prometheus.Registerer) *HTTP {
	m := &HTTP{
		Requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_http_requests_total",
			Help: "HTTP requests served, by method, route template and class of status."}, []string{"method", "route", "status"}),
		Seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_http_request_seconds",
			Help: "Time to serve an HTTP request, in seconds.", Buckets: fast}, []string{"method", "route"}),
	}
	r.MustRegister(m.Requests, m.Seconds)
	return m
}

// Ingress are the metrics of the webhook edge.
type Ingress struct {
	// Requests by connector and outcome: accepted, handshake, handshake_refused,
	// bad_signature, unknown_account, too_large, timeout, malformed, method,
	// overload, unavailable, failed.
	Requests *prometheus.CounterVec
	// Events by connector, kind and outcome: accepted, duplicate, blocked, unknown,
	// unrouted, ignored. Kind is "mixed" where one webhook carries several kinds
	// and not all fared alike.
	Events *prometheus.CounterVec
	// Ack is the time from a webhook's first byte to its 200, by connector.
	Ack *prometheus.HistogramVec
	// InFlight is how many webhooks are being worked on.
	InFlight prometheus.Gauge
}

// NewIngress registers the webhook edge's metrics.
func NewIngress(r prometheus.Registerer) *Ingress {
	m := &Ingress{
		Requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_ingress_requests_total",
			Help: "Webhook requests, by connector and outcome."}, []string{"connector", "outcome"}),
		Events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_ingress_events_total",
			Help: "Events in webhooks, by connector, kind and outcome."}, []string{"connector", "kind", "outcome"}),
		Ack: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_ingress_ack_seconds",
			Help: "Time until a webhook was acknowledged, everything kept, in seconds.", Buckets: fast}, []string{"connector"}),
		InFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_ingress_in_flight",
			Help: "Webhook requests being worked on."}),
	}
	r.MustRegister(m.Requests, m.Events, m.Ack, m.InFlight)
	return m
}

// Calls are the metrics of connectors' HTTP calls.
type Calls struct {
	Requests *prometheus.CounterVec   // connector, operation, outcome ("2xx", "4xx", "error", …)
	Seconds  *prometheus.HistogramVec // connector, operation
}

// NewCalls registers the metrics of connectors' calls.
func NewCalls(r prometheus.Registerer) *Calls {
	m := &Calls{
		Requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_connector_requests_total",
			Help: "HTTP requests to providers, by connector, operation and outcome."}, []string{"connector", "operation", "outcome"}),
		Seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_connector_request_seconds",
			Help: "Time until a provider's answer began, in seconds.", Buckets: calls}, []string{"connector", "operation"}),
	}
	r.MustRegister(m.Requests, m.Seconds)
	return m
}
