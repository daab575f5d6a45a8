package benchcmd

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// turner performs one turn of a conversation and returns how long its arrival
// took to be acknowledged.
type turner interface {
	turn(ctx context.Context, conversation int, call bool) (ack time.Duration, err error)
}

// sample collects the turns of one kind over all its rounds.
type sample struct {
	mu    sync.Mutex
	turns []time.Duration
	acks  []time.Duration
	spent time.Duration
}

// Figures of one kind of turn.
type Figures struct {
	TurnsPerS float64 `json:"turns_per_s"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	AckP50    float64 `json:"ack_p50_ms,omitempty"`
	AckP99    float64 `json:"ack_p99_ms,omitempty"`
}

func (s *sample) figures() Figures {
	f := Figures{P50: percentile(s.turns, 50), P99: percentile(s.turns, 99), AckP50: percentile(s.acks, 50), AckP99: percentile(s.acks, 99)}
	if s.spent > 0 {
		f.TurnsPerS = round(float64(len(s.turns)) / s.spent.Seconds())
	}
	return f
}

// percentile in milliseconds.
func percentile(of []time.Duration, p int) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Clone(of)
	slices.Sort(sorted)
	return round(float64(sorted[min(len(sorted)-1, len(sorted)*p/100)].Microseconds()) / 1000)
}

func round(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }

// load is how a round is driven.
type load struct {
	conversations, concurrency int
	turns                      int     // of each conversation in this round
	calls                      float64 // share of turns that call a connector
	rate                       float64 // open loop: turns a second; 0 is a closed loop
}

// round lets all conversations take their turns. In a closed loop concurrency
// conversations are under way at once, each awaiting its reply before its next
// message. In an open loop messages arrive at a fixed rate, whatever the replies
// do; a conversation whose reply is late is passed over in favour of the next.
func (s *sample) round(ctx context.Context, t turner, l load) error {
	began := time.Now()
	defer func() { s.spent += time.Since(began) }()
	if l.rate > 0 {
		return s.open(ctx, t, l)
	}
	next := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	for range l.concurrency {
		group.Go(func() error {
			for c := range next {
				for n := range l.turns {
					if err := s.one(ctx, t, c, l.isCall(c+n)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(next)
		for c := range l.conversations {
			select {
			case next <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}

// isCall spreads the share of calls evenly.
func (l load) isCall(n int) bool {
	return int(float64(n+1)*l.calls) > int(float64(n)*l.calls)
}

func (s *sample) one(ctx context.Context, t turner, c int, call bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	ack, err := t.turn(ctx, c, call)
	if err != nil {
		return err
	}
	took := time.Since(began)
	s.mu.Lock()
	s.turns = append(s.turns, took)
	s.acks = append(s.acks, ack)
	s.mu.Unlock()
	return nil
}

func (s *sample) open(ctx context.Context, t turner, l load) error {
	free := make(chan int, l.conversations)
	for c := range l.conversations {
		free <- c
	}
	group, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(time.Duration(float64(time.Second) / l.rate))
	defer tick.Stop()
	for n := range l.conversations * l.turns {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return group.Wait()
		}
		c := <-free
		group.Go(func() error {
			defer func() { free <- c }()
			return s.one(ctx, t, c, l.isCall(n))
		})
	}
	return group.Wait()
}
