package conversations

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/vault"
)

// Record replaces the body of the i-th event of a snapshot that no turn has taken,
// so that every run of its turn sees what a service said of it. Of several runs at
// once the first one counts: the snapshot then holds its body.
func (c *Conversations) Record(ctx context.Context, s *Snapshot, i int, body []byte) error {
	e := &s.Events[i]
	sealed, err := c.vault.Seal(ctx, bus.ConversationKey(s.Workspace, s.Contact), bus.PlaceBody, body)
	if err != nil {
		return err
	}
	var stored []byte
	err = c.db.InWorkspace(ctx, s.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE inbox SET body = $5 WHERE workspace_id = $1 AND subject_id = $2 AND number = $3 AND body = $4`,
			s.Workspace, s.ID, e.Number, e.sealed, sealed)
		if err != nil {
			return err
		}
		if stored = sealed; tag.RowsAffected() > 0 {
			return nil
		}
		return tx.QueryRow(ctx, `SELECT body FROM inbox WHERE workspace_id = $1 AND subject_id = $2 AND number = $3`, s.Workspace, s.ID, e.Number).Scan(&stored)
	})
	if err != nil {
		return fmt.Errorf("conversations: record: %w", err)
	}
	if e.Body, err = c.vault.Open(ctx, bus.PlaceBody, stored); err != nil && !errors.Is(err, vault.ErrErased) {
		return err
	}
	e.sealed = stored
	return nil
}
