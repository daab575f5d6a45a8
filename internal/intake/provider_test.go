package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/intake"
	"parley/internal/ledger"
	"parley/internal/vault"
)

func provider(id, key, data string, refs ...string) sdk.Event {
	return sdk.Event{ID: id, Kind: sdk.EventProvider, Provider: &sdk.ProviderEvent{Name: "payment.paid", EffectKey: key, Refs: refs, Data: json.RawMessage(data)}}
}

func (f *fixture) conversation() contacts.Conversation {
	f.t.Helper()
	conv, err := f.Contacts.Conversation(f.t.Context(), contacts.Channel{Workspace: f.ws, Connection: f.conn.ID, Connector: "test"},
		[]sdk.Address{{Kind: "user", Value: uuid.NewString()}}, "")
	require.NoError(f.t, err)
	return conv
}

func (f *fixture) newCase() cases.Case {
	f.t.Helper()
	conv := f.conversation()
	c, err := f.Cases.Create(f.t.Context(), cases.Case{Workspace: f.ws, ID: uuid.New(), Kind: "order", Contact: conv.Contact, Conversation: conv.ID, Connection: f.conn.ID}, json.RawMessage(`{}`))
	require.NoError(f.t, err)
	return c
}

// did records an effect of a case, with the provider's ID if there is one.
func (f *fixture) did(c cases.Case, key, ref string) {
	f.t.Helper()
	e := ledger.Effect{Workspace: f.ws, Key: key, Subject: c.ID, SealWith: cases.SealRef(f.ws, c.Contact, c.ID), WorkflowID: c.WorkflowID,
		Connection: f.conn.ID, Connector: "test", Operation: "order_create", Effect: sdk.Effect{Kind: sdk.Once}}
	l := ledger.New(f.db, f.vault)
	_, err := l.Begin(f.t.Context(), e)
	require.NoError(f.t, err)
	_, err = l.Finish(f.t.Context(), e, 1, ledger.Outcome{Output: json.RawMessage(`{}`), Ref: ref})
	require.NoError(f.t, err)
}

func (f *fixture) news(c cases.Case) []cases.News {
	f.t.Helper()
	got, err := f.Cases.Undelivered(f.t.Context(), cases.Key{Workspace: f.ws, ID: c.ID})
	require.NoError(f.t, err)
	return got
}

func TestNewsFindsItsCase(t *testing.T) {
	f := setUp(t)
	byKey, byRef, specific := f.newCase(), f.newCase(), f.newCase()
	f.did(byKey, "key-1", "")
	f.did(byRef, "key-2", "order/2")
	f.did(specific, "key-3", "refund/3")
	table := []struct {
		name string
		ev   sdk.Event
		c    cases.Case
		key  string
	}{
		{"by our key", provider("e1", "key-1", `{"a":1}`), byKey, "key-1"},
		{"by the provider's ID", provider("e2", "", `{}`, "unknown", "order/2"), byRef, "key-2"},
		{"our key counts more", provider("e3", "key-1", `{}`, "order/2"), byKey, "key-1"},
		{"the most specific ID counts", provider("e4", "", `{}`, "refund/3", "order/2"), specific, "key-3"},
		{"a key of somebody else's, and an ID of ours", provider("e5", "foreign", `{}`, "order/2"), byRef, "key-2"},
	}
	count := map[uuid.UUID]int{}
	for _, s := range table {
		count[s.c.ID]++
		require.Equal(t, intake.Outcome{Accepted: 1}, f.accept(s.ev), s.name)
		news := f.news(s.c)
		require.Len(t, news, count[s.c.ID], s.name)
		last := news[len(news)-1]
		require.Equal(t, []any{"payment.paid", s.key, string(s.ev.Provider.Data)}, []any{last.Name, last.EffectKey, string(last.Data)}, s.name)
		require.Equal(t, []bus.Target{{Workspace: f.ws, ID: s.c.ID, WorkflowID: s.c.WorkflowID, Case: true, Number: last.Number}}, f.offers(), s.name)
		require.Equal(t, intake.Outcome{Duplicates: 1}, f.accept(s.ev), s.name)
		require.Empty(t, f.offers(), s.name)
	}
	require.Equal(t, intake.Outcome{Ignored: 1}, f.accept(provider("e9", "", `{}`)), "nothing could ever match it")
}

// planned commits a turn whose call has the key.
func (f *fixture) planned(conv contacts.Conversation, key string) {
	f.t.Helper()
	c := conversations.New(f.db, f.vault)
	s, err := c.Load(f.t.Context(), conversations.Key{Workspace: f.ws, ID: conv.ID})
	require.NoError(f.t, err)
	require.NoError(f.t, c.Commit(f.t.Context(), &conversations.Turn{Snapshot: s, Last: s.LastNumber, Effects: []conversations.Planned{{
		Key: key, Operation: "payment_link_create", Connector: "test", Kind: sdk.Once, State: "planned", Request: conversations.Requested{Ref: "pay-7", Kind: "pay"}}}}))
}

func TestNewsFindsItsFlow(t *testing.T) {
	f := setUp(t)
	conv := f.conversation()
	f.planned(conv, "key-1")
	require.Equal(t, intake.Outcome{Accepted: 1}, f.accept(provider("e1", "key-1", `{"a":1}`)))
	s, err := conversations.New(f.db, f.vault).Load(t.Context(), conversations.Key{Workspace: f.ws, ID: conv.ID})
	require.NoError(t, err)
	require.Len(t, s.Events, 1)
	require.JSONEq(t, `{"kind":"provider","ref":"pay-7","name":"payment.paid","output":{"a":1}}`, string(s.Events[0].Body))
	require.Equal(t, []bus.Target{{Workspace: f.ws, ID: conv.ID, WorkflowID: conv.WorkflowID, Channel: "test", Number: 1}}, f.offers())
	require.Equal(t, intake.Outcome{Duplicates: 1}, f.accept(provider("e1", "key-1", `{"a":1}`)))

	_, err = f.vault.Destroy(t.Context(), f.ws, conv.Contact, vault.Conversation)
	require.NoError(t, err)
	require.Equal(t, intake.Outcome{Ignored: 1}, f.accept(provider("e2", "key-1", `{}`)), "nobody is left to tell")
}

// News may be faster than the answer to the call that made its object.
func TestParkedNewsIsJoinedOnce(t *testing.T) {
	f := setUp(t)
	c := f.newCase()
	early := provider("e1", "", `{"n":1}`, "order/1")
	require.Equal(t, intake.Outcome{Parked: 1}, f.accept(early))
	require.Equal(t, intake.Outcome{Duplicates: 1}, f.accept(early), "a repeat parks nothing new")
	join := func() [2]int {
		joined, expired, err := f.JoinParked(context.Background(), f.ws)
		require.NoError(t, err)
		return [2]int{joined, expired}
	}
	require.Equal(t, [2]int{}, join())
	f.did(c, "key-1", "order/1")

	var total atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { total.Add(int32(join()[0])) })
	}
	wg.Wait()
	require.EqualValues(t, 1, total.Load())
	require.Len(t, f.news(c), 1)
	require.NotEmpty(t, f.offers())
	require.Equal(t, [2]int{}, join())
	require.Equal(t, intake.Outcome{Duplicates: 1}, f.accept(early), "a repeat after it was joined")
	require.Len(t, f.news(c), 1)
}

// A shop has orders that are none of ours. They hold up nothing, and expire.
func TestParkedNewsOfOthersHoldsUpNothing(t *testing.T) {
	f := setUp(t)
	var foreign []sdk.Event
	for i := range 250 {
		foreign = append(foreign, provider(fmt.Sprint("f", i), "", `{}`, fmt.Sprint("foreign/", i)))
	}
	require.Equal(t, intake.Outcome{Parked: 250}, f.accept(foreign...))
	f.accept(provider("mine", "", `{}`, "order/1"))
	c := f.newCase()
	f.did(c, "key-1", "order/1")
	joined, expired, err := f.JoinParked(t.Context(), f.ws)
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 0}, [2]int{joined, expired})

	f.exec(`UPDATE parked_events SET received_at = now() - interval '25 hours'`)
	joined, expired, err = f.JoinParked(t.Context(), f.ws)
	require.NoError(t, err)
	require.Equal(t, [2]int{0, 250}, [2]int{joined, expired})
	require.Equal(t, 250, one[int](f, `SELECT count(*) FROM events WHERE type = 'provider_event.expired' AND data = '{"name": "payment.paid"}'`))
	require.Equal(t, 250, one[int](f, `SELECT count(*) FROM parked_events WHERE state = 'expired'`))
}

func TestNewsThatCannotBeDeliveredHoldsUpNoOther(t *testing.T) {
	f := setUp(t)
	c := f.newCase()
	f.accept(provider("bad", "", `{}`, "order/bad"), provider("good", "", `{}`, "order/good"))
	f.did(cases.Case{Workspace: f.ws, ID: uuid.New(), Contact: c.Contact, WorkflowID: "order/lost"}, "key-1", "order/bad")
	f.did(c, "key-2", "order/good")
	joined, _, err := f.JoinParked(t.Context(), f.ws)
	require.ErrorIs(t, err, cases.ErrNotFound)
	require.Equal(t, 1, joined)
	require.Len(t, f.news(c), 1)
}
