package roles

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"parley/api/ingress"
	"parley/api/webchat"
	"parley/connectors/sdk"
	channel "parley/connectors/webchat"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/intake"
	"parley/internal/observe"
	"time"
)

// hooks adapts the engine to the ports of package ingress.
type hooks struct {
	e  *Engine
	in *intake.Intake
}

func (h hooks) Resolve(ctx context.Context, connector, account string) (ingress.Connection, error) {
	k, err := h.e.Connections.Resolve(ctx, connector, account)
	if errors.Is(err, connections.ErrNotFound) {
		return ingress.Connection{}, ingress.ErrUnknownAccount
	}
	if err != nil {
		return ingress.Connection{}, err
	}
	return edgeConnection(k), nil
}

func edgeConnection(k *connections.Connection) ingress.Connection {
	return ingress.Connection{Workspace: k.Workspace, ID: k.ID, Connector: k.Connector.Name, Account: k.Account, Version: k.Version, Conn: k.Conn,
		Former: k.Former, FormerUntil: k.FormerUntil}
}

func (h hooks) Accept(ctx context.Context, c ingress.Connection, events []sdk.Event) (ingress.Outcome, error) {
	k, err := h.e.Connections.Get(ctx, c.Workspace, c.ID)
	if err != nil {
		return ingress.Outcome{}, err
	}
	out, err := h.in.Accept(ctx, k, events)
	return ingress.Outcome{Accepted: out.Accepted, Duplicates: out.Duplicates, Blocked: out.Blocked, Unknown: out.Parked}, err
}

func (h hooks) Route(ctx context.Context, c ingress.Connection, account string) (ingress.Connection, error) {
	k, err := h.e.Connections.ResolveProviderAccount(ctx, c.Connector, account)
	if errors.Is(err, connections.ErrNotFound) || err == nil && k.Workspace != c.Workspace {
		return ingress.Connection{}, ingress.ErrUnknownAccount
	}
	if err != nil {
		return ingress.Connection{}, err
	}
	return edgeConnection(k), nil
}

// Unrouted records in the outbox that events came for an account nobody has.
func (h hooks) Unrouted(ctx context.Context, c ingress.Connection, _ string, events []sdk.Event) error {
	return h.e.DB.InWorkspace(ctx, c.Workspace, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, 'webhook.unrouted', $2, jsonb_build_object('events', $3::int))`,
			c.Workspace, "connection/"+c.ID.String(), len(events))
		return err
	})
}

// chat adapts the engine to the ports of package webchat.
type chat struct {
	e  *Engine
	in *intake.Intake
	*watch
}

func (c chat) Resolve(ctx context.Context, account string) (webchat.Connection, error) {
	k, err := c.e.Connections.Resolve(ctx, channel.Connector.Name, account)
	if errors.Is(err, connections.ErrNotFound) {
		return webchat.Connection{}, webchat.ErrUnknownAccount
	}
	if err != nil {
		return webchat.Connection{}, err
	}
	conn, ok := k.Conn.(*channel.Connection)
	if !ok {
		return webchat.Connection{}, webchat.ErrUnknownAccount
	}
	return webchat.Connection{Workspace: k.Workspace, ID: k.ID, Account: k.Account, Conn: conn}, nil
}

func (c chat) Accept(ctx context.Context, w webchat.Connection, events []sdk.Event) error {
	k, err := c.e.Connections.Get(ctx, w.Workspace, w.ID)
	if err != nil {
		return err
	}
	for i := range events { // a message of ours is named by its effect's key
		if s := events[i].Status; s != nil {
			s.EffectKey = s.MessageID
		}
	}
	if _, err := c.in.Accept(ctx, k, events); err != nil {
		return err
	}
	for _, ev := range events { // the visitor's other tabs show it too
		if ev.Message != nil && len(ev.Message.From) > 0 {
			c.hub.Wake(visitorKey(w, ev.Message.From[0]))
		}
	}
	return nil
}

func (c chat) find(ctx context.Context, w webchat.Connection, visitor sdk.Address) (contacts.Conversation, bool, error) {
	ch := contacts.Channel{Workspace: w.Workspace, Connection: w.ID, Connector: channel.Connector.Name}
	return c.e.Contacts.Find(ctx, ch, visitor)
}

func (c chat) Messages(ctx context.Context, w webchat.Connection, visitor sdk.Address, after int64, limit int) ([]webchat.Entry, error) {
	conv, found, err := c.find(ctx, w, visitor)
	if err != nil || !found {
		return nil, err
	}
	c.of.Add(conv.ID, visitorKey(w, visitor))
	history, err := c.e.Conversations.History(ctx, conversations.Key{Workspace: w.Workspace, ID: conv.ID}, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]webchat.Entry, 0, len(history))
	for _, m := range history {
		entry := webchat.Entry{Cursor: m.Seq, From: webchat.FromBusiness, ID: m.ID, Content: m.Content, At: m.At}
		switch {
		case m.Author == conversations.AuthorAgent:
			entry.From = webchat.FromAgent
		case m.Author == conversations.AuthorCustomer && m.In != nil:
			entry.From, entry.ID = webchat.FromCustomer, m.In.ID
			entry.Content = sdk.Content{Text: m.In.Text, Media: m.In.Media, Location: m.In.Location}
		case m.Author == conversations.AuthorCustomer:
			entry.From = webchat.FromCustomer
		}
		out = append(out, entry)
	}
	return out, nil
}

// watch wakes the open widgets of visitors when their conversations have new
// messages, as PostgreSQL announces them.
type watch struct {
	hub webchat.Hub
	of  *expirable.LRU[uuid.UUID, string] // conversation → visitor
}

func newWatch() *watch { return &watch{of: expirable.NewLRU[uuid.UUID, string](100_000, nil, 0)} }

func visitorKey(w webchat.Connection, visitor sdk.Address) string {
	return w.ID.String() + visitor.Value
}

// Subscribe implements webchat.Watch.
func (w *watch) Subscribe(c webchat.Connection, visitor sdk.Address) (<-chan struct{}, func()) {
	return w.hub.Subscribe(visitorKey(c, visitor))
}

// listen follows the announcements until ctx ends. Those that are lost while it
// reconnects are made good by the widgets' slow poll.
func (w *watch) listen(ctx context.Context, e *Engine) {
	for ctx.Err() == nil {
		if err := w.follow(ctx, e); err != nil && ctx.Err() == nil {
			e.Log.WarnContext(ctx, "announcements of messages are not heard; trying again", "error", observe.ErrText(err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (w *watch) follow(ctx context.Context, e *Engine) error {
	conn, err := pgx.Connect(ctx, e.DatabaseURL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+conversations.Announced); err != nil {
		return err
	}
	w.hub.WakeAll() // what was announced while nobody listened
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		id, err := uuid.Parse(n.Payload)
		if err != nil {
			continue
		}
		if key, ok := w.of.Get(id); ok {
			w.hub.Wake(key)
		}
	}
}
