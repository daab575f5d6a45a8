// Package roles wires the parts of Parley into its two production roles: the API,
// which takes in what arrives and serves people and programs, and the worker,
// which runs workflows and activities. A process may run either or both.
package roles

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"gocloud.dev/secrets"
	"parley/activities/wake"
	"parley/connectors/sdk"
	"parley/internal/bookings"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/internal/intake"
	"parley/internal/ledger"
	"parley/internal/misses"
	"parley/internal/models"
	"parley/internal/oauth"
	"parley/internal/observe"
	"parley/internal/outages"
	"parley/internal/outbound"
	"parley/internal/store"
	"parley/internal/templates"
	"parley/internal/vault"
)

// Config is what both roles need.
type Config struct {
	DatabaseURL     string
	KeysDatabaseURL string
	// KEK wraps the data keys.
	KEK             *secrets.Keeper
	TemporalAddress string
	Namespace       string
	// TemporalAccess says how Temporal is reached beside its address: TLS,
	// credentials and headers.
	TemporalAccess client.Options
	// PublicURL is where webhooks reach us.
	PublicURL  string
	Connectors []sdk.Connector
	// MaxConns bounds the connections to the main database, 20 by default.
	MaxConns int32
	// MaxKeyConns bounds those to the database of keys, 5 by default.
	MaxKeyConns int32
	// CaseSettings by kind of case, as JSON.
	CaseSettings map[string]json.RawMessage
	Log          *slog.Logger
	Registry     *prometheus.Registry
	// Proof is for proofs only.
	Proof Proof
}

// Engine is everything that roles share, opened.
type Engine struct {
	Config
	DB            *store.DB
	Keys          *pgxpool.Pool
	Vault         *vault.Vault
	Contacts      *contacts.Contacts
	Inbox         *bus.Inbox
	Conversations *conversations.Conversations
	Ledger        *ledger.Ledger
	Cases         *cases.Cases
	Bookings      *bookings.Bookings
	Connections   *connections.Connections
	Outages       *outages.Outages
	Outbound      *outbound.Outbound
	Flows         *flows.Flows
	Models        *models.Models
	Misses        *misses.Misses
	OAuth         *oauth.Keeper
	Temporal      client.Client
	Waker         *wake.Waker
}

// Migrate brings both databases to the newest schema.
func Migrate(ctx context.Context, databaseURL, keysDatabaseURL string) error {
	if err := store.Migrate(ctx, databaseURL, store.Migrations()); err != nil {
		return err
	}
	return store.Migrate(ctx, keysDatabaseURL, vault.Migrations())
}

// Open opens the engine. worker says that it will run workflows, whose codec
// must panic rather than fail. Temporal need not be reachable yet.
func Open(ctx context.Context, c Config, worker bool) (*Engine, error) {
	if c.MaxConns == 0 {
		c.MaxConns = 20
	}
	if c.MaxKeyConns == 0 {
		c.MaxKeyConns = 5
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Registry == nil {
		c.Registry = observe.NewRegistry()
	}
	e := &Engine{Config: c}
	var err error
	if e.DB, err = store.Open(ctx, c.DatabaseURL, c.MaxConns); err != nil {
		return nil, err
	}
	if e.DB.Pool, err = c.Proof.watch(ctx, e.DB.Pool); err != nil {
		return nil, err
	}
	if e.Keys, err = store.OpenPool(ctx, c.KeysDatabaseURL, c.MaxKeyConns); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	e.Vault = vault.New(c.KEK, vault.NewPostgresKeyring(e.Keys))
	e.Contacts = contacts.New(e.DB, e.Vault)
	e.Inbox = bus.NewInbox(e.DB, e.Vault)
	e.Conversations = conversations.New(e.DB, e.Vault)
	e.Ledger = ledger.New(e.DB, e.Vault)
	e.Cases = cases.New(e.DB, e.Vault)
	e.Bookings = bookings.New(e.DB)
	e.Flows = flows.New(e.DB)
	e.Models = models.New(e.DB, models.Options{Log: c.Log})
	e.Misses = misses.New(e.DB, e.Vault)
	e.OAuth = oauth.New(e.DB, e.Vault, c.PublicURL)
	e.Outages = outages.New(e.DB, outages.Options{})
	e.Outbound = outbound.New(outbound.Options{Registry: c.Registry, Opened: e.circuitOpened})
	e.Connections = connections.New(connections.Options{DB: e.DB, Vault: e.Vault, Connectors: c.Connectors, PublicURL: c.PublicURL, Tokens: e.OAuth.Source,
		Outbound: e.Outbound,
		Wrap:     c.Proof.wrap(observe.NewCalls(c.Registry).Wrap)})
	if e.Temporal, err = dial(c, e.Vault, worker); err != nil {
		return nil, err
	}
	e.Waker = wake.New(e.Temporal, e.Cases)
	return e, nil
}

// Intake returns the intake that offers what it takes in to d.
func (e *Engine) Intake(d *bus.Dispatcher) *intake.Intake {
	return &intake.Intake{DB: e.DB, Vault: e.Vault, Contacts: e.Contacts, Inbox: e.Inbox, Cases: e.Cases, Dispatch: d,
		Reconcile: e.reconciler(d), Templates: templates.New(e.DB), Log: e.Log}
}

// Close closes what Open opened.
func (e *Engine) Close() {
	e.Temporal.Close()
	e.DB.Close()
	e.Keys.Close()
}

// WaitForTemporal returns when Temporal answers.
func (e *Engine) WaitForTemporal(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := e.Temporal.CheckHealth(try, nil)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("temporal at %s does not answer: %w", e.TemporalAddress, err)
		case <-tick.C:
		}
	}
}
