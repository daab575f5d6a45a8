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
)

// effectResource implements api.Effects.
type effectResource struct{ ledger *ledger.Ledger }

func (r effectResource) List(ctx context.Context, ws uuid.UUID, f api.EffectFilter, q api.PageQuery) ([]api.Effect, string, error) {
	got, err := r.ledger.List(ctx, ws, ledger.Filter{State: f.State, Connector: f.Connector, Operation: f.Operation, Subject: f.Subject, Since: f.Since, After: q.After}, q.Limit+1)
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
	return showEffect(e), nil
}

func showEffect(e ledger.Entry) api.Effect { return api.Effect(e) }

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
