package activities

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"parley/connectors/sdk"
	"parley/internal/nlu"
)

// hearingMetrics are those of understanding what customers write.
type hearingMetrics struct {
	texts    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	failures *prometheus.CounterVec
	misses   prometheus.Counter
}

func newHearingMetrics(r prometheus.Registerer) hearingMetrics {
	m := hearingMetrics{
		texts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_understood_total",
			Help: "Texts that were to be understood, by engine (rules, builtin, a connector; none) and outcome: intent, answer, out_of_scope, nothing."}, []string{"engine", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_understanding_seconds",
			Help: "Time to understand a text, in seconds, by who was asked: own engines, or services too.", Buckets: []float64{.00005, .0001, .00025, .0005, .001, .005, .025, .1, .25, .5, 1, 2, 5}}, []string{"asked"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_understanding_failures_total",
			Help: "Engines that did not answer, so that the next one was asked, by engine and reason: too_slow, circuit_open, outage, no_connection, or the error's class."}, []string{"engine", "reason"}),
		misses: prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_misses_total",
			Help: "Texts that flows did not understand, kept for people to look at."}),
	}
	r.MustRegister(m.texts, m.seconds, m.failures, m.misses)
	return m
}

// understood counts what became of a text.
func (m *hearingMetrics) understood(r nlu.Result, took time.Duration) {
	engine, outcome := r.Engine, "intent"
	switch {
	case r.Intent == sdk.OutOfScope && r.AnswerID == "" && r.Answer == "":
		outcome = "out_of_scope"
	case r.Intent != "" && r.Intent != sdk.OutOfScope:
	case r.AnswerID != "" || r.Answer != "":
		engine, outcome = "answers", "answer"
	default:
		engine, outcome = "none", "nothing"
	}
	m.texts.WithLabelValues(engine, outcome).Inc()
	asked := "own"
	if r.Asked {
		asked = "services"
	}
	m.seconds.WithLabelValues(asked).Observe(took.Seconds())
	for _, f := range r.Failures {
		m.failures.WithLabelValues(f.Stage, reason(f.Err)).Inc()
	}
}

// reason is of low cardinality: providers have codes of their own.
func reason(err error) string {
	switch e := sdk.AsError(err); e.Code {
	case "too_slow", "circuit_open", "outage", "no_connection":
		return e.Code
	default:
		return string(e.Class)
	}
}

func (m *hearingMetrics) missed(n int) { m.misses.Add(float64(n)) }
