package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/ledger"
	"parley/internal/outages"
	"parley/internal/outbound"
	"parley/workflows/process"
)

// parked is the error of an effect that waits for the end of an outage: nothing
// was done. It is told to workflows as [process.ErrorParked].
type parked struct {
	connector string
	outage    outages.Outage
}

func (p *parked) Error() string {
	return fmt.Sprintf("%s is out (%s); the effect waits for the end of it", p.connector, p.outage.Cause)
}

func (p *parked) detail() process.Outage {
	return process.Outage{Connector: p.connector, Cause: p.outage.Cause, Since: p.outage.OpenedAt.UTC(), Open: true}
}

// lookAgain is when a workflow that does not understand parking tries again: one
// that began before there was any.
const lookAgain = time.Minute

// understood returns err as the workflow understands it.
func understood(err error, parks bool) error {
	if p, ok := errors.AsType[*parked](err); ok && !parks {
		return &sdk.Error{Class: sdk.Throttled, Code: "outage", RetryAfter: lookAgain, Message: p.Error()}
	}
	return err
}

// perform makes one attempt of an effect, as far as the ledger allows it, unless
// the connection is out: then the effect is parked and the error says so. Its
// errors are *sdk.Error or *parked unless a part of the engine failed.
func (a *Activities) perform(ctx context.Context, conn *connections.Connection, op sdk.Operation, e ledger.Effect) (json.RawMessage, error) {
	pass, err := a.Outages.Ask(ctx, e.Workspace, conn.ID, e.Key)
	if err != nil {
		return nil, err
	}
	if pass.Wait {
		if err := a.park(ctx, conn, e); err != nil {
			return nil, err
		}
	}
	out, err := a.attempt(ctx, conn, op, e)
	if err := a.conclude(ctx, pass, conn, err); err != nil {
		return nil, err
	}
	if a.isOut(pass, err) {
		if err := a.park(ctx, conn, e); err != nil {
			return nil, err
		}
	}
	return out, err
}

// park makes an effect wait for the end of its connection's outage. It returns
// *parked, or nil if the effect need not wait.
func (a *Activities) park(ctx context.Context, conn *connections.Connection, e ledger.Effect) error {
	waits, err := a.Ledger.Plan(ctx, e)
	if err != nil || !waits {
		return err
	}
	out, err := a.Outages.Park(ctx, e.Workspace, conn.ID, e.Key)
	if err != nil || out == nil {
		return err
	}
	return &parked{connector: conn.Connector.Name, outage: *out}
}

// isOut tells whether an attempt that failed means that its connection is out: it
// was refused by an open circuit, or was a probe and got no answer.
func (a *Activities) isOut(pass outages.Pass, err error) bool {
	failed, ok := errors.AsType[*sdk.Error](err)
	return ok && failed.Class == sdk.Unavailable && (failed.Code == outbound.CircuitOpen || pass.Probe())
}

// conclude takes from an attempt what it says of the connection: an open circuit
// is an outage, and a probe that was answered ends one, whatever the answer.
func (a *Activities) conclude(ctx context.Context, pass outages.Pass, conn *connections.Connection, err error) error {
	failed, ours := errors.AsType[*sdk.Error](err)
	switch {
	case err != nil && !ours: // a part of the engine: it says nothing of the provider
		return nil
	case failed != nil && failed.Code == outbound.CircuitOpen && !(pass.Probe()):
		return a.Outages.Begin(ctx, conn.Workspace, conn.ID, outages.Circuit, outages.DefaultRate(conn.Connector.Limits), "")
	case pass.Probe() && pass.Outage.Cause == outages.Circuit && (failed == nil || failed.Class.Final()):
		if err := a.Outages.Resume(ctx, conn.Workspace, conn.ID, ""); err != nil && !errors.Is(err, outages.ErrNone) {
			return err
		}
	}
	return nil
}

// OutageOf tells a case how long a provider was out, and whether it still is.
func (a *Activities) OutageOf(ctx context.Context, in process.OutageInput) (process.Outage, error) {
	out := process.Outage{Connector: in.Connector}
	conn, err := a.Connections.ForConnector(ctx, in.Case.Workspace, in.Connector)
	if errors.Is(err, connections.ErrNotFound) {
		return out, nil // what does not exist is not out: whoever calls it is told
	}
	if err != nil {
		return out, Temporal(err)
	}
	lasted, open, err := a.Outages.Downtime(ctx, in.Case.Workspace, conn.ID, in.From, in.To)
	if err != nil {
		return out, Temporal(err)
	}
	out.Lasted = lasted
	if open != nil {
		out.Open, out.Cause, out.Since = true, open.Cause, open.OpenedAt.UTC()
	}
	return out, nil
}
