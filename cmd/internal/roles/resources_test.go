package roles

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/access"
	"parley/internal/cases"
	"parley/internal/ledger"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestKeysAreThoseOfTheWorkspace(t *testing.T) {
	d, keys := open(t), (*access.Access)(nil)
	keys = access.New(d.e.DB)
	key, err := keys.CreateKey(t.Context(), d.ws, "test", []string{"cases:read"})
	require.NoError(t, err)
	p, err := d.Keys.Authenticate(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, d.ws, p.Workspace)
	require.True(t, p.May("cases:read"))
	require.False(t, p.May("cases:write"))
	require.NoError(t, keys.Revoke(t.Context(), d.ws, p.KeyID))
	_, err = d.Keys.Authenticate(t.Context(), key)
	require.ErrorIs(t, err, api.ErrUnknownKey)
	_, err = keys.Key(t.Context(), d.ws, p.KeyID)
	require.ErrorIs(t, err, access.ErrUnknownKey)
}

func TestConnections(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	put := func(name, connector, account, flow, config string) error {
		_, err := d.Connections.Put(ctx, d.ws, api.NewConnection{Name: name, Connector: connector, Account: account, Flow: flow, Config: json.RawMessage(config), Actor: actor})
		return err
	}
	require.Equal(t, "https://parley.test/hooks/webchat/chat", d.chat.Hook)
	require.NoError(t, put("till", "till", "one", "", "{}"))
	refused(t, problem.Conflict, put("other", "webchat", "chat", "", shop))
	refused(t, problem.Invalid, put("chat", "webchat", "chat", "nowhere", shop))
	invalid(t, put("bad", "till", "two", "", `{"x":1}`))
	require.NoError(t, put("chat", "webchat", "chat", "", shop)) // again

	list := all(t, 1, func(q api.PageQuery) ([]api.Connection, string, error) { return d.Connections.List(ctx, d.ws, q) })
	require.Len(t, list, 2)
	require.Equal(t, []string{"chat", "till"}, []string{list[0].Name, list[1].Name})
	require.Equal(t, int64(2), list[0].Version)
	require.Empty(t, list[1].Hook, "nothing is sent to us")

	_, err := d.Connections.Get(ctx, storetest.Workspace(t, d.e.DB, "other"), "chat")
	refused(t, problem.NotFound, err)
	require.NoError(t, d.Connections.Delete(ctx, d.ws, "till", actor))
	refused(t, problem.NotFound, d.Connections.Delete(ctx, d.ws, "till", actor))
}

func TestContacts(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	one, two, three := d.conversation().Contact, d.conversation().Contact, d.conversation().Contact
	list := all(t, 2, func(q api.PageQuery) ([]api.Contact, string, error) { return d.Contacts.List(ctx, d.ws, q) })
	require.Equal(t, []uuid.UUID{three, two, one}, []uuid.UUID{list[0].ID, list[1].ID, list[2].ID})
	require.Equal(t, "Asha", list[0].Name)

	into, err := d.Contacts.Merge(ctx, d.ws, two, one, actor)
	require.NoError(t, err)
	require.Len(t, into.Addresses, 2)
	gone, err := d.Contacts.Get(ctx, d.ws, two)
	require.NoError(t, err)
	require.Equal(t, one, *gone.MergedInto)
	for _, pair := range [][2]uuid.UUID{{one, one}, {two, three}, {three, two}} {
		_, err = d.Contacts.Merge(ctx, d.ws, pair[0], pair[1], actor)
		refused(t, problem.Conflict, err)
	}
	_, err = d.Contacts.Merge(ctx, d.ws, uuid.New(), one, actor)
	refused(t, problem.NotFound, err)

	blocked, err := d.Contacts.SetBlocked(ctx, d.ws, three, true, actor)
	require.NoError(t, err)
	require.True(t, blocked.Blocked)
	_, err = d.Contacts.SetBlocked(ctx, storetest.Workspace(t, d.e.DB, "other"), three, false, actor)
	refused(t, problem.NotFound, err)

	_, err = d.e.Vault.Destroy(ctx, d.ws, three, vault.Profile)
	require.NoError(t, err)
	erased, err := d.Contacts.Get(ctx, d.ws, three)
	require.NoError(t, err)
	require.True(t, erased.Erased)
	require.Empty(t, erased.Name)
}

func TestFlows(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	publish := func(name, document string, bind ...string) (api.Flow, error) {
		return d.Flows.Publish(ctx, d.ws, api.NewFlow{Name: name, Document: document, Bind: bind, Actor: actor})
	}
	_, err := publish("shop", "name: shop\nblocks:\n  start:\n    - shout: Hello!\n    - call: till.open\n")
	p := refused(t, problem.Invalid, err)
	require.NotEmpty(t, p.Errors)
	for _, f := range p.Errors {
		require.Equal(t, "/document", f.Pointer)
		require.Positive(t, f.Line)
		require.Positive(t, f.Column)
	}
	require.Equal(t, 4, p.Errors[0].Line)
	_, err = publish("other", hello)
	refused(t, problem.Invalid, err)
	_, err = publish("shop", hello, "webchat/chat", "webchat/nowhere")
	require.Equal(t, "/bind/1", refused(t, problem.NotFound, err).Errors[0].Pointer)
	_, err = publish("shop", hello, "chat")
	refused(t, problem.Invalid, err)
	_, err = d.Connections.Put(ctx, d.ws, api.NewConnection{Name: "till", Connector: "till", Account: "one", Config: json.RawMessage("{}"), Actor: actor})
	require.NoError(t, err)
	_, err = publish("shop", hello, "till/one")
	refused(t, problem.Invalid, err)
	_, err = d.Flows.Get(ctx, d.ws, "shop")
	refused(t, problem.NotFound, err)

	first, err := publish("shop", hello, "webchat/chat")
	require.NoError(t, err)
	require.True(t, first.Live)
	require.Equal(t, hello, first.Document)
	bound, err := d.Connections.Get(ctx, d.ws, "chat")
	require.NoError(t, err)
	require.Equal(t, "shop", bound.Flow)
	before := d.trail()
	again, err := publish("shop", hello, "webchat/chat")
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, before, d.trail(), "a repeat changes nothing")

	second, err := publish("shop", hello+"    - say: What can I do for you?\n")
	require.NoError(t, err)
	list := all(t, 1, func(q api.PageQuery) ([]api.Flow, string, error) { return d.Flows.List(ctx, d.ws, q) })
	require.Len(t, list, 2)
	require.Equal(t, []string{second.Hash, first.Hash}, []string{list[0].Hash, list[1].Hash})
	require.Equal(t, []bool{true, false}, []bool{list[0].Live, list[1].Live})
	_, _, err = d.Flows.List(ctx, d.ws, api.PageQuery{After: "shop@nothing", Limit: 1})
	refused(t, problem.BadCursor, err)
}

func TestCases(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	conv := d.conversation()
	var ids []uuid.UUID
	for range 3 {
		k, err := d.e.Cases.Create(ctx, cases.Case{Workspace: d.ws, ID: uuid.New(), Kind: "order", Contact: conv.Contact, Conversation: conv.ID, Connection: d.chat.ID}, []byte("{}"))
		require.NoError(t, err)
		ids = append(ids, k.ID)
	}
	list := all(t, 2, func(q api.PageQuery) ([]api.Case, string, error) {
		return d.Cases.List(ctx, d.ws, api.CaseFilter{Kind: "order", Contact: conv.Contact}, q)
	})
	require.Equal(t, []int64{1003, 1002, 1001}, []int64{list[0].Number, list[1].Number, list[2].Number})

	cancel := api.Signal{Name: "cancel", Data: json.RawMessage(`{"why":"asked"}`), Actor: actor}
	require.NoError(t, d.Cases.Signal(ctx, d.ws, ids[0], cancel))
	news, err := d.e.Cases.Undelivered(ctx, cases.Key{Workspace: d.ws, ID: ids[0]})
	require.NoError(t, err)
	require.Len(t, news, 1)
	require.Equal(t, "cancel", news[0].Name)
	require.JSONEq(t, `{"why":"asked"}`, string(news[0].Data))
	require.Contains(t, d.trail(), actor+" case.signal.cancel "+ids[0].String())

	refused(t, problem.Invalid, d.Cases.Signal(ctx, d.ws, ids[0], api.Signal{Name: "explode", Actor: actor}))
	refused(t, problem.NotFound, d.Cases.Signal(ctx, d.ws, uuid.New(), cancel))
	refused(t, problem.NotFound, d.Cases.Signal(ctx, storetest.Workspace(t, d.e.DB, "other"), ids[0], cancel))
	require.NoError(t, d.e.Cases.Advance(ctx, cases.Progress{Key: cases.Key{Workspace: d.ws, ID: ids[0]}, Contact: conv.Contact, Stage: "closed", Outcome: "cancelled"}))
	refused(t, problem.Conflict, d.Cases.Signal(ctx, d.ws, ids[0], cancel))
}

func TestEffects(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	conv := d.conversation()
	for i := range 3 {
		e := ledger.Effect{Workspace: d.ws, Key: "effect-" + strconv.Itoa(i), Subject: conv.ID, SealWith: vault.ForWorkspace(d.ws), Connection: d.chat.ID,
			Connector: "till", Operation: "open", Effect: sdk.Effect{Kind: sdk.Once}, Input: []byte(`{"card":"4111111111111111"}`)}
		decision, err := d.e.Ledger.Begin(ctx, e)
		require.NoError(t, err)
		if i == 1 {
			_, err = d.e.Ledger.Finish(ctx, e, decision.Attempt, ledger.Outcome{Error: &sdk.Error{Class: sdk.Rejected, Code: "declined"}})
			require.NoError(t, err)
		}
	}
	list := all(t, 2, func(q api.PageQuery) ([]api.Effect, string, error) {
		return d.Effects.List(ctx, d.ws, api.EffectFilter{Connector: "till", Subject: conv.ID}, q)
	})
	require.Equal(t, []string{"effect-2", "effect-1", "effect-0"}, []string{list[0].Key, list[1].Key, list[2].Key})
	require.Equal(t, "attempting", list[0].State)
	failed, _, err := d.Effects.List(ctx, d.ws, api.EffectFilter{State: "failed"}, api.PageQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, failed, 1)
	require.Equal(t, "declined", failed[0].ErrorCode)
	later, _, err := d.Effects.List(ctx, d.ws, api.EffectFilter{Since: list[0].CreatedAt}, api.PageQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, later, 1)
	_, err = d.Effects.Get(ctx, d.ws, "effect-1")
	require.NoError(t, err)
	_, err = d.Effects.Get(ctx, storetest.Workspace(t, d.e.DB, "other"), "effect-1")
	refused(t, problem.NotFound, err)
}

// TestAReaderOfEventsMissesNone: what is written first may be committed last, and
// a reader who is faster than that must not pass by it.
func TestAReaderOfEventsMissesNone(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	after := ""
	read := func() []string {
		got, next, err := d.Events.List(ctx, d.ws, api.EventFilter{Type: "test"}, api.PageQuery{After: after, Limit: 2})
		require.NoError(t, err)
		require.Equal(t, len(got) > 0, next != "")
		if next != "" {
			after = next
		}
		var subjects []string
		for _, e := range got {
			subjects = append(subjects, e.Subject)
		}
		return subjects
	}
	// PostgreSQL's own chores may have a transaction open, so what is committed may
	// take a moment to show.
	awaits := func(want ...string) {
		var got []string
		for end := time.Now().Add(20 * time.Second); len(got) < len(want) && time.Now().Before(end); {
			got = append(got, read()...)
		}
		require.Equal(t, want, got)
	}
	const insert = `INSERT INTO events (workspace_id, type, subject) VALUES ($1, 'test', $2)`
	d.exec(insert, d.ws, "a")
	awaits("a")
	require.Empty(t, read())
	require.NoError(t, d.e.DB.InWorkspace(ctx, d.ws, func(slow pgx.Tx) error {
		if _, err := slow.Exec(ctx, insert, d.ws, "slow"); err != nil {
			return err
		}
		d.exec(insert, d.ws, "b")
		d.exec(insert, d.ws, "c")
		require.Empty(t, read(), "something may still come before them")
		return nil
	}))
	awaits("slow", "b", "c")
	require.Empty(t, read())
	for _, bad := range []string{"x", "1", "1.", ".1", "-1.1", "1.x"} {
		_, _, err := d.Events.List(ctx, d.ws, api.EventFilter{}, api.PageQuery{After: bad, Limit: 1})
		refused(t, problem.BadCursor, err)
	}
}

func TestTheTrail(t *testing.T) {
	d := open(t)
	for _, o := range []string{"a", "b", "c"} {
		require.NoError(t, d.Audit.Record(t.Context(), d.ws, "key/x", "look", o))
	}
	list := func(ws uuid.UUID) []string {
		var out []string
		for _, e := range all(t, 2, func(q api.PageQuery) ([]api.AuditEntry, string, error) {
			return d.Audit.List(t.Context(), ws, api.AuditFilter{Actor: "key/x", Action: "look"}, q)
		}) {
			out = append(out, e.Object)
		}
		return out
	}
	require.Equal(t, []string{"c", "b", "a"}, list(d.ws))
	require.Empty(t, list(storetest.Workspace(t, d.e.DB, "other")))
	_, err := d.e.DB.Pool.Exec(t.Context(), `DELETE FROM audit`)
	require.ErrorContains(t, err, "permission denied")
}

// TestOneAgentGetsIt: of many who take a conversation at once one has it.
func TestOneAgentGetsIt(t *testing.T) {
	d := open(t)
	conv := d.conversation("help")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []string
	for i := range 8 {
		wg.Go(func() {
			agent := "agent-" + strconv.Itoa(i)
			if _, err := d.Agents.Take(context.WithoutCancel(t.Context()), d.ws, conv.ID, agent, actor); err == nil {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, agent)
			}
		})
	}
	wg.Wait()
	require.Len(t, got, 1)
	shown, err := d.Conversations.Get(t.Context(), d.ws, conv.ID)
	require.NoError(t, err)
	require.Equal(t, api.Owner{Kind: "human", ID: got[0]}, shown.Owner)
	require.Equal(t, []string{"message", "taken"}, d.kinds(conv.ID))
	require.Equal(t, 1, len(slices.DeleteFunc(d.trail(), func(s string) bool { return s != actor+" conversation.take "+conv.ID.String() })))
}
