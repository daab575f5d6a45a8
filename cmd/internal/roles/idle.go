package roles

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/vault/codec"
)

// AddIdle puts n conversations into the database that nobody writes in, each
// with some history, for measurements. They share one contact's key.
func (e *Engine) AddIdle(ctx context.Context, ws, connection uuid.UUID, n int) error {
	contact := uuid.Must(uuid.NewV7())
	sealed, err := e.Vault.Seal(ctx, bus.ConversationKey(ws, contact), contacts.PlaceAddress, []byte(`{"kind":"user","value":"idle"}`))
	if err != nil {
		return err
	}
	return e.DB.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO contacts (workspace_id, id) VALUES ($1, $2)`, ws, contact); err != nil {
			return err
		}
		// COPY is refused where row-level security applies.
		_, err := tx.Exec(ctx, `INSERT INTO conversations (workspace_id, id, contact_id, connection_id, connector, workflow_id, address, address_index, last_number, cursor, state)
			SELECT $1, id, $2, $3, 'bench', $4 || id, $5, uuid_send(id), 4, 4, $5 FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $6)) made`,
			ws, contact, connection, strings.TrimSuffix(codec.WorkflowID("conversation", ws, contact, uuid.Nil), uuid.Nil.String()), sealed, n)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO inbox (workspace_id, subject_id, number, kind, body)
			SELECT $1, id, number, 'message', $3 FROM conversations, generate_series(1, 4) AS number WHERE workspace_id = $1 AND contact_id = $2`, ws, contact, sealed)
		return err
	})
}
