package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"parley/connectors/sdk/fake"
)

const (
	backoffFirst = 200 * time.Millisecond
	backoffMax   = 5 * time.Second
	// giveUpAfter is how long a webhook is tried, as the shorter-winded of the
	// providers do.
	giveUpAfter = 24 * time.Hour
	// deliveryTimeout bounds one attempt.
	deliveryTimeout = 10 * time.Second
	// inFlight bounds the attempts that are under way at once.
	inFlight = 64
	// shuffleWithin is how long chaos holds a delivery back at the most.
	shuffleWithin = 100 * time.Millisecond
)

// Counts says how far the webhooks of a connector have come.
type Counts struct {
	// Pending are queued or being repeated, Done were answered with 2xx and
	// GivenUp were not within 24 h.
	Pending int `json:"pending"`
	Done    int `json:"done"`
	GivenUp int `json:"given_up"`
	// Attempts counts answers by status; "0" stands for no answer.
	Attempts map[string]int `json:"attempts"`
}

// Chaos makes delivery worse than any provider's, as POST /_control/delivery sets it.
type Chaos struct {
	// Copies is how many times every webhook is sent, at once; 1 is normal.
	Copies int `json:"copies"`
	// Shuffle lets deliveries of different orders overtake each other.
	Shuffle bool `json:"shuffle"`
}

// parcel is a stored delivery.
type parcel struct {
	Seq       uint64        `json:"seq"`
	Connector string        `json:"connector"`
	Delivery  fake.Delivery `json:"delivery"`
	Queued    time.Time     `json:"queued"`
}

func (p parcel) key() string { return fmt.Sprintf("%016x", p.Seq) }

// queue names the parcels that must arrive one after the other.
func (p parcel) queue() string {
	if p.Delivery.Order == "" {
		return "#" + p.key()
	}
	return p.Connector + "/" + p.Delivery.Order
}

// courier delivers webhooks at least once: those of one order one after the
// other, everything else side by side. It is safe for concurrent use.
type courier struct {
	store *store
	log   *slog.Logger
	http  *http.Client
	slots chan struct{}
	ctx   context.Context
	wg    sync.WaitGroup
	// sign prepares an attempt; ready is closed when it may be used.
	sign  func(p parcel) fake.Delivery
	ready chan struct{}

	mu     sync.Mutex
	queues map[string][]parcel // the head of each is under way
	counts map[string]*Counts
	chaos  Chaos
}

// newCourier takes up what an earlier process left. Nothing is sent before ready
// is closed.
func newCourier(ctx context.Context, s *store, rt http.RoundTripper, log *slog.Logger) *courier {
	c := &courier{store: s, log: log, ctx: ctx, slots: make(chan struct{}, inFlight), ready: make(chan struct{}),
		sign: func(p parcel) fake.Delivery { return p.Delivery },
		http: &http.Client{Transport: rt, Timeout: deliveryTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		queues: map[string][]parcel{}, counts: map[string]*Counts{}, chaos: Chaos{Copies: 1}}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.get(bucketSandbox, keyChaos, &c.chaos)
	s.each(bucketCounts, func(connector string, raw json.RawMessage) bool {
		_ = json.Unmarshal(raw, c.countsOf(connector))
		c.counts[connector].Pending = 0 // counted anew from what is queued
		return true
	})
	s.each(bucketDeliveries, func(_ string, raw json.RawMessage) bool {
		var p parcel
		if json.Unmarshal(raw, &p) == nil {
			c.enqueue(p)
		}
		return true
	})
	return c
}

func (c *courier) add(connector string, d fake.Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock() // held over both, so that a queue has the order of the numbers
	p := parcel{Seq: c.store.next(bucketSandbox, keySeq), Connector: connector, Delivery: d, Queued: time.Now()}
	c.store.put(bucketDeliveries, p.key(), p)
	c.enqueue(p)
}

// enqueue is called with mu held.
func (c *courier) enqueue(p parcel) {
	c.countsOf(p.Connector).Pending++
	name := p.queue()
	c.queues[name] = append(c.queues[name], p)
	if len(c.queues[name]) == 1 {
		c.wg.Go(func() { c.work(name) })
	}
}

func (c *courier) countsOf(connector string) *Counts {
	n := c.counts[connector]
	if n == nil {
		n = &Counts{Attempts: map[string]int{}}
		c.counts[connector] = n
	}
	return n
}

// work delivers one queue until it is empty.
func (c *courier) work(name string) {
	select {
	case <-c.ready:
	case <-c.ctx.Done():
		return
	}
	for {
		c.mu.Lock()
		if len(c.queues[name]) == 0 {
			delete(c.queues, name)
			c.mu.Unlock()
			return
		}
		p := c.queues[name][0]
		c.mu.Unlock()
		delivered, err := c.deliver(p)
		if err != nil {
			return // shutting down: it stays stored
		}
		c.finish(name, p, delivered)
	}
}

func (c *courier) finish(name string, p parcel, delivered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.countsOf(p.Connector)
	n.Pending--
	if delivered {
		n.Done++
	} else {
		n.GivenUp++
		c.log.Warn("sandbox: a webhook was given up", "connector", p.Connector, "delivery", p.Seq)
	}
	c.store.put(bucketDeliveries, p.key(), nil)
	c.store.put(bucketCounts, p.Connector, n)
	c.queues[name] = c.queues[name][1:]
}

// deliver repeats a parcel until it is accepted. It reports false when it gave
// up, and an error when the courier stops.
func (c *courier) deliver(p parcel) (bool, error) {
	pause := backoffFirst
	for {
		chaos := c.disorder()
		if chaos.Shuffle {
			if err := c.sleep(rand.N(shuffleWithin)); err != nil {
				return false, err
			}
		}
		if c.attempt(p, chaos.Copies) {
			return true, nil
		}
		if c.ctx.Err() != nil {
			return false, c.ctx.Err()
		}
		if time.Since(p.Queued) >= giveUpAfter {
			return false, nil
		}
		if err := c.sleep(pause); err != nil {
			return false, err
		}
		pause = min(2*pause, backoffMax)
	}
}

func (c *courier) sleep(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// attempt sends all copies at once and reports whether every one was accepted.
func (c *courier) attempt(p parcel, copies int) bool {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.ctx.Done():
		return false
	}
	statuses := make([]int, copies)
	d := c.sign(p)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = c.post(d) })
	}
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	ok := true
	for _, s := range statuses {
		c.countsOf(p.Connector).Attempts[strconv.Itoa(s)]++
		ok = ok && s >= 200 && s < 300
	}
	return ok
}

// post gives the answer's status, or 0 if there was none.
func (c *courier) post(d fake.Delivery) int {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0
	}
	for name, values := range d.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		c.log.Debug("sandbox: a webhook's answer broke off", "status", resp.StatusCode)
	}
	return resp.StatusCode
}

func (c *courier) disorder() Chaos { c.mu.Lock(); defer c.mu.Unlock(); return c.chaos }

func (c *courier) setChaos(x Chaos) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chaos = x
	c.store.put(bucketSandbox, keyChaos, x)
}

// snapshot gives the counts of each of the connectors.
func (c *courier) snapshot(connectors []string) map[string]Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]Counts, len(connectors))
	for _, name := range connectors {
		n := *c.countsOf(name)
		attempts := make(map[string]int, len(n.Attempts))
		for status, times := range n.Attempts {
			attempts[status] = times
		}
		n.Attempts = attempts
		out[name] = n
	}
	return out
}
