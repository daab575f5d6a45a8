package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	// State of our message's effect.
	State string
	At    time.Time
	// Erased tells that its key was destroyed.
	Erased bool
}

// AuthorCustomer is the author of what the customer writes.
const AuthorCustomer = "customer"

const historySQL = `
SELECT * FROM (
    SELECT i.seq, 'customer' AS author, i.number::text AS id, i.body, '' AS delivery, '' AS state, i.received_at AS at FROM inbox i
    WHERE i.workspace_id = $1 AND i.subject_id = $2 AND i.seq > $3
    UNION ALL
    SELECT e.seq, e.author, e.key, e.request, CASE WHEN e.delivery <> '' THEN e.delivery WHEN e.state = 'uncertain' THEN 'uncertain' WHEN e.state = 'done' THEN 'accepted' ELSE 'waiting' END, e.state, e.created_at FROM effects e
    WHERE e.workspace_id = $1 AND e.subject_id = $2 AND e.operation = 'send' AND e.seq > $3
) m `

// History returns the messages after the place given, oldest first; with a place
// of 0 the newest ones.
func (c *Conversations) History(ctx context.Context, k Key, after int64, limit int) ([]Message, error) {
	if after != 0 {
		return c.messages(ctx, k, historySQL+`ORDER BY seq LIMIT $4`, after, limit)
	}
	out, err := c.messages(ctx, k, historySQL+`ORDER BY seq DESC LIMIT $4`, after, limit)
	slices.Reverse(out)
	return out, err
}

// Transcript returns the messages after the place given, oldest first; with a
// place of 0 from the beginning.
func (c *Conversations) Transcript(ctx context.Context, k Key, after int64, limit int) ([]Message, error) {
	return c.messages(ctx, k, historySQL+`ORDER BY seq LIMIT $4`, after, limit)
}

// Message returns one message by its ID.
func (c *Conversations) Message(ctx context.Context, k Key, id string) (Message, error) {
	got, err := c.messages(ctx, k, historySQL+`WHERE id = $4`, 0, id)
	if err == nil && len(got) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Message{}, err
	}
	return got[0], nil
}

func (c *Conversations) messages(ctx context.Context, k Key, sql string, after int64, last any) ([]Message, error) {
	type row struct {
		Seq      int64
		Author   string
		ID       string
		Body     []byte
		Delivery string
		State    string
		At       time.Time
	}
	var rows []row
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, sql, k.Workspace, k.ID, after, last)
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
		out[i] = Message{Seq: r.Seq, Author: r.Author, ID: r.ID, Delivery: r.Delivery, State: r.State, At: r.At}
		if err := c.openMessage(ctx, r.Body, &out[i]); err != nil {
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
