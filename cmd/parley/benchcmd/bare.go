package benchcmd

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// bare is Temporal alone: a turn is a signal and one empty local activity.
type bare struct {
	temporal client.Client
	worker   worker.Worker
	replies  replies
	run      string // makes workflow IDs new in every measurement
	started  sync.Map
}

const bareQueue = "bench-bare"

func newBare(temporal client.Client, run string) (*bare, error) {
	b := &bare{temporal: temporal, run: run, worker: worker.New(temporal, bareQueue, worker.Options{MaxConcurrentWorkflowTaskPollers: 8})}
	b.worker.RegisterWorkflowWithOptions(bareWorkflow, workflow.RegisterOptions{Name: "bare"})
	b.worker.RegisterActivityWithOptions(func(_ context.Context, address string) error {
		b.replies.arrived(address)
		return nil
	}, activity.RegisterOptions{Name: "empty"})
	if err := b.worker.Start(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return b, nil
}

func bareWorkflow(ctx workflow.Context, address string) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	arrived := workflow.GetSignalChannel(ctx, "arrived")
	for n := 0; ; n++ {
		arrived.Receive(ctx, nil)
		if err := workflow.ExecuteLocalActivity(ctx, "empty", address).Get(ctx, nil); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, "bare", address)
		}
	}
}

func (b *bare) turn(ctx context.Context, conversation int, _ bool) (time.Duration, error) {
	address := fmt.Sprintf("bare/%s/%d", b.run, conversation)
	reply := b.replies.expect(address)
	began := time.Now()
	var err error
	if _, again := b.started.LoadOrStore(address, true); again {
		err = b.temporal.SignalWorkflow(ctx, address, "", "arrived", nil)
	} else {
		_, err = b.temporal.SignalWithStartWorkflow(ctx, address, "arrived", nil, client.StartWorkflowOptions{TaskQueue: bareQueue}, "bare", address)
	}
	if err != nil {
		return 0, err
	}
	return time.Since(began), await(ctx, reply)
}

func (b *bare) stop() { b.worker.Stop() }

func await(ctx context.Context, reply <-chan struct{}) error {
	select {
	case <-reply:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("bench: a turn was not answered: %w", ctx.Err())
	}
}
