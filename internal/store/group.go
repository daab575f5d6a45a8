package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
)

// Group is a group commit: items that arrive while a flush is under way, or
// within [rest] of its beginning, are flushed together by the next one, so that
// conversations share transactions when there are many and none waits when there
// are few.
//
// Items of one workspace are flushed together, since a transaction sees one
// workspace. If a flush of several fails for a reason that lies in the data,
// they are flushed again one by one, so that a bad item fails alone.
type Group[In, Out any] struct {
	workspace func(In) uuid.UUID
	flush     func(ctx context.Context, ws uuid.UUID, items []In) ([]Out, error)
	most      int
	timeout   time.Duration

	mu      sync.Mutex
	waiting []entry[In, Out]
	running int
	lanes   int
	rest    time.Duration
}

// rest is the least time from the beginning of one flush of a lane to that of the
// next. It costs traffic that is dense a few milliseconds, and spares a machine that
// is busy a third of its transactions.
const rest = 20 * time.Millisecond

type entry[In, Out any] struct {
	in   In
	done chan result[Out]
}

type result[Out any] struct {
	out Out
	err error
}

// NewGroup returns a group whose flush takes at most most items and gives one
// result for each, in their order. lanes is how many flushes may run at once.
func NewGroup[In, Out any](lanes, most int, workspace func(In) uuid.UUID,
	flush func(context.Context, uuid.UUID, []In) ([]Out, error)) *Group[In, Out] {
	return &Group[In, Out]{workspace: workspace, flush: flush, most: most, lanes: lanes, timeout: 15 * time.Second, rest: rest}
}

// Do flushes an item with others and returns its result. When ctx ends first
// the item may still be flushed.
func (g *Group[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	e := entry[In, Out]{in, make(chan result[Out], 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, e)
	start := g.running < g.lanes
	if start {
		g.running++
	}
	g.mu.Unlock()
	if start {
		go g.run()
	}
	select {
	case r := <-e.done:
		return r.out, r.err
	case <-ctx.Done():
		var zero Out
		return zero, ctx.Err()
	}
}

func (g *Group[In, Out]) run() {
	for {
		g.mu.Lock()
		batch := g.take()
		if len(batch) == 0 {
			g.running--
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		began := time.Now()
		g.flushBatch(batch)
		if left := g.rest - time.Since(began); left > 0 && len(batch) < g.most && !g.othersWait(g.workspace(batch[0].in)) {
			time.Sleep(left)
		}
	}
}

// othersWait tells whether items of another workspace wait.
func (g *Group[In, Out]) othersWait(ws uuid.UUID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.waiting, func(e entry[In, Out]) bool { return g.workspace(e.in) != ws })
}

// take removes the oldest items of one workspace from the queue.
func (g *Group[In, Out]) take() []entry[In, Out] {
	if len(g.waiting) == 0 {
		return nil
	}
	ws := g.workspace(g.waiting[0].in)
	var batch, rest []entry[In, Out]
	for _, e := range g.waiting {
		if len(batch) < g.most && g.workspace(e.in) == ws {
			batch = append(batch, e)
		} else {
			rest = append(rest, e)
		}
	}
	g.waiting = rest
	return batch
}

func (g *Group[In, Out]) flushBatch(batch []entry[In, Out]) {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	ins := make([]In, len(batch))
	for i, e := range batch {
		ins[i] = e.in
	}
	ws := g.workspace(ins[0])
	outs, err := g.flush(ctx, ws, ins)
	if err != nil && len(batch) > 1 && dataError(err) {
		for i := range batch {
			g.flushBatch(batch[i : i+1])
		}
		return
	}
	for i, e := range batch {
		r := result[Out]{err: err}
		if err == nil {
			r.out = outs[i]
		}
		e.done <- r
	}
}

// dataError tells whether PostgreSQL refused what was sent, as opposed to being
// unable to take it: classes 22 (data), 23 (constraint), 54 (limits).
func dataError(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch pe.Code[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}

// Retryable tells whether the same transaction may succeed if run again at
// once: a deadlock or a serialization failure.
func Retryable(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "40P01" || pe.Code == "40001")
}

// Waiting is how many items wait for a flush to begin.
func (g *Group[In, Out]) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}
