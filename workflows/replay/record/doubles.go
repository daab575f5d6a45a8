package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"parley/connectors/sdk"
	"parley/workflows/conversation"
	"parley/workflows/process"
)

// doubles stand in the place of activities.
type doubles struct {
	// turn answers the n-th turn, from 1, repeats after a failure included.
	turn func(ctx context.Context, n int, in conversation.TurnInput) (conversation.TurnResult, error)
	// call performs the n-th call, from 1, repeats after a failure included.
	call func(ctx context.Context, n int, in conversation.CallInput) error
	// answers of operations, instead of the friendly ones.
	answers map[string]answer

	mu           sync.Mutex
	turns, calls int
}

// answer is what a provider says to an operation; each failure comes before it once.
type answer struct {
	output   string
	failures []error
}

func (d *doubles) register(r worker.ActivityRegistry, happened *events) {
	name := func(n string) activity.RegisterOptions { return activity.RegisterOptions{Name: n} }
	r.RegisterActivityWithOptions(func(ctx context.Context, in conversation.TurnInput) (conversation.TurnResult, error) {
		n := d.count(&d.turns)
		defer happened.report(fmt.Sprintf("turn %d", n))
		return d.turn(ctx, n, in)
	}, name(conversation.TurnActivity))
	r.RegisterActivityWithOptions(func(ctx context.Context, in conversation.CallInput) error {
		n := d.count(&d.calls)
		happened.report(fmt.Sprintf("call %d", n))
		return d.call(ctx, n, in)
	}, name(conversation.CallActivity))
	r.RegisterActivityWithOptions(func(_ context.Context, in process.OperationInput) (json.RawMessage, error) {
		defer happened.report(in.Operation)
		return d.operate(in.Operation)
	}, name(process.OperationActivity))
	r.RegisterActivityWithOptions(func(_ context.Context, in process.TellInput) error {
		happened.report(strings.TrimPrefix(in.Key, in.Case.ID.String()+"-"))
		return nil
	}, name(process.TellActivity))
	r.RegisterActivityWithOptions(func(_ context.Context, in process.ProgressInput) error {
		happened.report("stage " + in.Stage)
		return nil
	}, name(process.AdvanceActivity))
	r.RegisterActivityWithOptions(func(_ context.Context, in process.OutageInput) (process.Outage, error) {
		happened.report("outage of " + in.Connector)
		return process.Outage{Connector: in.Connector}, nil
	}, name(process.OutageActivity))
}

func (d *doubles) count(n *int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	*n++
	return *n
}

func (d *doubles) operate(operation string) (json.RawMessage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.answers[operation]
	if !ok {
		a.output = friendly[operation]
	}
	if len(a.failures) > 0 {
		err := a.failures[0]
		a.failures = a.failures[1:]
		d.answers[operation] = a
		return nil, err
	}
	return json.RawMessage(a.output), nil
}

// final is an error that is not tried again.
func final(class sdk.Class) error {
	return temporal.NewNonRetryableApplicationError("refused", string(class), nil)
}

// parked is that of an operation whose provider is out.
func parked() error {
	return temporal.NewNonRetryableApplicationError("out", process.ErrorParked, nil, process.Outage{Connector: "stripe", Cause: "circuit"})
}

// passing is an error that is.
func passing() error {
	return temporal.NewApplicationError("not now", string(sdk.Unavailable))
}
