package flow

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// listening is a bot that understands.
const listening = `
name: shop
agent_queue: desk
vars: {number: null, size: null, day: null, plan: gold, mail: null}
understand:
  engines: [builtin, {engine: llm, threshold: 0.8, budget: 500ms}]
  threshold: 0.6
  margin: 0.1
  budget: 1s
  facts: {plan: =plan, city: "=contact.city ?? nil", tag: vip}
use: {llm: openai}
intents:
  order_status:
    description: Where an order is
    examples: [where is my order, has my parcel left, track order]
    words: [track]
    patterns: ["order (?P<number>[0-9]+)"]
    entities: {number: integer, day: date, size: {values: {small: [s], large: [l, big]}}}
    go: orders
  complaint:
    examples: [this is awful, i want to complain, what a mess]
    go: complaints
answers:
  hours:
    questions: [when are you open, opening hours]
    say: "From {{ 9 }} to 6."
blocks:
  start:
    - say: Ask me anything.
  orders:
    - say: "Order {{ number ?? \"?\" }}, {{ size ?? \"any\" }}, {{ day ?? \"no day\" }}."
    - ask: Your e-mail?
      kind: email
      save: mail
      help: We write to you there.
    - say: Thanks.
  complaints:
    - if: mood == "negative"
      then: [{handoff: complaints}]
    - say: Tell us more.
`

func wantedIntent(name, mood string, confidence float64) sdk.Understanding {
	return sdk.Understanding{Intent: name, Confidence: confidence, Margin: 0.5, Sentiment: mood}
}

// TestAConversationThatUnderstands is a conversation from beginning to end.
func TestAConversationThatUnderstands(t *testing.T) {
	nothing := sdk.Understanding{Intent: sdk.OutOfScope, Confidence: 0.9}
	k := newTalk(t, listening)
	for _, c := range []struct {
		says string
		u    sdk.Understanding
		want []string
	}{
		{"good day", nothing, []string{"Ask me anything."}}, // the first message only opens
		{"when do you open?", sdk.Understanding{AnswerID: "hours"}, []string{"From 9 to 6."}},
		{"do you sell cars?", nothing, []string{"Sorry, I did not understand that.", "Ask me anything."}},
		{"where is order #48213, the big one of 2 May 2026", wantedIntent("order_status", sdk.Neutral, 0.9), []string{"Order 48213, any, 2026-05-02.", "Your e-mail?"}},
		{"hm", nothing, []string{"Sorry, I did not understand that.\n\nWe write to you there.\n\nYour e-mail?"}},
		{"opening hours please", sdk.Understanding{AnswerID: "hours"}, []string{"From 9 to 6.", "Your e-mail?"}},
		{"what a mess this is", wantedIntent("complaint", sdk.Negative, 0.9), []string{"handoff:complaints"}},
	} {
		require.Equal(t, c.want, k.events(understood(c.says, c.u)), c.says)
	}
	require.True(t, k.state.Handed)
}

func TestTwoMissesHandOver(t *testing.T) {
	nothing := understood("hm", sdk.Understanding{})
	k := newTalk(t, listening)
	k.events(understood("where?", wantedIntent("order_status", "", 0.9)))
	require.Contains(t, k.events(nothing)[0], "We write to you there.", "help first")
	require.Equal(t, []Miss{{Number: 2, Block: "orders"}}, k.out.Misses)
	require.Contains(t, k.events(nothing), "handoff:desk")

	k = newTalk(t, listening)
	require.Equal(t, []string{"Ask me anything."}, k.events(nothing), "the first message only opens the conversation")
	require.Empty(t, k.out.Misses)
	k.events(nothing)
	require.Equal(t, []Miss{{Number: 2}}, k.out.Misses)
	k.events(understood("hours?", sdk.Understanding{AnswerID: "hours"}))
	k.events(nothing)
	require.False(t, k.state.Handed, "in a row")
	require.Contains(t, k.events(nothing), "handoff:desk")
	require.Zero(t, k.state.Unknown)

	k = newTalk(t, listening)
	for range 4 {
		k.now = k.now.Add(31 * time.Minute)
		require.Equal(t, []string{"Ask me anything."}, k.events(nothing), "so does the first one after a silence")
	}
	require.False(t, k.state.Handed)

	k = newTalk(t, listening)
	for range 4 {
		k.events(nothing)
		k.say("menu")
	}
	require.False(t, k.state.Handed, "a word of the flow's own lies between")

	k = newTalk(t, strings.Replace(listening, "agent_queue", "misses: 3\nagent_queue", 1))
	for range 3 {
		k.events(nothing)
	}
	require.False(t, k.state.Handed, "as many as the flow says")
	require.Contains(t, k.events(nothing), "handoff:desk")

	k = newTalk(t, strings.Replace(listening, "agent_queue", "fallback: complaints\nagent_queue", 1))
	for range 2 {
		k.events(nothing)
	}
	require.Equal(t, []string{"Tell us more."}, k.events(nothing), "a block of the flow's own")
}

func TestWhatIsNotUnderstoodOnlyCountsWhereSomethingUnderstands(t *testing.T) {
	k := newTalk(t, "name: x\nagent_queue: desk\nsteps:\n  - say: hello\n")
	for range 5 {
		require.Equal(t, []string{"hello"}, k.say("x"))
	}
	require.Nil(t, k.program.Wanted())
}

func TestAnEngineIsBelievedAsItsOwnThresholdSays(t *testing.T) {
	of := func(engine string, confidence, margin float64) string {
		u := sdk.Understanding{Intent: "order_status", Engine: engine, Confidence: confidence, Margin: margin}
		return newTalk(t, listening).events(understood("?", u))[0]
	}
	require.Contains(t, of("builtin", 0.7, 0.5), "Order")
	require.Equal(t, "Ask me anything.", of("openai", 0.7, 0.5))
	require.Contains(t, of("openai", 0.8, 0.5), "Order")
	require.Equal(t, "Ask me anything.", of("openai", 0.8, 0.05))
}

func TestAnEntityIsOfItsKind(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		found map[string]any
		want  string
	}{
		"from the text":          {"order 7 tomorrow", nil, "Order 7, any, 2026-11-24."},
		"the engine's":           {"order 7", map[string]any{"number": 8.0, "size": "small"}, "Order 8, small, no day."},
		"written by the engine":  {"it", map[string]any{"number": "9", "day": "2026-12-01"}, "Order 9, any, 2026-12-01."},
		"not of its kind":        {"it", map[string]any{"number": "many", "day": "soon", "size": "huge"}, "Order ?, any, no day."},
		"of no kind in the text": {"nothing here", nil, "Order ?, any, no day."},
	} {
		u := wantedIntent("order_status", "", 0.9)
		u.Entities = c.found
		require.Equal(t, c.want, newTalk(t, listening).events(understood(c.text, u))[0], name)
	}
}

func TestWhatAFlowWantsUnderstood(t *testing.T) {
	w := compile(t, listening).Wanted()
	require.Equal(t, []Engine{
		{Name: Builtin, Confidence: 0.6, Margin: 0.1, Budget: time.Second},
		{Name: "openai", Confidence: 0.8, Margin: 0.1, Budget: 500 * time.Millisecond}}, w.Engines)
	require.Equal(t, time.Second, w.Budget)
	require.Equal(t, []Rule{{Intent: "order_status", Words: []string{"track"}, Patterns: []string{"order (?P<number>[0-9]+)"}}}, w.Rules)
	require.Equal(t, map[string]Finder{"size": {Values: map[string][]string{"small": {"s"}, "large": {"l", "big"}}}}, w.Finders)
	require.Equal(t, []Answer{{ID: "hours", Questions: []string{"when are you open", "opening hours"}}}, w.Answers)
	require.Equal(t, "one of: large, small", compile(t, listening).Intents()[0].Entities["size"])
	mood := compile(t, "name: x\nsteps:\n  - say: '{{ mood }}'\n").Wanted()
	require.Equal(t, []Engine{{Name: Builtin, Confidence: 0.7, Margin: 0.1, Budget: 2 * time.Second}}, mood.Engines)
}

// TestServicesHearOnlyWhatTheyMust: neither answers nor words and choices of the
// flow leave, nor anything of the contact that the flow does not name.
func TestServicesHearOnlyWhatTheyMust(t *testing.T) {
	p := compile(t, strings.Replace(listening, "kind: email", "kind: email\n      timeout: {after: 1d, go: start}", 1))
	in := Input{Now: testNow, Contact: map[string]any{"name": "Ana", "city": nil}}
	asks := func(texts ...string) bool {
		in.Events = nil
		for _, s := range texts {
			in.Events = append(in.Events, message(s))
		}
		return p.Wants(in)
	}
	require.True(t, asks("where is it?"), "nothing is asked")
	require.False(t, asks("menu"), "a global word")
	in.State = State{Block: "orders", Step: 1}
	require.False(t, asks("ana@example.org"), "an answer")
	require.True(t, asks("what?"), "no answer")
	require.False(t, asks("what?", "ana@example.org"), "of the last one")
	in.State.Handed = true
	require.False(t, asks("what?"), "people have it")
	open := compile(t, "name: x\nintents: {a: {examples: [a b], go: start}}\nblocks:\n  start:\n    - ask: Your name?\n      save: name\n")
	require.False(t, open.Wants(Input{State: State{Block: "start"}, Events: []Event{message("Ana Lopez")}}), "any text is an answer")

	require.Equal(t, map[string]string{"plan": "gold", "tag": "vip"}, p.Facts(in))
	in.Contact["city"] = "Pune"
	in.State.Vars = map[string]any{"plan": 3.0}
	require.Equal(t, map[string]string{"plan": "3", "tag": "vip", "city": "Pune"}, p.Facts(in))
}

func TestChecksOfUnderstanding(t *testing.T) {
	catalogue := Catalogue{"openai": {Understands: {}, "respond": {Effect: sdk.Read}}, "stripe": {"x": {Effect: sdk.Read}}}
	doc, _ := Parse("shop.yaml", []byte(listening))
	require.Empty(t, Check(doc, catalogue))
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown engine":     {"engine: llm", "engine: opnai", `there is no engine "opnai"; did you mean "openai"?`},
		"understands not":    {"engine: llm", "engine: stripe", `the connector "stripe" does not understand language; these do: builtin, openai`},
		"twice":              {"[builtin, {engine: llm", "[openai, {engine: llm", `the engine "openai" stands here twice`},
		"few examples":       {"[this is awful, i want to complain, what a mess]", "[this is awful, This is awful!]", `the intent "complaint" has too few examples to learn from: give it 3 at least`},
		"shared example":     {"what a mess]", "Track order]", `"Track order" is an example of the intent "order_status" too`},
		"shared word":        {"go: complaints", "words: [TRACK!]\n    go: complaints", `"TRACK!" is a word of the intent "order_status" too`},
		"nowhere":            {"go: complaints", "go: complants", `there is no block "complants"; did you mean "complaints"?`},
		"no way":             {"    go: complaints\n", "", `an intent needs the key "go"`},
		"budget":             {"budget: 1s", "budget: 1m", `a budget is from 50ms to 5s`},
		"kind":               {"number: integer", "number: intger", `there is no kind "intger"; did you mean "integer"?`},
		"empty pattern":      {`"order (?P<number>[0-9]+)"`, `"x*"`, "this is not a regular expression that finds anything"},
		"two kinds of a one": {"go: complaints", "entities: {size: {pattern: x}}\n    go: complaints", `the variable "size" is found in different ways by two intents`},
		"language":           {"name: shop", "name: shop\nlanguages: [hi]", "this text has no translation into hi"},
	} {
		require.Contains(t, listening, c.from, name)
		doc, _ := Parse("shop.yaml", []byte(strings.Replace(listening, c.from, c.to, 1)))
		var found []string
		for _, p := range Check(doc, catalogue) {
			found = append(found, p.String())
		}
		require.Contains(t, strings.Join(found, "\n"), c.want, name)
	}
	spoken := "name: x\nlanguages: [hi]\nintents:\n  a: {examples: {en: [a b, c d, e f]}, go: start}\nsteps: [{say: {en: a, hi: b}}]\n"
	doc, _ = Parse("x.yaml", []byte(spoken))
	require.Contains(t, Check(doc, nil)[0].String(), `the intent "a" has no examples in hi, which the flow speaks`)
	doc, _ = Parse("x.yaml", []byte(strings.Replace(spoken, "e f]}", "e f]}, description: one", 1)+"understand: {engines: [openai]}\n"))
	require.Empty(t, Check(doc, nil), "a service needs no examples in all languages")
}

// The words of a choice or a keyword are the flow's: they say nothing of the mood.
func TestAChoiceHasNoMood(t *testing.T) {
	k := newTalk(t, "name: t\nagent_queue: desk\nkeywords: {start: [awful]}\nblocks:\n  start:\n    - choices: \"You are {{ mood ?? 'calm' }}.\"\n      options: [{label: A terrible problem, go: start}]\n")
	said := func(text string) string {
		return k.events(understood(text, sdk.Understanding{Sentiment: sdk.Negative}))[0]
	}
	k.say("hello")
	require.NotContains(t, said("A terrible problem"), "negative")
	require.NotContains(t, said("awful"), "negative")
	said("this is horrible")
	require.Contains(t, said("A terrible problem"), "negative", "what was said before counts on")
}
