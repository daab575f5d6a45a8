package connections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
)

// Filter selects connections; empty fields match all.
type Filter struct {
	Name, Connector, Account string
	// After is the name of the last connection of the previous page.
	After string
}

// Describe returns connections by name without opening them: Conn is nil, and a
// connector that this binary lacks has nothing but its name.
func (c *Connections) Describe(ctx context.Context, ws uuid.UUID, f Filter, limit int) ([]Connection, error) {
	var out []Connection
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT id, name, connector, account, coalesce(flow, ''), stage, version,
				coalesce(CASE WHEN former_until > now() THEN former_until END, 'epoch'), created_at, updated_at FROM connections
			WHERE workspace_id = $1 AND ($2 = '' OR name = $2) AND ($3 = '' OR connector = $3) AND ($4 = '' OR account = $4) AND name > $5
			ORDER BY name LIMIT $6`, ws, f.Name, f.Connector, f.Account, f.After, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(r, func(row pgx.CollectableRow) (Connection, error) {
			k, name := Connection{Workspace: ws}, ""
			err := row.Scan(&k.ID, &k.Name, &name, &k.Account, &k.Flow, &k.Stage, &k.Version, &k.FormerUntil, &k.CreatedAt, &k.UpdatedAt)
			if k.FormerUntil.Unix() == 0 {
				k.FormerUntil = time.Time{}
			}
			if known, ok := c.registry[name]; ok {
				k.Connector = known
			} else {
				k.Connector = sdk.Connector{Name: name}
			}
			return k, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connections: describe: %w", err)
	}
	return out, nil
}

// Bind makes a flow answer on a connection from now on. Binding it again changes
// nothing.
func (c *Connections) Bind(ctx context.Context, ws, id uuid.UUID, flow, actor string) error {
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var bound string
		err := tx.QueryRow(ctx, `SELECT coalesce(flow, '') FROM connections WHERE workspace_id = $1 AND id = $2 FOR UPDATE`, ws, id).Scan(&bound)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil || bound == flow {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE connections SET flow = $3, version = version + 1, updated_at = now() WHERE workspace_id = $1 AND id = $2`, ws, id, flow); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'connection.bind', $3)`, ws, actor, id.String())
		return err
	})
	c.opened.Remove(id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("connections: bind: %w", err)
	}
	return err
}

// TokenFor returns what is needed to authorise a connection, by its name, or by its
// ID if the name is empty.
func (c *Connections) TokenFor(ctx context.Context, ws uuid.UUID, name string, id uuid.UUID) (TokenFor, error) {
	out := TokenFor{Workspace: ws}
	var connector string
	var sealed []byte
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT id, connector, config FROM connections WHERE workspace_id = $1 AND (name = $2 OR $2 = '' AND id = $3)`, ws, name, id).
			Scan(&out.Connection, &connector, &sealed)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return out, ErrNotFound
	}
	if err != nil {
		return out, fmt.Errorf("connections: %w", err)
	}
	known, ok := c.registry[connector]
	if !ok {
		return out, fmt.Errorf("connections: this binary has no connector %q", connector)
	}
	out.Connector = known
	if out.Config, err = c.vault.Open(ctx, placeConfig, sealed); err != nil {
		return out, err
	}
	out.HTTP = c.host(ws, out.Connection, sdk.Connector{Name: known.Name}, "", out.Config).HTTP
	return out, nil
}
