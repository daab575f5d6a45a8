package activities

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of the work that workflows cause.
type Metrics struct {
	turns   *prometheus.CounterVec
	seconds prometheus.Histogram
	events  prometheus.Counter
	sends   *prometheus.CounterVec
	effects *prometheus.CounterVec
	hearingMetrics
	chats *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_turns_total",
			Help: "Turns run, by outcome: done, blocked (sends to settle), failed."}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_turn_seconds",
			Help: "Time of a turn, sends included, in seconds.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}),
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_turn_events_total", Help: "Events taken by turns."}),
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_sends_total",
			Help: "Attempts to send a message, by channel and outcome: done, failed, not_sent, uncertain, resent (after an uncertain one proved unsent)."}, []string{"channel", "outcome"}),
		effects: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_effects_total",
			Help: "Attempts of operations, by connector, operation and outcome."}, []string{"connector", "operation", "outcome"}),
		chats: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_live_chats_total",
			Help: "What became of conversations handed to live chats, by event: started, unattended (nobody was there), undelivered (a customer's message did not reach the chat), closed."}, []string{"event"}),
	}
	m.hearingMetrics = newHearingMetrics(r)
	r.MustRegister(m.turns, m.seconds, m.events, m.sends, m.effects, m.chats)
	return m
}

func (m *Metrics) turn(outcome string, events int, began time.Time) {
	m.turns.WithLabelValues(outcome).Inc()
	m.events.Add(float64(events))
	m.seconds.Observe(time.Since(began).Seconds())
}

func (m *Metrics) send(channel, outcome string) { m.sends.WithLabelValues(channel, outcome).Inc() }

func (m *Metrics) effect(connector, operation, outcome string) {
	m.effects.WithLabelValues(connector, operation, outcome).Inc()
}
