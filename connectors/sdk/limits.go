package sdk

import (
	"net/http"
	"time"
)

// Limits is how fast a provider may be called with one connection's credentials,
// as its documentation says. The engine keeps to them; zero means no limit.
type Limits struct {
	// PerSecond is the sustained rate of requests, Burst how many may come at
	// once (1 where it is zero and PerSecond is not).
	PerSecond float64
	Burst     int
	// Concurrent is how many requests may be under way at once.
	Concurrent int
	// Learn reads what an answer says of the current limits; nil means that the
	// provider says nothing but Retry-After. It must be pure.
	Learn func(status int, h http.Header) Pace
}

// Pace is what one answer of a provider says of its limits. Zero fields say nothing.
type Pace struct {
	// Known tells that the answer said how many requests are left.
	Known bool
	// Remaining requests until Reset has passed.
	Remaining int
	Reset     time.Duration
}
