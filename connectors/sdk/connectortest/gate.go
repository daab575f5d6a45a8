package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"parley/connectors/sdk/fake"
)

// seen is a request that reached the provider, with the operation that the fake
// takes it for.
type seen struct{ operation, method string }

// gate stands before a fake and misbehaves in its place. It is safe for
// concurrent use.
type gate struct {
	provider fake.Provider
	fake     http.Handler

	mu    sync.Mutex
	seen  []seen
	fault *fault
}

// fault is what befalls the requests that only accepts.
type fault struct {
	name string // of package fake, "" if reply is set
	only func(seen) bool
	// times is how often it strikes; 0 for always.
	times      int
	retryAfter time.Duration
	// reply answers instead of the fake.
	reply func(w http.ResponseWriter, r *http.Request, body []byte)
	// struck gets a value for each request that hangs; end lets them go.
	struck, end chan struct{}
}

func (g *gate) set(f *fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.struck, f.end = make(chan struct{}, 100), make(chan struct{})
	g.fault = f
}

// release ends the fault and lets go what hangs.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault != nil {
		close(g.fault.end)
		g.fault = nil
	}
}

func (g *gate) requests() []seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]seen(nil), g.seen...)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away while sending
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s := seen{method: r.Method}
	if g.provider.Operation != nil {
		s.operation = g.provider.Operation(r, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	f := g.take(s)
	switch {
	case f == nil:
		g.fake.ServeHTTP(w, r)
	case f.reply != nil:
		f.reply(w, r, body)
	case f.name == fake.FaultCutAfterWrite:
		g.fake.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // net/http cuts the connection without an answer
	case f.name == fake.FaultTimeout:
		f.struck <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-f.end:
		}
		panic(http.ErrAbortHandler)
	default:
		fake.AnswerFault(w, f.name, f.retryAfter)
	}
}

// take records a request and finds the fault that befalls it.
func (g *gate) take(s seen) *fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, s)
	f := g.fault
	if f == nil || f.only != nil && !f.only(s) {
		return nil
	}
	if f.times > 0 {
		if f.times--; f.times == 0 {
			g.fault = nil
		}
	}
	return f
}
