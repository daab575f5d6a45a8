package flows

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// States of a migration.
const (
	Moving = "moving"
	Done   = "done"
	Undone = "undone"
)

// Migration is the record of conversations that are taken from one version of a
// flow to another.
type Migration struct {
	ID       uuid.UUID
	Name     string
	From, To string
	// Mapping as it was given, YAML.
	Mapping string
	Actor   string
	State   string
	// After is the last conversation that was looked at.
	After uuid.UUID
	// Moved and Stayed count conversations.
	Moved, Stayed int64
	CreatedAt     time.Time
}

// Begin keeps the record of a migration. One with the same ID is left as it is, so
// that a caller can repeat it.
func (f *Flows) Begin(ctx context.Context, ws uuid.UUID, m Migration) error {
	return f.write(ctx, ws, "migration", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO flow_migrations (workspace_id, id, name, from_hash, to_hash, mapping, actor) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			ws, m.ID, m.Name, m.From, m.To, m.Mapping, m.Actor)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return note(ctx, tx, ws, m.Actor, "flow.migrate", m.Name+"@"+m.From+" to "+m.To)
	})
}

// Migration returns the record of one.
func (f *Flows) Migration(ctx context.Context, ws uuid.UUID, name string, id uuid.UUID) (Migration, error) {
	all, err := f.migrations(ctx, ws, `AND id = $3`, name, id)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Migration{}, err
	}
	return all[0], nil
}

// Migrations returns the records of a flow's migrations, newest first.
func (f *Flows) Migrations(ctx context.Context, ws uuid.UUID, name string, limit int) ([]Migration, error) {
	return f.migrations(ctx, ws, `ORDER BY created_at DESC, id LIMIT $3`, name, limit)
}

func (f *Flows) migrations(ctx context.Context, ws uuid.UUID, where string, args ...any) ([]Migration, error) {
	var out []Migration
	err := f.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT id, name, from_hash, to_hash, mapping, actor, state, coalesce(after, '00000000-0000-0000-0000-000000000000'), moved, stayed, created_at
			FROM flow_migrations WHERE workspace_id = $1 AND name = $2 `+where, append([]any{ws}, args...)...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, pgx.RowToStructByPos[Migration])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("flows: migrations: %w", err)
	}
	return out, nil
}

// Progress notes how far a migration has come: of two who take the same batch, the
// one that is later notes nothing.
func (f *Flows) Progress(ctx context.Context, ws uuid.UUID, m Migration, last uuid.UUID, moved, stayed int, state string) error {
	return f.write(ctx, ws, "migration", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE flow_migrations SET after = $4, moved = moved + $5, stayed = stayed + $6, state = $7
			WHERE workspace_id = $1 AND id = $2 AND coalesce(after, '00000000-0000-0000-0000-000000000000') = $3 AND state = 'moving'`,
			ws, m.ID, m.After, last, moved, stayed, state)
		return err
	})
}

// Undoing notes that a migration is taken back.
func (f *Flows) Undoing(ctx context.Context, ws uuid.UUID, m Migration, actor string) error {
	return f.write(ctx, ws, "migration", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE flow_migrations SET state = 'undone' WHERE workspace_id = $1 AND id = $2 AND state <> 'undone'`, ws, m.ID)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return note(ctx, tx, ws, actor, "flow.migrate.undo", m.Name+"@"+m.To+" to "+m.From)
	})
}
