package outbound

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"parley/connectors/sdk"
)

// gate lets requests out as the provider's limits allow.
type gate struct {
	limits sdk.Limits
	rate   *rate.Limiter
	slots  chan struct{} // nil without a limit

	mu sync.Mutex
	// paused is until when the provider has asked for quiet.
	paused time.Time
	// left requests may begin until window, as the provider said last.
	left   int
	window time.Time
	flying int
	// withheld are slots that belong to other processes.
	withheld int
}

func newGate(l sdk.Limits) *gate {
	g := &gate{limits: l, rate: rate.NewLimiter(rate.Inf, 1)}
	if l.PerSecond > 0 {
		g.rate = rate.NewLimiter(rate.Limit(l.PerSecond), max(l.Burst, 1))
	}
	if l.Concurrent > 0 {
		g.slots = make(chan struct{}, l.Concurrent)
	}
	return g
}

// divide leaves this process its part of the limits, of so many that share them:
// at least one request at once. Slots that are taken are withheld when they are free
// the next time.
func (g *gate) divide(among int) {
	if g.limits.PerSecond > 0 {
		g.rate.SetLimit(rate.Limit(g.limits.PerSecond / float64(among)))
		g.rate.SetBurst(max(g.limits.Burst/among, 1))
	}
	if g.slots == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for others := g.limits.Concurrent - max(g.limits.Concurrent/among, 1); g.withheld != others; {
		if g.withheld > others {
			<-g.slots
			g.withheld--
			continue
		}
		select {
		case g.slots <- struct{}{}:
			g.withheld++
		default:
			return
		}
	}
}

// enter waits until a request may begin and returns what must be called when it
// has ended, and how long it waited. It waits for half of the context's time at
// most, since a request that begins too late is cut off when it may have been
// acted on; if that cannot be enough, it fails at once.
func (g *gate) enter(ctx context.Context) (leave func(), waited time.Duration, err error) {
	began := time.Now()
	var latest time.Time // zero: there is no end
	if deadline, ok := ctx.Deadline(); ok {
		latest = began.Add(deadline.Sub(began) / 2)
	}
	if g.free(began) { // the usual case, without a timer
		return g.leave, 0, nil
	}
	err = g.wait(ctx, latest)
	if err != nil {
		return nil, time.Since(began), err
	}
	return g.leave, time.Since(began), nil
}

// free takes all that a request needs, if it is there.
func (g *gate) free(now time.Time) bool {
	if g.slots != nil {
		select {
		case g.slots <- struct{}{}:
		default:
			return false
		}
	}
	if g.blocked(now) == 0 && g.rate.AllowN(now, 1) && g.take(now) {
		return true
	}
	g.release()
	return false
}

func (g *gate) wait(ctx context.Context, latest time.Time) error {
	if d := g.foreseen(time.Now()); late(d, latest) {
		return throttled(d)
	}
	if err := g.slot(ctx, latest); err != nil {
		return err
	}
	for {
		if err := g.turn(ctx, latest); err != nil {
			g.release()
			return err
		}
		if g.take(time.Now()) {
			return nil
		}
	}
}

// foreseen is how long a request would wait at least, were there a free slot.
func (g *gate) foreseen(now time.Time) time.Duration {
	d := g.blocked(now)
	if g.rate.Limit() != rate.Inf {
		missing := 1 - g.rate.TokensAt(now)
		d = max(d, time.Duration(missing/float64(g.rate.Limit())*float64(time.Second)))
	}
	return d
}

func (g *gate) slot(ctx context.Context, latest time.Time) error {
	if g.slots == nil {
		return nil
	}
	var over <-chan time.Time
	if !latest.IsZero() {
		timer := time.NewTimer(time.Until(latest))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-over:
		return throttled(time.Second)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turn waits out pauses, then for the rate. In this order, since tokens that were
// taken during a pause would all be spent at its end.
func (g *gate) turn(ctx context.Context, latest time.Time) error {
	for {
		d := g.blocked(time.Now())
		if d == 0 {
			break
		}
		if late(d, latest) {
			return throttled(d)
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
	r := g.rate.Reserve()
	d := r.Delay()
	if late(d, latest) {
		r.Cancel()
		return throttled(d)
	}
	return sleep(ctx, d)
}

// blocked is for how long the provider wants no request.
func (g *gate) blocked(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.paused.Sub(now)
	if g.left <= 0 {
		d = max(d, g.window.Sub(now))
	}
	return max(d, 0)
}

// take counts a request that begins, unless a pause has come.
func (g *gate) take(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.paused) || g.left <= 0 && now.Before(g.window) {
		return false
	}
	g.left--
	g.flying++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	g.flying--
	g.mu.Unlock()
	g.release()
}

func (g *gate) release() {
	if g.slots != nil {
		<-g.slots
	}
}

// learn takes from an answer what it says of the limits: Retry-After of a 429 or
// 503, and what the connector knows how to read. Requests that are under way are
// taken off what is left, since the provider may not have counted them.
func (g *gate) learn(status int, h http.Header) {
	now := time.Now()
	var quiet time.Duration
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		quiet = sdk.RetryAfter(h, now)
	}
	var p sdk.Pace
	if g.limits.Learn != nil {
		p = g.limits.Learn(status, h)
	}
	if quiet == 0 && !p.Known {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := now.Add(quiet); until.After(g.paused) {
		g.paused = until
	}
	if p.Known {
		g.left, g.window = p.Remaining-(g.flying-1), now.Add(p.Reset)
	}
}

func late(d time.Duration, latest time.Time) bool {
	return d > 0 && !latest.IsZero() && time.Now().Add(d).After(latest)
}

func throttled(d time.Duration) *sdk.Error {
	return &sdk.Error{Class: sdk.Throttled, Code: "rate_limit", RetryAfter: d,
		Message: "the connection is at its provider's limit; the call was not made and is tried again later"}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// held is the body of an answer. The request is under way until it was read to its
// end or closed.
type held struct {
	io.ReadCloser
	once  sync.Once
	leave func()
}

func (b *held) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.once.Do(b.leave)
	}
	return n, err
}

func (b *held) Close() error {
	b.once.Do(b.leave)
	return b.ReadCloser.Close()
}
