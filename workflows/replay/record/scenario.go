package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"parley/workflows/replay"
)

// patience is how long a scenario may take.
const patience = time.Minute

// scenario is one workflow's script.
type scenario struct {
	name       string
	workflow   string // its type
	id         string
	input      any
	attributes temporal.SearchAttributes
	// taskTimeout of the workflow; a short one makes a long turn heartbeat.
	taskTimeout time.Duration
	doubles     *doubles
	steps       []step
	open        bool // see running
}

// running is a scenario whose workflow is still open when its history is taken.
func running(s *scenario) *scenario {
	s.open = true
	return s
}

// step does something when something has happened: see [events].
type step struct {
	after string
	do    func(ctx context.Context, c client.Client, id string) error
}

// events are what doubles report: "turn 2", "call a 1", "refund_create",
// "tell-pay", "stage payment".
type events struct {
	mu      sync.Mutex
	seen    []string
	changed chan struct{}
}

func newEvents() *events { return &events{changed: make(chan struct{})} }

func (e *events) report(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, what)
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *events) wait(ctx context.Context, what string) error {
	for {
		e.mu.Lock()
		found, changed, seen := slices.Contains(e.seen, what), e.changed, slices.Clone(e.seen)
		e.mu.Unlock()
		if found || what == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%q has not happened within %s; there was: %q", what, patience, seen)
		}
	}
}

// run plays the scenario with a worker of its own and returns its history.
func (s *scenario) run(ctx context.Context, c client.Client) (*history.History, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	queue := "record-" + s.name
	w := worker.New(c, queue, worker.Options{Identity: "recorder", DisableRegistrationAliasing: true})
	replay.Register(w)
	happened := newEvents()
	s.doubles.register(w, happened)
	if err := w.Start(); err != nil {
		return nil, err
	}
	defer w.Stop()
	started, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: s.id, TaskQueue: queue, WorkflowTaskTimeout: s.taskTimeout,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING, TypedSearchAttributes: s.attributes}, s.workflow, s.input)
	if err != nil {
		return nil, err
	}
	for _, step := range s.steps {
		if err := happened.wait(ctx, step.after); err != nil {
			return nil, err
		}
		if step.do == nil {
			continue
		}
		if err := step.do(ctx, c, s.id); err != nil {
			return nil, err
		}
	}
	// A workflow that is open, or has continued in a new run, is not left behind.
	defer func() { _ = c.TerminateWorkflow(context.WithoutCancel(ctx), s.id, "", "recorded") }()
	if !s.open {
		// Some end by an error; that is part of the scenario.
		_ = c.GetWorkflow(ctx, s.id, started.GetRunID()).GetWithOptions(ctx, nil, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	}
	h, err := read(ctx, c, s.id, started.GetRunID())
	if err == nil && !s.open && !ended(h.Events[len(h.Events)-1].EventType) {
		err = fmt.Errorf("the workflow has not ended within %s", patience)
	}
	return h, err
}

func ended(t enums.EventType) bool {
	switch t {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return true
	}
	return false
}

func read(ctx context.Context, c client.Client, id, run string) (*history.History, error) {
	h := &history.History{}
	it := c.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return nil, err
		}
		if q := e.GetWorkflowTaskScheduledEventAttributes().GetTaskQueue(); q.GetKind() == enums.TASK_QUEUE_KIND_STICKY {
			q.Name = "sticky" // a worker's own queue is named after its machine
		}
		h.Events = append(h.Events, e)
	}
	return h, nil
}

// cancel asks the workflow to end.
func cancel(ctx context.Context, c client.Client, id string) error {
	return c.CancelWorkflow(ctx, id, "")
}

// send sends signals, one after the other.
func send[T any](name string, args ...T) func(context.Context, client.Client, string) error {
	return func(ctx context.Context, c client.Client, id string) error {
		for _, a := range args {
			if err := c.SignalWorkflow(ctx, id, "", name, a); err != nil {
				return err
			}
		}
		return nil
	}
}
