package conversation

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/process"
)

// How often a call that waits for the end of an outage is tried, should nobody
// tell that it may go on: after ten minutes, then with growing pauses.
const (
	firstLook = 10 * time.Minute
	lastLook  = 6 * time.Hour
	// leastTime is what is left to a call whose time was up when the outage began.
	leastTime = 10 * time.Second
)

// call is one effect under way, or waiting for the end of an outage.
type call struct {
	Call
	future   workflow.Future
	deadline time.Time
	// Of one that waits: for what, how much of its time is left, since an outage
	// does not use it up, and when to look.
	outage process.Outage
	left   time.Duration
	lookAt time.Time
	looks  int
}

// startCalls starts the activities of effects that are not under way in this run.
func (r *run) startCalls(ctx workflow.Context) {
	for _, c := range r.last.Calls {
		if r.calls[c.Key] != nil || r.parked[c.Key] != nil {
			continue
		}
		r.start(ctx, &call{Call: c}, Timeout(c.TimeoutS))
	}
}

// start runs the activity of a call that has a time left.
func (r *run) start(ctx workflow.Context, c *call, left time.Duration) {
	c.deadline = workflow.Now(ctx).Add(left)
	opts := workflow.ActivityOptions{
		StartToCloseTimeout:    time.Minute,
		HeartbeatTimeout:       heartbeatTimeout,
		ScheduleToCloseTimeout: left + time.Minute, // the activity itself gives up at the deadline
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 20 * time.Second},
		Summary:                fmt.Sprintf("%s %s for block %s", c.Connector, c.Operation, c.Block),
	}
	in := CallInput{Workspace: r.in.Workspace, Conversation: r.in.Conversation, Key: c.Key, Deadline: c.deadline, Parks: true}
	c.future = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, opts), CallActivity, in)
	r.calls[c.Key] = c
}

// ended notes the end of a call, whose outcome is in the inbox. If the activity
// failed altogether, the next turn finds the effect still awaited and it is
// started again, after a pause, since it may fail at once.
func (r *run) ended(ctx workflow.Context, key string) {
	c := r.calls[key]
	delete(r.calls, key)
	err := c.future.Get(ctx, nil)
	if outage, parked := process.ParkedBy(err); parked {
		now := workflow.Now(ctx)
		c.outage, c.left = outage, max(c.deadline.Sub(now), leastTime)
		c.lookAt = now.Add(min(firstLook<<min(c.looks, 10), lastLook))
		c.looks++
		r.parked[key] = c
		workflow.SetCurrentDetails(ctx, r.details())
		return
	}
	if err != nil {
		workflow.GetLogger(ctx).Warn("a call failed and will be started again", "key", key, "error", err)
		r.active = workflow.Now(ctx)
		r.lookAgain(again)
		return
	}
	r.due = true
}

// release notes that an effect may go on which waited for the end of an outage: a
// call, or else a message of a turn.
func (r *run) release(key string) {
	if c := r.parked[key]; c != nil {
		c.lookAt = time.Time{}
		return
	}
	r.due = true
}

// goOn starts the calls whose outage is over, as far as is known.
func (r *run) goOn(ctx workflow.Context) {
	for _, key := range workflow.DeterministicKeys(r.parked) {
		if c := r.parked[key]; !c.lookAt.After(workflow.Now(ctx)) {
			delete(r.parked, key)
			r.start(ctx, c, c.left)
		}
	}
}

// nextLook is when a call that waits for the end of an outage is tried if nobody
// tells; zero if none waits.
func (r *run) nextLook() (at time.Time) {
	for _, key := range workflow.DeterministicKeys(r.parked) {
		if c := r.parked[key]; at.IsZero() || c.lookAt.Before(at) {
			at = c.lookAt
		}
	}
	return at
}
