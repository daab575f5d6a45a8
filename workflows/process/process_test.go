package process_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/workflows/process"
	"pgregory.net/rapid"
)

var (
	began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ref   = process.Ref{Workspace: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000001"), ID: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000002"),
		Kind: "order", Number: 1001, Channel: "webchat"}
)

func environment(t require.TestingT) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(began)
	return env
}

func news(env *testsuite.TestWorkflowEnvironment, after time.Duration, number int64) {
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(process.SignalNews, process.News{Number: number, Name: fmt.Sprint(number)})
	}, after)
}

// listen returns the numbers of all news heard until an hour has passed.
func listen(ctx workflow.Context) ([]int64, error) {
	ctx, p := process.Start(ctx, ref)
	deadline := workflow.Now(ctx).Add(time.Hour)
	var heard []int64
	for {
		n, ok := p.Next(ctx, deadline, "end of the hour")
		if !ok {
			return heard, nil
		}
		heard = append(heard, n.Number)
	}
}

func heard(t require.TestingT, env *testsuite.TestWorkflowEnvironment) []int64 {
	env.ExecuteWorkflow(listen)
	require.NoError(t, env.GetWorkflowError())
	var got []int64
	require.NoError(t, env.GetWorkflowResult(&got))
	return got
}

func TestNewsIsHeardInOrderAndOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := environment(t)
		count := rapid.IntRange(0, 8).Draw(t, "count")
		var want, all []int64
		for n := int64(1); n <= int64(count); n++ {
			want = append(want, n)
			for range rapid.IntRange(1, 3).Draw(t, "times") {
				all = append(all, n)
			}
		}
		for _, n := range rapid.Permutation(all).Draw(t, "order") {
			news(env, time.Duration(rapid.IntRange(0, 59).Draw(t, "minute"))*time.Minute, n)
		}
		require.Equal(t, want, heard(t, env))
	})
}

func TestNewsAfterAGapWaits(t *testing.T) {
	env := environment(t)
	news(env, time.Minute, 1)
	news(env, 2*time.Minute, 3)
	require.Equal(t, []int64{1}, heard(t, env), "3 waits for 2, which the sender will repeat")
}

// A timer may ring in the same workflow task in which news comes.
func TestNewsBeatsTheDeadline(t *testing.T) {
	env := environment(t)
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflowSkippingWorkflowTask(process.SignalNews, process.News{Number: 1})
	}, time.Hour-time.Millisecond)
	require.Equal(t, []int64{1}, heard(t, env))
}

func TestCancellationIsNews(t *testing.T) {
	env := environment(t)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	news(env, 2*time.Minute, 1)
	require.Equal(t, []int64{0, 1}, heard(t, env), "it is heard once, and what follows is heard too")
}

func TestClassOf(t *testing.T) {
	final := func(class sdk.Class) error { return temporal.NewNonRetryableApplicationError("no", string(class), nil) }
	for name, c := range map[string]struct {
		err  error
		want sdk.Class
	}{
		"rejected":             {final(sdk.Rejected), sdk.Rejected},
		"not found":            {final(sdk.NotFound), sdk.NotFound},
		"auth":                 {final(sdk.Auth), sdk.Auth},
		"invalid":              {final(sdk.Invalid), sdk.Invalid},
		"uncertain":            {final(sdk.Uncertain), sdk.Uncertain},
		"throttled":            {final(sdk.Throttled), sdk.Throttled},
		"unavailable":          {final(sdk.Unavailable), sdk.Unavailable},
		"wrapped":              {fmt.Errorf("while paying: %w", final(sdk.Rejected)), sdk.Rejected},
		"out of time":          {temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil), sdk.Unavailable},
		"an error of no class": {temporal.NewApplicationError("nil map", "PanicError"), sdk.Unavailable},
		"some other error":     {errors.New("no"), sdk.Unavailable},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, process.ClassOf(c.err)) })
	}
}

func register(env *testsuite.TestWorkflowEnvironment, name string, fn any) {
	env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
}

func TestDo(t *testing.T) {
	once := func(ctx workflow.Context) (string, error) {
		ctx, p := process.Start(ctx, ref)
		var out struct{ ID string }
		err := p.Do(ctx, process.Operation{Name: "pay", Connector: "stripe", Operation: "payment_link_create",
			Input: map[string]any{"amount": 5}, Patience: time.Hour, Summary: "make the payment link"}, &out)
		if err != nil {
			return string(process.ClassOf(err)), nil
		}
		return out.ID, nil
	}
	for name, c := range map[string]struct {
		do    func(attempt int32) (json.RawMessage, error)
		want  string
		tries int32
	}{
		"succeeds": {func(int32) (json.RawMessage, error) { return json.RawMessage(`{"id":"plink_1"}`), nil }, "plink_1", 1},
		"succeeds after a while": {func(attempt int32) (json.RawMessage, error) {
			if attempt < 4 {
				return nil, temporal.NewApplicationError("down", string(sdk.Unavailable))
			}
			return json.RawMessage(`{"id":"plink_1"}`), nil
		}, "plink_1", 4},
		"is refused": {func(int32) (json.RawMessage, error) {
			return nil, temporal.NewNonRetryableApplicationError("no", string(sdk.Rejected), nil)
		}, "rejected", 1},
	} {
		t.Run(name, func(t *testing.T) {
			env := environment(t)
			var inputs []process.OperationInput
			register(env, process.OperationActivity, func(ctx context.Context, in process.OperationInput) (json.RawMessage, error) {
				inputs = append(inputs, in)
				return c.do(activity.GetInfo(ctx).Attempt)
			})
			env.ExecuteWorkflow(once)
			require.NoError(t, env.GetWorkflowError())
			var got string
			require.NoError(t, env.GetWorkflowResult(&got))
			require.Equal(t, c.want, got)
			require.Len(t, inputs, int(c.tries))
			require.Equal(t, process.OperationInput{Case: ref, Key: ref.ID.String() + "-pay", Connector: "stripe",
				Operation: "payment_link_create", Input: json.RawMessage(`{"amount":5}`), Parks: true}, inputs[len(inputs)-1])
		})
	}
}

func TestTell(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		failed bool
	}{
		"is handed over":                   {},
		"an erased conversation is no bar": {temporal.NewNonRetryableApplicationError("the data was erased", string(sdk.NotFound), nil), false},
		"any other failure is one":         {temporal.NewNonRetryableApplicationError("no text", string(sdk.Invalid), nil), true},
	} {
		t.Run(name, func(t *testing.T) {
			env := environment(t)
			var got []process.TellInput
			register(env, process.TellActivity, func(_ context.Context, in process.TellInput) error {
				got = append(got, in)
				return c.err
			})
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				ctx, p := process.Start(ctx, ref)
				return p.Tell(ctx, "tell-pay", sdk.Content{Text: "Pay here"})
			})
			require.Equal(t, c.failed, env.GetWorkflowError() != nil)
			require.Equal(t, []process.TellInput{{Case: ref, Key: ref.ID.String() + "-tell-pay", Content: sdk.Content{Text: "Pay here"}}}, got)
		})
	}
}

// Operators find a case by its search attributes and read it in its details.
func TestStage(t *testing.T) {
	env := environment(t)
	var attributes []temporal.SearchAttributes
	env.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Run(func(args mock.Arguments) {
		attributes = append(attributes, args.Get(0).(temporal.SearchAttributes))
	})
	var rows []process.ProgressInput
	register(env, process.AdvanceActivity, func(_ context.Context, in process.ProgressInput) error {
		rows = append(rows, in)
		return nil
	})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx, p := process.Start(ctx, ref)
		waiting := process.ProgressInput{Stage: "payment", WaitingFor: "payment", Open: true, Text: "It waits for you."}
		if err := p.Stage(ctx, waiting, began.Add(time.Hour)); err != nil {
			return err
		}
		return p.Stage(ctx, process.ProgressInput{Stage: "closed", Outcome: "expired"}, time.Time{})
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, "It waits for you.", rows[0].Text)
	require.Equal(t, ref, rows[0].Case)

	stage, waiting := temporal.NewSearchAttributeKeyKeyword("Stage"), temporal.NewSearchAttributeKeyKeyword("WaitingFor")
	outcome, deadline := temporal.NewSearchAttributeKeyKeyword("Outcome"), temporal.NewSearchAttributeKeyTime("Deadline")
	require.Equal(t, temporal.NewSearchAttributes(stage.ValueSet("payment"), waiting.ValueSet("payment"), outcome.ValueSet("none"), deadline.ValueSet(began.Add(time.Hour))), attributes[0])
	require.Equal(t, temporal.NewSearchAttributes(stage.ValueSet("closed"), waiting.ValueSet("none"), outcome.ValueSet("expired"), deadline.ValueUnset()), attributes[1])

	answer, err := env.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, answer.Get(&metadata))
	require.Equal(t, "**order 1001 · closed**\n\nOutcome: expired\n\nSo far:\n- 2026-03-02 09:00 payment\n- 2026-03-02 09:00 closed\n", metadata.CurrentDetails)
}
