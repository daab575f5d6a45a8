// Package outbound keeps each connection's use of its provider within bounds: so
// many requests a second and at once as the provider allows, none while the
// provider has asked for a pause, and none to a provider that does not work.
//
// It repeats nothing and never hides an answer: a request either goes out once,
// or is refused with an *[sdk.Error] before anything of it has left.
package outbound

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"parley/connectors/sdk"
)

// CircuitOpen is the code of the error with which calls fail while a circuit is open.
const CircuitOpen = "circuit_open"

// Connection names a connection of a workspace.
type Connection struct {
	Workspace, ID uuid.UUID
	Connector     string
}

// Options of [New]; zero values mean the defaults.
type Options struct {
	// Registry is where metrics are registered; none are kept without it.
	Registry prometheus.Registerer
	// Failures in a row that open a connection's circuit, 5 by default: requests
	// without an answer and answers of 5xx.
	Failures uint32
	// HalfOpenAfter is how long a circuit stays open before one request is let
	// through to try, 10 s by default.
	HalfOpenAfter time.Duration
	// Opened hears, in a goroutine of its own, that a circuit has opened.
	Opened func(Connection)
}

// Outbound holds the state of all connections of a process. What a connection has
// learnt survives changes of its configuration. It is safe for concurrent use.
type Outbound struct {
	o       Options
	metrics *metrics
	lines   *lru.Cache[Connection, *state]
	// among is how many processes share the limits of each connection.
	among atomic.Int64
}

// kept is how many connections' states are kept at most.
const kept = 10_000

// New returns the state of a process that has called nobody yet.
func New(o Options) *Outbound {
	if o.Failures == 0 {
		o.Failures = 5
	}
	if o.HalfOpenAfter == 0 {
		o.HalfOpenAfter = 10 * time.Second
	}
	lines, _ := lru.New[Connection, *state](kept) // fails only for a size below 1
	out := &Outbound{o: o, metrics: newMetrics(o.Registry), lines: lines}
	out.among.Store(1)
	return out
}

// Share says among how many processes the limits of each connection are divided: one
// process by itself does not know of the others.
func (o *Outbound) Share(among int) {
	o.among.Store(int64(max(among, 1)))
	for _, s := range o.lines.Values() {
		s.gate.divide(max(among, 1))
	}
}

// state is what is known of one connection.
type state struct {
	gate    *gate
	circuit *circuit
}

// Wrap returns a transport that sends what goes over next as the connection may:
// within limits, and not while its circuit is open. All transports of one
// connection share what is counted.
func (o *Outbound) Wrap(c Connection, limits sdk.Limits, next http.RoundTripper) http.RoundTripper {
	s, ok := o.lines.Get(c)
	if !ok {
		s = &state{gate: newGate(limits), circuit: newCircuit(o.o, func() { o.opened(c) })}
		if before, there, _ := o.lines.PeekOrAdd(c, s); there {
			s = before
		}
		s.gate.divide(int(o.among.Load()))
	}
	return &transport{state: s, connector: c.Connector, next: next, metrics: o.metrics}
}

func (o *Outbound) opened(c Connection) {
	o.metrics.opened.WithLabelValues(c.Connector).Inc()
	if o.o.Opened != nil {
		go o.o.Opened(c)
	}
}

type transport struct {
	*state
	connector string
	next      http.RoundTripper
	metrics   *metrics
}

// RoundTrip implements [http.RoundTripper]. Its own refusals are *[sdk.Error]
// with Wrote false.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.circuit.refuses(); err != nil {
		return t.refuse(req, err)
	}
	leave, waited, err := t.gate.enter(req.Context())
	t.metrics.waits.WithLabelValues(t.connector).Observe(waited.Seconds())
	if waited > 0 {
		trace.SpanFromContext(req.Context()).SetAttributes(attribute.Int64("parley.outbound.wait_ms", waited.Milliseconds()))
	}
	if err != nil {
		return t.refuse(req, err)
	}
	settle, err := t.circuit.allow()
	if err != nil {
		leave()
		return t.refuse(req, err)
	}
	resp, err := t.next.RoundTrip(req)
	settle(resp, err)
	if err != nil {
		leave()
		return nil, err
	}
	t.gate.learn(resp.StatusCode, resp.Header)
	resp.Body = &held{ReadCloser: resp.Body, leave: leave}
	return resp, nil
}

// refuse ends a request that was not sent. A transport closes the body in any case.
func (t *transport) refuse(req *http.Request, err error) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	if e, ours := err.(*sdk.Error); ours {
		t.metrics.refused.WithLabelValues(t.connector, e.Code).Inc()
		trace.SpanFromContext(req.Context()).SetAttributes(attribute.String("parley.outbound.refused", e.Code))
	}
	return nil, err
}
