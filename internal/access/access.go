// Package access knows workspaces and the API keys that open them. A key is
// random and stored as a hash only: it is shown once, when it is made.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/internal/store"
)

// Principal is who calls: a key of a workspace.
type Principal struct {
	Workspace uuid.UUID
	KeyID     uuid.UUID
	Scopes    []string
}

// May tells whether the key has a scope; the scope "*" stands for all.
func (p Principal) May(scope string) bool {
	return slices.Contains(p.Scopes, scope) || slices.Contains(p.Scopes, "*")
}

// ErrUnknownKey tells that no living key is the one given.
var ErrUnknownKey = errors.New("access: no such key")

// Access is safe for concurrent use.
type Access struct{ db *store.DB }

// New returns the access of a database.
func New(db *store.DB) *Access { return &Access{db} }

// digest is enough for keys of 128 bits of randomness or more: there is nothing
// to guess, so a slow hash would only slow down every request.
func digest(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// Authenticate returns whose key it is.
func (a *Access) Authenticate(ctx context.Context, key string) (Principal, error) {
	var p Principal
	err := a.db.Pool.QueryRow(ctx, `SELECT workspace_id, id, scopes FROM authenticate_key($1)`, digest(key)).Scan(&p.Workspace, &p.KeyID, &p.Scopes)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrUnknownKey
	}
	if err != nil {
		return p, fmt.Errorf("access: %w", err)
	}
	return p, nil
}

// Key returns what a key that was authenticated before may do now; ErrUnknownKey
// if it has been revoked.
func (a *Access) Key(ctx context.Context, ws, id uuid.UUID) (Principal, error) {
	p := Principal{Workspace: ws, KeyID: id}
	err := a.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT scopes FROM api_keys WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL`, ws, id).Scan(&p.Scopes)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrUnknownKey
	}
	if err != nil {
		return p, fmt.Errorf("access: %w", err)
	}
	return p, nil
}

// Workspace returns the workspace of a slug, making it if it is not there.
func (a *Access) Workspace(ctx context.Context, slug string) (uuid.UUID, error) {
	var id uuid.UUID
	err := a.db.Pool.QueryRow(ctx, `WITH made AS (INSERT INTO workspaces (id, slug) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id)
		SELECT id FROM made UNION ALL SELECT id FROM workspaces WHERE slug = $2 LIMIT 1`, uuid.Must(uuid.NewV7()), slug).Scan(&id)
	if err != nil {
		return id, fmt.Errorf("access: workspace: %w", err)
	}
	return id, nil
}

// Find returns the workspace of a slug, if there is one.
func (a *Access) Find(ctx context.Context, slug string) (uuid.UUID, bool, error) {
	var id uuid.UUID
	err := a.db.Pool.QueryRow(ctx, `SELECT id FROM workspaces WHERE slug = $1`, slug).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("access: workspace: %w", err)
	}
	return id, true, nil
}

// Slug returns the name of a workspace.
func (a *Access) Slug(ctx context.Context, ws uuid.UUID) (string, error) {
	var slug string
	if err := a.db.Pool.QueryRow(ctx, `SELECT slug FROM workspaces WHERE id = $1`, ws).Scan(&slug); err != nil {
		return "", fmt.Errorf("access: workspace: %w", err)
	}
	return slug, nil
}

// CreateKey makes a key with scopes and returns it: the only time it is seen.
func (a *Access) CreateKey(ctx context.Context, ws uuid.UUID, name string, scopes []string) (string, error) {
	key := "parley_" + rand.Text()
	return key, a.AddKey(ctx, ws, name, key, scopes)
}

// AddKey stores a key that was made elsewhere. Adding it again changes nothing.
func (a *Access) AddKey(ctx context.Context, ws uuid.UUID, name, key string, scopes []string) error {
	err := a.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO api_keys (workspace_id, id, name, hash, scopes) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING`,
			ws, uuid.Must(uuid.NewV7()), name, digest(key), scopes)
		return err
	})
	if err != nil {
		return fmt.Errorf("access: key: %w", err)
	}
	return nil
}

// Revoke ends a key.
func (a *Access) Revoke(ctx context.Context, ws, id uuid.UUID) error {
	return a.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE api_keys SET revoked_at = now() WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL`, ws, id)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrUnknownKey
		}
		return err
	})
}
