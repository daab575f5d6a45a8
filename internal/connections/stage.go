package connections

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SetStage says which stage of its flow answers on the connection of a name: live
// or staging. Conversations in the middle of a flow keep their version. Setting it
// again changes nothing.
func (c *Connections) SetStage(ctx context.Context, ws uuid.UUID, name, stage, actor string) error {
	var id uuid.UUID
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var before string
		err := tx.QueryRow(ctx, `SELECT id, stage FROM connections WHERE workspace_id = $1 AND name = $2 FOR UPDATE`, ws, name).Scan(&id, &before)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil || before == stage {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE connections SET stage = $3, version = version + 1, updated_at = now() WHERE workspace_id = $1 AND id = $2`, ws, id, stage); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, ws, actor, "connection.stage."+stage, id.String())
		return err
	})
	c.opened.Remove(id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("connections: stage: %w", err)
	}
	return err
}
