package flow

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func TestSay(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - say: "*Hello* {{ contact.name }}"
      header: Top
      footer: Bottom
      image: https://example.test/a.jpg
      link: https://example.test/
      button: Open
    - say: "{{ contact.nickname }}"
    - say: "{{ 1500000 }} {{ 2.5 }} {{ true }} {{ [1, 2] }} {{ now }} {{ channel }}"
`))
	got := k.say("hi")
	require.Equal(t, []string{"*Hello* Ana {image} <https://example.test/>", `1500000 2.5 true [1,2] 2026-11-23T09:00:00Z whatsapp`}, got)
	c := k.out.Effects[0].Content
	require.Equal(t, "Top", c.Header)
	require.Equal(t, "Bottom", c.Footer)
	require.Equal(t, &sdk.Media{Kind: "image", URL: "https://example.test/a.jpg"}, c.Media)
	require.Equal(t, &sdk.Link{URL: "https://example.test/", Label: "Open"}, c.Link)
	require.Empty(t, k.state.Block)
	require.Equal(t, []string{"start"}, k.out.Entered)
}

func TestAskKinds(t *testing.T) {
	cases := []struct {
		kind, rules, answer string
		want                any // nil: not understood
	}{
		{"text", "", "  some words ", "some words"},
		{"text", "", "   ", nil},
		{"text", "min: 3", "ab", nil},
		{"text", "max: 3", "äöü", "äöü"},
		{"text", `pattern: "[A-Z]{2}[0-9]+"`, "AB12", "AB12"},
		{"text", `pattern: "[A-Z]{2}[0-9]+"`, "xAB12", nil},
		{"number", "", "1,234.50", 1234.5},
		{"number", "", "-3", -3.0},
		{"number", "", "1e5", nil},
		{"number", "", "NaN", nil},
		{"number", "", "0x1F", nil},
		{"number", "", "many", nil},
		{"integer", "min: 1\n      max: 5", "5", 5.0},
		{"integer", "min: 1\n      max: 5", "6", nil},
		{"integer", "", "2.5", nil},
		{"integer", "valid: answer % 2 == 0", "4", 4.0},
		{"integer", "valid: answer % 2 == 0", "5", nil},
		{"email", "", "ana@example.org", "ana@example.org"},
		{"email", "", "Ana <ana@example.org>", nil},
		{"email", "", "ana@localhost", nil},
		{"phone", "", "+34 600 (11) 22-33", "+34600112233"},
		{"phone", "", "12", nil},
		{"phone", "", "call 123456789", nil},
		{"yesno", "", "Yes!", true},
		{"yesno", "", "2", false},
		{"yesno", "", "perhaps", nil},
	}
	for _, c := range cases {
		t.Run(c.kind+" "+c.answer, func(t *testing.T) {
			rules := ""
			if c.rules != "" {
				rules = "      " + c.rules + "\n"
			}
			k := newTalk(t, flowOf("  start:\n    - ask: Well?\n      kind: "+c.kind+"\n"+rules+"      save: it\n    - ask: Next?\n      save: other\n"))
			k.say("hello")
			got := k.say(c.answer)
			if c.want == nil {
				require.True(t, k.out.Missed)
				require.Contains(t, got[0], "Sorry, I did not understand that.\n\nWell?")
				require.Empty(t, k.state.Vars)
				return
			}
			require.Equal(t, []string{"Next?"}, got)
			require.Equal(t, map[string]any{"it": c.want}, k.state.Vars)
		})
	}
}

func TestAskTimesOut(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - ask: Still there?
      save: it
      retry: Please write something.
      timeout: {after: 1d 12h, go: gone}
  gone:
    - say: Bye.
`))
	k.say("hello")
	require.Equal(t, testNow.Add(36*time.Hour), k.state.Wait.Until)
	first := k.state.Wait.Token

	require.Equal(t, []string{"Please write something.\n\nStill there?"}, k.say(" "))
	require.NotEqual(t, first, k.state.Wait.Token, "the time begins anew")
	require.Empty(t, k.events(Event{Kind: EventTimer, Ref: first}), "a timer that was replaced is ignored")
	require.Equal(t, []string{"Bye."}, k.timeUp())
	require.Nil(t, k.state.Wait)
}

const fruit = `
  start:
    - choices: Which fruit?
      from: fruits
      as: f
      label: "{{ f.name }}"
      description: "{{ money(f.price, 'EUR') }}"
      id: f.id
      save: chosen
      options:
        - {label: None, value: 0, go: none}
        - {label: Surprise me, id: surprise, if: channel == "whatsapp", set: {chosen: =last(fruits)}}
        - {label: Never shown, if: channel == "sms"}
    - say: You chose {{ chosen.name }}.
  none:
    - say: "Nothing: {{ chosen }}"
vars:
  fruits: [{id: a, name: Apple, price: 120}, {id: p, name: Pear, price: 90}]
`

func TestChoices(t *testing.T) {
	answers := []struct{ how, text, tap, want string }{
		{"by label", " apple. ", "", "You chose Apple."},
		{"by number", "2", "", "You chose Pear."},
		{"by number with a point", "2.", "", "You chose Pear."},
		{"by tap", "whatever", "start/0/=p", "You chose Pear."},
		{"an option with a value and a jump", "none", "", "Nothing: 0"},
		{"an option that sets", "4", "", "You chose Pear."},
	}
	for _, a := range answers {
		t.Run(a.how, func(t *testing.T) {
			k := newTalk(t, flowOf(fruit))
			require.Equal(t, []string{"Which fruit? [Apple|Pear|None|Surprise me]"}, k.say("hello"))
			require.Equal(t, "€1.20", k.out.Effects[0].Content.Choices[0].Description)
			got := k.say(a.text)
			if a.tap != "" {
				k = newTalk(t, flowOf(fruit))
				k.say("hello")
				got = k.tap(a.tap, a.text)
			}
			require.Equal(t, []string{a.want}, got)
			require.False(t, k.out.Missed)
		})
	}
	for _, text := range []string{"9", "0", "banana", "", "never shown"} {
		k := newTalk(t, flowOf(fruit))
		k.say("hello")
		require.Contains(t, k.say(text)[0], "or write its number.\n\nWhich fruit?", text)
		require.True(t, k.out.Missed)
	}
}

func TestChoicesWithNothingToOffer(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - choices: Which?
      from: missing
      label: "{{ item }}"
      empty: nothing
  nothing:
    - say: There is nothing.
    - set: {missing: 1}
`))
	require.Equal(t, []string{"There is nothing."}, k.say("hello"))
}

func TestAmbiguousLabelIsAMiss(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - choices: Which?
      from: list
      label: "{{ item }}"
      empty: start2
      save: it
    - say: "{{ it }}"
  start2:
    - end
vars: {list: [same, same]}
`))
	k.say("hello")
	k.say("same")
	require.True(t, k.out.Missed)
	require.Equal(t, []string{"same"}, k.say("2"))
}

func TestTapOnAnEarlierMessage(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - choices: One?
      options: {Yes: two}
  two:
    - choices: Two?
      options: {Yes: three}
  three:
    - say: Three.
`))
	k.say("hello")
	old := k.state.Choices[0].ID
	k.tap(old, "Yes")
	require.Equal(t, []string{"That was from an earlier message.\n\nTwo? [Yes]"}, k.tap(old, "Yes"))
	require.False(t, k.out.Missed)
	require.Equal(t, []string{"Three."}, k.tap(k.state.Choices[0].ID, "Yes"))
}

func TestBranchIfGoSetEnd(t *testing.T) {
	source := flowOf(`
  start:
    - ask: How many?
      kind: integer
      save: n
    - set:
        twice: =n * 2
        label: "{{ n }} items"
        list: [=n, two, {deep: =twice}]
        n: null
    - if: twice > 100
      go: huge
    - branch:
        - if: twice == 2
          go: one
        - if: twice < 10
          go: few
        - else: many
  huge:
    - say: Huge.
    - end
  one:
    - say: One, {{ label }}, {{ list }}, {{ n ?? "unset" }}.
    - go: last
  few:
    - say: Few.
  many:
    - say: Many.
  last:
    - say: Last.
`)
	for answer, want := range map[string][]string{
		"1": {`One, 1 items, [1,"two",{"deep":2}], unset.`, "Last."}, "4": {"Few."}, "7": {"Many."}, "70": {"Huge."},
	} {
		k := newTalk(t, source)
		k.say("hello")
		require.Equal(t, want, k.say(answer))
		require.Empty(t, k.state.Vars, "the end forgets the variables")
	}
}

func TestKeepOutlivesTheEnd(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - set: {visits: =visits + 1, other: 1}
    - say: Visit {{ visits }}.
vars: {visits: 0}
keep: [visits]
`))
	require.Equal(t, []string{"Visit 1."}, k.say("a"))
	require.Equal(t, map[string]any{"visits": 1.0}, k.state.Vars)
	require.Equal(t, []string{"Visit 2."}, k.say("b"))
	require.Equal(t, []string{"Visit 1."}, k.say("start over"))
}

const caller = `
  start:
    - call: shop.find
      with: {words: "{{ contact.name }}", deep: {n: 2, unset: =unset}}
      timeout: 20s
      save: found
      errors: {throttled: busy, default: broken}
    - say: Found {{ found.n }}.
  busy:
    - say: Busy.
  broken:
    - say: "{{ error.class }} {{ error.code }} {{ error.customer }}"
vars: {unset: null}
`

func TestCall(t *testing.T) {
	k := newTalk(t, flowOf(caller))
	require.Equal(t, []string{`call:shop.find{"deep":{"n":2},"words":"Ana"}`}, k.say("hello"))
	require.Equal(t, 20*time.Second, k.out.Effects[0].Timeout)
	require.Equal(t, k.state.Pending, k.out.Effects[0].Ref)

	require.Equal(t, []string{"One moment, please."}, k.say("what?"))
	require.Empty(t, k.say("what?"), "patience is asked for once")
	require.Empty(t, k.events(Event{Kind: EventCallResult, Ref: "e999", Output: []byte(`{}`)}), "another's result is ignored")
	ref := k.state.Pending
	require.Equal(t, []string{"Found 3."}, k.result(`{"n": 3}`))
	require.Empty(t, k.events(Event{Kind: EventCallResult, Ref: ref, Output: []byte(`{}`)}), "so is a late one")
}

func TestAStepThatHasToWaitSaysSo(t *testing.T) {
	for _, doc := range []string{
		"- call: shop.find\n      delayed: Slow, {{ contact.name ?? 'friend' }}.\n      errors: sorry",
		"- pay: A hat\n      amount: 100\n      currency: USD\n      delayed: Slow, {{ contact.name ?? 'friend' }}.\n      expired: sorry\n      failed: sorry",
	} {
		k := newTalk(t, "name: t\nblocks:\n  start:\n    "+doc+"\n    - end\n  sorry:\n    - say: Sorry.\n")
		k.say("hello")
		require.Empty(t, k.events(Event{Kind: EventParked, Ref: "e999"}), "another's")
		require.Equal(t, []string{"Slow, Ana."}, k.events(Event{Kind: EventParked, Ref: k.state.Pending}))
		require.NotEmpty(t, k.state.Pending, "it is still waited for")
	}
	k := newTalk(t, flowOf(caller))
	k.say("hello")
	require.Empty(t, k.events(Event{Kind: EventParked, Ref: k.state.Pending}), "no words, nothing said")
}

func TestCallErrors(t *testing.T) {
	for class, want := range map[sdk.Class]string{sdk.Throttled: "Busy.", sdk.Rejected: "rejected c1 for customers"} {
		k := newTalk(t, flowOf(caller))
		k.say("hello")
		require.Equal(t, []string{want}, k.fails(class))
	}
	k := newTalk(t, flowOf("  start:\n    - call: shop.find\n"))
	k.say("hello")
	require.Equal(t, []string{"Sorry, something went wrong on our side.", "handoff:desk"}, k.fails(sdk.Auth))
	require.Equal(t, []string{`block "start", step 1: a call failed and the step has no errors branch for it`}, k.out.Faults)
	require.True(t, k.state.Handed)
}

func TestLeavingACallIgnoresItsResult(t *testing.T) {
	k := newTalk(t, "keywords: {other: [other]}\n"+flowOf(`
  start:
    - call: shop.find
    - say: Found.
  other:
    - ask: What?
      save: it
`))
	k.say("hello")
	ref := k.state.Pending
	require.Equal(t, []string{"What?"}, k.say("OTHER"))
	require.Empty(t, k.events(Event{Kind: EventCallResult, Ref: ref, Output: []byte(`{}`)}))
}

func TestStartACase(t *testing.T) {
	source := flowOf(`
  start:
    - case: claim
      with: {amount: 1250}
      save: claim
      errors: {default: no}
    - say: Case {{ claim.case_id }}.
  no:
    - say: Not started.
`)
	k := newTalk(t, source)
	require.Equal(t, []string{`start_case:claim{"amount":1250}`}, k.say("hello"))
	require.Equal(t, []string{"Case c-1."}, k.result(`{"case_id":"c-1"}`))

	k = newTalk(t, source)
	k.say("hello")
	require.Equal(t, []string{"Not started."}, k.fails(sdk.Unavailable))
}

func TestWait(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - wait: 2h
    - say: Two hours later.
    - wait:
      until: date("2026-11-24") + duration("9h")
      message: written
    - say: The next day.
    - wait:
      until: '"2020-01-01"'
    - say: Past already.
  written:
    - say: You wrote.
`))
	require.Empty(t, k.say("hello"))
	require.Contains(t, k.say("are you there?")[0], "I have seen your message")
	require.True(t, k.out.Missed)
	require.Equal(t, []string{"Two hours later."}, k.timeUp())
	require.Equal(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), k.state.Wait.Until)
	other := *k
	require.Equal(t, []string{"You wrote."}, other.say("hello?"))
	require.Equal(t, []string{"The next day.", "Past already."}, k.timeUp())
}

func TestHandoff(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - handoff: sales
      note: About {{ contact.name }}.
    - say: Back again.
`))
	require.Equal(t, []string{"handoff:sales"}, k.say("hello"))
	require.Equal(t, "About Ana.", k.out.Effects[0].Note)
	for _, text := range []string{"hello?", "menu", "start over"} {
		require.Empty(t, k.say(text), "the bot is silent while people have the conversation")
	}
	require.Equal(t, []string{"Back again."}, k.returned())
}

func TestAQuestionThatAPersonInterruptedIsAskedAgain(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - ask: Your name?
      save: name
    - say: Thanks, {{ name }}.
`))
	require.Equal(t, []string{"Your name?"}, k.say("hello"))
	k.state.Handed = true // taken over the API
	require.Empty(t, k.say("are you there?"))
	require.Equal(t, []string{"Your name?"}, k.returned())
	require.Equal(t, []string{"Thanks, Ana."}, k.say("Ana"))
}

func TestTroubleEndsWithAPersonOrTheEnd(t *testing.T) {
	const broken = "  start:\n    - say: Before.\n    - say: \"{{ contact.name.first }}\"\n    - say: After.\n"
	k := newTalk(t, flowOf(broken))
	require.Equal(t, []string{"Before.", "Sorry, something went wrong on our side.", "handoff:desk"}, k.say("hello"))
	require.Equal(t, []string{`block "start", step 2: the expression at line 6, column 16 failed`}, k.out.Faults)

	k = newTalk(t, "name: test\nblocks:\n"+broken)
	require.Equal(t, []string{"Before.", "Sorry, something went wrong on our side."}, k.say("hello"))
	require.False(t, k.state.Handed)
	require.Empty(t, k.state.Block)
}

func TestTooLargeAValueIsRefused(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - ask: More?
      save: word
    - set:
        text2: "{{ text2 }}{{ word }}{{ text2 }}"
        list: =concat(list, [text2])
    - say: "{{ len(text2) }}"
    - go: start
vars: {text2: "", list: []}
`))
	k.say("hello")
	for range 40 {
		k.say("12345678901234567890")
		if len(k.out.Faults) > 0 {
			break
		}
	}
	require.Equal(t, []string{`block "start", step 2: the value is too large`}, k.out.Faults)
	require.True(t, k.state.Handed)
}
