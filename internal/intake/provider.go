package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/ledger"
	"parley/internal/vault"
)

const (
	placeParked  = "parked_events.body"
	placeRequest = "effects.request"
)

// ParkedFor is how long news of something unknown is kept to be matched.
const ParkedFor = 24 * time.Hour

// owner is whom an effect belongs to.
type owner struct {
	key        string
	state      string
	subject    uuid.UUID
	workflowID string
	request    []byte
	channel    string // of a conversation
}

// provider brings news of a provider's object to the case or conversation whose
// effect made it: by our own key where the provider carries it, else by the
// provider's ID. What matches nothing is parked: the news may be faster than the
// answer to the call that made the object.
func (in *Intake) provider(ctx context.Context, conn *connections.Connection, ev sdk.Event, out *Outcome) error {
	p := ev.Provider
	if p == nil {
		return sdk.Invalidf("a provider event has no content")
	}
	if p.Name == role.TemplateChanged {
		return in.template(ctx, conn, p, out)
	}
	once, err := in.once(ctx, conn, ev)
	if err != nil {
		return err
	}
	refs, err := in.refs(ctx, conn, p.Refs)
	if err != nil {
		return err
	}
	o, err := in.owner(ctx, conn.Workspace, p.EffectKey, refs)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return in.park(ctx, conn, once, refs, p, out)
	case err != nil:
		return err
	}
	if err := in.echoed(ctx, conn.Workspace, o, p); err != nil {
		return err
	}
	return in.deliver(ctx, conn.Workspace, o, once, p, out)
}

// echoed settles an effect whose outcome was unknown: that the provider knows our
// key proves that it was done. Whoever waits for it goes on, before it hears the news.
func (in *Intake) echoed(ctx context.Context, ws uuid.UUID, o owner, p *sdk.ProviderEvent) error {
	if o.state != ledger.Uncertain || p.EffectKey != o.key {
		return nil
	}
	if err := in.Reconcile.Echo(ctx, ws, o.key); err != nil && !errors.Is(err, ledger.ErrSettled) {
		return err
	}
	return nil
}

// template takes in what a provider says of a template: no conversation's and no
// case's news. Told twice it is the same.
func (in *Intake) template(ctx context.Context, conn *connections.Connection, p *sdk.ProviderEvent, out *Outcome) error {
	var s role.TemplateState
	if err := json.Unmarshal(p.Data, &s); err != nil {
		return sdk.Invalidf("the news of a template is not readable")
	}
	news, err := in.Templates.Changed(ctx, conn.Workspace, conn.ID, s)
	switch {
	case err != nil:
		return err
	case news:
		out.Accepted++
	default:
		out.Duplicates++
	}
	return nil
}

func (in *Intake) refs(ctx context.Context, conn *connections.Connection, ids []string) ([][]byte, error) {
	var out [][]byte
	for _, id := range ids {
		if id == "" {
			continue
		}
		idx, err := ledger.RefIndex(ctx, in.Vault, conn.Workspace, conn.Connector.Name, id)
		if err != nil {
			return nil, err
		}
		out = append(out, idx)
	}
	return out, nil
}

func (in *Intake) owner(ctx context.Context, ws uuid.UUID, key string, refs [][]byte) (owner, error) {
	var o owner
	err := in.DB.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT e.key, e.state, e.subject_id, e.workflow_id, e.request, coalesce(v.connector, '') FROM effects e
			LEFT JOIN conversations v ON v.workspace_id = e.workspace_id AND v.id = e.subject_id
			WHERE e.workspace_id = $1 AND ($2 <> '' AND key = $2 OR ref_index = ANY($3))
			ORDER BY key = $2 DESC, array_position($3, ref_index) LIMIT 1`, ws, key, refs).
			Scan(&o.key, &o.state, &o.subject, &o.workflowID, &o.request, &o.channel)
	})
	return o, err
}

func (in *Intake) deliver(ctx context.Context, ws uuid.UUID, o owner, once []byte, p *sdk.ProviderEvent, out *Outcome) error {
	if p.Name == role.AgentSaid {
		return in.relay(ctx, ws, o, once, p, out)
	}
	if o.isConversation() {
		return in.deliverToConversation(ctx, ws, o, once, p, out)
	}
	t, err := in.Cases.Tell(ctx, cases.Key{Workspace: ws, ID: o.subject}, once,
		cases.News{Name: p.Name, EffectKey: o.key, Data: p.Data, At: time.Now().UTC()})
	if err != nil {
		return err
	}
	if t.Number == 0 {
		out.Duplicates++
		return nil
	}
	out.Accepted++
	in.Dispatch.Offer(t)
	return nil
}

func (in *Intake) deliverToConversation(ctx context.Context, ws uuid.UUID, o owner, once []byte, p *sdk.ProviderEvent, out *Outcome) error {
	conv, err := o.conversation(ws)
	if err != nil {
		return err
	}
	ref, err := in.flowRef(ctx, o)
	if errors.Is(err, vault.ErrErased) {
		out.Ignored++
		return nil
	}
	if err != nil {
		return err
	}
	return in.keep(ctx, conv, once, flowEvent{Kind: bus.KindProvider, Ref: ref, Name: p.Name, Output: p.Data}, out)
}

func (o owner) isConversation() bool { return strings.HasPrefix(o.workflowID, "conversation/") }

// conversation is the one that an effect of a conversation belongs to.
func (o owner) conversation(ws uuid.UUID) (contacts.Conversation, error) {
	c := contacts.Conversation{Workspace: ws, ID: o.subject, WorkflowID: o.workflowID, Channel: o.channel}
	parts := strings.Split(o.workflowID, "/")
	if len(parts) == 4 {
		var err error
		if c.Contact, err = uuid.Parse(parts[2]); err == nil {
			return c, nil
		}
	}
	return c, fmt.Errorf("the workflow ID of effect %s has an unknown form", o.key)
}

// flowRef is the name by which a flow knows its effect.
func (in *Intake) flowRef(ctx context.Context, o owner) (string, error) {
	var call struct {
		Ref string `json:"ref"`
	}
	plain, err := in.Vault.Open(ctx, placeRequest, o.request)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(plain, &call); err != nil {
		return "", fmt.Errorf("the request of effect %s is not readable: %w", o.key, err)
	}
	return call.Ref, nil
}

// parked is the sealed body of a parked event.
type parked struct {
	Once  []byte             `json:"once"`
	Event *sdk.ProviderEvent `json:"event"`
}

func (in *Intake) park(ctx context.Context, conn *connections.Connection, once []byte, refs [][]byte, p *sdk.ProviderEvent, out *Outcome) error {
	if len(refs) == 0 && p.EffectKey == "" {
		out.Ignored++ // nothing could ever match it
		return nil
	}
	body, err := json.Marshal(parked{once, p})
	if err != nil {
		return err
	}
	sealed, err := in.Vault.Seal(ctx, vault.ForWorkspace(conn.Workspace), placeParked, body)
	if err != nil {
		return err
	}
	if refs == nil {
		refs = [][]byte{}
	}
	return in.DB.InWorkspace(ctx, conn.Workspace, func(tx pgx.Tx) error {
		// The ID is made of the event's, so that a repeat parks nothing new.
		tag, err := tx.Exec(ctx, `INSERT INTO parked_events (workspace_id, id, connection_id, name, refs, body) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			conn.Workspace, uuid.NewSHA1(conn.ID, once), conn.ID, p.Name, refs, sealed)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			out.Duplicates++
		} else {
			out.Parked++
		}
		return nil
	})
}

// parkedRow is parked news whose effect is known by now.
type parkedRow struct {
	ID   uuid.UUID
	Refs [][]byte
	Body []byte
}

// JoinParked delivers parked news whose effect is known by now, and lets expire,
// visibly, what nothing ever claimed. It returns how many of each. News that
// cannot be delivered holds up no other.
func (in *Intake) JoinParked(ctx context.Context, ws uuid.UUID) (joined, expired int, err error) {
	var rows []parkedRow
	err = in.DB.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		if expired, err = expire(ctx, tx, ws); err != nil {
			return err
		}
		// Only what can be matched: a shop has orders that are none of ours.
		r, err := tx.Query(ctx, `SELECT id, refs, body FROM parked_events p WHERE workspace_id = $1 AND state = 'waiting'
			AND EXISTS (SELECT FROM effects e WHERE e.workspace_id = $1 AND e.ref_index = ANY(p.refs)) ORDER BY received_at LIMIT 200`, ws)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[parkedRow])
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("intake: parked: %w", err)
	}
	var failed []error
	for _, r := range rows {
		ok, err := in.join(ctx, ws, r)
		if err != nil {
			failed = append(failed, fmt.Errorf("intake: parked: %w", err))
		} else if ok {
			joined++
		}
	}
	return joined, expired, errors.Join(failed...)
}

func expire(ctx context.Context, tx pgx.Tx, ws uuid.UUID) (int, error) {
	tag, err := tx.Exec(ctx, `WITH gone AS (UPDATE parked_events SET state = 'expired'
			WHERE workspace_id = $1 AND state = 'waiting' AND received_at < now() - $2::interval RETURNING id, name)
		INSERT INTO events (workspace_id, type, subject, data)
		SELECT $1, 'provider_event.expired', 'parked/' || id, jsonb_build_object('name', name) FROM gone`, ws, ParkedFor)
	return int(tag.RowsAffected()), err
}

// join delivers one. It reports false if another was faster.
func (in *Intake) join(ctx context.Context, ws uuid.UUID, r parkedRow) (bool, error) {
	plain, err := in.Vault.Open(ctx, placeParked, r.Body)
	if err != nil {
		return false, err
	}
	var p parked
	if err := json.Unmarshal(plain, &p); err != nil {
		return false, err
	}
	o, err := in.owner(ctx, ws, p.Event.EffectKey, r.Refs)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := in.deliver(ctx, ws, o, p.Once, p.Event, &Outcome{}); err != nil {
		return false, err
	}
	mine := false
	err = in.DB.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE parked_events SET state = 'joined' WHERE workspace_id = $1 AND id = $2 AND state = 'waiting'`, ws, r.ID)
		mine = tag.RowsAffected() == 1
		return err
	})
	return mine, err
}
