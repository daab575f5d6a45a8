package sandbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
)

// hooks answers webhooks without a network, so that time can be the test's.
type hooks struct {
	mu     sync.Mutex
	got    []string
	at     []time.Time
	answer func(body string, n int) int // n counts the attempts of this body from 1
	tries  map[string]int
	signed atomic.Int64
}

func (h *hooks) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	body := string(raw)
	if h.tries == nil {
		h.tries = map[string]int{}
	}
	h.tries[body]++
	h.at = append(h.at, time.Now())
	status := 200
	if h.answer != nil {
		status = h.answer(body, h.tries[body])
	}
	if status == 0 {
		return nil, fmt.Errorf("connection refused")
	}
	h.got = append(h.got, body)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func (h *hooks) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// withCourier runs test in a bubble with a clock of its own.
func withCourier(t *testing.T, h *hooks, test func(t *testing.T, c *courier)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := openStore(dir, make([]byte, KeySize))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		c := newCourier(ctx, s, h, slog.New(slog.DiscardHandler))
		c.sign = func(p parcel) fake.Delivery { h.signed.Add(1); return p.Delivery }
		close(c.ready)
		test(t, c)
		cancel()
		c.wg.Wait()
		require.NoError(t, s.close())
	})
}

func deliver(c *courier, order string, bodies ...string) {
	for _, b := range bodies {
		c.add("toy", fake.Delivery{URL: "http://parley.test/hook", Body: []byte(b), Order: order})
	}
}

func (c *courier) of() Counts { return c.snapshot([]string{"toy"})["toy"] }

func TestOneOrderStaysInOrder(t *testing.T) {
	h := &hooks{answer: func(body string, n int) int {
		if body == "a1" && n < 4 {
			return []int{0, 500, 302}[n-1] // nothing but 2xx is an answer
		}
		return 204
	}}
	withCourier(t, h, func(t *testing.T, c *courier) {
		deliver(c, "a", "a1", "a2", "a3")
		deliver(c, "b", "b1")
		pass(100 * time.Millisecond)
		synctest.Wait()
		require.Contains(t, h.seen(), "b1", "another order does not wait")
		require.NotContains(t, h.seen(), "a2")
		pass(time.Minute)
		synctest.Wait()
		var a []string
		for _, b := range h.seen() {
			if b[0] == 'a' {
				a = append(a, b)
			}
		}
		require.Equal(t, []string{"a1", "a1", "a1", "a2", "a3"}, a)
		require.Equal(t, int64(7), h.signed.Load(), "every attempt is signed anew")
		require.Equal(t, Counts{Done: 4, Attempts: map[string]int{"0": 1, "500": 1, "302": 1, "204": 4}}, c.of())
	})
}

func TestPausesGrowAndEndAfterADay(t *testing.T) {
	h := &hooks{answer: func(string, int) int { return 503 }}
	withCourier(t, h, func(t *testing.T, c *courier) {
		deliver(c, "", "x")
		pass(20 * time.Second)
		synctest.Wait()
		var pauses []time.Duration
		h.mu.Lock()
		for i := 1; i < 8; i++ {
			pauses = append(pauses, h.at[i].Sub(h.at[i-1]))
		}
		h.mu.Unlock()
		ms := time.Millisecond
		require.Equal(t, []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5 * time.Second, 5 * time.Second}, pauses)
		require.Equal(t, 1, c.of().Pending)
		pass(25 * time.Hour)
		synctest.Wait()
		require.Equal(t, 1, c.of().GivenUp)
		require.Equal(t, 0, c.of().Pending)
	})
}

func TestChaosSendsCopiesAndShufflesOrders(t *testing.T) {
	h := &hooks{}
	withCourier(t, h, func(t *testing.T, c *courier) {
		c.setChaos(Chaos{Copies: 3, Shuffle: true})
		var sent []string
		for n := range 5 {
			for order := range 20 {
				body := fmt.Sprintf("%02d:%d", order, n)
				sent = append(sent, body)
				deliver(c, body[:2], body)
			}
		}
		pass(time.Minute)
		synctest.Wait()
		require.Len(t, h.seen(), 300)
		var once []string
		last := map[string]string{}
		for _, b := range h.seen() {
			require.LessOrEqual(t, last[b[:2]], b, "within an order nothing is overtaken")
			if last[b[:2]] != b {
				once = append(once, b)
			}
			last[b[:2]] = b
		}
		require.ElementsMatch(t, sent, once)
		require.NotEqual(t, sent, once, "orders overtake each other")
		require.Equal(t, 100, c.of().Done)
	})
}

func TestPendingDeliveriesGoOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	h := &hooks{answer: func(string, int) int { return 0 }}
	synctest.Test(t, func(t *testing.T) {
		open := func() (*courier, func()) {
			s, err := openStore(dir, make([]byte, KeySize))
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			c := newCourier(ctx, s, h, slog.New(slog.DiscardHandler))
			close(c.ready)
			return c, func() { cancel(); c.wg.Wait(); require.NoError(t, s.close()) }
		}
		c, stop := open()
		deliver(c, "a", "1", "2", "3")
		stop()
		h.mu.Lock()
		h.answer = nil
		h.mu.Unlock()
		c, stop = open()
		deliver(c, "a", "4")
		pass(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"1", "2", "3", "4"}, h.seen())
		stop()
		h.mu.Lock()
		h.got = nil
		h.mu.Unlock()
		c, stop = open()
		defer stop()
		pass(time.Minute)
		synctest.Wait()
		require.Empty(t, h.seen(), "what was taken is not sent again")
		require.Equal(t, 4, c.of().Done)
	})
}

// pass lets time go by on the bubble's clock.
func pass(d time.Duration) { <-time.After(d) }
