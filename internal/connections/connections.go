// Package connections keeps a workspace's configurations of connectors and opens
// them: credentials are stored sealed and leave only towards the connector.
package connections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/outbound"
	"parley/internal/store"
	"parley/internal/vault"
)

const (
	placeConfig = "connections.config"
	placeFormer = "connections.former_config"
)

// Connection is a connector configured for one workspace, opened.
type Connection struct {
	Workspace uuid.UUID
	ID        uuid.UUID
	Name      string
	Account   string
	Flow      string // the flow that answers on it; channels only
	Stage     string // of that flow: live or staging
	Version   int64
	Connector sdk.Connector
	// Conn is what the connector's Open returned.
	Conn any
	// Former is the configuration before the present one, opened: until FormerUntil
	// it verifies webhooks, and does nothing else. Nil if there is none.
	Former      any
	FormerUntil time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
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
	tokens   func(TokenFor) sdk.TokenSource
	outbound *outbound.Outbound
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
	// Tokens gives the access tokens of connectors that declare OAuth; without it
	// they get none.
	Tokens func(TokenFor) sdk.TokenSource
	// Outbound keeps the calls of each connection within its provider's limits; a
	// new one with defaults if nil.
	Outbound *outbound.Outbound
	// PublicURL is where webhooks reach us.
	PublicURL string
	// Fresh is how long an opened connection is used before its row is looked
	// at again, 2 s by default: how fast a rotated credential is in use.
	Fresh time.Duration
}

// TokenFor names a connection whose connector declares OAuth. A zero ID is one that
// is not stored yet.
type TokenFor struct {
	Workspace, Connection uuid.UUID
	Connector             sdk.Connector
	Config                json.RawMessage
	HTTP                  *http.Client
}

// cached is how many connections stay open at most.
const cached = 10_000

// New returns the connections of a database.
func New(o Options) *Connections {
	if o.Fresh == 0 {
		o.Fresh = 2 * time.Second
	}
	if o.Outbound == nil {
		o.Outbound = outbound.New(outbound.Options{})
	}
	opened, _ := lru.New[uuid.UUID, *Connection](cached) // fails only for a size below 1
	c := &Connections{db: o.DB, vault: o.Vault, registry: map[string]sdk.Connector{}, wrap: o.Wrap, outbound: o.Outbound, tokens: o.Tokens, public: o.PublicURL, opened: opened,
		fresh:  expirable.NewLRU[uuid.UUID, struct{}](cached, nil, o.Fresh),
		routes: expirable.NewLRU[string, route](cached, nil, o.Fresh)}
	for _, k := range o.Connectors {
		c.registry[k.Name] = k
	}
	return c
}

// idOf is the ID of the connection of a name, or of one to be made.
func (c *Connections) idOf(ctx context.Context, ws uuid.UUID, name string) (id uuid.UUID, err error) {
	err = c.db.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT id FROM connections WHERE workspace_id = $1 AND name = $2`, ws, name).Scan(&id)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return uuid.NewV7()
	case err != nil:
		return id, fmt.Errorf("connections: %w", err)
	}
	return id, nil
}

// host gives a connection its HTTP client. An explicit base_url is also the
// permission to call its host although it is internal.
func (c *Connections) host(ws, id uuid.UUID, k sdk.Connector, account string, config json.RawMessage) sdk.Host {
	var base struct {
		BaseURL string `json:"base_url"`
	}
	json.Unmarshal(config, &base) // Open says what is wrong with it
	o := sdk.HTTPOptions{Wrap: func(rt http.RoundTripper) http.RoundTripper {
		if c.wrap != nil {
			rt = c.wrap(k.Name)(rt)
		}
		return c.outbound.Wrap(outbound.Connection{Workspace: ws, ID: id, Connector: k.Name}, k.Limits, rt)
	}}
	if u, err := url.Parse(base.BaseURL); err == nil {
		o.AllowHost = u.Host
	}
	host := sdk.Host{HTTP: sdk.NewHTTPClient(o), PublicURL: c.public}
	if c.public != "" {
		host.Hook = c.public + "/hooks/" + k.Name + "/" + account
	}
	if k.OAuth != nil && c.tokens != nil {
		host.Tokens = c.tokens(TokenFor{ws, id, k, config, host.HTTP})
	}
	return host
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

const columns = `id, name, connector, account, coalesce(flow, ''), stage, version, config, former_config, former_until, created_at, updated_at`

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
		ID                                    uuid.UUID
		Name, Connector, Account, Flow, Stage string
		Version                               int64
		Config, Former                        []byte
		FormerUntil                           *time.Time
		CreatedAt, UpdatedAt                  time.Time
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
		k := &Connection{Workspace: ws, ID: r.ID, Name: r.Name, Account: r.Account, Flow: r.Flow, Stage: r.Stage, Version: r.Version,
			Connector: c.registry[r.Connector], CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
		if have, ok := c.opened.Get(r.ID); ok && have.Version == r.Version {
			k.Conn, k.Former = have.Conn, have.Former // keep its HTTP connections
		} else if err := c.open(ctx, k, r.Connector, r.Config, r.Former); err != nil { // its limits and circuit are kept
			return nil, err
		}
		if r.FormerUntil == nil {
			k.Former = nil
		} else {
			k.FormerUntil = *r.FormerUntil
		}
		c.opened.Add(r.ID, k)
		c.fresh.Add(r.ID, struct{}{})
		out = append(out, k)
	}
	return out, nil
}

func (c *Connections) open(ctx context.Context, k *Connection, connector string, sealed, former []byte) error {
	if k.Connector.Open == nil {
		return fmt.Errorf("connections: this binary has no connector %q", connector)
	}
	config, err := c.vault.Open(ctx, placeConfig, sealed)
	if err != nil {
		return err
	}
	if k.Conn, err = k.Connector.Open(config, c.host(k.Workspace, k.ID, k.Connector, k.Account, config)); err != nil || former == nil {
		return err
	}
	if config, err = c.vault.Open(ctx, placeFormer, former); err != nil {
		return err
	}
	// What this program does not accept any more verifies nothing.
	k.Former, _ = k.Connector.Open(config, c.host(k.Workspace, k.ID, k.Connector, k.Account, config))
	return nil
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
