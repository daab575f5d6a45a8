package flow

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/connectors/sdk"
)

func commerceSource(t testing.TB) string {
	src, err := os.ReadFile("../../stacks/commerce/commerce.yaml")
	require.NoError(t, err)
	return string(src)
}

var outputs = []string{
	`{}`, `null`, `[]`, `5`, `"text"`, `{"url":"https://pay.test/1"}`, `{"case_id":"c"}`, `{"products":[]}`,
	`{"products":[{"id":"p1","title":"Tea","description":"Green","image_url":"https://x.test/i.jpg","price":{"amount":500,"currency":"USD"},"variants":[{"id":"v1","title":"Tin","price":{"amount":500,"currency":"USD"},"available":true},{"id":"v2","title":"Bag","price":{"amount":300,"currency":"USD"},"available":false}]}]}`,
	`{"products":[{"id":"p1","title":"Tea","price":null,"variants":[]},{"id":"p1","title":"Tea","variants":null}]}`,
	`{"cases":[{"id":"c1","number":"1001","stage":"paid","text":"On its way.","open":true,"can_cancel":true}]}`,
	`{"cases":[{"id":"c1"},{"id":"c2"}]}`, `{"accepted":true,"text":"Done."}`, `not json`,
}

var said = []string{
	"", " ", "hi", "#", "menu", "cancel", "start over", "agent", "1", "2.", "3", "7", "99", "-1", "2.5", "yes", "no",
	"Everything", "Search", "back", "help", "language", "stop", "start", "done", "skip", "x", "y", "tomorrow", "€12,50", "1, 2", "change a", "Ana Lee", "हिन्दी", "send another code", "Check out", "Browse", "tea", "ana@example.org", "+34600112233", "\xff\xfe", "<b>&\u2028", strings.Repeat("x", 5000),
}

// randomEvent draws an event that may or may not fit the state.
func randomEvent(t *rapid.T, s State) Event {
	ref := rapid.SampledFrom([]string{s.Pending, s.Pending, "e1", "", "t1"}).Draw(t, "ref")
	if len(s.Payments) > 0 && rapid.Bool().Draw(t, "of a payment") {
		ref = rapid.SampledFrom(s.Payments).Draw(t, "payment").Ref
	}
	switch rapid.SampledFrom([]string{"say", "say", "say", "tap", "tap", "result", "result", "result", "error", "timer", "provider", "returned", "parked", "odd"}).Draw(t, "event") {
	case "say":
		e := message(rapid.SampledFrom(said).Draw(t, "text"))
		if rapid.IntRange(0, 4).Draw(t, "understood") == 0 {
			e.Understood = &sdk.Understanding{Intent: "buy", Confidence: 0.8, Margin: 0.5, Sentiment: sdk.Negative, Entities: map[string]any{"v": 2.0}}
		}
		if rapid.IntRange(0, 9).Draw(t, "file") == 0 {
			e.Message.Media = &sdk.Media{Kind: "image", ID: "m1", MIME: "image/jpeg"}
		}
		return e
	case "tap":
		tap := "gone/0/x"
		if len(s.Choices) > 0 {
			tap = rapid.SampledFrom(s.Choices).Draw(t, "choice").ID
		}
		return Event{Kind: EventMessage, Message: &sdk.Incoming{Tap: tap, Text: rapid.SampledFrom(said).Draw(t, "label")}}
	case "result":
		return Event{Kind: EventCallResult, Ref: ref, Output: json.RawMessage(rapid.SampledFrom(outputs).Draw(t, "output"))}
	case "error":
		class := sdk.Class(rapid.SampledFrom(append(errorClasses, "unheard")).Draw(t, "class"))
		return Event{Kind: EventCallResult, Ref: ref, Error: &sdk.Error{Class: class, Customer: "Sorry."}}
	case "timer":
		if _, token := s.Due(); token != "" {
			ref = token
		}
		return Event{Kind: EventTimer, Ref: ref}
	case "provider":
		return Event{Kind: EventProvider, Ref: ref, Name: rapid.SampledFrom([]string{paymentPaid, paymentExpired, paymentFailed, "other", "order.fulfilled"}).Draw(t, "name")}
	case "returned":
		return Event{Kind: EventReturned}
	case "parked":
		return Event{Kind: EventParked, Ref: ref}
	}
	return Event{Kind: EventKind(rapid.SampledFrom([]string{"", "message", "call_result", "unheard"}).Draw(t, "kind"))}
}

// live sends a program random events; [talk.events] checks every step.
func live(t *rapid.T, p *Program) {
	k := &talk{t: t, program: p, now: testNow}
	refs := map[string]bool{}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		events := make([]Event, rapid.IntRange(1, 3).Draw(t, "burst"))
		for i := range events {
			events[i] = randomEvent(t, k.state)
		}
		k.events(events...)
		require.LessOrEqual(t, len(k.out.Effects), maxEffects+10)
		for _, e := range k.out.Effects {
			require.NotEmpty(t, e.Ref)
			require.False(t, refs[e.Ref], "a Ref is used once")
			refs[e.Ref] = true
		}
		require.LessOrEqual(t, len(k.state.Payments), maxPayments)
		if k.state.Block != "" {
			require.Contains(t, p.doc.index, k.state.Block)
		}
		for _, f := range k.out.Faults {
			require.NotContains(t, f, errEndless.Error())
		}
	}
}

func TestCommerceLivesThroughAnything(t *testing.T) {
	p := compile(t, commerceSource(t))
	rapid.Check(t, func(t *rapid.T) { live(t, p) })
}

func TestAnyCheckedDocumentLivesThroughAnything(t *testing.T) {
	checked, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		doc, _ := Parse("random.yaml", []byte(randomDocument(t)))
		p, err := Compile(doc)
		if err != nil {
			refused++
			return
		}
		checked++
		live(t, p)
	})
	require.Greater(t, checked, refused, "most of the documents must be good ones")
}

// randomDocument writes a document whose blocks each hold some steps and then go
// somewhere. Most pass the checks: a first question makes up for many a loop.
func randomDocument(t *rapid.T) string {
	n := rapid.IntRange(1, 5).Draw(t, "blocks")
	blockAt := func() string { return fmt.Sprintf("b%d", rapid.IntRange(0, n-1).Draw(t, "target")) }
	var b strings.Builder
	b.WriteString("name: random\nvars: {v: 1, l: [1, {a: 2}], s: text}\nkeywords: {start: [hi]}\n")
	if rapid.Bool().Draw(t, "queue") {
		b.WriteString("agent_queue: desk\n")
	}
	b.WriteString(randomHead)
	b.WriteString("blocks:\n  start:\n    - choices: Where to?\n      options: {")
	for i := range n {
		fmt.Fprintf(&b, "Block %d: b%d, ", i, i)
	}
	b.WriteString("Part: part_of}\n  part_of:\n    - sub: part\n      with: {p: 1}\n      save: v\n    - say: \"{{ v }}\"\n")
	for i := range n {
		fmt.Fprintf(&b, "  b%d:\n", i)
		if rapid.IntRange(0, 9).Draw(t, "question first") > 0 {
			b.WriteString("    - ask: Well?\n      save: s\n")
		}
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			b.WriteString(strings.ReplaceAll(rapid.SampledFrom(randomSteps).Draw(t, "step"), "TO", blockAt()))
		}
		fmt.Fprintf(&b, "    - go: %s\n", blockAt())
	}
	return b.String()
}

// randomHead has what random steps refer to.
const randomHead = `
languages: [hi]
personas: {warm: Warm, cool: Cool}
hours: {shop: {zone: Europe/Madrid, week: {mon-fri: "9:00-18:00"}, closed: [2026-11-23]}}
entries: {ice: start}
intents:
  buy: {examples: [buy], entities: {v: number}, go: start}
header: {en: Hello, hi: नमस्ते}
subs:
  part:
    params: [p]
    vars: {s: own}
    blocks:
      start:
        - ask: "Part {{ p }}?"
          save: s
        - if: s == 'x'
          then:
            - return: {s: =s, p: =p}
        - if: s == 'y'
          go: deeper
      deeper:
        - sub: part
          with: {p: =s}
          save: v
        - return: =v
`

// randomSteps work with variables of any type: some will fail when they run.
var randomSteps = []string{
	"    - say: \"{{ v }} {{ l }} {{ s }} {{ contact.name }} {{ money(v, 'JPY') }}\"\n",
	"    - ask: Number?\n      kind: number\n      save: v\n      max: v\n      timeout: {after: 1h, go: TO}\n",
	"    - ask: Sure?\n      kind: yesno\n      save: v\n",
	"    - set: {v: =l, l: '=concat(l, [v])'}\n",
	"    - set: {s: '{{ s }}{{ s }}{{ l }}', v: '=[v, v, v]'}\n",
	"    - set: {v: =s + \"x\"}\n",
	"    - set: {v: '=filter(l, .a > 1)', s: null}\n",
	"    - if: len(l) > 2\n      go: TO\n",
	"    - choices: Which?\n      from: l\n      label: '{{ item }}'\n      id: item\n      save: v\n      empty: TO\n",
	"    - call: any.thing\n      with: {v: =v, l: =l}\n      save: v\n      errors: TO\n",
	"    - case: claim\n      with: {s: =s}\n      save: l\n      errors: TO\n",
	"    - pay: '{{ s }}'\n      amount: 100\n      currency: EUR\n      expired: TO\n      failed: TO\n",
	"    - wait: 1d\n", "    - wait:\n      until: s\n      message: TO\n",
	"    - handoff: desk\n",
	"    - ask: Date?\n      kind: date\n      min: now\n      save: v\n      skip: true\n      help: Write it.\n      timeout: {after: 1h, say: Hello?, times: 2, go: TO}\n",
	"    - ask: Amount?\n      kind: amount\n      currency: EUR\n      save: v\n      tries: 2\n      failed: TO\n",
	"    - ask: Rate?\n      kind: rating\n      max: 3\n      save: v\n",
	"    - ask: File?\n      kind: file\n      types: [image/*]\n      save: v\n",
	"    - form: Tell me.\n      save: v\n      fields:\n        a: {ask: A?}\n        b: {ask: B?, kind: yesno, if: v.a != 'x', skip: true}\n",
	"    - choices: Some?\n      from: l\n      label: '{{ item }}'\n      many: {min: 0, max: 2}\n      save: v\n      empty: TO\n",
	"    - otp: Code?\n      call: any.send\n      with: {code: '{{ code }}'}\n      failed: TO\n",
	"    - sign: I, {{ s }}, agree.\n      by: name\n      save: v\n      declined: TO\n",
	"    - each: l\n      as: v\n      do:\n        - say: '{{ v }}'\n        - if: v == 1\n          then:\n            - ask: More?\n              save: s\n",
	"    - sub: part\n      with: {p: =v}\n      save: v\n",
	"    - switch: v\n      cases: {1: [{say: One}], yes: TO}\n",
	"    - if: v == 1\n      then:\n        - split: test\n          ways: {TO: 1, start: 3}\n",
	"    - if: v == 1\n      then:\n        - random: {TO: 1, start: 1}\n",
	"    - schedule: Later {{ s }}.\n      after: 1h\n      name: later\n",
	"    - tag: vip\n", "    - consent: news\n      granted: v\n", "    - emit: test.done\n      with: {v: =v}\n", "    - language: hi\n",
	"    - wait: 1h\n      event: order.fulfilled\n      save: v\n      late: TO\n",
	"    - if: hours.shop.open\n      then: [{say: Open}]\n      else: [{say: \"{{ hours.shop.next }}\"}]\n",
	"    - if: v == 9\n      then: [stop]\n      else:\n        - if: v == 8\n          then: [end]\n",
}

func TestAProgramServesManyAtOnce(t *testing.T) {
	p := compile(t, commerceSource(t))
	want := p.Step(Input{Events: []Event{message("hi"), message("1"), message("everything")}, Now: testNow})
	var all sync.WaitGroup
	got := make([]Output, 8)
	for i := range got {
		all.Go(func() {
			got[i] = p.Step(Input{Events: []Event{message("hi"), message("1"), message("everything")}, Now: testNow})
		})
	}
	all.Wait()
	for _, out := range got {
		require.Equal(t, want, out)
	}
}
