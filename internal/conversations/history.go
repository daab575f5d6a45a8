package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/vault"
)

// Message is one message of a conversation's history.
type Message struct {
	// Seq grows by one with each message, either way; a message is visible only
	// when all before it are.
	Seq int64
	// Author is "customer", or who says it on our side.
	Author string
	// ID is the effect's key of our message, or the event's number of a customer's.
	ID string
	// Content of our message; of a customer's, In is set.
	Content sdk.Content
	In      *sdk.Incoming
	// Delivery of our message: accepted, sent, delivered, read, failed; or
	// waiting or uncertain before that.
	Delivery string
	At       time.Time
	// Erased tells that its key was destroyed.
	Erased bool
}

// AuthorCustomer is the author of what the customer writes.
const AuthorCustomer = "customer"

const historySQL = `
SELECT * FROM (
    SELECT i.seq, 'customer' AS author, i.number::text AS id, i.body, '' AS delivery, i.received_at AS at FROM inbox i
    WHERE i.workspace_id = $1 AND i.subject_id = $2 AND i.seq > $3
    UNION ALL
    SELECT e.seq, e.author, e.key, e.request, CASE WHEN e.delivery <> '' THEN e.delivery WHEN e.state = 'uncertain' THEN 'uncertain' WHEN e.state = 'done' THEN 'accepted' ELSE 'waiting' END, e.created_at FROM effects e
    WHERE e.workspace_id = $1 AND e.subject_id = $2 AND e.operation = 'send' AND e.seq > $3
) m `

// History returns the messages after the place given, oldest first; with a place
// of 0 the newest ones.
func (c *Conversations) History(ctx context.Context, k Key, after int64, limit int) ([]Message, error) {
	order := `ORDER BY seq LIMIT $4`
	if after == 0 {
		order = `ORDER BY seq DESC LIMIT $4`
	}
	type row struct {
		Seq      int64
		Author   string
		ID       string
		Body     []byte
		Delivery string
		At       time.Time
	}
	var rows []row
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, historySQL+order, k.Workspace, k.ID, after, limit)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[row])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations: history: %w", err)
	}
	out := make([]Message, len(rows))
	for i, r := range rows {
		at := i
		if after == 0 {
			at = len(rows) - 1 - i
		}
		out[at] = Message{Seq: r.Seq, Author: r.Author, ID: r.ID, Delivery: r.Delivery, At: r.At}
		if err := c.openMessage(ctx, r.Body, &out[at]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Conversations) openMessage(ctx context.Context, sealed []byte, m *Message) error {
	place := PlaceRequest
	if m.Author == AuthorCustomer {
		place = bus.PlaceBody
	}
	plain, err := c.vault.Open(ctx, place, sealed)
	if errors.Is(err, vault.ErrErased) {
		m.Erased = true
		return nil
	}
	if err != nil {
		return err
	}
	if m.Author != AuthorCustomer {
		return json.Unmarshal(plain, &m.Content)
	}
	var body struct {
		Message *sdk.Incoming `json:"message"`
	}
	err = json.Unmarshal(plain, &body)
	m.In = body.Message
	return err
}

// Summary is a conversation as lists show it.
type Summary struct {
	Ref
	Owner      Owner
	Queue      string
	QueuedAt   *time.Time
	Flow       string
	FlowHash   string
	LastNumber int64
	Cursor     int64
	Settled    bool // no send is waiting or uncertain
	InboundAt  *time.Time
	CreatedAt  time.Time
}

const summaryColumns = `workspace_id, id, contact_id, connection_id, connector, workflow_id, owner_kind, owner_id, owner_version,
	queue, queued_at, flow, flow_hash, last_number, cursor, pending_turn IS NULL, inbound_at, created_at`

func scanSummary(r pgx.CollectableRow) (Summary, error) {
	var s Summary
	err := r.Scan(&s.Workspace, &s.ID, &s.Contact, &s.Connection, &s.Connector, &s.WorkflowID, &s.Owner.Kind, &s.Owner.ID, &s.Owner.Version,
		&s.Queue, &s.QueuedAt, &s.Flow, &s.FlowHash, &s.LastNumber, &s.Cursor, &s.Settled, &s.InboundAt, &s.CreatedAt)
	return s, err
}

// Get returns one conversation.
func (c *Conversations) Get(ctx context.Context, k Key) (Summary, error) {
	all, err := c.summaries(ctx, k, `id = $2`, k.ID)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Summary{}, err
	}
	return all[0], nil
}

// Filter selects conversations; zero fields match all.
type Filter struct {
	Owner   string // bot, human or case
	Queue   string
	Channel string
	Contact Key // ID of the contact
	After   Key // the last conversation of the previous page
}

// List returns conversations, newest first.
func (c *Conversations) List(ctx context.Context, k Key, f Filter, limit int) ([]Summary, error) {
	return c.summaries(ctx, k, `($2 = '' OR owner_kind = $2) AND ($3 = '' OR queue = $3) AND ($4 = '' OR connector = $4)
		AND ($5 = '00000000-0000-0000-0000-000000000000'::uuid OR contact_id = $5)
		AND ($6 = '00000000-0000-0000-0000-000000000000'::uuid OR id < $6) ORDER BY id DESC LIMIT $7`,
		f.Owner, f.Queue, f.Channel, f.Contact.ID, f.After.ID, limit)
}

func (c *Conversations) summaries(ctx context.Context, k Key, where string, args ...any) ([]Summary, error) {
	var out []Summary
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+summaryColumns+` FROM conversations WHERE workspace_id = $1 AND `+where, append([]any{k.Workspace}, args...)...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, scanSummary)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations: %w", err)
	}
	return out, nil
}
