package conversations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/vault"
)

// Heard is an event that a conversation has answered.
type Heard struct {
	Event
	// Turn is the first number of the turn that answered it, at TurnAt, with the
	// version of a flow that FlowHash names.
	Turn     int64
	TurnAt   time.Time
	FlowHash string
}

// Heard returns the answered events after a number, oldest first. One whose key was
// destroyed has no body.
func (c *Conversations) Heard(ctx context.Context, k Key, after int64, limit int) ([]Heard, error) {
	var out []Heard
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT i.number, i.kind, i.body, i.received_at, t.first_number, t.created_at, t.flow_hash FROM inbox i
			JOIN turns t ON t.workspace_id = i.workspace_id AND t.conversation_id = i.subject_id AND i.number BETWEEN t.first_number AND t.last_number
			WHERE i.workspace_id = $1 AND i.subject_id = $2 AND i.number > $3 ORDER BY i.number LIMIT $4`, k.Workspace, k.ID, after, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (h Heard, err error) {
			err = row.Scan(&h.Number, &h.Kind, &h.Body, &h.At, &h.Turn, &h.TurnAt, &h.FlowHash)
			return h, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations: heard: %w", err)
	}
	for i := range out {
		out[i].Body, err = c.vault.Open(ctx, bus.PlaceBody, out[i].Body)
		if errors.Is(err, vault.ErrErased) {
			out[i].Body, err = nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
