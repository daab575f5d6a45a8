package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/bus"
	"parley/internal/vault"
)

// Parked is a conversation that stands in a version of a flow, as it was read.
type Parked struct {
	ID, Contact uuid.UUID
	Cursor      int64
	Owner       Owner
	// Busy tells that sends of a turn are not settled.
	Busy bool
	// State of its flow; nil if its key was destroyed.
	State json.RawMessage

	sealed []byte
}

// Parked returns conversations whose last turn ran a version of a flow, by ID,
// after the one given. It reads through the workspace's conversations in the order
// of their IDs.
func (c *Conversations) Parked(ctx context.Context, ws uuid.UUID, hash string, after uuid.UUID, limit int) ([]Parked, error) {
	var out []Parked
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT id, contact_id, cursor, owner_kind, owner_id, owner_version, pending_turn IS NOT NULL, state FROM conversations
			WHERE workspace_id = $1 AND id > $3 AND flow_hash = $2 AND state IS NOT NULL ORDER BY id LIMIT $4`, ws, hash, after, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (p Parked, err error) {
			err = row.Scan(&p.ID, &p.Contact, &p.Cursor, &p.Owner.Kind, &p.Owner.ID, &p.Owner.Version, &p.Busy, &p.sealed)
			return p, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations: parked: %w", err)
	}
	for i := range out {
		if out[i].State, err = c.vault.Open(ctx, placeState, out[i].sealed); err != nil && !errors.Is(err, vault.ErrErased) {
			return nil, err
		}
	}
	return out, nil
}

// Moved is a conversation that goes on in another version of its flow.
type Moved struct {
	Parked
	State json.RawMessage // the new one
}

// Migrate lets conversations go on in another version, with the states given,
// and keeps each one's former state under the migration. The turn that another
// process is about to commit on the former state is refused by the owner's
// version, which counts on, and decides anew. A conversation that is not where it
// was read, or whose sends are not settled, is left alone; the result tells of
// each whether it moved. Doing it again moves nobody twice.
func (c *Conversations) Migrate(ctx context.Context, ws, migration uuid.UUID, from, to string, all []Moved) ([]bool, error) {
	ids, cursors, versions := make([]uuid.UUID, len(all)), make([]int64, len(all)), make([]int64, len(all))
	states := make([][]byte, len(all))
	at := make(map[uuid.UUID]int, len(all))
	for i, m := range all {
		sealed, err := c.vault.Seal(ctx, bus.ConversationKey(ws, m.Contact), placeState, m.State)
		if err != nil {
			return nil, err
		}
		ids[i], cursors[i], versions[i], states[i] = m.ID, m.Cursor, m.Owner.Version, sealed
		at[m.ID] = i
	}
	out := make([]bool, len(all))
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, migrateSQL, ws, migration, from, to, ids, cursors, versions, states)
		if err != nil {
			return err
		}
		moved, err := pgx.CollectRows(r, pgx.RowTo[uuid.UUID])
		for _, id := range moved {
			out[at[id]] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations: migrate: %w", err)
	}
	return out, nil
}

const migrateSQL = `
WITH input AS (
    SELECT * FROM unnest($5::uuid[], $6::bigint[], $7::bigint[], $8::bytea[]) AS t(id, cursor, version, state)
), locked AS ( -- in the order in which turns lock
    SELECT v.id, v.state AS former FROM conversations v WHERE v.workspace_id = $1 AND v.id = ANY($5) ORDER BY v.id FOR UPDATE
), ok AS (
    UPDATE conversations v SET state = i.state, flow_hash = $4, owner_version = v.owner_version + 1
    FROM input i JOIN locked l ON l.id = i.id
    WHERE v.workspace_id = $1 AND v.id = i.id AND v.cursor = i.cursor AND v.owner_version = i.version
        AND v.pending_turn IS NULL AND v.flow_hash = $3
    RETURNING v.id, v.cursor, v.owner_version, l.former
)
INSERT INTO flow_migration_moves (workspace_id, migration_id, conversation_id, cursor, version, former)
SELECT $1, $2, ok.id, ok.cursor, ok.owner_version, ok.former FROM ok
ON CONFLICT (workspace_id, migration_id, conversation_id) DO UPDATE
    SET cursor = excluded.cursor, version = excluded.version, former = excluded.former, undone_at = NULL
RETURNING conversation_id`

// Unmigrate gives up to limit conversations of a migration their former state
// back. Those that have moved on since keep what they have. It returns how many
// went back and how many did not, and whether there are more.
func (c *Conversations) Unmigrate(ctx context.Context, ws, migration uuid.UUID, from, to string, after uuid.UUID, limit int) (back, stayed int, last uuid.UUID, more bool, err error) {
	err = c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT conversation_id FROM flow_migration_moves WHERE workspace_id = $1 AND migration_id = $2 AND conversation_id > $3 AND undone_at IS NULL
			ORDER BY conversation_id LIMIT $4`, ws, migration, after, limit)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(r, pgx.RowTo[uuid.UUID])
		if err != nil || len(ids) == 0 {
			return err
		}
		tag, err := tx.Exec(ctx, unmigrateSQL, ws, migration, from, to, ids)
		back, last, more = int(tag.RowsAffected()), ids[len(ids)-1], len(ids) == limit
		stayed = len(ids) - back
		return err
	})
	if err != nil {
		err = fmt.Errorf("conversations: unmigrate: %w", err)
	}
	return back, stayed, last, more, err
}

const unmigrateSQL = `
WITH locked AS (
    SELECT v.id FROM conversations v WHERE v.workspace_id = $1 AND v.id = ANY($5) ORDER BY v.id FOR UPDATE
), ok AS (
    UPDATE conversations v SET state = m.former, flow_hash = $3, owner_version = v.owner_version + 1
    FROM flow_migration_moves m JOIN locked l ON l.id = m.conversation_id
    WHERE m.workspace_id = $1 AND m.migration_id = $2 AND v.workspace_id = $1 AND v.id = m.conversation_id
        AND v.cursor = m.cursor AND v.owner_version = m.version AND v.pending_turn IS NULL AND v.flow_hash = $4
    RETURNING v.id
)
UPDATE flow_migration_moves m SET undone_at = now() FROM ok WHERE m.workspace_id = $1 AND m.migration_id = $2 AND m.conversation_id = ok.id`
