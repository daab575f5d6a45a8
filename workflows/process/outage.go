package process

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// How often a workflow that waits for the end of an outage looks again, should it
// not have been told: after ten minutes, then with growing pauses.
const (
	firstLook = 10 * time.Minute
	lastLook  = 6 * time.Hour
)

// ParkedBy tells whether an activity ended because of an outage, and of which.
func ParkedBy(err error) (Outage, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || app.Type() != ErrorParked {
		return Outage{}, false
	}
	var o Outage
	if err := app.Details(&o); err != nil {
		return Outage{}, true // it is parked, whatever by
	}
	return o, true
}

// Parked is how long operations of this case have waited for the end of outages:
// what a deadline that was set before them is to be moved by.
func (p *Process) Parked() time.Duration { return p.parked }

// park waits until an effect may go on, or until it is time to look.
func (p *Process) park(ctx workflow.Context, key string, o Outage, looks int) error {
	began := workflow.Now(ctx)
	if looks == 0 && p.OnOutage != nil {
		if err := p.OnOutage(ctx, o.Connector); err != nil {
			return err
		}
	}
	if err := p.show(ctx, &o); err != nil {
		return err
	}
	channel := workflow.GetSignalChannel(ctx, SignalReleased)
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      min(firstLook<<min(looks, 10), lastLook),
		TimerOptions: workflow.TimerOptions{Summary: "look whether " + o.Connector + " is back, should nobody tell"},
	}, func() bool {
		for {
			var r Released
			if !channel.ReceiveAsync(&r) {
				return p.released[key]
			}
			p.released[r.Key] = true
		}
	})
	delete(p.released, key)
	p.parked += workflow.Now(ctx).Sub(began)
	return err
}

// show tells operators for the end of which outage the case waits; nil for none.
func (p *Process) show(ctx workflow.Context, o *Outage) error {
	s, text := p.stage, ""
	if o != nil {
		s.WaitingFor, text = "outage of "+o.Connector, o.text()
	}
	if text == p.outage {
		return nil
	}
	p.outage = text
	if err := workflow.UpsertTypedSearchAttributes(ctx, waitingForKey.ValueSet(orNone(s.WaitingFor))); err != nil {
		return fmt.Errorf("process: search attributes: %w", err)
	}
	workflow.SetCurrentDetails(ctx, p.details(p.deadline))
	if s.Stage == "" {
		return nil
	}
	return workflow.ExecuteActivity(background(ctx, "record what the case waits for"), AdvanceActivity, s).Get(ctx, nil)
}

func (o Outage) text() string {
	why := "does not work"
	if o.Cause == "operator" {
		why = "was paused by an operator"
	}
	return fmt.Sprintf("Waits for the end of an outage: %s %s since %s. Clocks that depend on it stand still.", o.Connector, why, o.Since.UTC().Format(time.RFC3339))
}

// outageClock is the change since which deadlines stand still during outages.
const outageClock = "clocks stand still during outages"

// stillOut is when a wait is looked at again whose provider is still out.
const stillOut = 10 * time.Minute

// Later is asked when a wait for something of a provider is over that began at
// since and should have ended at due. It returns when it is to end instead, moved
// by the time that the provider was out, or zero if it has ended.
func (p *Process) Later(ctx workflow.Context, connector string, since, due time.Time) (time.Time, error) {
	if workflow.GetVersion(ctx, outageClock, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return time.Time{}, nil
	}
	now := workflow.Now(ctx)
	var o Outage
	err := workflow.ExecuteActivity(background(ctx, "was "+connector+" out meanwhile?"), OutageActivity,
		OutageInput{Case: p.Ref, Connector: connector, From: since, To: now}).Get(ctx, &o)
	if err != nil {
		return time.Time{}, err
	}
	due = due.Add(o.Lasted)
	if !o.Open {
		if err := p.show(ctx, nil); err != nil || !due.After(now) {
			return time.Time{}, err
		}
		return due, nil
	}
	if err := p.show(ctx, &o); err != nil {
		return time.Time{}, err
	}
	if next := now.Add(max(stillOut, o.Lasted/8)); due.Before(next) {
		return next, nil
	}
	return due, nil
}
