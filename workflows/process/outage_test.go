package process_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/process"
)

// An operation that meets an outage is tried when the workflow is told, and now
// and then if nobody tells. The time of the outage is not its time.
func TestAnOperationWaitsForTheEndOfAnOutage(t *testing.T) {
	const patience = time.Hour
	for name, c := range map[string]struct {
		over time.Duration
		tell []time.Duration
		want []time.Duration
	}{
		"it is told":                           {5 * time.Hour, []time.Duration{5 * time.Hour}, []time.Duration{0, 10 * time.Minute, 30 * time.Minute, 70 * time.Minute, 150 * time.Minute, 5 * time.Hour}},
		"nobody tells it":                      {25 * time.Minute, nil, []time.Duration{0, 10 * time.Minute, 30 * time.Minute}},
		"it is told too early, and told again": {8 * time.Minute, []time.Duration{time.Minute, 8 * time.Minute}, []time.Duration{0, time.Minute, 8 * time.Minute}},
		"it is told at once":                   {time.Second, []time.Duration{time.Second}, []time.Duration{0, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			env := environment(t)
			var tried []time.Duration
			register(env, process.AdvanceActivity, func(context.Context, process.ProgressInput) error { return nil })
			register(env, process.OperationActivity, func(ctx context.Context, in process.OperationInput) (json.RawMessage, error) {
				at := env.Now().Sub(began)
				tried = append(tried, at)
				require.Equal(t, patience, activity.GetInfo(ctx).ScheduleToCloseTimeout, "nothing of it is used up")
				if at < c.over {
					return nil, temporal.NewNonRetryableApplicationError("out", process.ErrorParked, nil, process.Outage{Connector: "stripe", Cause: "operator", Since: began})
				}
				return json.RawMessage(`{}`), nil
			})
			for _, at := range c.tell {
				env.RegisterDelayedCallback(func() {
					env.SignalWorkflow(process.SignalReleased, process.Released{Key: "another"})
					env.SignalWorkflow(process.SignalReleased, process.Released{Key: ref.ID.String() + "-pay"})
				}, at)
			}
			env.ExecuteWorkflow(func(ctx workflow.Context) (time.Duration, error) {
				ctx, p := process.Start(ctx, ref)
				if err := p.Stage(ctx, process.ProgressInput{Stage: "payment", WaitingFor: "payment"}, time.Time{}); err != nil {
					return 0, err
				}
				err := p.Do(ctx, process.Operation{Name: "pay", Connector: "stripe", Operation: "x", Patience: patience, Summary: "pay"}, nil)
				return p.Parked(), err
			})
			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, c.want, tried)
			var parked time.Duration
			require.NoError(t, env.GetWorkflowResult(&parked))
			require.Equal(t, tried[len(tried)-1], parked)
		})
	}
}
