package roles

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/chores"
	"parley/internal/connections"
	"parley/internal/flows"
	"parley/internal/oauth"
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
	k, err := r.e.Connections.Store(ctx, ws, connections.Definition{Name: n.Name, Connector: n.Connector, Account: n.Account, Flow: n.Flow,
		Config: n.Config, Actor: n.Actor, Overlap: n.Overlap})
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
	out, err := r.showAll(ctx, ws, got)
	if err != nil {
		return api.Connection{}, err
	}
	return out[0], nil
}

func (r connectionResource) List(ctx context.Context, ws uuid.UUID, q api.PageQuery) ([]api.Connection, string, error) {
	got, err := r.e.Connections.Describe(ctx, ws, connections.Filter{After: q.After}, q.Limit+1)
	if err != nil {
		return nil, "", err
	}
	shown, err := r.showAll(ctx, ws, got)
	return part(shown, q, func(k api.Connection) api.Connection { return k }, func(k api.Connection) string { return k.Name }, err)
}

func (r connectionResource) Delete(ctx context.Context, ws uuid.UUID, name, actor string) error {
	err := r.e.Connections.Delete(ctx, ws, name, actor)
	if errors.Is(err, connections.ErrNotFound) {
		return noConnection()
	}
	return err
}

// showAll shows connections with how their authorisations and chores stand.
func (r connectionResource) showAll(ctx context.Context, ws uuid.UUID, all []connections.Connection) ([]api.Connection, error) {
	ids := make([]uuid.UUID, len(all))
	for i, k := range all {
		ids[i] = k.ID
	}
	done, err := chores.Statuses(ctx, r.e.DB, ws, ids)
	if err != nil {
		return nil, err
	}
	authorised, err := r.e.OAuth.Statuses(ctx, ws, ids)
	if err != nil {
		return nil, err
	}
	out := make([]api.Connection, len(all))
	for i, k := range all {
		out[i] = r.show(k)
		for _, c := range done[k.ID] {
			switch c.Kind {
			case chores.Subscribe:
				out[i].Subscription = showChore(c)
			case chores.Poll:
				out[i].Poll = showChore(c)
			}
		}
		s, known := authorised[k.ID]
		if known || !r.needsNoConsent(ctx, k) {
			out[i].Authorization = showAuthorization(k.Connector, s, known)
		}
	}
	return out, nil
}

func (r connectionResource) show(k connections.Connection) api.Connection {
	return api.Connection{ID: k.ID, Name: k.Name, Connector: k.Connector.Name, Account: k.Account, Flow: k.Flow, Stage: k.Stage,
		Hook: r.hook(k.Connector, k.Account), FormerUntil: orNone(k.FormerUntil),
		Version: k.Version, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt}
}

func showChore(s chores.Status) *api.Chore {
	out := &api.Chore{State: "waiting", Failures: s.Failures, DoneAt: orNone(s.DoneAt), DueAt: orNone(s.DueAt),
		ErrorClass: s.ErrorClass, ErrorCode: s.ErrorCode, Error: s.Error}
	switch {
	case s.Failures > 0:
		out.State = "failing"
	case !s.DoneAt.IsZero():
		out.State = "working"
	}
	return out
}

// needsNoConsent tells whether a connection's own settings make an authorisation by
// OAuth needless.
func (r connectionResource) needsNoConsent(ctx context.Context, k connections.Connection) bool {
	if k.Connector.OAuth == nil {
		return true
	}
	opened, err := r.e.Connections.Get(ctx, k.Workspace, k.ID)
	if err != nil {
		return false
	}
	a, may := opened.Conn.(sdk.Authorized)
	return may && a.Authorized()
}

// showAuthorization is nil for a connector without OAuth, and for a connection that
// authorises itself and has not had to yet.
func showAuthorization(c sdk.Connector, s oauth.Status, known bool) *api.Authorization {
	switch {
	case c.OAuth == nil, !known && c.OAuth.AuthorizeURL == "":
		return nil
	case !known:
		return &api.Authorization{State: "needs_authorization", Code: oauth.NeverAuthorised}
	case s.Refused != "":
		return &api.Authorization{State: "needs_authorization", Code: s.Refused}
	}
	return &api.Authorization{State: "authorized", ExpiresAt: orNone(s.ExpiresAt)}
}

func orNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// hook is where the provider sends its webhooks; empty if it sends none.
func (r connectionResource) hook(c sdk.Connector, account string) string {
	if c.Channel == nil && len(c.Triggers) == 0 {
		return ""
	}
	return r.e.hook(c.Name, account)
}

func (e *Engine) hook(connector, account string) string {
	return e.PublicURL + "/hooks/" + connector + "/" + account
}
