// Package flows keeps published flows: immutable documents named by the hash of
// their content. A version is a draft until it is put on a stage: staging runs on
// the connections that are marked for it, live on all others. A workspace may ask
// that a second person approves what goes live.
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

// Stages of a flow.
const (
	Staging = "staging"
	Live    = "live"
)

// Version is one version of a flow.
type Version struct {
	Name     string
	Hash     string
	Document string
	// Live and Staging tell on which stages it runs.
	Live, Staging bool
	// Proposer is who proposed that it goes live, while that waits for a second
	// person; else empty.
	Proposer string
	// PublishedAt is when it was last put on a stage, or else when it was stored.
	PublishedAt time.Time
}

// ErrNotFound tells that the workspace has no such flow or version.
var ErrNotFound = errors.New("flows: no such flow")

// Flows is safe for concurrent use.
type Flows struct{ db *store.DB }

// New returns the flows of a database.
func New(db *store.DB) *Flows { return &Flows{db} }

// Keep stores a checked document as a draft. Keeping it again changes nothing.
func (f *Flows) Keep(ctx context.Context, ws uuid.UUID, name, hash, document, actor string) error {
	return f.write(ctx, ws, "keep", func(tx pgx.Tx) error { return keep(ctx, tx, ws, name, hash, document, actor) })
}

func keep(ctx context.Context, tx pgx.Tx, ws uuid.UUID, name, hash, document, actor string) error {
	tag, err := tx.Exec(ctx, `INSERT INTO flows (workspace_id, name, hash, document) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, ws, name, hash, document)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return note(ctx, tx, ws, actor, "flow.keep", name+"@"+hash)
}

// Publish stores a checked document and makes it live at once, whether or not the
// workspace asks for approval: for those who set a workspace up. One that is live
// already stays so.
func (f *Flows) Publish(ctx context.Context, ws uuid.UUID, name, hash, document, actor string) error {
	return f.write(ctx, ws, "publish", func(tx pgx.Tx) error {
		if err := keep(ctx, tx, ws, name, hash, document, actor); err != nil {
			return err
		}
		at, err := newest(ctx, tx, ws, name, Live)
		if err != nil || at.Hash == hash {
			return err
		}
		return put(ctx, tx, ws, row{name: name, stage: Live, number: at.Number + 1, hash: hash, beneath: at.Number, actor: actor}, "flow.publish")
	})
}

// Live returns the live version of a flow.
func (f *Flows) Live(ctx context.Context, ws uuid.UUID, name string) (Version, error) {
	return f.On(ctx, ws, name, Live)
}

// On returns the version that runs on a stage. Where nothing was put on staging,
// what is live runs there.
func (f *Flows) On(ctx context.Context, ws uuid.UUID, name, stage string) (Version, error) {
	return f.one(ctx, ws, `name = $2 AND hash = (SELECT s.hash FROM flow_stages s WHERE s.workspace_id = $1 AND s.name = $2 AND s.stage IN ($3, 'live')
		ORDER BY s.stage = $3 DESC, s.number DESC LIMIT 1)`, name, stage)
}

// Get returns a version by its hash.
func (f *Flows) Get(ctx context.Context, ws uuid.UUID, hash string) (Version, error) {
	return f.one(ctx, ws, `hash = $2 LIMIT 1`, hash)
}

// List returns all versions, those last put on a stage first within a name.
func (f *Flows) List(ctx context.Context, ws uuid.UUID) ([]Version, error) {
	return f.query(ctx, ws, `true ORDER BY name, put.at DESC NULLS LAST, created_at DESC, hash`)
}

// Versions returns the versions of one flow, those last put on a stage first.
func (f *Flows) Versions(ctx context.Context, ws uuid.UUID, name string) ([]Version, error) {
	return f.query(ctx, ws, `name = $2 ORDER BY put.at DESC NULLS LAST, created_at DESC, hash`, name)
}

func (f *Flows) one(ctx context.Context, ws uuid.UUID, where string, args ...any) (Version, error) {
	all, err := f.query(ctx, ws, where, args...)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Version{}, err
	}
	return all[0], nil
}

const selectVersions = `SELECT f.name, f.hash, f.document,
		coalesce(f.hash = (SELECT s.hash FROM flow_stages s WHERE s.workspace_id = $1 AND s.name = f.name AND s.stage = 'live' ORDER BY s.number DESC LIMIT 1), false),
		coalesce(f.hash = (SELECT s.hash FROM flow_stages s WHERE s.workspace_id = $1 AND s.name = f.name AND s.stage = 'staging' ORDER BY s.number DESC LIMIT 1), false),
		coalesce((SELECT p.actor FROM flow_proposals p WHERE p.workspace_id = $1 AND p.name = f.name AND p.hash = f.hash), ''),
		coalesce(put.at, f.created_at)
	FROM flows f LEFT JOIN LATERAL (SELECT max(s.at) AS at FROM flow_stages s WHERE s.workspace_id = $1 AND s.name = f.name AND s.hash = f.hash) put ON true
	WHERE f.workspace_id = $1 AND `

func (f *Flows) query(ctx context.Context, ws uuid.UUID, where string, args ...any) ([]Version, error) {
	var out []Version
	err := f.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, selectVersions+where, append([]any{ws}, args...)...)
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

func note(ctx context.Context, tx pgx.Tx, ws uuid.UUID, actor, action, object string) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, ws, actor, action, object)
	return err
}
