package ingress

import (
	"context"
	"errors"
	"slices"

	"parley/connectors/sdk"
)

// deliver routes events to the connections that they belong to and has them kept,
// in order. Consecutive events of one account go together.
func (h *Handler) deliver(ctx context.Context, conn Connection, events []sdk.Event) error {
	events = h.dropIgnored(conn, events)
	for len(events) > 0 {
		account := events[0].Account
		n := slices.IndexFunc(events, func(e sdk.Event) bool { return e.Account != account })
		if n < 0 {
			n = len(events)
		}
		if err := h.deliverTo(ctx, conn, account, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func (h *Handler) dropIgnored(conn Connection, events []sdk.Event) []sdk.Event {
	kept := make([]sdk.Event, 0, len(events))
	for _, e := range events {
		switch e.Kind {
		case sdk.EventMessage, sdk.EventStatus, sdk.EventProvider:
			kept = append(kept, e)
		default:
			h.count(conn, sdk.EventIgnored, "ignored", 1)
		}
	}
	return kept
}

func (h *Handler) deliverTo(ctx context.Context, conn Connection, account string, events []sdk.Event) error {
	target := conn
	if !owns(conn, account) {
		var err error
		target, err = h.o.Router.Route(ctx, conn, account)
		if errors.Is(err, ErrUnknownAccount) {
			if err := h.o.Router.Unrouted(ctx, conn, account, events); err != nil {
				return err
			}
			for _, e := range events {
				h.count(conn, e.Kind, "unrouted", 1)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	out, err := h.o.Inbox.Accept(ctx, target, events)
	if err != nil {
		return err
	}
	kind := kindOf(events)
	h.count(target, kind, "accepted", out.Accepted)
	h.count(target, kind, "duplicate", out.Duplicates)
	h.count(target, kind, "blocked", out.Blocked)
	h.count(target, kind, "unknown", out.Unknown)
	return nil
}

// owns tells whether an event of the account is the connection's own: it is unless
// both name accounts and they differ.
func owns(conn Connection, account string) bool {
	a, names := conn.Conn.(sdk.Accounts)
	return account == "" || !names || slices.Contains(a.AccountIDs(), account)
}

// kindOf is the kind of all events, or "mixed".
func kindOf(events []sdk.Event) sdk.EventKind {
	kind := events[0].Kind
	for _, e := range events {
		if e.Kind != kind {
			return "mixed"
		}
	}
	return kind
}

func (h *Handler) count(c Connection, kind sdk.EventKind, outcome string, n int) {
	if n > 0 {
		h.o.Metrics.Events.WithLabelValues(c.Connector, string(kind), outcome).Add(float64(n))
	}
}
