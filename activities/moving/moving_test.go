package moving_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/activities/moving"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/internal/store/storetest"
	"parley/workflows/flow"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const (
	old   = "name: shop\nblocks:\n  start:\n    - ask: Name?\n      save: name\n    - go: age\n  age:\n    - ask: Age?\n      kind: number\n      save: age\n    - say: \"{{ name }} {{ age }}\"\n"
	newer = "name: shop\nblocks:\n  start:\n    - say: Hi\n    - ask: Your name?\n      save: name\n    - go: years\n  years:\n    - ask: How old?\n      kind: number\n      save: age\n    - say: \"{{ name }}, {{ age }}\"\n"
)

// office is a workspace with both versions published and people in the old one.
type office struct {
	t        testing.TB
	ws       uuid.UUID
	inbox    *bus.Inbox
	people   *contacts.Contacts
	programs map[string]*flow.Program
	talks    map[uuid.UUID]contacts.Conversation
	old, new string
	moving.Mover
}

func open(t testing.TB) *office {
	t.Helper()
	db, v, ws := storetest.Open(t)
	o := &office{t: t, ws: ws, inbox: bus.NewInbox(db, v), people: contacts.New(db, v), programs: map[string]*flow.Program{}, talks: map[uuid.UUID]contacts.Conversation{},
		Mover: moving.Mover{Flows: flows.New(db), Conversations: conversations.New(db, v)}}
	for _, source := range []string{old, newer} {
		p, err := flow.Source{File: "shop.yaml", Text: []byte(source)}.Compile()
		require.NoError(t, err)
		require.NoError(t, o.Flows.Publish(t.Context(), ws, "shop", p.Hash(), source, "test"))
		o.programs[p.Hash()] = p
		o.old, o.new = o.new, p.Hash()
	}
	return o
}

// talk makes a conversation whose visitor has said the texts in the old version.
func (o *office) talk(texts ...string) uuid.UUID {
	o.t.Helper()
	conv, err := o.people.Conversation(o.t.Context(), contacts.Channel{Workspace: o.ws, Connection: uuid.New(), Connector: "test"}, []sdk.Address{{Kind: "visitor", Value: uuid.NewString()}}, "Ana")
	require.NoError(o.t, err)
	o.talks[conv.ID] = conv
	for i, text := range texts {
		hash := ""
		if i == 0 {
			hash = o.old
		}
		o.say(conv, text, hash)
	}
	return conv.ID
}

func (o *office) say(conv contacts.Conversation, text, hash string) {
	o.t.Helper()
	body, err := json.Marshal(map[string]any{"kind": "message", "message": sdk.Incoming{Text: text}})
	require.NoError(o.t, err)
	_, err = o.inbox.Keep(o.t.Context(), bus.Arrival{Workspace: o.ws, Conversation: conv.ID, Contact: conv.Contact, WorkflowID: conv.WorkflowID, Kind: bus.KindMessage, Body: body})
	require.NoError(o.t, err)
	s := o.load(conv.ID)
	require.NoError(o.t, o.Conversations.Commit(o.t.Context(), o.turn(s, text, hash)))
}

func (o *office) load(id uuid.UUID) *conversations.Snapshot {
	o.t.Helper()
	s, err := o.Conversations.Load(o.t.Context(), conversations.Key{Workspace: o.ws, ID: id})
	require.NoError(o.t, err)
	return s
}

// turn steps the version in which the conversation stands, as a worker does.
func (o *office) turn(s *conversations.Snapshot, text, hash string) *conversations.Turn {
	o.t.Helper()
	if hash == "" {
		hash = s.FlowHash
	}
	out := o.programs[hash].Step(flow.Input{State: o.state(s), Events: []flow.Event{{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: text}}}, Now: time.Now()})
	raw, err := json.Marshal(out.State)
	require.NoError(o.t, err)
	return &conversations.Turn{Snapshot: s, Last: s.LastNumber, Flow: "shop", FlowHash: hash, State: raw}
}

func (o *office) state(s *conversations.Snapshot) flow.State {
	o.t.Helper()
	var st flow.State
	if s.State != nil {
		require.NoError(o.t, json.Unmarshal(s.State, &st))
	}
	return st
}

func (o *office) run(id uuid.UUID) (flows.Migration, []moving.Landing, []moving.Staying) {
	o.t.Helper()
	var landing []moving.Landing
	var staying []moving.Staying
	for {
		rec, r, err := o.Run(o.t.Context(), o.ws, "shop", id)
		require.NoError(o.t, err)
		landing, staying = append(landing, r.Landing...), append(staying, r.Staying...)
		if rec.State != flows.Moving {
			return rec, landing, staying
		}
	}
}

func (o *office) plan() moving.Plan {
	return moving.Plan{Name: "shop", From: o.old, To: o.new, Mapping: "blocks: {age: years}"}
}

func TestThoseWhoWaitAreMovedAndBroughtBack(t *testing.T) {
	o := open(t)
	ctx := t.Context()
	asked, answered, ended := o.talk("hi"), o.talk("hi", "Ana"), o.talk("hi", "Ana", "7")

	report, _, more, err := o.Preview(ctx, o.ws, o.plan(), uuid.Nil)
	require.NoError(t, err)
	require.False(t, more)
	require.ElementsMatch(t, []moving.Landing{{"start", "start", 1}, {"age", "years", 1}}, report.Landing)
	require.Equal(t, []moving.Staying{{Reason: flow.Reason{Code: flow.NotUnderWay}, Count: 1, Examples: []uuid.UUID{ended}}}, report.Staying)
	require.Equal(t, o.old, o.load(asked).FlowHash, "a preview changes nothing")

	id := uuid.New()
	for range 2 {
		_, err = o.Begin(ctx, o.ws, id, o.plan(), "key/1")
		require.NoError(t, err)
	}
	o.Batch = 1
	rec, landing, _ := o.run(id)
	require.ElementsMatch(t, report.Landing, landing)
	require.Equal(t, []any{int64(2), int64(1), flows.Done}, []any{rec.Moved, rec.Stayed, rec.State})
	s := o.load(answered)
	require.Equal(t, []any{o.new, "years", "Ana"}, []any{s.FlowHash, o.state(s).Block, o.state(s).Vars["name"]})
	_, landing, _ = o.run(id)
	require.Empty(t, landing, "a repeat moves nobody")

	o.say(o.talks[asked], "Ben", "") // goes on in the new version
	back, stayed := 0, 0
	for after, more := uuid.Nil, true; more; {
		var b, s int
		b, s, after, more, err = o.Undo(ctx, o.ws, "shop", id, after, "key/1")
		require.NoError(t, err)
		back, stayed = back+b, stayed+s
	}
	require.Equal(t, []int{1, 1}, []int{back, stayed}, "who has moved on stays")
	s = o.load(answered)
	require.Equal(t, []any{o.old, "age"}, []any{s.FlowHash, o.state(s).Block})
	require.Equal(t, o.new, o.load(asked).FlowHash)
}

func TestATurnThatWasDecidedBeforeTheMoveDecidesAnew(t *testing.T) {
	o := open(t)
	id := o.talk("hi")
	decided := o.turn(o.load(id), "Ana", "")
	migration := uuid.New()
	_, err := o.Begin(t.Context(), o.ws, migration, o.plan(), "key/1")
	require.NoError(t, err)
	o.run(migration)
	require.ErrorIs(t, o.Conversations.Commit(t.Context(), decided), conversations.ErrMoved)
	require.NoError(t, o.Conversations.Commit(t.Context(), o.turn(o.load(id), "Ana", "")))
	require.Equal(t, "years", o.state(o.load(id)).Block)
}

func TestPlansThatCannotBe(t *testing.T) {
	o := open(t)
	p := o.plan()
	p.Mapping = "blocks: {nobody: start}"
	_, _, _, err := o.Preview(t.Context(), o.ws, p, uuid.Nil)
	require.ErrorContains(t, err, "no block \"nobody\"")
	p = o.plan()
	p.To = "none"
	_, err = o.Begin(t.Context(), o.ws, uuid.New(), p, "key/1")
	require.ErrorIs(t, err, flows.ErrNotFound)
}

// BenchmarkMove tells how long a thousand conversations take: reading, deciding,
// sealing and writing.
func BenchmarkMove(b *testing.B) {
	o := open(b)
	const n = 1000
	for range n {
		o.talk("hi")
	}
	for b.Loop() {
		id := uuid.New()
		if _, err := o.Begin(b.Context(), o.ws, id, o.plan(), "key/1"); err != nil {
			b.Fatal(err)
		}
		rec, _, _ := o.run(id)
		if rec.Moved != n {
			b.Fatal(fmt.Sprint(rec))
		}
		b.StopTimer()
		for after, more := uuid.Nil, true; more; {
			var err error
			if _, _, after, more, err = o.Undo(b.Context(), o.ws, "shop", id, after, "key/1"); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)*10, "ms/10,000_conversations")
}
