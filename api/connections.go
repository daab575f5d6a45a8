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
	// Hook is where the provider sends its webhooks: a path, or a full address if
	// the public one is configured.
	Hook      string    `json:"hook,omitempty"`
	Version   int64     `json:"version" required:"true"`
	CreatedAt time.Time `json:"created_at" required:"true"`
	UpdatedAt time.Time `json:"updated_at" required:"true"`
}

// NewConnection is what [Connections.Put] is given.
type NewConnection struct {
	Name, Connector, Account, Flow string
	Config                         json.RawMessage
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
	_      struct{}       `additionalProperties:"false"`
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
	}
}

func (s *server) putConnection(ctx context.Context, p Principal, in *putConnection) (Connection, error) {
	config, err := json.Marshal(in.Config)
	if err != nil {
		return Connection{}, err
	}
	return s.o.Connections.Put(ctx, p.Workspace, NewConnection{Name: in.Name, Connector: in.Connector,
		Account: in.Account, Flow: in.Flow, Config: config, Actor: p.Actor()})
}
