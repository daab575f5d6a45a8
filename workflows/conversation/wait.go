package conversation

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// alarm is the run's one timer. It is set for the earliest time that matters and
// never moved to a later one: when it rings too early, it is set anew.
type alarm struct {
	at     time.Time
	future workflow.Future
	cancel workflow.CancelFunc
}

// What the alarm is for, as operators read it.
const (
	whyWake  = "the flow waits until then"
	whyRetry = "look again at what was not settled"
	whyIdle  = "close the run if nobody has written"
)

// wait blocks until a signal, the end of a call, the alarm, or cancellation.
func (r *run) wait(ctx workflow.Context) {
	r.set(ctx)
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(r.arrived, func(ch workflow.ReceiveChannel, _ bool) {
		var a Arrived
		ch.Receive(ctx, &a)
		r.note(a)
	})
	for _, key := range workflow.DeterministicKeys(r.calls) {
		sel.AddFuture(r.calls[key], func(f workflow.Future) { r.ended(ctx, key, f) })
	}
	if r.alarm.future != nil {
		sel.AddFuture(r.alarm.future, func(workflow.Future) { r.ring(ctx) })
	}
	sel.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	sel.Select(ctx)
}

// ended notes the end of a call, whose outcome is in the inbox. If the activity
// failed altogether, the next turn finds the effect still awaited and it is
// started again, after a pause, since it may fail at once.
func (r *run) ended(ctx workflow.Context, key string, f workflow.Future) {
	delete(r.calls, key)
	if err := f.Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("a call failed and will be started again", "key", key, "error", err)
		r.active = workflow.Now(ctx)
		r.lookAgain(again)
		return
	}
	r.due = true
}

// next returns when the run must look again without being told, and what for;
// zero if only the end of a call matters.
func (r *run) next() (time.Time, string) {
	switch {
	case !r.retryAt.IsZero() && (r.wakeAt.IsZero() || r.retryAt.Before(r.wakeAt)):
		return r.retryAt, whyRetry
	case !r.wakeAt.IsZero():
		return r.wakeAt, whyWake
	case len(r.calls) == 0:
		return r.active.Add(idleClose), whyIdle
	}
	return time.Time{}, ""
}

// set makes the alarm ring no later than the next time that matters.
func (r *run) set(ctx workflow.Context) {
	at, why := r.next()
	if at.IsZero() {
		return
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
	for _, at := range []*time.Time{&r.wakeAt, &r.retryAt} {
		if !at.IsZero() && !at.After(now) {
			*at = time.Time{}
			r.due = true
		}
	}
}
