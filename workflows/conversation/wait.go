package conversation

import (
	"time"

	"go.temporal.io/sdk/workflow"
	"parley/workflows/process"
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
	whyLook  = "look whether a provider is back, should nobody tell"
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
	sel.AddReceive(r.released, func(ch workflow.ReceiveChannel, _ bool) {
		var p process.Released
		ch.Receive(ctx, &p)
		r.release(p.Key)
	})
	for _, key := range workflow.DeterministicKeys(r.calls) {
		sel.AddFuture(r.calls[key].future, func(workflow.Future) { r.ended(ctx, key) })
	}
	if r.alarm.future != nil {
		sel.AddFuture(r.alarm.future, func(workflow.Future) { r.ring(ctx) })
	}
	sel.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	sel.Select(ctx)
}

// next returns when the run must look again without being told, and what for;
// zero if only the end of a call matters.
func (r *run) next() (time.Time, string) {
	at, why := r.retryAt, whyRetry
	if at.IsZero() || !r.wakeAt.IsZero() && !at.Before(r.wakeAt) {
		at, why = r.wakeAt, whyWake
	}
	if look := r.nextLook(); !look.IsZero() && (at.IsZero() || look.Before(at)) {
		at, why = look, whyLook
	}
	if at.IsZero() && len(r.calls) == 0 {
		return r.active.Add(idleClose), whyIdle
	}
	return at, why
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
