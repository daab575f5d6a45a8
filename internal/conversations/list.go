package conversations

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

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
	OptedOutAt *time.Time // since when the customer wants no messages here
	CreatedAt  time.Time
}

const summaryColumns = `workspace_id, id, contact_id, connection_id, connector, workflow_id, owner_kind, owner_id, owner_version,
	queue, queued_at, flow, flow_hash, last_number, cursor, pending_turn IS NULL, inbound_at, opted_out_at, created_at`

func scanSummary(r pgx.CollectableRow) (Summary, error) {
	var s Summary
	err := r.Scan(&s.Workspace, &s.ID, &s.Contact, &s.Connection, &s.Connector, &s.WorkflowID, &s.Owner.Kind, &s.Owner.ID, &s.Owner.Version,
		&s.Queue, &s.QueuedAt, &s.Flow, &s.FlowHash, &s.LastNumber, &s.Cursor, &s.Settled, &s.InboundAt, &s.OptedOutAt, &s.CreatedAt)
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

// States of a conversation, for filters.
const (
	StateIdle   = "idle"   // everything is answered
	StateActive = "active" // something has come that no turn has taken
	StateQueued = "queued" // it waits for a person
)

// State is idle, active or queued.
func (s Summary) State() string {
	switch {
	case s.Queue != "":
		return StateQueued
	case s.LastNumber > s.Cursor:
		return StateActive
	}
	return StateIdle
}

// Filter selects conversations; zero fields match all.
type Filter struct {
	State   string // idle, active or queued
	Owner   string // bot, human or case
	Agent   string // the person who has it
	Queue   string
	Channel string
	Contact Key // ID of the contact
	After   Key // the last conversation of the previous page
	// AfterQueued is since when After has been waiting, with Queue.
	AfterQueued time.Time
}

const listWhere = `($2 = '' OR owner_kind = $2) AND ($3 = '' OR queue = $3) AND ($4 = '' OR connector = $4)
	AND ($5 = '00000000-0000-0000-0000-000000000000'::uuid OR contact_id = $5)
	AND ($6 = '' OR owner_kind = 'human' AND owner_id = $6)
	AND CASE $7 WHEN 'queued' THEN queue <> '' WHEN 'active' THEN queue = '' AND last_number > cursor
		WHEN 'idle' THEN queue = '' AND last_number = cursor ELSE true END `

// List returns conversations, newest first; those of a queue longest waiting first.
func (c *Conversations) List(ctx context.Context, k Key, f Filter, limit int) ([]Summary, error) {
	args := []any{f.Owner, f.Queue, f.Channel, f.Contact.ID, f.Agent, f.State, f.After.ID, limit}
	if f.Queue != "" {
		return c.summaries(ctx, k, listWhere+`AND (queued_at, id) > ($10, $8) ORDER BY queued_at, id LIMIT $9`, append(args, f.AfterQueued)...)
	}
	return c.summaries(ctx, k, listWhere+`AND ($8 = '00000000-0000-0000-0000-000000000000'::uuid OR id < $8) ORDER BY id DESC LIMIT $9`, args...)
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
