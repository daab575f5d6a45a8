package conversation

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/process"
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
	// heartbeatTimeout is how soon a call of a worker that died is given to
	// another one.
	heartbeatTimeout = 10 * time.Second
	// again is the pause after a turn or a call that failed although it was
	// retried; it doubles with every turn that fails in a row, up to 64 times.
	again = 5 * time.Second
	// leastPause is the least time before unsettled sends are looked at again:
	// that time comes from a worker's clock, which may be behind the server's.
	leastPause = time.Second
)

// run is one run of a conversation.
type run struct {
	in       Input
	arrived  workflow.ReceiveChannel
	released workflow.ReceiveChannel
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
	// failures counts turns that failed, in a row.
	failures int
	// calls are the activities under way, those included whose result the flow
	// does not await any more.
	calls map[string]*call
	// parked are calls that wait for the end of an outage.
	parked map[string]*call
	// wakeAt and retryAt are when a turn is needed without a signal; zero if never.
	wakeAt, retryAt time.Time
	active          time.Time
	alarm           alarm
}

// Workflow is the conversation's workflow.
func Workflow(ctx workflow.Context, in Input) error {
	r := &run{in: in, due: true, arrived: workflow.GetSignalChannel(ctx, SignalArrived), released: workflow.GetSignalChannel(ctx, process.SignalReleased),
		calls: map[string]*call{}, parked: map[string]*call{}, active: workflow.Now(ctx), turnedAt: -1}
	for {
		r.drain()
		r.goOn(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case r.outgrown(ctx) && r.mayEnd(ctx):
			// By name: the function's own name is not the one it is registered by.
			return workflow.NewContinueAsNewError(ctx, WorkflowType, in)
		case r.due:
			r.turn(ctx)
		case r.idle(ctx) && r.mayEnd(ctx):
			return nil
		default:
			r.wait(ctx)
		}
	}
}

// drain takes all signals that are there.
func (r *run) drain() {
	for {
		var a Arrived
		if !r.arrived.ReceiveAsync(&a) {
			break
		}
		r.note(a)
	}
	for {
		var p process.Released
		if !r.released.ReceiveAsync(&p) {
			return
		}
		r.release(p.Key)
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
		r.lookAgain(again << min(r.failures, 6))
		r.failures++
		workflow.SetCurrentDetails(ctx, r.details())
		return
	}
	r.failures = 0
	r.take(in.Now, res)
	r.startCalls(ctx)
	r.describe(ctx)
}

// take notes what a turn has left to do that was told it is now.
func (r *run) take(now time.Time, res TurnResult) {
	r.handled = max(r.handled, res.Handled)
	r.due = res.More
	r.last = res
	r.trace = "" // a later turn that no signal asks for belongs to no trace
	r.wakeAt, r.retryAt = res.WakeAt, res.RetryAt
	// A wait that was over when the turn began is one that the turn left alone:
	// a person has the conversation, or a send comes first.
	if !r.wakeAt.After(now) {
		r.wakeAt = time.Time{}
	}
	if least := r.active.Add(leastPause); !r.retryAt.IsZero() && r.retryAt.Before(least) {
		r.retryAt = least
	}
}

// lookAgain asks for a turn after a pause, unless one is due before that.
func (r *run) lookAgain(pause time.Duration) {
	if at := r.active.Add(pause); r.retryAt.IsZero() || at.Before(r.retryAt) {
		r.retryAt = at
	}
}

// Timeout is how long a call may take whose flow names so many seconds, or none.
func Timeout(seconds int) time.Duration {
	if seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return defaultTimeout
}

// idle tells that nothing has happened for long and nothing is waited for.
func (r *run) idle(ctx workflow.Context) bool {
	at, why := r.next()
	return why == whyIdle && !workflow.Now(ctx).Before(at)
}

func (r *run) outgrown(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() || info.GetCurrentHistoryLength() > historyBound
}

// mayEnd tells whether the run may close or continue in this task.
func (r *run) mayEnd(ctx workflow.Context) bool {
	return len(r.calls) == 0 && r.turnedAt != workflow.GetInfo(ctx).GetCurrentHistoryLength()
}
