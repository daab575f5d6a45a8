package conversations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/vault"
)

// RecordedTurn is a turn as it was recorded.
type RecordedTurn struct {
	First, Last int64
	// Hash of the version that ran; empty where no flow answered.
	Hash    string
	Entered []string
	Missed  bool
	// Stood is the block where the flow stood afterwards.
	Stood string
	At    time.Time
}

// MostRecorded is how many events of a conversation [Conversations.Recorded] reads.
const MostRecorded = 2000

// OfFlow returns conversations whose last turn ran a version of the flow, by ID,
// after the one given.
func (c *Conversations) OfFlow(ctx context.Context, ws uuid.UUID, name string, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	var out []uuid.UUID
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT id FROM conversations WHERE workspace_id = $1 AND id > $3 AND flow = $2 ORDER BY id LIMIT $4`, ws, name, after, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations: of flow: %w", err)
	}
	return out, nil
}

// Recorded returns the turns of a conversation and the events that they took, from
// the beginning, up to [MostRecorded] events. The body of an event whose key was
// destroyed is nil.
func (c *Conversations) Recorded(ctx context.Context, k Key) ([]RecordedTurn, []Event, error) {
	var turns []RecordedTurn
	var rows []eventRow
	err := c.db.Pipeline(ctx, k.Workspace, func(b *pgx.Batch) {
		b.Queue(`SELECT first_number, last_number, flow_hash, coalesce(entered, '{}'), missed, stood, created_at FROM turns
			WHERE workspace_id = $1 AND conversation_id = $2 ORDER BY first_number LIMIT $3`, k.Workspace, k.ID, MostRecorded).Query(func(r pgx.Rows) (err error) {
			turns, err = pgx.CollectRows(r, pgx.RowToStructByPos[RecordedTurn])
			return err
		})
		b.Queue(`SELECT subject_id, number, kind, body, trace, received_at FROM inbox
			WHERE workspace_id = $1 AND subject_id = $2 ORDER BY number LIMIT $3`, k.Workspace, k.ID, MostRecorded).Query(func(r pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[eventRow])
			return err
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("conversations: record: %w", err)
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		body, err := c.vault.Open(ctx, bus.PlaceBody, r.Body)
		if err != nil && !errors.Is(err, vault.ErrErased) {
			return nil, nil, err
		}
		events[i] = Event{Number: r.Number, Kind: r.Kind, Body: body, Trace: r.Trace, At: r.At}
	}
	return turns, events, nil
}
