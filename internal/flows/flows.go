// Package flows keeps published flows: immutable documents named by the hash of
// their content. The newest published version of a name is live.
package flows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/store"
)

// Version is one version of a flow.
type Version struct {
	Name        string
	Hash        string
	Document    string
	Live        bool
	PublishedAt time.Time
}

// ErrNotFound tells that the workspace has no such flow or version.
var ErrNotFound = errors.New("flows: no such flow")

// Flows is safe for concurrent use.
type Flows struct{ db *store.DB }

// New returns the flows of a database.
func New(db *store.DB) *Flows { return &Flows{db} }

// Publish stores a checked document and makes it live. Publishing a version
// again makes it live again.
func (f *Flows) Publish(ctx context.Context, ws uuid.UUID, name, hash, document, actor string) error {
	err := f.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO flows (workspace_id, name, hash, document, published_at) VALUES ($1, $2, $3, $4, clock_timestamp())
			ON CONFLICT (workspace_id, name, hash) DO UPDATE SET published_at = clock_timestamp()`, ws, name, hash, document); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'flow.publish', $3)`, ws, actor, name+"@"+hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("flows: publish: %w", err)
	}
	return nil
}

// Live returns the live version of a flow.
func (f *Flows) Live(ctx context.Context, ws uuid.UUID, name string) (Version, error) {
	return f.one(ctx, ws, `name = $2 AND published_at IS NOT NULL ORDER BY published_at DESC LIMIT 1`, name)
}

// Get returns a version by its hash.
func (f *Flows) Get(ctx context.Context, ws uuid.UUID, hash string) (Version, error) {
	return f.one(ctx, ws, `hash = $2 LIMIT 1`, hash)
}

// List returns all versions, newest published first within a name.
func (f *Flows) List(ctx context.Context, ws uuid.UUID) ([]Version, error) {
	return f.query(ctx, ws, `$2 ORDER BY name, published_at DESC NULLS LAST`, true)
}

func (f *Flows) one(ctx context.Context, ws uuid.UUID, where string, arg any) (Version, error) {
	all, err := f.query(ctx, ws, where, arg)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Version{}, err
	}
	return all[0], nil
}

func (f *Flows) query(ctx context.Context, ws uuid.UUID, where string, arg any) ([]Version, error) {
	var out []Version
	err := f.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT name, hash, document,
			coalesce(published_at = (SELECT max(l.published_at) FROM flows l WHERE l.workspace_id = $1 AND l.name = f.name), false), coalesce(published_at, created_at)
			FROM flows f WHERE workspace_id = $1 AND `+where, ws, arg)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, pgx.RowToStructByPos[Version])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("flows: %w", err)
	}
	return out, nil
}
