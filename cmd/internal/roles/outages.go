package roles

import (
	"context"
	"time"

	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/observe"
	"parley/internal/outages"
	"parley/internal/outbound"
)

// circuitOpened makes a circuit that opened in this process an outage that all see.
func (e *Engine) circuitOpened(c outbound.Connection) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var limits sdk.Limits
	for _, k := range e.Connectors {
		if k.Name == c.Connector {
			limits = k.Limits
		}
	}
	if err := e.Outages.Begin(ctx, c.Workspace, c.ID, outages.Circuit, outages.DefaultRate(limits), ""); err != nil {
		// The next call that the circuit refuses tries it again.
		e.Log.WarnContext(ctx, "an outage could not be recorded", "connector", c.Connector, "error", observe.ErrText(err))
	}
}

// drainEvery is how often what waits for the end of an outage is looked at.
const drainEvery = 250 * time.Millisecond

// drainOutages lets go on what waited for the end of an outage.
func (e *Engine) drainOutages(ctx context.Context) {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.Outages.Drain(ctx, e.release); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "not everything that waited for the end of an outage could go on", "error", observe.ErrText(err))
		}
	}
}

func (e *Engine) release(ctx context.Context, r outages.Release) error {
	return e.Waker.Release(ctx, bus.Target{Workspace: r.Workspace, ID: r.Subject, WorkflowID: r.WorkflowID, Channel: r.Channel, Case: r.Channel == ""}, r.Key)
}
