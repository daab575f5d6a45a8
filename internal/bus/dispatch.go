package bus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Target is a conversation or case that has something new in its inbox.
type Target struct {
	Workspace  uuid.UUID
	ID         uuid.UUID
	WorkflowID string
	// Channel is the connector's name of a conversation's channel.
	Channel string
	// Case tells which of the two it is.
	Case bool
	// Number of the newest event known; zero means look again in any case.
	Number int64
	Trace  string
}

// with returns what to wake for when t has come while older waited: offers come
// in any order, so the newest number counts, and "look again" beats them all.
func (t Target) with(older *Target) Target {
	if older != nil && t.Number != 0 && (older.Number == 0 || older.Number > t.Number) {
		t.Number = older.Number
	}
	return t
}

// Waker tells a workflow that there is something new. It must be safe to call
// twice for the same.
type Waker interface {
	Wake(ctx context.Context, t Target) error
}

// Dispatcher wakes workflows after their events were kept: serially for each of
// them, many at once over all, through a bounded queue. What does not fit or
// fails is left to the sweeper: the events are safe.
type Dispatcher struct {
	waker   Waker
	log     *slog.Logger
	mu      sync.Mutex
	busy    map[uuid.UUID]*Target // queued or being woken; what came meanwhile, or nil
	queue   chan Target
	workers int
	onDrop  func()
}

// NewDispatcher returns a dispatcher with room for most targets in its queue.
// onDrop, if set, counts targets left to the sweeper.
func NewDispatcher(w Waker, workers, most int, log *slog.Logger, onDrop func()) *Dispatcher {
	if onDrop == nil {
		onDrop = func() {}
	}
	return &Dispatcher{waker: w, log: log, busy: map[uuid.UUID]*Target{}, queue: make(chan Target, most), workers: workers, onDrop: onDrop}
}

// Offer queues a target without waiting. It reports false when the queue is full.
func (d *Dispatcher) Offer(t Target) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if later, running := d.busy[t.ID]; running {
		t = t.with(later)
		d.busy[t.ID] = &t
		return true
	}
	select {
	case d.queue <- t:
		d.busy[t.ID] = nil
		return true
	default:
		d.onDrop()
		return false
	}
}

// Run wakes targets until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range d.workers {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case t := <-d.queue:
					d.serve(ctx, t)
				}
			}
		})
	}
	wg.Wait()
}

// serve wakes one target, and again while more has come for it meanwhile.
func (d *Dispatcher) serve(ctx context.Context, t Target) {
	for {
		call, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := d.waker.Wake(call, t)
		cancel()
		if err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "a workflow could not be woken; the sweeper will try again", "workflow_id", t.WorkflowID, "error", err)
		}
		d.mu.Lock()
		next := d.busy[t.ID]
		if next == nil || err != nil {
			delete(d.busy, t.ID)
			d.mu.Unlock()
			return
		}
		d.busy[t.ID] = nil
		d.mu.Unlock()
		t = *next
	}
}
