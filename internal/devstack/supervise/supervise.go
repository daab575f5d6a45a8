// Package supervise keeps the parts of a system running, as goroutines of this
// process or as processes of their own, and finds those that an earlier
// supervisor left behind when it was killed.
package supervise

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Process is something that runs until it is stopped or ends by itself.
type Process interface {
	// PID is the ID of the operating system's process that it runs in.
	PID() int
	// Gone is closed when it has ended.
	Gone() <-chan struct{}
	// Stop ends it, and returns when it has ended. It may be called more than
	// once.
	Stop() error
}

// Task is a function that runs in a goroutine of this process.
type Task struct {
	cancel context.CancelFunc
	gone   chan struct{}
	err    error // set before gone is closed
}

// Go runs the function until it returns; it must return soon after its context
// ends.
func Go(run func(context.Context) error) *Task {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Task{cancel: cancel, gone: make(chan struct{})}
	go func() {
		defer close(t.gone)
		t.err = run(ctx)
	}()
	return t
}

// PID implements [Process].
func (t *Task) PID() int { return os.Getpid() }

// Gone implements [Process].
func (t *Task) Gone() <-chan struct{} { return t.gone }

// Stop implements [Process]. It returns the function's error.
func (t *Task) Stop() error {
	t.cancel()
	<-t.gone
	return t.err
}

// Restarts after a part has died: at once, then with pauses that double up to
// longestPause while it keeps dying within healthyAfter.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
	healthyAfter  = 3 * time.Second
)

// Keeper keeps one part running. Its methods may be called concurrently.
type Keeper struct {
	name    string
	start   func(context.Context) (Process, error)
	changed func(pid int)
	log     *slog.Logger

	mu      sync.Mutex
	process Process
	cancel  context.CancelFunc
	ended   chan struct{}
}

// Keep starts the part again with start whenever it ends, beginning with first,
// which runs already, until Stop. changed is called with each new process ID.
func Keep(name string, log *slog.Logger, first Process, start func(context.Context) (Process, error), changed func(pid int)) *Keeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &Keeper{name: name, start: start, changed: changed, log: log,
		process: first, cancel: cancel, ended: make(chan struct{})}
	go k.watch(ctx, first)
	return k
}

func (k *Keeper) watch(ctx context.Context, p Process) {
	defer close(k.ended)
	pause := time.Duration(0)
	for {
		since := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-p.Gone():
		}
		if time.Since(since) >= healthyAfter {
			pause = 0
		}
		k.log.Warn("a part ended and is started again", "role", k.name, "pid", p.PID(), "wait", pause)
		if p = k.restart(ctx, &pause); p == nil {
			return
		}
	}
}

// restart returns nil if ctx has ended.
func (k *Keeper) restart(ctx context.Context, pause *time.Duration) Process {
	for {
		if !sleep(ctx, *pause) {
			return nil
		}
		*pause = min(max(2**pause, shortestPause), longestPause)
		p, err := k.start(ctx)
		if err != nil {
			if ctx.Err() == nil {
				k.log.Error("a part does not start", "role", k.name, "error", err)
			}
			continue
		}
		k.mu.Lock()
		k.process = p
		k.mu.Unlock()
		k.changed(p.PID())
		return p
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// Stop ends the part and the keeping.
func (k *Keeper) Stop() error {
	k.cancel()
	<-k.ended // a restart under way has come to its end
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.process.Stop()
}
