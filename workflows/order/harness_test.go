package order_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/workflows/order"
	"parley/workflows/process"
)

var (
	began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ref   = process.Ref{
		Workspace: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000001"), ID: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000002"),
		Kind: order.Kind, Number: 1001, Contact: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000003"),
		Conversation: uuid.MustParse("6f2c1d3e-0000-4000-8000-000000000004"), Channel: "webchat",
	}
	cart = order.Cart{Currency: "EUR", Lines: []order.Line{{VariantID: "gid://shopify/ProductVariant/1", Title: "Teapot", Quantity: 2, Price: order.Money{Amount: 1250, Currency: "EUR"}}}}
)

// answer is what a provider says to an operation.
type answer struct {
	output string
	class  sdk.Class // of the error, if there is one
}

// friendly are the answers of providers with which all goes well.
func friendly() map[string]answer {
	return map[string]answer{
		"draft_order_create":      {output: `{"id":"gid://shopify/DraftOrder/7","total":{"amount":2500,"currency":"EUR"}}`},
		"payment_link_create":     {output: `{"id":"plink_1","url":"https://pay.example/plink_1"}`},
		"payment_link_deactivate": {output: `{"id":"plink_1","active":false}`},
		"payment_retrieve":        {output: `{"status":"failed","payment_link":"plink_1"}`},
		"draft_order_delete":      {output: `{"draft_id":"gid://shopify/DraftOrder/7","deleted":true}`},
		"draft_order_complete":    {output: `{"order_id":"gid://shopify/Order/9","name":"#1009"}`},
		"order_cancel":            {output: `{"order_id":"gid://shopify/Order/9","done":true}`},
		"refund_create":           {output: `{"id":"re_1","status":"succeeded","amount":2500}`},
	}
}

// told is news and when it arrives.
type told struct {
	after time.Duration
	news  process.News
}

// story is one order: what providers answer and what is heard of.
type story struct {
	settings   order.Settings
	answers    map[string]answer // instead of the friendly ones
	erased     bool              // the customer's chat
	news       []told
	cancelAt   time.Duration // when an operator cancels the workflow
	workflowID string
	outage     *outage // of the payment provider
}

// outage is when the payment provider is out, since the order began.
type outage struct{ from, to time.Duration }

// hear gives a story's news numbers in their order, five minutes apart.
func hear(names ...string) []told {
	var out []told
	for i, name := range names {
		n := process.News{Number: int64(i + 1), Name: name, Data: newsData[name]}
		out = append(out, told{time.Duration(i+1) * 5 * time.Minute, n})
	}
	return out
}

var newsData = map[string]json.RawMessage{
	"payment.paid":     json.RawMessage(`{"status":"paid","payment_intent":"pi_1"}`),
	"payment.refunded": json.RawMessage(`{"status":"refunded","payment_intent":"pi_1","refunded":2500,"currency":"EUR"}`),
	"order.fulfilled":  json.RawMessage(`{"tracking":[{"company":"DHL","number":"JD01","url":"https://track.example/JD01"}]}`),
}

// outcome is all that an order did.
type outcome struct {
	Operations []string // operation key-suffix
	Inputs     []process.OperationInput
	Told       []string // key suffixes
	Texts      []string
	Stages     []string
	Progress   []process.ProgressInput
	Outcome    string
	Timers     []string // their summaries
	Bare       []string // activities and timers without a summary
	Took       time.Duration
	Err        error
}

// harness is what a test and a property have in common.
type harness interface {
	require.TestingT
	Helper()
}

// run plays a story to its end, with time skipped.
func run(t harness, s story) *outcome {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	env := suite.NewTestWorkflowEnvironment()
	out := &outcome{}
	env.SetStartTime(began)
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&watcher{out: out}}})
	if s.workflowID != "" {
		env.SetStartWorkflowOptions(workflowOptions(s.workflowID))
	}
	register(env, s, out)
	for _, n := range s.news {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(process.SignalNews, n.news) }, n.after)
	}
	if s.cancelAt > 0 {
		env.RegisterDelayedCallback(env.CancelWorkflow, s.cancelAt)
	}
	env.ExecuteWorkflow(order.Workflow, order.Input{Case: ref, Cart: cart, Settings: s.settings})
	require.True(t, env.IsWorkflowCompleted())
	out.Err = env.GetWorkflowError()
	out.Took = env.Now().Sub(began)
	return out
}

// register puts doubles in the place of the activities. Those of a workflow that
// does one thing at a time are never run at once.
func register(env *testsuite.TestWorkflowEnvironment, s story, out *outcome) {
	answers := friendly()
	for op, a := range s.answers {
		answers[op] = a
	}
	prefix := len(ref.ID.String()) + 1
	name := func(n string) activity.RegisterOptions { return activity.RegisterOptions{Name: n} }
	env.RegisterActivityWithOptions(func(_ context.Context, in process.OperationInput) (json.RawMessage, error) {
		out.Operations = append(out.Operations, in.Operation+" "+in.Key[prefix:])
		out.Inputs = append(out.Inputs, in)
		now := env.Now()
		if o := s.outage; o != nil && in.Connector == "stripe" && now.Before(began.Add(o.to)) && !now.Before(began.Add(o.from)) {
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(process.SignalReleased, process.Released{Key: in.Key}) }, began.Add(o.to).Sub(now))
			return nil, temporal.NewNonRetryableApplicationError("out", process.ErrorParked, nil, process.Outage{Connector: "stripe", Cause: "circuit", Since: began.Add(o.from)})
		}
		a := answers[in.Operation]
		if a.class != "" {
			return nil, temporal.NewNonRetryableApplicationError("refused", string(a.class), nil)
		}
		return json.RawMessage(a.output), nil
	}, name(process.OperationActivity))
	env.RegisterActivityWithOptions(func(_ context.Context, in process.TellInput) error {
		if s.erased {
			return temporal.NewNonRetryableApplicationError("the data was erased", string(sdk.NotFound), nil)
		}
		out.Told = append(out.Told, in.Key[prefix:])
		out.Texts = append(out.Texts, in.Content.Text)
		return nil
	}, name(process.TellActivity))
	env.RegisterActivityWithOptions(func(_ context.Context, in process.ProgressInput) error {
		out.Stages = append(out.Stages, in.Stage)
		out.Progress = append(out.Progress, in)
		out.Outcome = in.Outcome
		return nil
	}, name(process.AdvanceActivity))
	env.RegisterActivityWithOptions(func(_ context.Context, in process.OutageInput) (process.Outage, error) {
		return s.outage.between(in), nil
	}, name(process.OutageActivity))
}

func (o *outage) between(in process.OutageInput) process.Outage {
	if o == nil {
		return process.Outage{}
	}
	from, to := began.Add(o.from), began.Add(o.to)
	out := process.Outage{Connector: in.Connector, Cause: "circuit", Since: from, Open: in.To.After(from) && in.To.Before(to)}
	if from.Before(in.From) {
		from = in.From
	}
	if to.After(in.To) {
		to = in.To
	}
	out.Lasted = max(to.Sub(from), 0)
	return out
}

// watcher notes timers, and what has no summary.
type watcher struct {
	interceptor.WorkerInterceptorBase
	out *outcome
}

func (w *watcher) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, w.out}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	out *outcome
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.out})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	out *outcome
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if workflow.GetActivityOptions(ctx).Summary == "" {
		o.out.Bare = append(o.out.Bare, name)
	}
	return o.Next.ExecuteActivity(ctx, name, args...)
}

func (o *outbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, opts workflow.TimerOptions) workflow.Future {
	o.out.Timers = append(o.out.Timers, opts.Summary)
	if opts.Summary == "" {
		o.out.Bare = append(o.out.Bare, "timer")
	}
	return o.Next.NewTimerWithOptions(ctx, d, opts)
}

func (o *outbound) NewTimer(ctx workflow.Context, d time.Duration) workflow.Future {
	o.out.Bare = append(o.out.Bare, "timer")
	return o.Next.NewTimer(ctx, d)
}
