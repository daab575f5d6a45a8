package roles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/connectors/webchat"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/internal/ledger"
	"parley/internal/misses"
	"parley/internal/models"
	"parley/internal/oauth"
	"parley/internal/outages"
	"parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const (
	actor = "key/test"
	shop  = `{"webhook_secret":"0123456789012345678901234567890123456789"}`
	hello = "name: shop\nblocks:\n  start:\n    - say: Hello!\n"
)

// till is a connector that carries no messages.
var till = sdk.Connector{Name: "till", Open: func(raw json.RawMessage, _ sdk.Host) (any, error) {
	if string(raw) != "{}" {
		return nil, sdk.Invalidf("the till takes no settings")
	}
	return struct{}{}, nil
}}

type nobody struct{}

func (nobody) Wake(context.Context, bus.Target) error { return nil }

// desk is the API's ports over a database of its own, with a connected chat.
type desk struct {
	api.Options
	t    *testing.T
	e    *Engine
	ws   uuid.UUID
	chat api.Connection
}

func open(t *testing.T) *desk { return openWith(t) }

// openWith knows more connectors.
func openWith(t *testing.T, more ...sdk.Connector) *desk {
	t.Helper()
	db, v, ws := storetest.Open(t)
	e := &Engine{DB: db, Vault: v, Contacts: contacts.New(db, v), Inbox: bus.NewInbox(db, v), Conversations: conversations.New(db, v),
		Ledger: ledger.New(db, v), Cases: cases.New(db, v), Flows: flows.New(db), Outages: outages.New(db, outages.Options{})}
	e.Config.Connectors = append([]sdk.Connector{webchat.Connector, till}, more...)
	e.Models, e.Misses = models.New(db, models.Options{}), misses.New(db, v)
	e.Registry, e.Log = prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	e.PublicURL = "https://parley.test"
	e.OAuth = oauth.New(db, v, e.PublicURL)
	e.Connections = connections.New(connections.Options{DB: db, Vault: v, Connectors: e.Config.Connectors, Tokens: e.OAuth.Source})
	d := &desk{t: t, e: e, ws: ws}
	d.Options = e.resources(bus.NewDispatcher(nobody{}, 1, 1000, slog.New(slog.DiscardHandler), nil))
	d.chat = d.connect(ws, "chat")
	return d
}

func (d *desk) connect(ws uuid.UUID, name string) api.Connection {
	d.t.Helper()
	c, err := d.Connections.Put(d.t.Context(), ws, api.NewConnection{Name: name, Connector: "webchat", Account: name, Config: json.RawMessage(shop), Actor: actor})
	require.NoError(d.t, err)
	return c
}

// conversation makes the conversation of one more visitor, who has said the texts.
func (d *desk) conversation(texts ...string) contacts.Conversation {
	d.t.Helper()
	ch := contacts.Channel{Workspace: d.ws, Connection: d.chat.ID, Connector: "webchat"}
	conv, err := d.e.Contacts.Conversation(d.t.Context(), ch, []sdk.Address{{Kind: "visitor", Value: uuid.NewString()}}, "Asha")
	require.NoError(d.t, err)
	for _, text := range texts {
		body, err := json.Marshal(map[string]any{"kind": "message", "message": sdk.Incoming{Text: text}})
		require.NoError(d.t, err)
		_, err = d.e.Inbox.Keep(d.t.Context(), bus.Arrival{Workspace: d.ws, Conversation: conv.ID, Contact: conv.Contact, WorkflowID: conv.WorkflowID, Kind: bus.KindMessage, Body: body})
		require.NoError(d.t, err)
	}
	return conv
}

// answer commits a turn that takes what has arrived and says the texts.
func (d *desk) answer(conv contacts.Conversation, texts ...string) {
	d.t.Helper()
	s, err := d.e.Conversations.Load(d.t.Context(), conversations.Key{Workspace: d.ws, ID: conv.ID})
	require.NoError(d.t, err)
	turn := &conversations.Turn{Snapshot: s, Last: s.LastNumber}
	for i, text := range texts {
		turn.Effects = append(turn.Effects, conversations.Planned{Key: fmt.Sprintf("%s-%d-%d", conv.ID, turn.First(), i), Index: i, Operation: "send",
			Kind: sdk.Keyed, State: "done", Author: conversations.AuthorBot, Request: sdk.Content{Text: text}})
	}
	require.NoError(d.t, d.e.Conversations.Commit(d.t.Context(), turn))
}

// kinds are those of the events that no turn has taken.
func (d *desk) kinds(id uuid.UUID) []string {
	d.t.Helper()
	s, err := d.e.Conversations.Load(d.t.Context(), conversations.Key{Workspace: d.ws, ID: id})
	require.NoError(d.t, err)
	var out []string
	for _, e := range s.Events {
		out = append(out, e.Kind)
	}
	return out
}

func (d *desk) exec(sql string, args ...any) {
	d.t.Helper()
	require.NoError(d.t, d.e.DB.InWorkspace(d.t.Context(), d.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(d.t.Context(), sql, args...)
		return err
	}))
}

// trail lists "actor action object" of the audit trail, oldest first.
func (d *desk) trail() []string {
	d.t.Helper()
	got, _, err := d.Audit.List(d.t.Context(), d.ws, api.AuditFilter{}, api.PageQuery{Limit: 200})
	require.NoError(d.t, err)
	var out []string
	for _, e := range got {
		out = append([]string{e.Actor + " " + e.Action + " " + e.Object}, out...)
	}
	return out
}

// refused asks for a problem of the kind.
func refused(t *testing.T, kind problem.Kind, err error) *problem.Problem {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, kind.Type(), p.Type, p.Detail)
	return p
}

// all reads a list page by page, and asks that each page but the last is full.
func all[T any](t *testing.T, limit int, list func(api.PageQuery) ([]T, string, error)) []T {
	t.Helper()
	var out []T
	for q := (api.PageQuery{Limit: limit}); ; {
		got, next, err := list(q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(got), limit)
		out = append(out, got...)
		if next == "" {
			return out
		}
		require.Len(t, got, limit)
		q.After = next
	}
}

// invalid asks for a refusal in the connectors' words.
func invalid(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*sdk.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, sdk.Invalid, e.Class)
}
