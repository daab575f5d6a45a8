package replay_test

import (
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/conversation"
	"parley/workflows/order"
	"parley/workflows/process"
	"parley/workflows/replay"
)

var quiet = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

// stored gives every stored history by its scenario.
func stored(t *testing.T) map[string]*history.History {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.json.gz")
	require.NoError(t, err)
	out := map[string]*history.History{}
	for _, p := range paths {
		h, err := replay.Read(p)
		require.NoError(t, err)
		out[strings.TrimSuffix(filepath.Base(p), ".json.gz")] = h
	}
	return out
}

func replayer(t *testing.T, change ...interceptor.WorkerInterceptor) worker.WorkflowReplayer {
	t.Helper()
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableRegistrationAliasing: true, Interceptors: change})
	require.NoError(t, err)
	replay.Register(r)
	return r
}

// Workflows that ran once can be followed by the code of today.
func TestReplay(t *testing.T) {
	types := map[string]int{}
	for name, h := range stored(t) {
		t.Run(name, func(t *testing.T) {
			types[h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()]++
			require.NoError(t, replayer(t).ReplayWorkflowHistory(quiet, h))
		})
	}
	require.GreaterOrEqual(t, types[conversation.WorkflowType], 5)
	require.GreaterOrEqual(t, types[order.WorkflowType], 10)
}

// A change of code that running workflows could not follow is found by the
// histories that are stored.
func TestIncompatibleChangeIsCaught(t *testing.T) {
	for _, c := range []struct {
		name   string
		change change
		types  []string // of the workflows that it breaks
	}{
		{"two activities in another order", change{activity: swap(process.AdvanceActivity, process.TellActivity)}, []string{order.WorkflowType}},
		{"an activity under another name", change{activity: swap(conversation.CallActivity, "PerformEffect")}, []string{conversation.WorkflowType}},
		{"a local activity made a regular one", change{regular: true}, []string{conversation.WorkflowType}},
		{"a timer dropped", change{noTimer: true}, []string{conversation.WorkflowType, order.WorkflowType}},
		{"an activity more", change{first: process.AdvanceActivity}, []string{conversation.WorkflowType, order.WorkflowType}},
	} {
		t.Run(c.name, func(t *testing.T) {
			caught := map[string]int{}
			for _, h := range stored(t) {
				if err := replayer(t, &c.change).ReplayWorkflowHistory(quiet, h); err != nil {
					require.ErrorContains(t, err, "TMPRL1100", "the SDK's code for what is not deterministic")
					caught[h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()]++
				}
			}
			for _, typ := range c.types {
				require.Positive(t, caught[typ], typ)
			}
		})
	}
}

// Operators read a workflow by the summaries of its activities and timers.
func TestSummaries(t *testing.T) {
	seen := map[string]bool{}
	for name, h := range stored(t) {
		for _, e := range h.Events {
			switch e.EventType {
			case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enums.EVENT_TYPE_TIMER_STARTED, enums.EVENT_TYPE_MARKER_RECORDED:
			default:
				continue
			}
			if m := e.GetMarkerRecordedEventAttributes(); m != nil && m.MarkerName != "LocalActivity" {
				continue
			}
			s := text(t, e.GetUserMetadata().GetSummary())
			require.NotEmpty(t, s, "%s: event %d", name, e.EventId)
			seen[s] = true
		}
	}
	for _, s := range []string{
		"answer what has arrived", "shopify products_search for block browse",
		"the flow waits until then", "look again at what was not settled", "close the run if nobody has written",
		"reserve the stock and fix the price", "make the payment link", "remind of the payment", "give the unpaid order up",
		"take the payment link away", "was it paid at the last moment?", "free the stock", "give back what is still paid until then",
		"make the order at the shop", "cancel the order at the shop", "give the money back", "was the money given back already?",
		"close the order if nobody reports its delivery", "record stage closed", "tell the customer: tell-pay",
	} {
		require.True(t, seen[s], "no stored history covers: %s", s)
	}
}

func text(t *testing.T, p *common.Payload) string {
	t.Helper()
	var s string
	if p != nil {
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(p, &s))
	}
	return s
}

// change is a change of workflow code, as what it asks of Temporal.
type change struct {
	interceptor.WorkerInterceptorBase
	activity func(string) string // gives an activity another name
	regular  bool                // runs local activities as regular ones
	noTimer  bool                // sets no timer
	first    string              // an activity that is run before everything else
}

func swap(a, b string) func(string) string {
	return func(name string) string {
		switch name {
		case a:
			return b
		case b:
			return a
		}
		return name
	}
}

func (c *change) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &changedIn{interceptor.WorkflowInboundInterceptorBase{Next: next}, c}
}

type changedIn struct {
	interceptor.WorkflowInboundInterceptorBase
	*change
}

func (i *changedIn) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&changedOut{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.change})
}

func (i *changedIn) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	if i.first != "" {
		workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute}), i.first)
	}
	return i.Next.ExecuteWorkflow(ctx, in)
}

type changedOut struct {
	interceptor.WorkflowOutboundInterceptorBase
	*change
}

func (o *changedOut) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if o.activity != nil {
		name = o.activity(name)
	}
	return o.Next.ExecuteActivity(ctx, name, args...)
}

func (o *changedOut) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if o.regular {
		return o.Next.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute}), name, args...)
	}
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (o *changedOut) NewTimerWithOptions(ctx workflow.Context, d time.Duration, opts workflow.TimerOptions) workflow.Future {
	if o.noTimer {
		never, _ := workflow.NewFuture(ctx)
		return never
	}
	return o.Next.NewTimerWithOptions(ctx, d, opts)
}
