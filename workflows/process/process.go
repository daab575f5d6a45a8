package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
)

// Search attributes of cases. All are of low cardinality and hold nothing personal.
var (
	workspaceKey  = temporal.NewSearchAttributeKeyKeyword("Workspace")
	channelKey    = temporal.NewSearchAttributeKeyKeyword("Channel")
	stageKey      = temporal.NewSearchAttributeKeyKeyword("Stage")
	waitingForKey = temporal.NewSearchAttributeKeyKeyword("WaitingFor")
	outcomeKey    = temporal.NewSearchAttributeKeyKeyword("Outcome")
	deadlineKey   = temporal.NewSearchAttributeKeyTime("Deadline")
)

// Attributes are the search attributes with which a case is started.
func Attributes(r Ref) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(workspaceKey.ValueSet(r.Workspace.String()), channelKey.ValueSet(r.Channel), stageKey.ValueSet("new"))
}

// Process is one case under way.
type Process struct {
	Ref
	news workflow.ReceiveChannel
	// cancelled is closed when the workflow is cancelled; nil once that was heard.
	cancelled workflow.Channel
	cursor    int64
	early     map[int64]News // news that overtook an older one
	log       []string       // stages so far, for operators
	stage     ProgressInput
	deadline  time.Time
	outage    string          // what is waited for beside the stage's own
	released  map[string]bool // effects that may go on after an outage
	parked    time.Duration
	// OnOutage, if set, is called when an operation meets an outage, to tell the
	// customer.
	OnOutage func(ctx workflow.Context, connector string) error
}

// Start returns the process of a workflow that has just begun, and the context
// that it is to use from now on. Cancelling the workflow does not end that
// context: it is heard as [NewsCancel], so that a case ends in order, with what
// was begun undone, whoever asks for it.
func Start(ctx workflow.Context, ref Ref) (workflow.Context, *Process) {
	own, _ := workflow.NewDisconnectedContext(ctx)
	return own, &Process{Ref: ref, news: workflow.GetSignalChannel(ctx, SignalNews), cancelled: ctx.Done(), early: map[int64]News{}, released: map[string]bool{}}
}

// Operation is something to do once at a provider.
type Operation struct {
	// Name is unique within the case; the effect's key is made of it.
	Name      string
	Connector string
	Operation string
	Input     any
	// Patience is how long an unavailable provider is tried again. The time of an
	// outage does not count.
	Patience time.Duration
	// Summary tells operators what it is for.
	Summary string
}

// Key is the effect's key of an operation of this case.
func (p *Process) Key(name string) string { return p.ID.String() + "-" + name }

// Do performs an operation and decodes its output into out. The error's class
// is told by [ClassOf]. If the provider is out, it waits for the end of that.
func (p *Process) Do(ctx workflow.Context, op Operation, out any) error {
	input, err := json.Marshal(op.Input)
	if err != nil {
		return fmt.Errorf("process: input of %s: %w", op.Name, err)
	}
	in := OperationInput{Case: p.Ref, Key: p.Key(op.Name), Connector: op.Connector, Operation: op.Operation, Input: input, Parks: true}
	raw, err := p.attempt(ctx, op, in)
	if shown := p.show(ctx, nil); shown != nil {
		return shown
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

// attempt runs an operation's activity, again after each outage that it meets.
func (p *Process) attempt(ctx workflow.Context, op Operation, in OperationInput) (raw json.RawMessage, err error) {
	for left, looks := op.Patience, 0; ; looks++ {
		began := workflow.Now(ctx)
		err = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, operationOptions(op, left)), OperationActivity, in).Get(ctx, &raw)
		outage, parked := ParkedBy(err)
		if !parked {
			return raw, err
		}
		left = max(left-workflow.Now(ctx).Sub(began), leastPatience)
		if err := p.park(ctx, in.Key, outage, looks); err != nil {
			return nil, err
		}
	}
}

// leastPatience is what is left to an operation whose patience was used up when
// the outage began: its one attempt after it.
const leastPatience = time.Minute

func operationOptions(op Operation, patience time.Duration) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout:    time.Minute,
		HeartbeatTimeout:       heartbeatTimeout,
		ScheduleToCloseTimeout: patience,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:                op.Summary,
	}
}

// ClassOf is the class of an operation's error; Unavailable for what has none.
func ClassOf(err error) sdk.Class {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return sdk.Unavailable
	}
	switch c := sdk.Class(app.Type()); c {
	case sdk.Invalid, sdk.Auth, sdk.NotFound, sdk.Rejected, sdk.Throttled, sdk.Uncertain:
		return c
	}
	return sdk.Unavailable
}

// heartbeatTimeout is how soon an activity of a worker that died is given to
// another one.
const heartbeatTimeout = 10 * time.Second

// background is how Advance and Tell are run: they only need our own database
// and are tried until they succeed.
func background(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
		Summary:             summary,
	})
}

// Stage shows how far the case has come: to operators as search attributes and
// details, to the customer who asks as text.
func (p *Process) Stage(ctx workflow.Context, s ProgressInput, deadline time.Time) error {
	s.Case = p.Ref
	p.stage, p.deadline = s, deadline
	p.log = append(p.log, workflow.Now(ctx).UTC().Format("2006-01-02 15:04 ")+s.Stage)
	attrs := []temporal.SearchAttributeUpdate{stageKey.ValueSet(s.Stage), waitingForKey.ValueSet(orNone(s.WaitingFor)), outcomeKey.ValueSet(orNone(s.Outcome))}
	if deadline.IsZero() {
		attrs = append(attrs, deadlineKey.ValueUnset())
	} else {
		attrs = append(attrs, deadlineKey.ValueSet(deadline))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, attrs...); err != nil {
		return fmt.Errorf("process: search attributes: %w", err)
	}
	workflow.SetCurrentDetails(ctx, p.details(deadline))
	return workflow.ExecuteActivity(background(ctx, "record stage "+s.Stage), AdvanceActivity, s).Get(ctx, nil)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (p *Process) details(deadline time.Time) string {
	s := fmt.Sprintf("**%s %d · %s**", p.Kind, p.Number, p.stage.Stage)
	if p.stage.WaitingFor != "" {
		s += "\n\nWaits for: " + p.stage.WaitingFor
	}
	if p.outage != "" {
		s += "\n\n" + p.outage
	}
	if !deadline.IsZero() {
		s += "\n\nDeadline: " + deadline.UTC().Format(time.RFC3339)
	}
	if p.stage.Outcome != "" {
		s += "\n\nOutcome: " + p.stage.Outcome
	}
	s += "\n\nSo far:\n"
	for _, l := range p.log {
		s += "- " + l + "\n"
	}
	return s
}

// Tell hands a message to the contact's conversation, which sends it in its
// turn. name is unique within the case. A conversation that was erased is told
// nothing, and the case goes on.
func (p *Process) Tell(ctx workflow.Context, name string, c sdk.Content) error {
	in := TellInput{Case: p.Ref, Key: p.Key(name), Content: c}
	err := workflow.ExecuteActivity(background(ctx, "tell the customer: "+name), TellActivity, in).Get(ctx, nil)
	if err != nil && ClassOf(err) == sdk.NotFound {
		workflow.GetLogger(ctx).Warn("there is no conversation left to tell", "message", name)
		return nil
	}
	return err
}

// Next returns the next piece of news, or false when the deadline passes first.
// A zero deadline waits for ever. why tells operators what the timer is for.
func (p *Process) Next(ctx workflow.Context, deadline time.Time, why string) (News, bool) {
	if n, ok := p.take(); ok {
		return n, true
	}
	var timer workflow.Future
	if !deadline.IsZero() {
		tctx, stop := workflow.WithCancel(ctx)
		defer stop()
		timer = workflow.NewTimerWithOptions(tctx, max(deadline.Sub(workflow.Now(ctx)), time.Millisecond), workflow.TimerOptions{Summary: why})
	}
	rang := false
	for {
		sel := workflow.NewSelector(ctx)
		sel.AddReceive(p.news, func(ch workflow.ReceiveChannel, _ bool) {
			var n News
			ch.Receive(ctx, &n)
			p.hear(n)
		})
		if timer != nil {
			sel.AddFuture(timer, func(workflow.Future) { rang = true })
		}
		asked := false
		if p.cancelled != nil {
			sel.AddReceive(p.cancelled, func(workflow.ReceiveChannel, bool) { asked = true })
		}
		sel.Select(ctx)
		if asked {
			p.cancelled = nil
			return News{Name: NewsCancel, At: workflow.Now(ctx)}, true
		}
		if n, ok := p.take(); ok {
			return n, true
		}
		if rang {
			return News{}, false
		}
	}
}

// take returns the news that is next by number, after everything that is in the
// signal channel has been heard.
func (p *Process) take() (News, bool) {
	for {
		var n News
		if !p.news.ReceiveAsync(&n) {
			break
		}
		p.hear(n)
	}
	n, ok := p.early[p.cursor+1]
	if ok {
		delete(p.early, n.Number)
		p.cursor++
	}
	return n, ok
}

// hear keeps news that was not heard before.
func (p *Process) hear(n News) {
	if n.Number > p.cursor {
		p.early[n.Number] = n
	}
}
