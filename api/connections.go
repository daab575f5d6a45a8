package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Connection is one workspace's configuration of a connector, without the
// configuration itself: it holds secrets, and is never shown again.
type Connection struct {
	ID        uuid.UUID `json:"id" required:"true"`
	Name      string    `json:"name" required:"true"`
	Connector string    `json:"connector" required:"true"`
	Account   string    `json:"account" required:"true"`
	// Flow is the flow that answers on it, for channels.
	Flow string `json:"flow,omitempty"`
	// Stage is the stage of the flow: live, or staging.
	Stage string `json:"stage,omitempty" enum:"live,staging"`
	// Hook is where the provider sends its webhooks: a path, or a full address if
	// the public one is configured.
	Hook string `json:"hook,omitempty"`
	// FormerUntil is until when webhooks that are signed with the secret of the
	// configuration before are accepted.
	FormerUntil *time.Time `json:"former_until,omitempty" nullable:"false"`
	// Authorization says how it stands with OAuth, for connectors that need it.
	Authorization *Authorization `json:"authorization,omitempty" nullable:"false"`
	// Subscription is how the provider is kept pushing, Poll how it is asked for
	// news, for connectors that do so.
	Subscription *Chore    `json:"subscription,omitempty" nullable:"false"`
	Poll         *Chore    `json:"poll,omitempty" nullable:"false"`
	Version      int64     `json:"version" required:"true"`
	CreatedAt    time.Time `json:"created_at" required:"true"`
	UpdatedAt    time.Time `json:"updated_at" required:"true"`
}

// Authorization is how a connection's authorisation by OAuth stands.
type Authorization struct {
	State string `json:"state" required:"true" enum:"authorized,needs_authorization"`
	// Code says why it is needed: the server's error code, never_authorized or
	// no_refresh_token.
	Code string `json:"code,omitempty"`
	// ExpiresAt is of the present access token, which is renewed by itself.
	ExpiresAt *time.Time `json:"expires_at,omitempty" nullable:"false"`
}

// Chore is something that is done for a connection from time to time.
type Chore struct {
	State string `json:"state" required:"true" enum:"waiting,working,failing"`
	// Failures in a row.
	Failures int        `json:"failures,omitempty"`
	DoneAt   *time.Time `json:"done_at,omitempty" nullable:"false" description:"When it last succeeded."`
	DueAt    *time.Time `json:"due_at,omitempty" nullable:"false" description:"When it is tried next."`
	// ErrorClass, ErrorCode and Error say why the last try failed.
	ErrorClass string `json:"error_class,omitempty"`
	ErrorCode  string `json:"error_code,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Consent is where a person authorises a connection.
type Consent struct {
	URL       string    `json:"url" required:"true" description:"The address at the provider that a person visits to consent."`
	ExpiresAt time.Time `json:"expires_at" required:"true" description:"Until when they must be back."`
}

// Checkup is what works of a connection and what does not.
type Checkup struct {
	OK       bool      `json:"ok" required:"true" description:"Whether nothing is missing and nothing fails."`
	Findings []Finding `json:"findings" required:"true" nullable:"false"`
}

// Finding is one part of a checkup.
type Finding struct {
	What  string `json:"what" required:"true" enum:"configuration,credentials,webhook_secret,authorization,subscription,poll"`
	State string `json:"state" required:"true" enum:"ok,missing,failed,unknown"`
	// Code and Detail say what is wrong and what to do.
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// NewConnection is what [Connections.Put] is given.
type NewConnection struct {
	Name, Connector, Account, Flow string
	Config                         json.RawMessage
	// Overlap is how long webhooks that are signed with the former secret are still
	// accepted; nil means the default.
	Overlap *time.Duration
	// Actor is for the audit trail.
	Actor string
}

// Connections keeps the connections of workspaces.
type Connections interface {
	// Put creates the connection of the name or replaces it, after the connector
	// has accepted the configuration: what it refuses is an *sdk.Error of class
	// Invalid, or problem.Invalid. An account that is connected elsewhere is
	// problem.Conflict.
	Put(ctx context.Context, ws uuid.UUID, c NewConnection) (Connection, error)
	// Get returns problem.NotFound for a name that does not exist.
	Get(ctx context.Context, ws uuid.UUID, name string) (Connection, error)
	// List returns connections by name.
	List(ctx context.Context, ws uuid.UUID, q PageQuery) (items []Connection, next string, err error)
	// Delete removes the connection; problem.NotFound if there is none.
	Delete(ctx context.Context, ws uuid.UUID, name, actor string) error
	// Authorize begins an authorisation by OAuth; problem.NotFound for a name that
	// does not exist, an *sdk.Error of class Invalid where nobody has to consent.
	Authorize(ctx context.Context, ws uuid.UUID, name, actor string) (Consent, error)
	// Check says what works; problem.NotFound for a name that does not exist.
	Check(ctx context.Context, ws uuid.UUID, name string) (Checkup, error)
}

type connectionName struct {
	Name string `path:"name" json:"-" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" description:"The connection's name in the workspace."`
}

type putConnection struct {
	connectionName
	Connector string `json:"connector" required:"true" pattern:"^[a-z][a-z0-9]{0,31}$" description:"The connector's name, such as whatsapp."`
	Account   string `json:"account" required:"true" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" description:"Names the webhook address: /hooks/{connector}/{account}."`
	Flow      string `json:"flow,omitempty" maxLength:"128" description:"The flow that answers, for channels; kept as it is if left out."`
	// Config is checked by the connector.
	Config map[string]any `json:"config" required:"true" nullable:"false" description:"The connector's settings; parley connector show NAME lists them."`
	// Overlap is a duration as Go writes them.
	Overlap string   `json:"overlap,omitempty" maxLength:"16" pattern:"^([0-9]+(\\.[0-9]+)?(h|m|s))+$" description:"How long webhooks that are signed with the secret of the configuration before are still accepted, such as 48h; 24h unless given, 0s ends it at once."`
	_       struct{} `additionalProperties:"false"`
}

type listConnections struct{ Paging }

func (s *server) connectionRoutes() []route {
	const tag = "connections"
	return []route{
		op(s, route{method: http.MethodPut, path: "/v1/connections/{name}", id: "putConnection", tag: tag, scope: "connections:write",
			summary:  "Creates a connection or replaces it. Its secrets are stored encrypted and never shown again.",
			problems: []problem.Kind{problem.Conflict}}, s.putConnection),
		op(s, route{method: http.MethodGet, path: "/v1/connections/{name}", id: "getConnection", tag: tag, scope: "connections:read",
			summary: "Shows a connection, without its configuration.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *connectionName) (Connection, error) {
				return s.o.Connections.Get(ctx, p.Workspace, in.Name)
			}),
		op(s, route{method: http.MethodGet, path: "/v1/connections", id: "listConnections", tag: tag, scope: "connections:read",
			summary: "Lists connections by name.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listConnections) (Page[Connection], error) {
				return page(ctx, "connections", in.Paging, func(ctx context.Context, q PageQuery) ([]Connection, string, error) {
					return s.o.Connections.List(ctx, p.Workspace, q)
				})
			}),
		op(s, route{method: http.MethodDelete, path: "/v1/connections/{name}", id: "deleteConnection", tag: tag, scope: "connections:write",
			summary: "Removes a connection; its webhooks are refused from then on.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *connectionName) (none, error) {
				return none{}, s.o.Connections.Delete(ctx, p.Workspace, in.Name, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/connections/{name}/authorize", id: "authorizeConnection", tag: tag, scope: "connections:write",
			summary: "Gives the address where a person authorises the connection by OAuth.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *connectionName) (Consent, error) {
				return s.o.Connections.Authorize(ctx, p.Workspace, in.Name, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/connections/{name}/check", id: "checkConnection", tag: tag, scope: "connections:write",
			summary: "Tries a connection with a harmless call and says what works and what is missing.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *connectionName) (Checkup, error) {
				return s.o.Connections.Check(ctx, p.Workspace, in.Name)
			}),
	}
}

func (s *server) putConnection(ctx context.Context, p Principal, in *putConnection) (Connection, error) {
	config, err := json.Marshal(in.Config)
	if err != nil {
		return Connection{}, err
	}
	n := NewConnection{Name: in.Name, Connector: in.Connector, Account: in.Account, Flow: in.Flow, Config: config, Actor: p.Actor()}
	if in.Overlap != "" {
		overlap, err := time.ParseDuration(in.Overlap)
		if err != nil {
			return Connection{}, err // the pattern allows durations only, but for overflow
		}
		n.Overlap = &overlap
	}
	return s.o.Connections.Put(ctx, p.Workspace, n)
}
