package outbound

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	waits   *prometheus.HistogramVec
	refused *prometheus.CounterVec
	opened  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_outbound_wait_seconds",
			Help:    "Time that a request waited for its provider's limits, in seconds, by connector.",
			Buckets: []float64{.001, .01, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"connector"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_outbound_refused_total",
			Help: "Requests that were not sent, by connector and reason: rate_limit, circuit_open."}, []string{"connector", "reason"}),
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_outbound_circuit_opened_total",
			Help: "How often a connection's circuit opened, by connector."}, []string{"connector"}),
	}
	if r != nil {
		r.MustRegister(m.waits, m.refused, m.opened)
	}
	return m
}
