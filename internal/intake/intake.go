// Package intake takes in what verified webhooks report: messages are numbered
// into conversations, the fates of sent messages move the ledger forward, and
// news of providers' objects finds the case or conversation that it concerns.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/ledger"
	"parley/internal/observe"
	"parley/internal/reconcile"
	"parley/internal/store"
	"parley/internal/templates"
	"parley/internal/vault"
)

// Intake is safe for concurrent use.
type Intake struct {
	DB       *store.DB
	Vault    *vault.Vault
	Contacts *contacts.Contacts
	Inbox    *bus.Inbox
	Cases    *cases.Cases
	Dispatch *bus.Dispatcher
	// Reconcile settles what a provider's news proves to have been done.
	Reconcile *reconcile.Reconciler
	// Templates hear what providers think of them.
	Templates *templates.Templates
	Log       *slog.Logger
}

// Outcome counts what became of a webhook's events.
type Outcome struct {
	Accepted   int // kept, or moved something forward
	Duplicates int // known already
	Blocked    int // kept, from a contact that is blocked: never answered
	Ignored    int // of a type nobody uses
	Parked     int // news of something we do not know yet; kept to be matched
}

// Accept takes in the events of one webhook. When it returns without an error
// all of them are durable; an error means that the provider should deliver the
// webhook again, and what was taken in is then known as a duplicate.
func (in *Intake) Accept(ctx context.Context, conn *connections.Connection, events []sdk.Event) (Outcome, error) {
	var out Outcome
	for _, ev := range events {
		var err error
		switch ev.Kind {
		case sdk.EventMessage:
			err = in.message(ctx, conn, ev, &out)
		case sdk.EventStatus:
			err = in.status(ctx, conn, ev, &out)
		case sdk.EventProvider:
			err = in.provider(ctx, conn, ev, &out)
		default:
			out.Ignored++
		}
		if err != nil {
			return out, fmt.Errorf("intake: %s: %w", ev.Kind, err)
		}
	}
	return out, nil
}

// flowEvent is the body of an inbox event as flows read it: flow.Event without
// its number. It is written here field by field, since only activities know flows.
type flowEvent struct {
	Kind    string          `json:"kind"`
	Message *sdk.Incoming   `json:"message,omitempty"`
	Ref     string          `json:"ref,omitempty"`
	Name    string          `json:"name,omitempty"`
	Output  json.RawMessage `json:"output,omitempty"`
	// Of kind agent: what goes to the customer, in order, and who says it.
	Content *sdk.Content  `json:"content,omitempty"`
	More    []sdk.Content `json:"more,omitempty"`
	Agent   string        `json:"agent,omitempty"`
}

// place is the kind under which the inbox keeps the event: what a person says is
// sent, whatever else a flow hears of it.
func (ev flowEvent) place() string {
	if ev.Content != nil {
		return bus.KindAgent
	}
	return ev.Kind
}

func (in *Intake) message(ctx context.Context, conn *connections.Connection, ev sdk.Event, out *Outcome) error {
	m := ev.Message
	if m == nil {
		return sdk.Invalidf("a message event has no message")
	}
	ch := contacts.Channel{Workspace: conn.Workspace, Connection: conn.ID, Connector: conn.Connector.Name}
	conv, err := in.Contacts.Conversation(ctx, ch, m.From, m.Name)
	if err != nil {
		return err
	}
	once, err := in.once(ctx, conn, ev)
	if err != nil {
		return err
	}
	return in.keep(ctx, conv, once, flowEvent{Kind: bus.KindMessage, Message: m}, out)
}

func (in *Intake) keep(ctx context.Context, conv contacts.Conversation, once []byte, ev flowEvent, out *Outcome) error {
	body, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	got, err := in.Inbox.Keep(ctx, bus.Arrival{Workspace: conv.Workspace, Conversation: conv.ID, Contact: conv.Contact,
		WorkflowID: conv.WorkflowID, Once: once, Kind: ev.place(), Body: body, Trace: observe.TraceParent(ctx)})
	if err != nil {
		return err
	}
	if got.Duplicate {
		out.Duplicates++
		return nil
	}
	if conv.Blocked {
		out.Blocked++
	} else {
		out.Accepted++
	}
	in.Dispatch.Offer(bus.Target{Workspace: conv.Workspace, ID: conv.ID, WorkflowID: conv.WorkflowID, Channel: conv.Channel, Number: got.Number, Trace: observe.TraceParent(ctx)})
	return nil
}

// once identifies an event over repeated deliveries, without keeping its ID.
func (in *Intake) once(ctx context.Context, conn *connections.Connection, ev sdk.Event) ([]byte, error) {
	if ev.ID == "" {
		return nil, sdk.Invalidf("an event of type %s has no ID", ev.Type)
	}
	return in.Vault.Index(ctx, conn.Workspace, "event:"+conn.ID.String(), ev.ID)
}

// statusSQL moves a message's delivery forward, never back, and settles an
// attempt whose answer was lost. The order is that of what is known for certain: a
// message that was delivered did not fail, so that statuses mean the same in
// whatever order they come. An attempt that is under way is left to its sender,
// who is about to settle it; should the sender die, the one who takes over finds
// the delivery.
const statusSQL = `WITH before AS (
	SELECT key, state, array_position(ARRAY['', 'accepted', 'sent', 'failed', 'delivered', 'read'], $4) >
		array_position(ARRAY['', 'accepted', 'sent', 'failed', 'delivered', 'read'], delivery) AS forward
	FROM effects WHERE workspace_id = $1 AND operation = 'send' AND ($2 <> '' AND key = $2 OR $2 = '' AND ref_index = $3) FOR UPDATE
), settled AS (
	SELECT *, forward AND state IN ('uncertain', 'not_sent', 'failed') AS settles FROM before
)
UPDATE effects e SET
	delivery = CASE WHEN s.forward THEN $4 ELSE e.delivery END,
	state = CASE WHEN NOT s.settles THEN e.state WHEN $4 = 'failed' THEN 'failed' ELSE 'done' END,
	settled_at = CASE WHEN s.settles THEN now() ELSE e.settled_at END,
	ref_index = coalesce(e.ref_index, $3),
	error_class = CASE WHEN s.forward THEN $5 ELSE e.error_class END,
	error_code = CASE WHEN s.forward THEN $6 ELSE e.error_code END
	FROM settled s WHERE e.workspace_id = $1 AND e.key = s.key
	RETURNING e.key, e.subject_id, e.workflow_id, s.state, s.forward`

func (in *Intake) status(ctx context.Context, conn *connections.Connection, ev sdk.Event, out *Outcome) error {
	s := ev.Status
	if s == nil {
		return sdk.Invalidf("a status event has no status")
	}
	ref, err := ledger.RefIndex(ctx, in.Vault, conn.Workspace, conn.Connector.Name, s.MessageID)
	if err != nil {
		return err
	}
	var class, code string
	if s.Error != nil {
		class, code = string(s.Error.Class), s.Error.Code
	}
	var key, workflowID, was string
	var subject uuid.UUID
	var news bool
	err = in.DB.InWorkspace(ctx, conn.Workspace, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, statusSQL, conn.Workspace, s.EffectKey, ref, string(s.Status), class, code).Scan(&key, &subject, &workflowID, &was, &news)
		if err != nil || !news {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, 'message.' || $2::text, 'conversation/' || $3::text,
			jsonb_build_object('key', $4::text, 'code', $5::text))`, conn.Workspace, string(s.Status), subject.String(), key, code)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		out.Ignored++ // a message that was not sent by us
		return nil
	}
	if err != nil {
		return err
	}
	if !news {
		out.Duplicates++
		return nil
	}
	out.Accepted++
	if was == ledger.Uncertain || was == ledger.NotSent {
		// Its turn waits for this.
		in.Dispatch.Offer(bus.Target{Workspace: conn.Workspace, ID: subject, WorkflowID: workflowID, Channel: conn.Connector.Name})
	}
	return nil
}
