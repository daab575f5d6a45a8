// Package reconcile settles effects whose outcome is unknown: by what an operator
// knows, or by asking the provider where it can be asked. Whoever waits for the
// effect goes on then: its activity looks at the ledger again and again, and a
// conversation whose message it was is woken.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/connections"
	"parley/internal/ledger"
)

// ErrCannotAsk tells that the provider cannot be asked what became of the effect.
var ErrCannotAsk = errors.New("reconcile: the provider cannot be asked for the effect")

// ErrUnknown tells that the provider was asked and that its answer proves nothing
// yet: its search may lag.
var ErrUnknown = errors.New("reconcile: the provider's answer proves nothing yet")

// Reconciler is safe for concurrent use.
type Reconciler struct {
	Ledger      *ledger.Ledger
	Connections *connections.Connections
	// Dispatch wakes conversations.
	Dispatch *bus.Dispatcher
	Log      *slog.Logger
}

// How the sweep goes.
const (
	// every is the pause between sweeps; youngest is how old an attempt must be.
	every    = time.Minute
	youngest = time.Minute
	// oldest is after which the provider is not asked any more by itself.
	oldest = 7 * 24 * time.Hour
	most   = 100
	// engine is the actor of what settles by itself, echo of what news has settled.
	engine = "engine"
	echo   = "provider"
	// patience is how long a webhook waits for the provider to be asked.
	patience = 3 * time.Second
)

// Run asks providers for what is uncertain, until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := r.Sweep(ctx, youngest); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "uncertain effects could not be reconciled", "error", err)
		}
	}
}

// Sweep asks once for everything that has been uncertain for so long, and returns
// how much of it was settled.
func (r *Reconciler) Sweep(ctx context.Context, age time.Duration) (settled int, err error) {
	found, err := r.Ledger.Doubtful(ctx, age, oldest, most)
	if err != nil {
		return 0, err
	}
	for _, d := range found {
		err := r.Ask(ctx, d.Workspace, d.Key, engine)
		switch _, failed := errors.AsType[*sdk.Error](err); {
		case err == nil:
			settled++
		case ctx.Err() != nil:
			return settled, ctx.Err()
		case failed, errors.Is(err, ErrCannotAsk), errors.Is(err, ErrUnknown), errors.Is(err, ledger.ErrSettled):
		default:
			r.Log.WarnContext(ctx, "an uncertain effect could not be reconciled", "error", err)
		}
	}
	return settled, nil
}

// Ask asks the provider and settles the effect by its answer. Its errors are
// ErrCannotAsk, ErrUnknown, the ledger's, and the provider's *sdk.Error.
func (r *Reconciler) Ask(ctx context.Context, ws uuid.UUID, key, actor string) error {
	o, err := r.Ledger.Unsettled(ctx, ws, key)
	if err != nil {
		return err
	}
	conn, op, err := r.operation(ctx, o)
	if err != nil {
		return err
	}
	input, ok := inputOf(o)
	if !ok || !op.CanFind() {
		return ErrCannotAsk
	}
	call := sdk.Call{Key: o.Key, Attempt: o.Attempt, Workspace: ws.String()}
	out, found, err := op.Find(sdk.WithOperation(ctx, "reconcile"), conn.Conn, call, input)
	if err != nil {
		return sdk.AsError(err)
	}
	if !found && (actor == echo || !r.proves(o, op)) {
		return ErrUnknown
	}
	return r.settle(ctx, o, ledger.Verdict{Done: found, By: ledger.Provider, Actor: actor, Output: out, Ref: ledger.RefOf(out)})
}

// proves tells whether a search that finds nothing means that there is nothing.
func (r *Reconciler) proves(o ledger.Open, op sdk.Operation) bool {
	if op.Effect.Kind != sdk.Lookup && op.Effect.Settle == 0 {
		return false
	}
	return o.AttemptedAt != nil && time.Since(*o.AttemptedAt) > max(op.Effect.Settle, youngest)
}

// Echo settles an effect whose key a provider's news has brought back, which proves
// that it was done. What came of it is asked for, if the provider can be asked; else
// it is done, and nobody knows more. It is ErrSettled if there is nothing to settle.
func (r *Reconciler) Echo(ctx context.Context, ws uuid.UUID, key string) error {
	o, err := r.Ledger.Unsettled(ctx, ws, key)
	if err != nil {
		return err
	}
	asking, done := context.WithTimeout(ctx, patience)
	defer done()
	err = r.Ask(asking, ws, key, echo)
	_, failed := errors.AsType[*sdk.Error](err)
	if failed || errors.Is(err, ErrCannotAsk) || errors.Is(err, ErrUnknown) {
		return r.settle(ctx, o, ledger.Verdict{Done: true, By: ledger.Provider, Actor: echo})
	}
	return err
}

// Decide settles an effect by what an operator knows. An output that is none of the
// operation's is an *sdk.Error of class Invalid.
func (r *Reconciler) Decide(ctx context.Context, ws uuid.UUID, key string, v ledger.Verdict) error {
	o, err := r.Ledger.Unsettled(ctx, ws, key)
	if err != nil {
		return err
	}
	v.By = ledger.Operator
	if v.Output != nil {
		_, op, err := r.operation(ctx, o)
		if err != nil {
			return sdk.Invalidf("output: effects of operation %s have none that can be given", o.Operation)
		}
		if err := sdk.DecodeStrict(v.Output, reflect.New(op.Output).Interface()); err != nil {
			e := *sdk.AsError(err)
			e.Message = "output: " + e.Message
			return &e
		}
		v.Ref = ledger.RefOf(v.Output)
	}
	return r.settle(ctx, o, v)
}

func (r *Reconciler) settle(ctx context.Context, o ledger.Open, v ledger.Verdict) error {
	if err := r.Ledger.Settle(ctx, o, v); err != nil {
		return err
	}
	if o.Operation == "send" { // its turn waits for it; a call looks by itself
		r.Dispatch.Offer(bus.Target{Workspace: o.Workspace, ID: o.Subject, WorkflowID: o.WorkflowID, Channel: o.Connector})
	}
	return nil
}

func isConversation(o ledger.Open) bool { return strings.HasPrefix(o.WorkflowID, "conversation/") }

func (r *Reconciler) operation(ctx context.Context, o ledger.Open) (*connections.Connection, sdk.Operation, error) {
	conn, err := r.Connections.Get(ctx, o.Workspace, o.Connection)
	if errors.Is(err, connections.ErrNotFound) {
		return nil, sdk.Operation{}, ErrCannotAsk
	}
	if err != nil {
		return nil, sdk.Operation{}, err
	}
	for _, op := range conn.Connector.Operations {
		if op.Name == o.Operation {
			return conn, op, nil
		}
	}
	return nil, sdk.Operation{}, ErrCannotAsk
}

// inputOf is the operation's input: what a case asked for, or the part of it in what
// a flow's turn has planned. A payment's input is made of what was planned, and
// cannot be told from here.
func inputOf(o ledger.Open) (json.RawMessage, bool) {
	if o.Request == nil {
		return nil, false
	}
	if !isConversation(o) {
		return o.Request, true
	}
	var planned struct {
		Kind  string          `json:"kind"`
		Input json.RawMessage `json:"input"`
	}
	if json.Unmarshal(o.Request, &planned) != nil || planned.Kind != "call" {
		return nil, false
	}
	return planned.Input, true
}
