// Package audit is the trail of who did and looked at what. It holds identifiers
// and names of ours only, and rows are never changed: the role that writes them
// has no right to.
//
// What changes something writes its row itself, in the transaction of the change;
// this package keeps looks, and reads the trail.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/store"
)

// Entry is one row of the trail.
type Entry struct {
	Seq                   int64
	Actor, Action, Object string
	At                    time.Time
}

// Filter selects entries; empty fields match all.
type Filter struct {
	Actor, Action, Object string
	// Before is the Seq of the last entry of the previous page; 0 for the first.
	Before int64
}

// Trail is safe for concurrent use.
type Trail struct{ db *store.DB }

// New returns the trail of a database.
func New(db *store.DB) *Trail { return &Trail{db} }

// Record keeps that an actor did something to each of the objects. It is durable
// when it returns.
func (t *Trail) Record(ctx context.Context, ws uuid.UUID, actor, action string, objects ...string) error {
	err := t.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) SELECT $1, $2, $3, o FROM unnest($4::text[]) o`, ws, actor, action, objects)
		return err
	})
	if err != nil {
		return fmt.Errorf("audit: record: %w", err)
	}
	return nil
}

// List returns entries, newest first.
func (t *Trail) List(ctx context.Context, ws uuid.UUID, f Filter, limit int) ([]Entry, error) {
	var out []Entry
	err := t.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT seq, actor, action, object, at FROM audit WHERE workspace_id = $1
			AND ($2 = '' OR actor = $2) AND ($3 = '' OR action = $3) AND ($4 = '' OR object = $4) AND ($5 = 0 OR seq < $5::bigint)
			ORDER BY seq DESC LIMIT $6`, ws, f.Actor, f.Action, f.Object, f.Before, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, pgx.RowToStructByPos[Entry])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("audit: list: %w", err)
	}
	return out, nil
}
