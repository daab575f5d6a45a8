package conversation_test

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/conversation"
)

var (
	began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	input = conversation.Input{
		Workspace:    uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000001"),
		Conversation: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000002"),
	}
)

// harness is what a test and a property have in common.
type harness interface {
	require.TestingT
	Helper()
}

// rig runs the workflow with doubles of its activities, and time skipped. The
// doubles of a conversation are called one at a time.
type rig struct {
	t   harness
	env *testsuite.TestWorkflowEnvironment
	// answer is what the n-th turn, from 1, returns.
	answer func(n int, in conversation.TurnInput) (conversation.TurnResult, error)
	// perform is what the n-th call, from 1, does.
	perform func(n int, ctx context.Context, in conversation.CallInput) error

	turns  []time.Duration // when each began
	inputs []conversation.TurnInput
	calls  []conversation.CallInput
	timers []timer
	stages []string
	bare   []string // activities and timers without a summary
	length int
}

type timer struct {
	at   time.Duration // when it was set
	wait time.Duration
	why  string
}

// tooMany timers are a busy loop.
const tooMany = 200

func newRig(t harness) *rig {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	suite.SetDisableRegistrationAliasing(true) // as workers do
	r := &rig{t: t, env: suite.NewTestWorkflowEnvironment(), length: 3,
		perform: func(int, context.Context, conversation.CallInput) error { return nil }}
	r.answer = func(int, conversation.TurnInput) (conversation.TurnResult, error) {
		return conversation.TurnResult{Owner: "bot"}, nil
	}
	r.env.SetStartTime(began)
	r.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&watcher{rig: r}}})
	require.NoError(t, r.env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(conversation.Stage.ValueSet("bot"))))
	r.env.RegisterWorkflowWithOptions(conversation.Workflow, workflow.RegisterOptions{Name: conversation.WorkflowType})
	r.env.RegisterActivityWithOptions(r.turn, activity.RegisterOptions{Name: conversation.TurnActivity})
	r.env.RegisterActivityWithOptions(r.call, activity.RegisterOptions{Name: conversation.CallActivity})
	// What wakes a workflow begins a task of its own.
	r.env.SetCurrentHistoryLength(r.length)
	r.env.SetOnTimerFiredListener(func(string) { r.task() })
	r.env.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) { r.task() })
	return r
}

func (r *rig) task() {
	r.length += 5
	r.env.SetCurrentHistoryLength(r.length)
}

func (r *rig) since() time.Duration { return r.env.Now().Sub(began) }

func (r *rig) turn(_ context.Context, in conversation.TurnInput) (conversation.TurnResult, error) {
	r.turns = append(r.turns, in.Now.Sub(began))
	r.inputs = append(r.inputs, in)
	return r.answer(len(r.turns), in)
}

func (r *rig) call(ctx context.Context, in conversation.CallInput) error {
	r.calls = append(r.calls, in)
	return r.perform(len(r.calls), ctx, in)
}

// at does something after a while, in a task of its own.
func (r *rig) at(d time.Duration, do func()) {
	r.env.RegisterDelayedCallback(func() { r.task(); do() }, d)
}

// arrive signals numbers after a while, all in one task.
func (r *rig) arrive(d time.Duration, numbers ...int64) {
	r.at(d, func() {
		last := len(numbers) - 1
		for _, n := range numbers[:last] {
			r.env.SignalWorkflowSkippingWorkflowTask(conversation.SignalArrived, conversation.Arrived{Number: n})
		}
		r.env.SignalWorkflow(conversation.SignalArrived, conversation.Arrived{Number: numbers[last]})
	})
}

// run runs the workflow until it ends. It returns when that was, and its error.
func (r *rig) run() (time.Duration, error) {
	r.t.Helper()
	r.env.ExecuteWorkflow(conversation.WorkflowType, input)
	require.True(r.t, r.env.IsWorkflowCompleted())
	require.Empty(r.t, r.bare, "operators read activities and timers by their summaries")
	return r.since(), r.env.GetWorkflowError()
}

// closes runs the workflow until it closes by itself.
func (r *rig) closes() time.Duration {
	r.t.Helper()
	took, err := r.run()
	require.NoError(r.t, err)
	return took
}

func (r *rig) whys() []string {
	var out []string
	for _, t := range r.timers {
		out = append(out, t.why)
	}
	return out
}

func minutes(m ...int) []time.Duration {
	var out []time.Duration
	for _, n := range m {
		out = append(out, time.Duration(n)*time.Minute)
	}
	return out
}

// watcher notes timers and search attributes, and what has no summary.
type watcher struct {
	interceptor.WorkerInterceptorBase
	rig *rig
}

func (w *watcher) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, w.rig}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	rig *rig
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.rig})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	rig *rig
}

func (o *outbound) summarised(what, summary string) {
	if summary == "" {
		o.rig.bare = append(o.rig.bare, what)
	}
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	o.summarised(name, workflow.GetActivityOptions(ctx).Summary)
	return o.Next.ExecuteActivity(ctx, name, args...)
}

func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	o.summarised(name, workflow.GetLocalActivityOptions(ctx).Summary)
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (o *outbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, opts workflow.TimerOptions) workflow.Future {
	o.summarised("timer", opts.Summary)
	o.rig.timers = append(o.rig.timers, timer{o.rig.since(), d, opts.Summary})
	if len(o.rig.timers) > tooMany {
		panic("timers go on and on")
	}
	return o.Next.NewTimerWithOptions(ctx, d, opts)
}

func (o *outbound) UpsertTypedSearchAttributes(ctx workflow.Context, attrs ...temporal.SearchAttributeUpdate) error {
	got := temporal.NewSearchAttributes(attrs...)
	if stage, ok := got.GetKeyword(conversation.Stage); ok {
		o.rig.stages = append(o.rig.stages, stage)
	}
	return o.Next.UpsertTypedSearchAttributes(ctx, attrs...)
}
