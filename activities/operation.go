package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/ledger"
	"parley/workflows/process"
)

// RunOperation performs one operation of a connector for a case, once. While the
// connection is out it does nothing and ends with [process.ErrorParked].
func (a *Activities) RunOperation(ctx context.Context, in process.OperationInput) (json.RawMessage, error) {
	conn, op, err := a.operation(ctx, in.Case, in.Connector, in.Operation)
	if err != nil {
		return nil, Temporal(err)
	}
	out, err := a.perform(ctx, conn, op, ledger.Effect{
		Workspace: in.Case.Workspace, Key: in.Key, Subject: in.Case.ID,
		SealWith:   caseKey(in.Case),
		WorkflowID: workflowID(ctx), Connection: conn.ID, Connector: in.Connector, Operation: in.Operation,
		Effect: op.EffectOn(conn.Conn), Input: in.Input,
	})
	return out, waiting(understood(err, in.Parks))
}

// settlePause is how often an effect whose outcome is unknown is looked at again:
// the one who waits for it goes on when an operator, or the provider that was asked,
// has settled it.
const settlePause = 10 * time.Second

// waiting is [Temporal] for those who can wait until what is uncertain is settled, as
// long as their patience lasts. Looking at it again repeats nothing.
func waiting(err error) error {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok || e.Class != sdk.Uncertain {
		return Temporal(err)
	}
	return temporal.NewApplicationErrorWithOptions(e.Error(), string(e.Class), temporal.ApplicationErrorOptions{
		NextRetryDelay: settlePause, Category: temporal.ApplicationErrorCategoryBenign})
}

func (a *Activities) operation(ctx context.Context, ref process.Ref, connector, name string) (*connections.Connection, sdk.Operation, error) {
	conn, err := a.Connections.ForConnector(ctx, ref.Workspace, connector)
	if errors.Is(err, connections.ErrNotFound) {
		return nil, sdk.Operation{}, sdk.Invalidf("the workspace has no connection of connector %s", connector)
	}
	if err != nil {
		return nil, sdk.Operation{}, err
	}
	for _, op := range conn.Connector.Operations {
		if op.Name == name {
			return conn, op, nil
		}
	}
	return nil, sdk.Operation{}, sdk.Invalidf("connector %s has no operation %s", connector, name)
}

// attempt makes one attempt of an effect, as far as the ledger allows it. The
// attempt is committed before the request leaves. Its errors are *sdk.Error
// unless a part of the engine failed.
func (a *Activities) attempt(ctx context.Context, conn *connections.Connection, op sdk.Operation, e ledger.Effect) (json.RawMessage, error) {
	d, err := a.Ledger.Begin(ctx, e)
	switch {
	case err != nil:
		return nil, err
	case d.Settled && d.Error != nil:
		return nil, d.Error
	case d.Settled:
		return d.Output, nil
	case d.Uncertain:
		return nil, &sdk.Error{Class: sdk.Uncertain, RetryAfter: settlePause,
			Message: "an earlier attempt may have been carried out: see what became of it at the provider, then parley effect reconcile"}
	}
	call := sdk.Call{Key: e.Key, Attempt: d.Attempt, Workspace: e.Workspace.String()}
	if e.Effect.Kind == sdk.Read {
		call.Key = ""
	}
	ctx = sdk.WithOperation(ctx, e.Operation)
	if d.Find {
		if wait := time.Until(d.FindAfter); wait > 0 {
			return nil, &sdk.Error{Class: sdk.Unavailable, RetryAfter: wait, Message: "an earlier attempt may have been carried out; the provider's search is given time to show it"}
		}
		out, found, err := op.Find(ctx, conn.Conn, call, e.Input)
		if err != nil {
			return nil, searchFailed(err)
		}
		if found {
			return out, a.finish(ctx, e, d.Attempt, ledger.Outcome{Output: out, Ref: ledger.RefOf(out)})
		}
		if mine, err := a.Ledger.Repeat(ctx, e, d.Attempt); err != nil {
			return nil, err
		} else if !mine {
			return nil, &sdk.Error{Class: sdk.Unavailable, Message: "another attempt is under way; its outcome is looked for"}
		}
	}
	out, err := op.Run(ctx, conn.Conn, call, e.Input)
	if err != nil {
		failed := sdk.AsError(err)
		if ferr := a.finish(ctx, e, d.Attempt, ledger.Outcome{Error: failed}); ferr != nil {
			return nil, ferr
		}
		return nil, failed
	}
	return out, a.finish(ctx, e, d.Attempt, ledger.Outcome{Output: out, Ref: ledger.RefOf(out)})
}

// searchFailed words the error of a search: the effect stays as uncertain as it
// was, and the search is tried again, unless the credentials are wrong.
func searchFailed(err error) error {
	e := *sdk.AsError(err)
	if e.Class != sdk.Auth && e.Class != sdk.Throttled {
		e.Class = sdk.Unavailable
	}
	return &e
}

func (a *Activities) finish(ctx context.Context, e ledger.Effect, attempt int, o ledger.Outcome) error {
	// What happened is recorded even if the activity was cancelled meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := a.Ledger.Finish(ctx, e, attempt, o)
	if a.Metrics != nil {
		a.Metrics.effect(e.Connector, e.Operation, o.State(e.Effect.Kind))
	}
	return err
}

// errText names an error for logs: classes and codes only.
func errText(err error) string {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return fmt.Sprintf("%s %s", e.Class, e.Code)
	}
	return err.Error()
}
