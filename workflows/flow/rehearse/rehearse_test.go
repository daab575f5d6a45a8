package rehearse_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/workflows/flow"
	"parley/workflows/flow/rehearse"
)

const shop = `name: shop
agent_queue: desk
blocks:
  start:
    - say: Hello
    - choices: What?
      options: {Orders: orders, Wait: later, Person: person}
  orders:
    - ask: Which number?
      kind: number
      save: number
    - call: shopify.get_order
      with: {number: =number}
      save: order
      errors: {default: start}
    - say: "It is {{ order.stage }}"
    - end
  later:
    - wait: 2h
    - say: Are you still there?
  person:
    - handoff: desk
    - say: Back again
`

func compile(t testing.TB, source string) *flow.Program {
	t.Helper()
	p, err := flow.Source{File: "shop.yaml", Text: []byte(source)}.Compile()
	require.NoError(t, err)
	return p
}

// recorder makes a recording by running a version, as the engine did.
type recorder struct {
	t     testing.TB
	p     *flow.Program
	state flow.State
	now   time.Time
	rehearse.Recording
}

func record(t testing.TB) *recorder {
	return &recorder{t: t, p: compile(t, shop), now: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), Recording: rehearse.Recording{Conversation: "c", Person: "p", Channel: "test"}}
}

func (r *recorder) event(e flow.Event) *recorder {
	r.t.Helper()
	out := r.p.Step(flow.Input{State: r.state, Events: []flow.Event{e}, Now: r.now, Channel: "test", Conversation: "c", Person: "p", Entropy: make([]byte, 32)})
	require.Empty(r.t, out.Faults)
	r.Turns = append(r.Turns, rehearse.Turn{Program: r.p, At: r.now, Events: []flow.Event{e}, Entered: out.Entered, Missed: out.Missed})
	r.state, r.now = out.State, r.now.Add(time.Minute)
	return r
}

func (r *recorder) say(text string) *recorder {
	return r.event(flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: text}})
}

func (r *recorder) tap(i int) *recorder {
	c := r.state.Choices[i]
	return r.event(flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: c.Label, Tap: c.ID}})
}

func (r *recorder) result(output string) *recorder {
	return r.event(flow.Event{Kind: flow.EventCallResult, Ref: r.state.Pending, Output: json.RawMessage(output)})
}

func (r *recorder) timeUp() *recorder {
	at, token := r.state.Due()
	r.now = at.Add(time.Second)
	return r.event(flow.Event{Kind: flow.EventTimer, Ref: token})
}

func (r *recorder) returned() *recorder { return r.event(flow.Event{Kind: flow.EventReturned}) }

func order(t testing.TB) rehearse.Recording {
	return record(t).say("hi").tap(0).say("7").result(`{"stage":"paid"}`).Recording
}

func rehearsed(t testing.TB, change func(string) string, r rehearse.Recording) rehearse.Outcome {
	t.Helper()
	return rehearse.Run(compile(t, change(shop)), nil, r)
}

func swap(pairs ...string) func(string) string {
	return func(s string) string { return strings.NewReplacer(pairs...).Replace(s) }
}

func TestTheSameVersionGoesTheSameWay(t *testing.T) {
	for name, r := range map[string]rehearse.Recording{
		"order": order(t), "waited": record(t).say("hi").tap(1).timeUp().Recording, "person": record(t).say("hi").tap(2).say("hello?").returned().Recording, "missed": record(t).say("hi").say("what").Recording,
	} {
		require.Equal(t, rehearse.Outcome{Kind: rehearse.Same}, rehearsed(t, swap(), r), name)
	}
}

func TestOtherWords(t *testing.T) {
	o := rehearsed(t, swap("say: Hello", "say: Good day", "Which number?", "Your number?"), order(t))
	require.Equal(t, rehearse.Outcome{Kind: rehearse.Words, Turn: 1, Said: []string{"hi"}, Answered: []string{"Hello", "What? [Orders | Wait | Person]"},
		Answers: []string{"Good day", "What? [Orders | Wait | Person]"}}, o)
}

func TestAStepInBetweenChangesNoWay(t *testing.T) {
	o := rehearsed(t, swap("    - say: Hello\n", "    - say: Hello\n    - say: We have news.\n"), order(t))
	require.Equal(t, rehearse.Words, o.Kind, "taps and results find their place although steps and references have moved")
}

func TestAnotherWay(t *testing.T) {
	o := rehearsed(t, swap("Orders: orders, Wait: later,", "Orders: later, Wait: orders,"), order(t))
	require.Equal(t, []any{rehearse.Way, 2, "start", "orders", "later"}, []any{o.Kind, o.Turn, o.Block, o.Before, o.After})
	require.Equal(t, []string{"Orders"}, o.Said)
	o = rehearsed(t, swap("wait: 2h", "wait: 3h"), record(t).say("hi").tap(1).timeUp().Recording)
	require.Equal(t, []any{rehearse.Way, 3, "later", "", "later"}, []any{o.Kind, o.Turn, o.Block, o.Before, o.After}, "the clock is that of the events")
	o = rehearsed(t, swap("handoff: desk", "handoff: sales"), record(t).say("hi").tap(2).Recording)
	require.Equal(t, rehearse.Way, o.Kind)
}

// TestAPersonSpeaksInBetween: what came before is answered first, and after a person
// has taken the conversation the flow is silent.
func TestAPersonSpeaksInBetween(t *testing.T) {
	r := record(t).say("hi").Recording
	r.Turns[0].Events = append(r.Turns[0].Events, flow.Event{Kind: rehearse.EventApart}, flow.Event{Kind: rehearse.EventTaken},
		flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: "1"}})
	require.Equal(t, rehearse.Outcome{Kind: rehearse.Same}, rehearsed(t, swap(), r))
}

func TestCallsThatWereNotMade(t *testing.T) {
	o := rehearsed(t, swap("shopify.get_order", "shopify.find_order"), order(t))
	require.Equal(t, []any{rehearse.Undecided, 3, "orders"}, []any{o.Kind, o.Turn, o.Block})
	require.Equal(t, "shopify.find_order was not called in block orders then", o.Why)
	o = rehearsed(t, swap("{number: =number}", "{number: '=number + 1'}"), order(t))
	require.Equal(t, []any{rehearse.Undecided, "shopify.get_order was called with another input in block orders then"}, []any{o.Kind, o.Why})
	require.NotContains(t, o.Why, "7")
}

func TestRenamedBlocks(t *testing.T) {
	change := swap("Orders: orders", "Orders: my_orders", "  orders:", "  my_orders:")
	require.Equal(t, rehearse.Way, rehearsed(t, change, order(t)).Kind)
	o := rehearse.Run(compile(t, change(shop)), map[string]string{"orders": "my_orders"}, order(t))
	require.Equal(t, rehearse.Outcome{Kind: rehearse.Same}, o)
}

func TestARecordingThatCannotBeRepeated(t *testing.T) {
	r := order(t)
	r.Turns[1].Entered = []string{"elsewhere"}
	o := rehearsed(t, swap(), r)
	require.Equal(t, []any{rehearse.Unrepeatable, 2}, []any{o.Kind, o.Turn})
}

func BenchmarkRun(b *testing.B) {
	r, p := order(b), compile(b, swap("say: Hello", "say: Good day")(shop))
	for b.Loop() {
		rehearse.Run(p, nil, r)
	}
}
