package roles

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/bus"
	"parley/internal/ledger"
	"parley/internal/reconcile"
)

// effectResource implements api.Effects.
type effectResource struct {
	ledger     *ledger.Ledger
	reconciler *reconcile.Reconciler
}

func (r effectResource) List(ctx context.Context, ws uuid.UUID, f api.EffectFilter, q api.PageQuery) ([]api.Effect, string, error) {
	got, err := r.ledger.List(ctx, ws, ledger.Filter{State: f.State, Connector: f.Connector, Operation: f.Operation, Subject: f.Subject,
		Connection: f.Connection, Since: f.Since, Until: f.Until, Uncertain: f.Uncertain, After: q.After}, q.Limit+1)
	return part(got, q, showEffect, func(e ledger.Entry) string { return e.Key }, err)
}

func (r effectResource) Get(ctx context.Context, ws uuid.UUID, key string) (api.Effect, error) {
	e, err := r.ledger.Get(ctx, ws, key)
	if errors.Is(err, ledger.ErrNotFound) {
		return api.Effect{}, problem.NotFound.New("There is no effect with this key.")
	}
	if err != nil {
		return api.Effect{}, err
	}
	out := showEffect(e)
	out.Note, err = r.ledger.Note(ctx, ws, key)
	return out, err
}

// Reconcile settles an effect by the outcome that is given, or asks the provider.
func (r effectResource) Reconcile(ctx context.Context, ws uuid.UUID, key string, in api.Reconciliation) (api.Effect, error) {
	var err error
	if in.Outcome == "" {
		err = r.reconciler.Ask(ctx, ws, key, in.Actor)
	} else {
		err = r.reconciler.Decide(ctx, ws, key, ledger.Verdict{Done: in.Outcome == "done", Actor: in.Actor, Note: in.Note, Output: in.Output})
	}
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return api.Effect{}, problem.NotFound.New("There is no effect with this key.")
	case errors.Is(err, ledger.ErrSettled):
		return api.Effect{}, problem.Conflict.New("The outcome of this effect is known, or an attempt is under way that will tell. There is nothing to settle.")
	case errors.Is(err, reconcile.ErrCannotAsk):
		return api.Effect{}, problem.Conflict.New("The provider cannot be asked what became of this effect. Look there, and give the outcome.")
	case errors.Is(err, reconcile.ErrUnknown):
		return api.Effect{}, problem.Conflict.New("The provider does not show this effect, which proves nothing: its search may lag. Try again later, or look there and give the outcome.")
	case err != nil:
		return api.Effect{}, err
	}
	return r.Get(ctx, ws, key)
}

func showEffect(e ledger.Entry) api.Effect {
	return api.Effect{Key: e.Key, Subject: e.Subject, WorkflowID: e.WorkflowID, Connection: e.Connection, Connector: e.Connector, Operation: e.Operation,
		Kind: e.Kind, State: e.State, Attempt: e.Attempt, Delivery: e.Delivery, ErrorClass: e.ErrorClass, ErrorCode: e.ErrorCode,
		WasUncertain: e.WasUncertain, ReconciledBy: e.ReconciledBy, CreatedAt: e.CreatedAt, AttemptedAt: e.AttemptedAt, SettledAt: e.SettledAt}
}

// eventResource implements api.Events.
type eventResource struct{ outbox *bus.Outbox }

// List gives a cursor with every page that has events, so that a reader can go on
// from there when more has happened.
func (r eventResource) List(ctx context.Context, ws uuid.UUID, f api.EventFilter, q api.PageQuery) ([]api.OutboxEvent, string, error) {
	after, err := openEventCursor(q.After)
	if err != nil {
		return nil, "", err
	}
	got, err := r.outbox.List(ctx, ws, after, bus.SaidFilter{Type: f.Type, Subject: f.Subject}, q.Limit)
	if err != nil || len(got) == 0 {
		return nil, "", err
	}
	out := make([]api.OutboxEvent, len(got))
	for i, s := range got {
		out[i] = api.OutboxEvent{Seq: s.Place.Seq, Type: s.Type, Subject: s.Subject, Data: s.Data, At: s.At}
	}
	last := got[len(got)-1].Place
	return out, strconv.FormatInt(last.Xid, 10) + "." + strconv.FormatInt(last.Seq, 10), nil
}

func openEventCursor(cursor string) (bus.Place, error) {
	if cursor == "" {
		return bus.Place{}, nil
	}
	xid, seq, ok := strings.Cut(cursor, ".")
	var p bus.Place
	var err error
	if p.Xid, err = strconv.ParseInt(xid, 10, 64); err != nil || p.Xid < 0 || !ok || seq == "" {
		return p, errCursor
	}
	p.Seq, err = cursorNumber(seq)
	return p, err
}
