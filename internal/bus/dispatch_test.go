package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/internal/bus"
)

type wakerFunc func(ctx context.Context, t bus.Target) error

func (f wakerFunc) Wake(ctx context.Context, t bus.Target) error { return f(ctx, t) }

var quiet = slog.New(slog.DiscardHandler)

func run(t *testing.T, d *bus.Dispatcher) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestDispatchIsSerialForEachTarget(t *testing.T) {
	const targets, offers = 8, 200
	var inFlight [targets]atomic.Int32
	var mu sync.Mutex
	last := map[uuid.UUID]int64{}
	ids := make([]uuid.UUID, targets)
	at := map[uuid.UUID]int{}
	for i := range ids {
		ids[i] = uuid.New()
		at[ids[i]] = i
	}
	d := bus.NewDispatcher(wakerFunc(func(_ context.Context, tgt bus.Target) error {
		n := &inFlight[at[tgt.ID]]
		if n.Add(1) != 1 {
			t.Error("two wakings of one target at once")
		}
		mu.Lock()
		if tgt.Number <= last[tgt.ID] {
			t.Errorf("woken for %d after %d", tgt.Number, last[tgt.ID])
		}
		last[tgt.ID] = tgt.Number
		mu.Unlock()
		n.Add(-1)
		return nil
	}), 4, targets, quiet, nil)
	defer run(t, d)()
	for n := range offers {
		for _, id := range ids {
			require.True(t, d.Offer(bus.Target{ID: id, Number: int64(n + 1)}))
		}
	}
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, id := range ids {
			if last[id] != offers {
				return false
			}
		}
		return true
	}, timeLimit, tick, "the newest event of each is told")
}

// What comes while a target is being woken is told afterwards, whatever the order
// in which it was offered: no number is lost, nor the wish to look in any case.
func TestOffersDuringAWakingAreJoined(t *testing.T) {
	cases := []struct {
		offers []int64
		want   int64
	}{{[]int64{2}, 2}, {[]int64{2, 3}, 3}, {[]int64{7, 5}, 7}, {[]int64{0, 9}, 0}, {[]int64{9, 0}, 0}, {[]int64{9, 0, 10}, 0}}
	for _, c := range cases {
		woken, goOn := make(chan int64), make(chan struct{})
		d := bus.NewDispatcher(wakerFunc(func(_ context.Context, tgt bus.Target) error {
			woken <- tgt.Number
			<-goOn
			return nil
		}), 1, 1, quiet, nil)
		stop := run(t, d)
		id := uuid.New()
		require.True(t, d.Offer(bus.Target{ID: id, Number: 1}))
		require.EqualValues(t, 1, <-woken)
		for _, n := range c.offers {
			require.True(t, d.Offer(bus.Target{ID: id, Number: n}))
		}
		goOn <- struct{}{}
		require.Equal(t, c.want, <-woken, "%v", c.offers)
		goOn <- struct{}{}
		stop()
	}
}

func TestAFullQueueDropsAndSaysSo(t *testing.T) {
	var dropped atomic.Int32
	woken := make(chan uuid.UUID, 10)
	d := bus.NewDispatcher(wakerFunc(func(_ context.Context, tgt bus.Target) error {
		woken <- tgt.ID
		return nil
	}), 1, 2, quiet, func() { dropped.Add(1) })
	a, b, c := uuid.New(), uuid.New(), uuid.New()
	require.True(t, d.Offer(bus.Target{ID: a, Number: 1}))
	require.True(t, d.Offer(bus.Target{ID: b, Number: 1}))
	require.False(t, d.Offer(bus.Target{ID: c, Number: 1}))
	require.True(t, d.Offer(bus.Target{ID: a, Number: 2}), "more for one that is queued needs no room")
	require.EqualValues(t, 1, dropped.Load())

	defer run(t, d)()
	require.ElementsMatch(t, []uuid.UUID{a, a, b}, []uuid.UUID{<-woken, <-woken, <-woken})
	require.True(t, d.Offer(bus.Target{ID: c, Number: 1}), "there is room again")
	require.Equal(t, c, <-woken)
}

func TestAWakingThatFailsOrHangsHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, hangs, fine := uuid.New(), uuid.New(), uuid.New()
		var mu sync.Mutex
		woken := map[uuid.UUID]int{}
		d := bus.NewDispatcher(wakerFunc(func(ctx context.Context, tgt bus.Target) error {
			mu.Lock()
			woken[tgt.ID]++
			mu.Unlock()
			switch tgt.ID {
			case down:
				return errors.New("unreachable")
			case hangs:
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}), 1, 10, quiet, nil)
		stop := run(t, d)
		for _, id := range []uuid.UUID{down, hangs, fine} {
			require.True(t, d.Offer(bus.Target{ID: id, Number: 1}))
		}
		<-time.After(11 * time.Second) // the bubble's clock: a waking may hang for 10 s
		synctest.Wait()
		require.Equal(t, map[uuid.UUID]int{down: 1, hangs: 1, fine: 1}, woken)
		require.True(t, d.Offer(bus.Target{ID: down, Number: 1}), "the sweeper may offer it again")
		synctest.Wait()
		require.Equal(t, 2, woken[down])
		stop()
	})
}
