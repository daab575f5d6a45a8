package connections

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/vault"
)

// DefaultOverlap is how long a former configuration verifies webhooks. Razorpay
// signs what it sends again, for up to 24 hours, with the secret of the first
// attempt (https://razorpay.com/docs/webhooks/).
const DefaultOverlap = 24 * time.Hour

// MaxOverlap is the longest that can be asked for.
const MaxOverlap = 30 * 24 * time.Hour

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Definition is what [Connections.Store] is given.
type Definition struct {
	Name, Connector, Account string
	// Flow answers on it; empty keeps the one that it had.
	Flow   string
	Config json.RawMessage
	Actor  string
	// Overlap is how long the configuration that this one replaces still verifies
	// webhooks; nil means [DefaultOverlap], zero ends it at once.
	Overlap *time.Duration
}

// Put is [Connections.Store] with the default overlap.
func (c *Connections) Put(ctx context.Context, ws uuid.UUID, name, connector, account, flow string, config json.RawMessage, actor string) (*Connection, error) {
	return c.Store(ctx, ws, Definition{Name: name, Connector: connector, Account: account, Flow: flow, Config: config, Actor: actor})
}

// Store creates or replaces the connection of a name. The configuration is opened
// first, so what a connector refuses is never stored. Storing the same again
// changes nothing of the overlap unless it is given.
func (c *Connections) Store(ctx context.Context, ws uuid.UUID, n Definition) (*Connection, error) {
	k, ok := c.registry[n.Connector]
	switch {
	case !nameForm.MatchString(n.Name):
		return nil, sdk.Invalidf("name must be lower case letters, digits, - and _, at most 63")
	case !ok:
		return nil, sdk.Invalidf("connector: there is no connector of that name; parley connector list shows them")
	case !nameForm.MatchString(n.Account):
		return nil, sdk.Invalidf("account must be lower case letters, digits, - and _, at most 63")
	case n.Overlap != nil && (*n.Overlap < 0 || *n.Overlap > MaxOverlap):
		return nil, sdk.Invalidf("overlap must be a duration from 0s to 720h")
	}
	id, err := c.idOf(ctx, ws, n.Name)
	if err != nil {
		return nil, err
	}
	conn, err := k.Open(n.Config, c.host(ws, id, k, n.Account, n.Config))
	if err != nil {
		return nil, err
	}
	sealed, err := c.vault.Seal(ctx, vault.ForWorkspace(ws), placeConfig, n.Config)
	if err != nil {
		return nil, err
	}
	out := &Connection{Workspace: ws, Name: n.Name, Account: n.Account, Flow: n.Flow, Connector: k, Conn: conn}
	err = c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		before, err := c.before(ctx, tx, ws, n)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `INSERT INTO connections (workspace_id, id, name, connector, account, config, flow)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''))
			ON CONFLICT (workspace_id, name) DO UPDATE SET connector = $4, account = $5, config = $6,
				former_config = $8, former_until = $9,
				flow = coalesce(nullif($7, ''), connections.flow), version = connections.version + 1, updated_at = now()
			RETURNING id, stage, version, created_at, updated_at`,
			ws, id, n.Name, n.Connector, n.Account, sealed, n.Flow, before.former, before.until).
			Scan(&out.ID, &out.Stage, &out.Version, &out.CreatedAt, &out.UpdatedAt)
		if err != nil {
			return err
		}
		if err := claimEndpoints(ctx, tx, out, conn); err != nil {
			return err
		}
		if before.changed {
			if err := beginAnew(ctx, tx, out); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'connection.put', $3)`, ws, n.Actor, out.ID.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	c.opened.Remove(out.ID)
	c.routes.Purge()
	if k.OAuth != nil { // opened without tokens, since it had no ID
		return c.Get(ctx, ws, out.ID)
	}
	return out, nil
}

// before is what a connection of the name leaves to the one that replaces it.
type before struct {
	former  []byte // sealed
	until   *time.Time
	changed bool
}

func (c *Connections) before(ctx context.Context, tx pgx.Tx, ws uuid.UUID, n Definition) (before, error) {
	var connector string
	var old []byte
	var b before
	var now time.Time
	err := tx.QueryRow(ctx, `SELECT connector, config, former_config, former_until, now() FROM connections
		WHERE workspace_id = $1 AND name = $2 FOR UPDATE`, ws, n.Name).Scan(&connector, &old, &b.former, &b.until, &now)
	if errors.Is(err, pgx.ErrNoRows) {
		return before{changed: true}, nil
	}
	if err != nil {
		return before{}, err
	}
	plain, err := c.vault.Open(ctx, placeConfig, old)
	if err != nil {
		return before{}, err
	}
	overlap := DefaultOverlap
	if n.Overlap != nil {
		overlap = *n.Overlap
	}
	switch b.changed = connector != n.Connector || !sameJSON(plain, n.Config); {
	case connector != n.Connector || overlap == 0:
		b.former, b.until = nil, nil
	case b.changed:
		until := now.Add(overlap)
		b.until = &until
		b.former, err = c.vault.Seal(ctx, vault.ForWorkspace(ws), placeFormer, plain)
	case n.Overlap != nil && b.former != nil:
		until := now.Add(overlap)
		b.until = &until
	}
	return b, err
}

// sameJSON tells whether two configurations say the same, in whatever order.
func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	xs, errX := json.Marshal(x) // sorts keys
	ys, errY := json.Marshal(y)
	return errX == nil && errY == nil && bytes.Equal(xs, ys)
}

// beginAnew has a changed connection's webhooks set up and its news asked for at
// once, and a refused authorisation tried again: once, since its refusal is noted
// again. Tokens that the connection got by itself go with its old credentials.
func beginAnew(ctx context.Context, tx pgx.Tx, k *Connection) error {
	if _, err := tx.Exec(ctx, `INSERT INTO connection_chores (workspace_id, connection_id, kind)
		SELECT $1, $2, unnest(ARRAY['subscribe', 'poll'])
		ON CONFLICT (workspace_id, connection_id, kind) DO UPDATE SET due_at = now(), leased_until = NULL, applies = NULL, failures = 0`, k.Workspace, k.ID); err != nil {
		return err
	}
	own := k.Connector.OAuth == nil || k.Connector.OAuth.AuthorizeURL == ""
	if _, err := tx.Exec(ctx, `DELETE FROM oauth_tokens WHERE workspace_id = $1 AND connection_id = $2 AND $3`, k.Workspace, k.ID, own); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE oauth_tokens SET refused = '' WHERE workspace_id = $1 AND connection_id = $2 AND tokens IS NOT NULL`, k.Workspace, k.ID)
	return err
}

func claimEndpoints(ctx context.Context, tx pgx.Tx, k *Connection, conn any) error {
	if _, err := tx.Exec(ctx, `DELETE FROM endpoints WHERE workspace_id = $1 AND connection_id = $2`, k.Workspace, k.ID); err != nil {
		return err
	}
	for _, a := range endpointsOf(k.Account, conn) {
		tag, err := tx.Exec(ctx, `INSERT INTO endpoints (connector, account, workspace_id, connection_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			k.Connector.Name, a, k.Workspace, k.ID)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrTaken
		}
	}
	return nil
}

// endpointsOf are the names under which webhooks find a connection: the account
// in the path, and hashes of the provider's own IDs of its numbers and pages.
func endpointsOf(account string, conn any) []string {
	out := []string{account}
	if a, ok := conn.(sdk.Accounts); ok {
		for _, id := range a.AccountIDs() {
			out = append(out, hashedAccount(id))
		}
	}
	return out
}

func hashedAccount(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "#" + hex.EncodeToString(sum[:16])
}
