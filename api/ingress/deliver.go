package ingress

import (
	"context"
	"errors"
	"slices"

	"parley/connectors/sdk"
)

// Delivery hands events on, wherever they came from: webhooks and polls go the same way.
type Delivery struct {
	Inbox  Inbox
	Router Router
	// Count, if set, counts what became of the events of a kind.
	Count func(c Connection, kind sdk.EventKind, outcome string, n int)
}

// Deliver routes events to the connections that they belong to and has them kept,
// in order. Consecutive events of one account go together. After an error all of
// them should come again.
func (d Delivery) Deliver(ctx context.Context, conn Connection, events []sdk.Event) error {
	events = d.dropIgnored(conn, events)
	for len(events) > 0 {
		account := events[0].Account
		n := slices.IndexFunc(events, func(e sdk.Event) bool { return e.Account != account })
		if n < 0 {
			n = len(events)
		}
		if err := d.deliverTo(ctx, conn, account, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func (d Delivery) dropIgnored(conn Connection, events []sdk.Event) []sdk.Event {
	kept := make([]sdk.Event, 0, len(events))
	for _, e := range events {
		switch e.Kind {
		case sdk.EventMessage, sdk.EventStatus, sdk.EventProvider:
			kept = append(kept, e)
		default:
			d.count(conn, sdk.EventIgnored, "ignored", 1)
		}
	}
	return kept
}

func (d Delivery) deliverTo(ctx context.Context, conn Connection, account string, events []sdk.Event) error {
	target := conn
	if !owns(conn, account) {
		var err error
		target, err = d.Router.Route(ctx, conn, account)
		if errors.Is(err, ErrUnknownAccount) {
			if err := d.Router.Unrouted(ctx, conn, account, events); err != nil {
				return err
			}
			for _, e := range events {
				d.count(conn, e.Kind, "unrouted", 1)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	out, err := d.Inbox.Accept(ctx, target, events)
	if err != nil {
		return err
	}
	kind := kindOf(events)
	d.count(target, kind, "accepted", out.Accepted)
	d.count(target, kind, "duplicate", out.Duplicates)
	d.count(target, kind, "blocked", out.Blocked)
	d.count(target, kind, "unknown", out.Unknown)
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

func (d Delivery) count(c Connection, kind sdk.EventKind, outcome string, n int) {
	if n > 0 && d.Count != nil {
		d.Count(c, kind, outcome, n)
	}
}
