package flow

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/connectors/sdk"
)

func migration(t testing.TB, old, new, mapping string) *Migration {
	t.Helper()
	m, err := ParseMapping([]byte(mapping))
	require.NoError(t, err)
	g, err := NewMigration(compile(t, old), compile(t, new), m)
	require.NoError(t, err)
	return g
}

// goOn takes a talk to another version and goes on there.
func (k *talk) goOn(t *testing.T, old, new, mapping string) []Reason {
	t.Helper()
	state, why := migration(t, old, new, mapping).Move(k.state)
	if why == nil {
		k.state, k.program = state, compile(t, new)
	}
	return why
}

const oldShop = `  start:
    - say: Hello
    - choices: What?
      options: {Orders: orders, Mail: mail}
  orders:
    - ask: Which number?
      kind: number
      save: number
    - call: shopify.get_order
      with: {number: =number}
      save: order
      errors: {default: start}
    - say: "Order {{ number }}"
  mail:
    - ask: Your mail?
      save: mail
    - say: "Thanks {{ mail }}"
`

const newShop = `  start:
    - say: Good day
    - say: We are open.
    - choices: What may I do?
      options: {Orders: my_orders, E-mail: contact_us, Help: contact_us}
  my_orders:
    - say: Your orders
    - ask: Which order number?
      kind: number
      save: number
    - call: shopify.get_order
      with: {number: =number}
      save: order
      errors: {default: start}
    - say: "Your order {{ number }} for {{ name }}"
  contact_us:
    - ask: Your e-mail?
      save: email
    - say: "Thank you {{ email }}"
`

func TestThoseWhoWaitGoOnInTheNewVersion(t *testing.T) {
	newer := flowOf(newShop) + "vars: {name: friend}\n"
	const mapping = "blocks: {orders: my_orders, mail: contact_us}\nvars: {mail: email}\n"
	begin := func(say ...string) *talk {
		k := newTalk(t, flowOf(oldShop))
		k.say("hi")
		for _, s := range say {
			k.say(s)
		}
		return k
	}
	k := begin()
	require.Nil(t, k.goOn(t, flowOf(oldShop), newer, mapping))
	require.Equal(t, []string{"Your orders", "Which order number?"}, k.say("1"), "what was offered counts by its number")

	k = begin("Orders")
	require.Nil(t, k.goOn(t, flowOf(oldShop), newer, mapping))
	require.Equal(t, Place{"my_orders", 1}, Place{k.state.Block, k.state.Step})
	require.Equal(t, []string{`call:shopify.get_order{"number":7}`}, k.say("7"))

	k = begin("Orders", "7")
	require.Nil(t, k.goOn(t, flowOf(oldShop), newer, mapping), "a call under way goes on")
	require.Equal(t, []string{"Your order 7 for friend"}, k.result(`{}`))

	k = begin("Mail")
	before, err := json.Marshal(k.state)
	require.NoError(t, err)
	same := k.state
	require.Nil(t, k.goOn(t, flowOf(oldShop), newer, mapping))
	after, err := json.Marshal(same)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the state given is not changed")
	require.Equal(t, []string{"Thank you a@b.test"}, k.say("a@b.test"))
}

func TestWhyAConversationCannotGoOn(t *testing.T) {
	const pay = "  start:\n    - pay: Beans\n      amount: 500\n      currency: EUR\n      paid: done\n      expired: done\n      failed: done\n  done:\n    - ask: Anything else?\n      save: x\n"
	const sub = "  start:\n    - sub: pick\n      save: n\n    - say: \"{{ n }}\"\nsubs:\n  pick:\n    %s\n    blocks:\n      start:\n        - ask: Which?\n          save: a\n        - return: =a\n"
	const ask = "  start:\n    - ask: Name?\n      save: name\n    - go: two\n  two:\n    - ask: Age?\n      kind: number\n      save: age\n    - say: \"{{ name }} {{ age }}\"\n"
	begun := []Event{message("hi")}
	answered := []Event{message("hi"), message("Ana")}
	link := Event{Kind: EventCallResult, Ref: "e1", Output: json.RawMessage(`{"url":"https://pay.test/1"}`)}
	for name, c := range map[string]struct {
		old, new, mapping string
		events            []Event
		code              string
	}{
		"nothing under way":    {ask, ask, "", nil, NotUnderWay},
		"block gone":           {ask, "  start:\n    - ask: Name?\n      save: name\n", "", answered, BlockGone},
		"another step":         {ask, "  start:\n    - choices: Name?\n      options: [Ana, Ben]\n      save: name\n", "", begun, WaitsOtherwise},
		"which of two":         {ask, "  start:\n    - ask: First name?\n      save: name\n    - ask: Last name?\n      save: surname\n", "", begun, StepGone},
		"another call":         {"  start:\n    - call: a.b\n      errors: {default: sorry}\n  sorry: [{say: Sorry}]\n", "  start:\n    - call: a.c\n      errors: {default: sorry}\n  sorry: [{say: Sorry}]\n", "", begun, CallUnderWay},
		"payment gone":         {pay, "  start:\n    - ask: X?\n      save: x\n    - go: done\n  done:\n    - ask: Anything else?\n      save: x\n", "", append(begun, link, message("menu")), PaymentOpen},
		"variable missing":     {ask, "  start:\n    - ask: Name?\n      save: name\n    - ask: Town?\n      save: town\n    - go: two\n  two:\n    - ask: Age?\n      kind: number\n      save: age\n    - say: \"{{ name }} {{ town }}\"\n", "", answered, VariableMissing},
		"variable's type":      {ask, "  start:\n    - ask: Name?\n      kind: number\n      save: name\n    - go: two\n  two:\n    - ask: Age?\n      kind: number\n      save: age\n    - say: \"{{ name + age }}\"\n", "", answered, VariableType},
		"sub-flow changed":     {fmt.Sprintf(sub, "vars: {a: x}"), fmt.Sprintf(sub, "vars: {b: x}"), "", begun, SubFlowChanged},
		"waits for other news": {"  start:\n    - wait: 1d\n      event: order.paid\n      late: start\n", "  start:\n    - wait: 1d\n      event: order.sent\n      late: start\n", "", begun, WaitsOtherwise},
		"another form":         {"  start:\n    - form: Hi\n      save: f\n      fields: {a: {ask: A?}, b: {ask: B?}}\n", "  start:\n    - form: Hi\n      save: f\n      fields: {b: {ask: B?}}\n", "", begun, WaitsOtherwise},
		"several choices":      {"  start:\n    - choices: W?\n      options: [A, B]\n      save: f\n", "  start:\n    - choices: W?\n      options: [A, B]\n      many: {min: 1}\n      save: f\n", "", begun, WaitsOtherwise},
	} {
		t.Run(name, func(t *testing.T) {
			k := newTalk(t, flowOf(c.old))
			for _, e := range c.events {
				k.events(e)
			}
			was := k.state
			state, why := migration(t, flowOf(c.old), flowOf(c.new), c.mapping).Move(k.state)
			require.NotEmpty(t, why)
			require.Contains(t, codes(why), c.code)
			require.Equal(t, was, state)
			for _, r := range why {
				require.NotContains(t, r.Detail, "Ana", "no value is quoted")
			}
		})
	}
	t.Run("set gives what is missing", func(t *testing.T) {
		newer := "  start:\n    - ask: Town?\n      save: town\n    - go: two\n  two:\n    - ask: Age?\n      kind: number\n      save: age\n    - say: \"{{ town }} {{ age }}\"\n"
		k := newTalk(t, flowOf(ask))
		k.say("hi")
		k.say("Ana")
		require.Nil(t, k.goOn(t, flowOf(ask), flowOf(newer), "set: {town: Oslo}"))
		require.Equal(t, []string{"Oslo 7"}, k.say("7"))
	})
}

func codes(why []Reason) (out []string) {
	for _, r := range why {
		out = append(out, r.Code)
	}
	return out
}

func TestAPersonsConversationMoves(t *testing.T) {
	old := "  start:\n    - ask: Name?\n      save: name\n    - handoff: sales\n    - say: Back\n"
	k := newTalk(t, flowOf(old))
	k.say("hi")
	k.say("Ana")
	require.True(t, k.state.Handed)
	require.Nil(t, k.goOn(t, flowOf(old), flowOf("  start:\n    - ask: Name?\n      save: name\n    - say: Wait\n    - handoff: sales\n    - say: Here again\n"), ""))
	require.Equal(t, []string{"Here again"}, k.returned())
}

func TestMappingsThatCannotBe(t *testing.T) {
	old, newer := compile(t, flowOf(oldShop)), compile(t, flowOf(newShop)+"vars: {name: x}\n")
	for src, want := range map[string]string{
		"blocks: {none: start}":      `the old version has no block "none"`,
		"blocks: {orders: order}":    `the new version has no block "order"`,
		"vars: {mail: e_mail}":       `the new version has no variable "e_mail"`,
		"set: {nothing: 1}":          `the new version has no variable "nothing"`,
		"block: {orders: my_orders}": "the mapping, line 1",
		"blocks: [orders]":           "the mapping, line 1",
	} {
		m, err := ParseMapping([]byte(src))
		if err == nil {
			_, err = NewMigration(old, newer, m)
		}
		require.ErrorContains(t, err, want, src)
	}
}

// TestMovingToTheSameVersionChangesNothing holds for every state that the shop can
// come to, and what it says then is the same.
func TestMovingToTheSameVersionChangesNothing(t *testing.T) {
	source := commerceSource(t)
	p := compile(t, source)
	g, err := NewMigration(p, compile(t, source), Mapping{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		k := &talk{t: t, program: p, now: testNow}
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			k.events(randomEvent(t, k.state))
			moved, why := g.Move(k.state)
			if why == nil {
				requireSameState(t, k.state, moved)
			} else {
				require.Equal(t, []Reason{{Code: NotUnderWay}}, why)
			}
		}
	})
}

func TestATapCountsWhereTheQuestionKeptItsPlace(t *testing.T) {
	old := "  start:\n    - choices: What?\n      options: {A: a, B: b}\n  a: [{say: it is A}]\n  b: [{say: it is B}]\n"
	k := newTalk(t, flowOf(old))
	k.say("hi")
	tap := k.state.Choices[1].ID
	require.Nil(t, k.goOn(t, flowOf(old), flowOf("  start:\n    - choices: What now?\n      options: {A: a, B: b}\n  a: [{say: it is A}]\n  b: [{say: it is still B}]\n"), ""))
	require.Equal(t, []string{"it is still B"}, k.events(Event{Kind: EventMessage, Message: &sdk.Incoming{Tap: tap, Text: "B"}}))
}

// BenchmarkMigrate takes one conversation of the shop to another version.
func BenchmarkMigrate(b *testing.B) {
	source := commerceSource(b)
	k := &talk{t: b, program: compile(b, source), now: testNow}
	k.say("hi")
	g, err := NewMigration(k.program, compile(b, source), Mapping{})
	require.NoError(b, err)
	for b.Loop() {
		if _, why := g.Move(k.state); why != nil {
			b.Fatal(why)
		}
	}
}

// FuzzParseMapping: a mapping is read or refused.
func FuzzParseMapping(f *testing.F) {
	f.Add([]byte("blocks: {orders: my_orders}\nvars: {mail: email}\nset: {country: IN, list: [1, {a: b}]}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := ParseMapping(src)
		if err != nil {
			return
		}
		for name, v := range m.Set {
			again, _, err := normalise(v)
			require.NoError(t, err, name)
			require.Equal(t, v, again)
		}
	})
}
