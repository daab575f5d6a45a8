package roles

import (
	"context"
	"crypto/rand"

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
		ids := make([]uuid.UUID, n)
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"conversations"}, []string{"workspace_id", "id", "contact_id", "connection_id", "connector",
			"workflow_id", "address", "address_index", "last_number", "cursor", "state"}, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			ids[i] = uuid.Must(uuid.NewV7())
			index := make([]byte, 20)
			rand.Read(index)
			return []any{ws, ids[i], contact, connection, "bench", codec.WorkflowID("conversation", ws, contact, ids[i]), sealed, index, 4, 4, sealed}, nil
		}))
		if err != nil {
			return err
		}
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"inbox"}, []string{"workspace_id", "subject_id", "number", "kind", "body"}, pgx.CopyFromSlice(4*n, func(i int) ([]any, error) {
			return []any{ws, ids[i/4], i%4 + 1, "message", sealed}, nil
		}))
		return err
	})
}
