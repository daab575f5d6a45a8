package conversation

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Bounds of a run.
const (
	// idleClose is how long a run stays open with nothing to wait for. The
	// conversation goes on in a new run when the customer writes again.
	idleClose = 30 * time.Minute
	// historyBound is the length of history after which a run continues as new,
	// a twelfth of Temporal's limit.
	historyBound = 4000
	// defaultTimeout bounds a call whose flow names no time-out.
	defaultTimeout = 2 * time.Minute
	// turnAgain is the pause after a turn that failed although it was retried.
	turnAgain = 5 * time.Second
)

// run is one run of a conversation.
type run struct {
	in      Input
	arrived workflow.ReceiveChannel
	// handled is the newest event taken; signals that say less are old news.
	handled int64
	trace   string
	// due tells that a turn is needed.
	due bool
	// turnedAt is the history length of the task in which the last turn ran: a
	// run never closes or continues in that task, for if a signal comes in while
	// it does, the task and with it the turn would be run again.
	turnedAt int
	last     TurnResult
	calls    map[string]workflow.Future
	active   time.Time
	alarm    alarm
	owner    string
}

// alarm is the run's one timer. It is set for the earliest time that matters and
// never moved to a later one: when it rings too early, it is set anew.
type alarm struct {
	at     time.Time
	future workflow.Future
	cancel workflow.CancelFunc
}

// Workflow is the conversation's workflow.
func Workflow(ctx workflow.Context, in Input) error {
	r := &run{in: in, due: true, arrived: workflow.GetSignalChannel(ctx, SignalArrived),
		calls: map[string]workflow.Future{}, active: workflow.Now(ctx), turnedAt: -1}
	for {
		r.drain()
		switch {
		case r.outgrown(ctx) && r.mayEnd(ctx):
			return workflow.NewContinueAsNewError(ctx, Workflow, in)
		case r.due:
			r.turn(ctx)
		case r.idle(ctx) && r.mayEnd(ctx):
			return nil
		default:
			if err := r.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// drain takes all signals that are there.
func (r *run) drain() {
	for {
		var a Arrived
		if !r.arrived.ReceiveAsync(&a) {
			return
		}
		r.note(a)
	}
}

func (r *run) note(a Arrived) {
	if a.Number == 0 || a.Number > r.handled {
		r.due = true
		r.trace = a.Trace
	}
}

// turn runs one turn. It never fails the workflow: what is in the inbox waits.
func (r *run) turn(ctx workflow.Context) {
	opts := workflow.LocalActivityOptions{
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: 2 * time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second},
		Summary:                "answer what has arrived",
	}
	in := TurnInput{Workspace: r.in.Workspace, Conversation: r.in.Conversation, Now: workflow.Now(ctx), Trace: r.trace}
	var res TurnResult
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, opts), TurnActivity, in).Get(ctx, &res)
	r.turnedAt = workflow.GetInfo(ctx).GetCurrentHistoryLength()
	r.due = false
	r.active = workflow.Now(ctx)
	if err != nil {
		workflow.GetLogger(ctx).Warn("a turn failed and will be run again", "error", err)
		r.last.RetryAt = r.active.Add(turnAgain)
		return
	}
	r.handled = max(r.handled, res.Handled)
	r.due = res.More
	r.last = res
	r.startCalls(ctx)
	r.describe(ctx)
}

// startCalls starts the activities of effects that are not under way in this run.
func (r *run) startCalls(ctx workflow.Context) {
	for _, c := range r.last.Calls {
		if _, running := r.calls[c.Key]; running {
			continue
		}
		timeout := defaultTimeout
		if c.TimeoutS > 0 {
			timeout = time.Duration(c.TimeoutS) * time.Second
		}
		opts := workflow.ActivityOptions{
			StartToCloseTimeout:    time.Minute,
			ScheduleToCloseTimeout: timeout + time.Minute, // the activity itself gives up at the deadline
			RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 20 * time.Second},
			Summary:                fmt.Sprintf("%s %s for block %s", c.Connector, c.Operation, c.Block),
		}
		in := CallInput{Workspace: r.in.Workspace, Conversation: r.in.Conversation, Key: c.Key, Deadline: workflow.Now(ctx).Add(timeout)}
		r.calls[c.Key] = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, opts), CallActivity, in)
	}
}

// wait blocks until a signal, the end of a call, or the alarm.
func (r *run) wait(ctx workflow.Context) error {
	r.set(ctx)
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(r.arrived, func(ch workflow.ReceiveChannel, _ bool) {
		var a Arrived
		ch.Receive(ctx, &a)
		r.note(a)
	})
	for _, c := range r.last.Calls {
		future, running := r.calls[c.Key]
		if !running {
			continue // it has ended, and the turn that will say so failed
		}
		sel.AddFuture(future, func(f workflow.Future) {
			// Its outcome is in the inbox. If the activity failed altogether, the
			// turn finds the effect still awaited and it is started again.
			if err := f.Get(ctx, nil); err != nil {
				workflow.GetLogger(ctx).Warn("a call failed and will be started again", "key", c.Key, "error", err)
			}
			delete(r.calls, c.Key)
			r.due = true
		})
	}
	if r.alarm.future != nil {
		sel.AddFuture(r.alarm.future, func(workflow.Future) { r.ring(ctx) })
	}
	sel.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	sel.Select(ctx)
	return ctx.Err()
}

// set makes the alarm ring no later than the earliest time that matters.
func (r *run) set(ctx workflow.Context) {
	at, why := r.active.Add(idleClose), "close the run if nobody has written"
	for _, o := range []struct {
		at  time.Time
		why string
	}{{r.last.WakeAt, "the flow waits until then"}, {r.last.RetryAt, "look again at what was not settled"}} {
		if !o.at.IsZero() && o.at.Before(at) {
			at, why = o.at, o.why
		}
	}
	if r.alarm.future != nil {
		if !at.Before(r.alarm.at) {
			return
		}
		r.alarm.cancel()
	}
	timer, cancel := workflow.WithCancel(ctx)
	wait := max(at.Sub(workflow.Now(ctx)), time.Millisecond)
	r.alarm = alarm{at: at, cancel: cancel, future: workflow.NewTimerWithOptions(timer, wait, workflow.TimerOptions{Summary: why})}
}

func (r *run) ring(ctx workflow.Context) {
	r.alarm = alarm{}
	now := workflow.Now(ctx)
	for _, at := range []*time.Time{&r.last.WakeAt, &r.last.RetryAt} {
		if !at.IsZero() && !at.After(now) {
			*at = time.Time{}
			r.due = true
		}
	}
}

// idle tells that nothing has happened for long and nothing is waited for.
func (r *run) idle(ctx workflow.Context) bool {
	return len(r.calls) == 0 && r.last.WakeAt.IsZero() && r.last.RetryAt.IsZero() &&
		!workflow.Now(ctx).Before(r.active.Add(idleClose))
}

func (r *run) outgrown(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() > historyBound
}

// mayEnd tells whether the run may close or continue in this task.
func (r *run) mayEnd(ctx workflow.Context) bool {
	return len(r.calls) == 0 && r.turnedAt != workflow.GetInfo(ctx).GetCurrentHistoryLength()
}

// describe shows operators where the conversation stands.
func (r *run) describe(ctx workflow.Context) {
	if r.last.Owner != r.owner {
		r.owner = r.last.Owner
		if err := workflow.UpsertTypedSearchAttributes(ctx, Stage.ValueSet(r.owner)); err != nil {
			workflow.GetLogger(ctx).Warn("search attribute", "error", err)
		}
	}
	workflow.SetCurrentDetails(ctx, r.details())
}

func (r *run) details() string {
	who := map[string]string{"bot": "the bot answers", "human": "a person answers; the bot is silent", "case": "a case asks"}[r.last.Owner]
	s := fmt.Sprintf("**%s** · events handled: %d", who, r.handled)
	if r.last.Block != "" {
		s += fmt.Sprintf("\n\nThe flow stands in block `%s`.", r.last.Block)
	}
	for _, c := range r.last.Calls {
		s += fmt.Sprintf("\n- waits for %s `%s`", c.Connector, c.Operation)
	}
	if !r.last.WakeAt.IsZero() {
		s += "\n- the flow waits until " + r.last.WakeAt.UTC().Format(time.RFC3339)
	}
	if !r.last.RetryAt.IsZero() {
		s += "\n- a message is not settled; next look " + r.last.RetryAt.UTC().Format(time.RFC3339)
	}
	return s
}
