package outbound

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"parley/connectors/sdk"
)

// circuit refuses requests to a provider that has failed several times in a row.
type circuit struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	wait    time.Duration
	// opened is when it opened last, as Unix nanoseconds.
	opened atomic.Int64
}

func newCircuit(o Options, opened func()) *circuit {
	c := &circuit{wait: o.HalfOpenAfter}
	c.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     o.HalfOpenAfter,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= o.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNotTheirs) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to != gobreaker.StateOpen {
				return
			}
			c.opened.Store(time.Now().UnixNano())
			if from == gobreaker.StateClosed {
				opened()
			}
		},
	})
	return c
}

// refuses returns the error of calls while the circuit is open.
func (c *circuit) refuses() error {
	if c.breaker.State() == gobreaker.StateOpen {
		return c.open()
	}
	return nil
}

func (c *circuit) open() error {
	d := time.Until(time.Unix(0, c.opened.Load()).Add(c.wait))
	return &sdk.Error{Class: sdk.Unavailable, Code: CircuitOpen, RetryAfter: max(d, 100*time.Millisecond),
		Message: "the provider has failed several times in a row; the call was not made"}
}

// allow lets a request out, and returns what must be told how it ended.
func (c *circuit) allow() (settle func(*http.Response, error), err error) {
	done, err := c.breaker.Allow()
	if err != nil {
		return nil, c.open()
	}
	return func(resp *http.Response, err error) { done(verdict(resp, err)) }, nil
}

var (
	errServer    = errors.New("5xx")
	errNotTheirs = errors.New("not the provider's fault")
)

// verdict is what an attempt says of the provider. What was cancelled on our side,
// or refused before it left, says nothing.
func verdict(resp *http.Response, err error) error {
	var refused *sdk.Error
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, &refused) && refused.Class.Final():
		return errNotTheirs
	case err != nil:
		return err
	case resp.StatusCode >= http.StatusInternalServerError:
		return errServer
	}
	return nil
}
