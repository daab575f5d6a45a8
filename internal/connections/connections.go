// Package connections keeps a workspace's configurations of connectors and opens
// them: credentials are stored sealed and leave only towards the connector.
package connections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/store"
	"parley/internal/vault"
)

const placeConfig = "connections.config"

// Connection is a connector configured for one workspace, opened.
type Connection struct {
	Workspace uuid.UUID
	ID        uuid.UUID
	Name      string
	Account   string
	Flow      string // the flow that answers on it; channels only
	Version   int64
	Connector sdk.Connector
	// Conn is what the connector's Open returned.
	Conn      any
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Channel is what the connection's messages can carry; nil if it carries none.
func (c *Connection) Channel() *sdk.Channel {
	if own, ok := c.Conn.(sdk.Channeler); ok {
		return own.Channel()
	}
	return c.Connector.Channel
}

// ErrNotFound tells that there is no such connection.
var ErrNotFound = errors.New("connections: no such connection")

// ErrTaken tells that another workspace or connection has the webhook address.
var ErrTaken = errors.New("connections: the account is connected elsewhere")

// Connections is safe for concurrent use.
type Connections struct {
	db       *store.DB
	vault    *vault.Vault
	registry map[string]sdk.Connector
	wrap     func(connector string) func(http.RoundTripper) http.RoundTripper
	public   string
	opened   *lru.Cache[uuid.UUID, *Connection]  // as long as the version is the same
	fresh    *expirable.LRU[uuid.UUID, struct{}] // of those, whose rows need not be looked at
	routes   *expirable.LRU[string, route]
}

type route struct{ workspace, connection uuid.UUID }

// Options of New.
type Options struct {
	DB         *store.DB
	Vault      *vault.Vault
	Connectors []sdk.Connector
	// Wrap adds tracing and metrics to the connectors' HTTP client.
	Wrap func(connector string) func(http.RoundTripper) http.RoundTripper
	// PublicURL is where webhooks reach us.
	PublicURL string
	// Fresh is how long an opened connection is used before its row is looked
	// at again, 2 s by default: how fast a rotated credential is in use.
	Fresh time.Duration
}

// cached is how many connections stay open at most.
const cached = 10_000

// New returns the connections of a database.
func New(o Options) *Connections {
	if o.Fresh == 0 {
		o.Fresh = 2 * time.Second
	}
	opened, _ := lru.New[uuid.UUID, *Connection](cached) // fails only for a size below 1
	c := &Connections{db: o.DB, vault: o.Vault, registry: map[string]sdk.Connector{}, wrap: o.Wrap, public: o.PublicURL, opened: opened,
		fresh:  expirable.NewLRU[uuid.UUID, struct{}](cached, nil, o.Fresh),
		routes: expirable.NewLRU[string, route](cached, nil, o.Fresh)}
	for _, k := range o.Connectors {
		c.registry[k.Name] = k
	}
	return c
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Put creates or replaces the connection of a name. The configuration is opened
// first, so what a connector refuses is never stored.
func (c *Connections) Put(ctx context.Context, ws uuid.UUID, name, connector, account, flow string, config json.RawMessage, actor string) (*Connection, error) {
	k, ok := c.registry[connector]
	switch {
	case !nameForm.MatchString(name):
		return nil, sdk.Invalidf("name must be lower case letters, digits, - and _, at most 63")
	case !ok:
		return nil, sdk.Invalidf("connector: there is no connector of that name; parley connector list shows them")
	case !nameForm.MatchString(account):
		return nil, sdk.Invalidf("account must be lower case letters, digits, - and _, at most 63")
	}
	conn, err := k.Open(config, c.host(connector, account, config))
	if err != nil {
		return nil, err
	}
	sealed, err := c.vault.Seal(ctx, vault.ForWorkspace(ws), placeConfig, config)
	if err != nil {
		return nil, err
	}
	out := &Connection{Workspace: ws, Name: name, Account: account, Flow: flow, Connector: k, Conn: conn}
	err = c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `INSERT INTO connections (workspace_id, id, name, connector, account, config, flow)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''))
			ON CONFLICT (workspace_id, name) DO UPDATE SET connector = $4, account = $5, config = $6,
				flow = coalesce(nullif($7, ''), connections.flow), version = connections.version + 1, updated_at = now()
			RETURNING id, version, created_at, updated_at`,
			ws, uuid.Must(uuid.NewV7()), name, connector, account, sealed, flow).Scan(&out.ID, &out.Version, &out.CreatedAt, &out.UpdatedAt)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM endpoints WHERE workspace_id = $1 AND connection_id = $2`, ws, out.ID); err != nil {
			return err
		}
		for _, a := range endpointsOf(account, conn) {
			tag, err := tx.Exec(ctx, `INSERT INTO endpoints (connector, account, workspace_id, connection_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
				connector, a, ws, out.ID)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return ErrTaken
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'connection.put', $3)`, ws, actor, out.ID.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	c.opened.Remove(out.ID)
	c.routes.Purge()
	return out, nil
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

// host gives a connection its HTTP client. An explicit base_url is also the
// permission to call its host although it is internal.
func (c *Connections) host(connector, account string, config json.RawMessage) sdk.Host {
	var base struct {
		BaseURL string `json:"base_url"`
	}
	json.Unmarshal(config, &base) // Open says what is wrong with it
	o := sdk.HTTPOptions{}
	if c.wrap != nil {
		o.Wrap = c.wrap(connector)
	}
	if u, err := url.Parse(base.BaseURL); err == nil {
		o.AllowHost = u.Host
	}
	h := sdk.Host{HTTP: sdk.NewHTTPClient(o), PublicURL: c.public}
	if c.public != "" {
		h.Hook = c.public + "/hooks/" + connector + "/" + account
	}
	return h
}

// Get returns an opened connection.
func (c *Connections) Get(ctx context.Context, ws, id uuid.UUID) (*Connection, error) {
	if _, fresh := c.fresh.Get(id); fresh {
		if k, ok := c.opened.Get(id); ok && k.Workspace == ws {
			return k, nil
		}
	}
	return c.one(ctx, ws, `id = $2`, id)
}

// ByName returns an opened connection by its name.
func (c *Connections) ByName(ctx context.Context, ws uuid.UUID, name string) (*Connection, error) {
	return c.one(ctx, ws, `name = $2`, name)
}

// ForConnector returns the workspace's connection of a connector: the one with
// the connector's own name if there are several, else the oldest.
func (c *Connections) ForConnector(ctx context.Context, ws uuid.UUID, connector string) (*Connection, error) {
	return c.one(ctx, ws, `connector = $2 ORDER BY name = $2 DESC, created_at LIMIT 1`, connector)
}

// Resolve finds where a webhook belongs by the account in its path.
func (c *Connections) Resolve(ctx context.Context, connector, account string) (*Connection, error) {
	key := connector + "/" + account
	r, ok := c.routes.Get(key)
	if !ok {
		err := c.db.Pool.QueryRow(ctx, `SELECT workspace_id, connection_id FROM endpoints WHERE connector = $1 AND account = $2`,
			connector, account).Scan(&r.workspace, &r.connection)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, ErrNotFound
		}
		if err != nil {
			return nil, fmt.Errorf("connections: resolve: %w", err)
		}
		c.routes.Add(key, r)
	}
	return c.Get(ctx, r.workspace, r.connection)
}

// ResolveProviderAccount finds a connection by the provider's own ID of a number or page.
func (c *Connections) ResolveProviderAccount(ctx context.Context, connector, id string) (*Connection, error) {
	return c.Resolve(ctx, connector, hashedAccount(id))
}

const columns = `id, name, connector, account, coalesce(flow, ''), version, config, created_at, updated_at`

func (c *Connections) one(ctx context.Context, ws uuid.UUID, where string, arg any) (*Connection, error) {
	all, err := c.query(ctx, ws, where, arg)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return all[0], nil
}

// List returns all connections of a workspace by name.
func (c *Connections) List(ctx context.Context, ws uuid.UUID) ([]*Connection, error) {
	return c.query(ctx, ws, `$2 ORDER BY name`, true)
}

func (c *Connections) query(ctx context.Context, ws uuid.UUID, where string, arg any) ([]*Connection, error) {
	type row struct {
		ID                             uuid.UUID
		Name, Connector, Account, Flow string
		Version                        int64
		Config                         []byte
		CreatedAt, UpdatedAt           time.Time
	}
	var rows []row
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		r, err := tx.Query(ctx, `SELECT `+columns+` FROM connections WHERE workspace_id = $1 AND `+where, ws, arg)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[row])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("connections: %w", err)
	}
	out := make([]*Connection, 0, len(rows))
	for _, r := range rows {
		k := &Connection{Workspace: ws, ID: r.ID, Name: r.Name, Account: r.Account, Flow: r.Flow, Version: r.Version,
			Connector: c.registry[r.Connector], CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
		if have, ok := c.opened.Get(r.ID); ok && have.Version == r.Version {
			k.Conn = have.Conn // keep its HTTP connections
		} else if err := c.open(ctx, k, r.Connector, r.Config); err != nil {
			return nil, err
		}
		c.opened.Add(r.ID, k)
		c.fresh.Add(r.ID, struct{}{})
		out = append(out, k)
	}
	return out, nil
}

func (c *Connections) open(ctx context.Context, k *Connection, connector string, sealed []byte) error {
	if k.Connector.Open == nil {
		return fmt.Errorf("connections: this binary has no connector %q", connector)
	}
	config, err := c.vault.Open(ctx, placeConfig, sealed)
	if err != nil {
		return err
	}
	k.Conn, err = k.Connector.Open(config, c.host(connector, k.Account, config))
	return err
}

// Delete removes a connection and its webhook addresses.
func (c *Connections) Delete(ctx context.Context, ws uuid.UUID, name, actor string) error {
	err := c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `DELETE FROM connections WHERE workspace_id = $1 AND name = $2 RETURNING id`, ws, name).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		c.opened.Remove(id)
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, 'connection.delete', $3)`, ws, actor, id.String())
		return err
	})
	c.routes.Purge()
	return err
}
