package conversation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/conversation"
)

// requireContinues checks that the run goes on in a new one of the same type and
// with the same input.
func requireContinues(t *testing.T, err error) {
	t.Helper()
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	require.Equal(t, conversation.WorkflowType, next.WorkflowType.Name)
	var in conversation.Input
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Equal(t, input, in)
}

// If a signal comes in while a run continues as new, its last task is run again:
// so that is never a task in which a turn ran. What arrives then is left to the
// first turn of the new run.
func TestContinuesAsNew(t *testing.T) {
	for name, outgrow := range map[string]func(r *rig){
		"when Temporal suggests it": func(r *rig) { r.env.SetContinueAsNewSuggested(true) },
		"when the history is long":  func(r *rig) { r.length = 4001; r.env.SetCurrentHistoryLength(r.length) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.at(time.Minute, func() {
				outgrow(r)
				r.env.SignalWorkflow(conversation.SignalArrived, conversation.Arrived{Number: 1})
			})
			r.answer = func(int, conversation.TurnInput) (conversation.TurnResult, error) { return bot(0) }
			took, err := r.run()
			requireContinues(t, err)
			require.Equal(t, time.Minute, took)
			require.Equal(t, minutes(0), r.turns, "the new run begins with a turn")
		})
	}
}

func TestNeverContinuesInATaskWithATurn(t *testing.T) {
	r := newRig(t)
	r.answer = func(int, conversation.TurnInput) (conversation.TurnResult, error) {
		r.env.SetContinueAsNewSuggested(true) // while the turn runs
		return bot(1)
	}
	took, err := r.run()
	requireContinues(t, err)
	require.Equal(t, minutes(0), r.turns)
	require.Equal(t, idle, took, "the next task is that of the idle timer")
}

func TestContinuesAsNewAfterItsCalls(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		r.env.SetContinueAsNewSuggested(true)
		return calling("a")
	}
	var token []byte
	r.perform = func(_ int, ctx context.Context, _ conversation.CallInput) error {
		token = activity.GetInfo(ctx).TaskToken
		return activity.ErrResultPending
	}
	r.arrive(time.Minute, 2)
	r.at(2*time.Minute, func() { require.NoError(t, r.env.CompleteActivity(token, nil, nil)) })
	took, err := r.run()
	requireContinues(t, err)
	require.Equal(t, 2*time.Minute, took)
	require.Equal(t, minutes(0, 1), r.turns, "messages are answered meanwhile")
}

func TestCancelled(t *testing.T) {
	r := newRig(t)
	r.at(time.Minute, r.env.CancelWorkflow)
	took, err := r.run()
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Equal(t, time.Minute, took)
}
