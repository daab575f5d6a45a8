package rehearsal_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/activities/rehearsal"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/internal/store/storetest"
	"parley/workflows/flow"
	"parley/workflows/flow/rehearse"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const shop = "name: shop\nblocks:\n  start:\n    - choices: What?\n      options: {Beans: beans, Tea: tea}\n  beans:\n    - ask: How many?\n      kind: number\n      save: n\n    - say: \"{{ n }} beans\"\n  tea:\n    - say: No tea today.\n"

// office is a workspace with recorded conversations.
type office struct {
	t     testing.TB
	ws    uuid.UUID
	inbox *bus.Inbox
	p     *flow.Program
	line  contacts.Channel
	*contacts.Contacts
	rehearsal.Rehearser
}

func open(t testing.TB) *office {
	t.Helper()
	db, v, ws := storetest.Open(t)
	o := &office{t: t, ws: ws, inbox: bus.NewInbox(db, v), Contacts: contacts.New(db, v), line: contacts.Channel{Workspace: ws, Connection: uuid.New(), Connector: "test"},
		Rehearser: rehearsal.Rehearser{Flows: flows.New(db), Conversations: conversations.New(db, v)}}
	o.p = o.compile(shop)
	require.NoError(t, o.Flows.Publish(t.Context(), ws, "shop", o.p.Hash(), shop, "test"))
	return o
}

func (o *office) compile(source string) *flow.Program {
	o.t.Helper()
	p, err := flow.Source{File: "shop.yaml", Text: []byte(source)}.Compile()
	require.NoError(o.t, err)
	return p
}

// talk records a conversation in which the customer said the texts.
func (o *office) talk(texts ...string) uuid.UUID {
	o.t.Helper()
	ctx := o.t.Context()
	conv, err := o.Conversation(ctx, o.line, []sdk.Address{{Kind: "visitor", Value: uuid.NewString()}}, "Ana")
	require.NoError(o.t, err)
	for _, text := range texts {
		body, err := json.Marshal(map[string]any{"kind": "message", "message": sdk.Incoming{Text: text}})
		require.NoError(o.t, err)
		_, err = o.inbox.Keep(ctx, bus.Arrival{Workspace: o.ws, Conversation: conv.ID, Contact: conv.Contact, WorkflowID: conv.WorkflowID, Kind: bus.KindMessage, Body: body})
		require.NoError(o.t, err)
		s, err := o.Conversations.Load(ctx, conversations.Key{Workspace: o.ws, ID: conv.ID})
		require.NoError(o.t, err)
		var state flow.State
		if s.State != nil {
			require.NoError(o.t, json.Unmarshal(s.State, &state))
		}
		out := o.p.Step(flow.Input{State: state, Events: []flow.Event{{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: text}}}, Now: s.Events[0].At})
		raw, err := json.Marshal(out.State)
		require.NoError(o.t, err)
		require.NoError(o.t, o.Conversations.Commit(ctx, &conversations.Turn{Snapshot: s, Last: s.LastNumber, Flow: "shop", FlowHash: o.p.Hash(), State: raw,
			Entered: out.Entered, Missed: out.Missed, Stood: out.State.Block}))
	}
	return conv.ID
}

func TestANewVersionOverWhatWasRecorded(t *testing.T) {
	o := open(t)
	o.talk("hi", "1", "3")
	missed := o.talk("hi", "coffee")
	tea := o.talk("hi", "Tea")
	newer := o.compile(strings.NewReplacer("Tea: tea", "Tea: beans", "  tea:\n    - say: No tea today.\n", "", "How many?", "How many, please?").Replace(shop))
	report, _, more, err := o.Run(t.Context(), o.ws, "shop", newer, nil, uuid.Nil, 10)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, 3, report.Conversations)
	require.Equal(t, map[string]int{rehearse.Words: 1, rehearse.Same: 1, rehearse.Way: 1}, report.Kinds)
	var way rehearsal.Place
	for _, p := range report.Places {
		if p.Kind == rehearse.Way {
			way = p
		}
	}
	require.Equal(t, []any{"start", "tea", "beans", 1}, []any{way.Block, way.Before, way.After, way.Count})
	require.Equal(t, []rehearsal.Example{{Conversation: tea, Turn: 2, Said: []string{"Tea"}, Answered: []string{"No tea today."}, Answers: []string{"How many, please?"}}}, way.Examples)

	report, last, more, err := o.Run(t.Context(), o.ws, "shop", o.p, nil, uuid.Nil, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, missed, last)
	require.Equal(t, map[string]int{rehearse.Same: 2}, report.Kinds)
}

// BenchmarkRun tells how long five hundred conversations of three turns take.
func BenchmarkRun(b *testing.B) {
	o := open(b)
	const n = 500
	for range n {
		o.talk("hi", "1", "3")
	}
	for b.Loop() {
		r, _, _, err := o.Run(b.Context(), o.ws, "shop", o.p, nil, uuid.Nil, n)
		if err != nil || r.Kinds[rehearse.Same] != n {
			b.Fatal(fmt.Sprint(r.Kinds, err))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)*10_000/n, "ms/10,000_conversations")
}
