package roles

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/flows"
)

// connectionResource implements api.Connections.
type connectionResource struct{ e *Engine }

func noConnection() error { return problem.NotFound.New("There is no connection of this name.") }

func (r connectionResource) Put(ctx context.Context, ws uuid.UUID, n api.NewConnection) (api.Connection, error) {
	if n.Flow != "" {
		_, err := r.e.Flows.Live(ctx, ws, n.Flow)
		if errors.Is(err, flows.ErrNotFound) {
			p := problem.Invalid.New("Some of the input is not valid; errors says what.")
			p.Errors = []problem.Field{{Pointer: "/flow", Detail: "there is no published flow of this name"}}
			return api.Connection{}, p
		}
		if err != nil {
			return api.Connection{}, err
		}
	}
	k, err := r.e.Connections.Put(ctx, ws, n.Name, n.Connector, n.Account, n.Flow, n.Config, n.Actor)
	if errors.Is(err, connections.ErrTaken) {
		return api.Connection{}, problem.Conflict.New("The account, or a number or page of it, is connected elsewhere. Remove that connection first, or choose another account.")
	}
	if err != nil {
		return api.Connection{}, err
	}
	return r.Get(ctx, ws, k.Name) // with the flow that it may have had before
}

func (r connectionResource) Get(ctx context.Context, ws uuid.UUID, name string) (api.Connection, error) {
	got, err := r.e.Connections.Describe(ctx, ws, connections.Filter{Name: name}, 1)
	if err == nil && len(got) == 0 {
		err = noConnection()
	}
	if err != nil {
		return api.Connection{}, err
	}
	return r.show(got[0]), nil
}

func (r connectionResource) List(ctx context.Context, ws uuid.UUID, q api.PageQuery) ([]api.Connection, string, error) {
	got, err := r.e.Connections.Describe(ctx, ws, connections.Filter{After: q.After}, q.Limit+1)
	return part(got, q, r.show, func(k connections.Connection) string { return k.Name }, err)
}

func (r connectionResource) Delete(ctx context.Context, ws uuid.UUID, name, actor string) error {
	err := r.e.Connections.Delete(ctx, ws, name, actor)
	if errors.Is(err, connections.ErrNotFound) {
		return noConnection()
	}
	return err
}

func (r connectionResource) show(k connections.Connection) api.Connection {
	return api.Connection{ID: k.ID, Name: k.Name, Connector: k.Connector.Name, Account: k.Account, Flow: k.Flow,
		Hook:    r.hook(k.Connector, k.Account),
		Version: k.Version, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt}
}

// hook is where the provider sends its webhooks; empty if it sends none.
func (r connectionResource) hook(c sdk.Connector, account string) string {
	if c.Channel == nil && len(c.Triggers) == 0 {
		return ""
	}
	return r.e.PublicURL + "/hooks/" + c.Name + "/" + account
}
