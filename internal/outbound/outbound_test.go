package outbound_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/outbound"
)

var shop = outbound.Connection{Workspace: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000001"),
	ID: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000002"), Connector: "shop"}

// provider is a transport that answers by a script, and notes when it was asked.
type provider struct {
	mu      sync.Mutex
	answers []func() (*http.Response, error)
	asked   []time.Time
	takes   time.Duration
	flying  atomic.Int64
	most    atomic.Int64
}

func (p *provider) RoundTrip(*http.Request) (*http.Response, error) {
	for n := p.flying.Add(1); n > p.most.Load(); {
		p.most.Store(n)
	}
	defer p.flying.Add(-1)
	p.mu.Lock()
	p.asked = append(p.asked, time.Now())
	answer := status(200)
	if len(p.answers) > 0 {
		answer, p.answers = p.answers[0], p.answers[1:]
	}
	p.mu.Unlock()
	if p.takes > 0 {
		<-time.After(p.takes)
	}
	return answer()
}

func status(code int, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	}
}

func broken(err error) func() (*http.Response, error) {
	return func() (*http.Response, error) { return nil, err }
}

func (p *provider) next(answers ...func() (*http.Response, error)) {
	p.answers = append(p.answers, answers...)
}

// call makes a call as connectors do, in the time given.
func call(t *testing.T, rt http.RoundTripper, within time.Duration) (*sdk.Response, *sdk.Error) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	resp, err := sdk.Do(ctx, &http.Client{Transport: rt}, sdk.Request{Method: "POST", URL: "https://shop.example/x", Body: []byte("{}")})
	if err != nil {
		return nil, sdk.AsError(err)
	}
	return resp, nil
}

func TestTheRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		rt := outbound.New(outbound.Options{}).Wrap(shop, sdk.Limits{PerSecond: 10, Burst: 2}, p)
		began := time.Now()
		for range 22 {
			_, err := call(t, rt, 15*time.Second)
			require.Nil(t, err)
		}
		require.Equal(t, 2*time.Second, time.Since(began), "two at once and ten a second")
	})
}

// A call that cannot be made in time says so at once, and that nothing was sent.
func TestACallThatWouldWaitTooLongFailsAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		limits sdk.Limits
		before func(p *provider)
	}{
		"the rate":             {sdk.Limits{PerSecond: 0.1}, func(*provider) {}},
		"Retry-After of a 429": {sdk.Limits{}, func(p *provider) { p.next(status(429, "Retry-After", "10")) }},
		"Retry-After of a 503": {sdk.Limits{}, func(p *provider) { p.next(status(503, "Retry-After", "10")) }},
		"a limit that was learnt": {sdk.Limits{Learn: func(_ int, h http.Header) sdk.Pace {
			return sdk.Pace{Known: h.Get("Left") == "0", Reset: 10 * time.Second}
		}}, func(p *provider) { p.next(status(200, "Left", "0")) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{}
				c.before(p)
				reg := prometheus.NewRegistry()
				rt := outbound.New(outbound.Options{Registry: reg}).Wrap(shop, c.limits, p)
				call(t, rt, 15*time.Second)
				began := time.Now()
				_, err := call(t, rt, 15*time.Second)
				require.NotNil(t, err)
				require.Equal(t, sdk.Throttled, err.Class)
				require.False(t, err.Wrote)
				require.Equal(t, 10*time.Second, err.RetryAfter)
				require.Zero(t, time.Since(began))
				require.Len(t, p.asked, 1)
				require.EqualValues(t, 1, counted(t, reg, "parley_outbound_refused_total"))

				_, err = call(t, rt, 30*time.Second)
				require.Nil(t, err, "with more time it waits")
				require.Equal(t, 10*time.Second, p.asked[1].Sub(p.asked[0]))
			})
		})
	}
}

func TestWhatIsLeftIsNotExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{takes: time.Second}
		told := false
		rt := outbound.New(outbound.Options{}).Wrap(shop, sdk.Limits{Learn: func(int, http.Header) sdk.Pace {
			if told {
				return sdk.Pace{}
			}
			told = true
			return sdk.Pace{Known: true, Remaining: 3, Reset: 4 * time.Second}
		}}, p)
		call(t, rt, time.Minute)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { call(t, rt, time.Minute) })
		}
		all.Wait()
		soon := 0
		for _, at := range p.asked[1:] {
			if at.Before(p.asked[0].Add(5 * time.Second)) {
				soon++
			}
		}
		require.Equal(t, 3, soon)
		require.Len(t, p.asked, 9)
	})
}

func TestNoMoreAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{takes: time.Second}
		rt := outbound.New(outbound.Options{}).Wrap(shop, sdk.Limits{Concurrent: 3}, p)
		var all sync.WaitGroup
		for range 9 {
			all.Go(func() {
				_, err := call(t, rt, time.Minute)
				require.Nil(t, err)
			})
		}
		all.Wait()
		require.EqualValues(t, 3, p.most.Load())
		require.Equal(t, 2*time.Second, p.asked[8].Sub(p.asked[0]))
	})
}

// An answer that is not read yet is a request under way.
func TestAnOpenBodyHoldsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := outbound.New(outbound.Options{}).Wrap(shop, sdk.Limits{Concurrent: 1}, &provider{})
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://shop.example/x", nil)
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		_, failed := call(t, rt, time.Second)
		require.Equal(t, sdk.Throttled, failed.Class)
		resp.Body.Close()
		_, failed = call(t, rt, time.Second)
		require.Nil(t, failed)
	})
}

func TestTheCircuitOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := make(chan outbound.Connection, 10)
		o := outbound.New(outbound.Options{Failures: 3, HalfOpenAfter: 30 * time.Second, Opened: func(c outbound.Connection) { heard <- c }})
		p := &provider{}
		rt := o.Wrap(shop, sdk.Limits{}, p)
		p.next(status(500), status(502), status(200), status(503), broken(errors.New("reset")), broken(context.Canceled), status(500))
		for range 7 {
			call(t, rt, time.Second)
		}
		require.Equal(t, shop, <-heard)
		<-time.After(10 * time.Second)
		_, err := call(t, rt, time.Minute)
		require.Equal(t, sdk.Unavailable, err.Class)
		require.Equal(t, outbound.CircuitOpen, err.Code)
		require.False(t, err.Wrote)
		require.Equal(t, 20*time.Second, err.RetryAfter)
		require.Len(t, p.asked, 7, "nothing was sent")

		// A changed configuration opens the connection anew: what is known stays.
		_, err = call(t, o.Wrap(shop, sdk.Limits{}, p), time.Minute)
		require.Equal(t, outbound.CircuitOpen, err.Code)

		<-time.After(20*time.Second + 1)
		p.next(status(500), status(404))
		call(t, rt, time.Second)
		_, err = call(t, rt, time.Second)
		require.Equal(t, outbound.CircuitOpen, err.Code, "one failure opens it again")
		<-time.After(30*time.Second + 1)
		for range 2 {
			_, err = call(t, rt, time.Second)
			require.Nil(t, err, "an answer closes it, whatever it says")
		}
		require.Empty(t, heard, "it is told once that it opened")
	})
}

func TestRefusalsByTheProviderKeepTheCircuitClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		rt := outbound.New(outbound.Options{Failures: 2}).Wrap(shop, sdk.Limits{}, p)
		for range 10 {
			p.next(status(400), status(401), status(429))
		}
		for range 30 {
			_, err := call(t, rt, time.Second)
			require.Nil(t, err)
		}
	})
}

func TestConnectionsDoNotShareLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := outbound.New(outbound.Options{})
		other := shop
		other.ID = uuid.New()
		p := &provider{}
		for _, c := range []outbound.Connection{shop, other} {
			_, err := call(t, o.Wrap(c, sdk.Limits{PerSecond: 0.01}, p), time.Second)
			require.Nil(t, err)
		}
	})
}

// Of two processes each keeps to half of the limits, also in what it has opened
// before, and has all again when the other is gone.
func TestProcessesShareLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := outbound.New(outbound.Options{})
		p := &provider{takes: 100 * time.Millisecond}
		rt := o.Wrap(shop, sdk.Limits{PerSecond: 1000, Burst: 1000, Concurrent: 4}, p)
		crowd := func() int64 {
			p.most.Store(0)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					_, err := call(t, rt, time.Minute)
					require.Nil(t, err)
				})
			}
			all.Wait()
			return p.most.Load()
		}
		require.EqualValues(t, 4, crowd())
		o.Share(2)
		require.EqualValues(t, 2, crowd())
		o.Share(100)
		require.EqualValues(t, 1, crowd(), "one at least")
		o.Share(1)
		require.EqualValues(t, 4, crowd())

		slow := o.Wrap(outbound.Connection{ID: uuid.New()}, sdk.Limits{PerSecond: 10, Burst: 1}, &provider{})
		o.Share(2)
		began := time.Now()
		for range 6 {
			_, err := call(t, slow, 15*time.Second)
			require.Nil(t, err)
		}
		require.Equal(t, time.Second, time.Since(began), "five a second")
	})
}

// counted is the sum of a counter over its labels.
func counted(t *testing.T, reg *prometheus.Registry, name string) (sum float64) {
	all, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range all {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
