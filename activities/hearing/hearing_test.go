package hearing_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/activities/hearing"
	"parley/connectors/sdk"
	"parley/internal/nlu/classify"
	"parley/workflows/flow"
)

const shop = `
name: shop
understand: {engines: [builtin, llm], budget: 100ms, facts: {plan: gold}}
intents:
  track:
    examples: [where is my order, track my parcel, has it shipped, when does it come]
    words: [track]
    patterns: ["order (?P<number>[0-9]+)"]
    entities: {number: integer, size: {values: {small: [tiny]}}, policy: {pattern: "pol-[0-9]+"}}
    go: start
  refund: {examples: [money back, refund please, i want my money, give it back], go: start}
answers:
  hours: {questions: [when are you open, opening hours], say: From 9 to 6.}
vars: {number: null, size: null, policy: null}
steps:
  - ask: How many?
    kind: integer
    save: number
`

// service counts what it is asked and takes its time.
type service struct {
	mu    sync.Mutex // one that was left behind may still be at work
	asked []sdk.Utterance
	takes time.Duration
}

// heard are the texts that it was asked.
func (s *service) heard() []sdk.Utterance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *service) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	s.mu.Lock()
	s.asked = append(s.asked, u)
	s.mu.Unlock()
	select {
	case <-time.After(s.takes):
		return sdk.Understanding{Intent: "refund", Confidence: 0.9, Margin: 0.9}, nil
	case <-ctx.Done():
		return sdk.Understanding{}, ctx.Err()
	}
}

func program(t testing.TB, source string) *flow.Program {
	doc, _ := flow.Parse("shop.yaml", []byte(source))
	p, err := flow.Compile(doc)
	require.NoError(t, err)
	return p
}

func bot(t testing.TB, source string, s sdk.Understander) *hearing.Bot {
	p := program(t, source)
	model, err := classify.Train(context.Background(), hearing.Examples(p))
	require.NoError(t, err)
	b, err := hearing.New(p, model, func(connector string) sdk.Understander {
		require.Equal(t, "llm", connector)
		return s
	})
	require.NoError(t, err)
	return b
}

func text(s string) *flow.Event {
	return &flow.Event{Number: 1, Kind: flow.EventMessage, Message: &sdk.Incoming{Text: s}}
}

func TestEverythingThatAFlowWantsIsFound(t *testing.T) {
	s := &service{}
	b := bot(t, shop, s)
	hear := func(words string) sdk.Understanding {
		ev := text(words)
		_, err := b.Turn(flow.Input{Conversation: "c-1"}).Hear(t.Context(), ev)
		require.NoError(t, err)
		return *ev.Understood
	}
	u := hear("ORDER 48213, the tiny one, POL-77")
	require.Equal(t, []any{"track", "rules", map[string]any{"number": "48213", "size": "small", "policy": "POL-77"}}, []any{u.Intent, u.Engine, u.Entities})
	require.Equal(t, "rules", hear("Track!").Engine)
	u = hear("where is my order")
	require.Equal(t, []any{"builtin", "en"}, []any{u.Engine, u.Language})
	u = hear("great, opening hours?")
	require.Equal(t, []any{"hours", sdk.Positive}, []any{u.AnswerID, u.Sentiment})
	s.asked = nil
	require.Equal(t, "llm", hear("quo vadis").Engine)
	require.Equal(t, []any{"c-1", map[string]string{"plan": "gold"}}, []any{s.asked[0].Session, s.asked[0].Facts})
	guess, confidence := b.Guess("quo vadis my order")
	require.Equal(t, "track", guess)
	require.Less(t, confidence, 1.0)
}

// TestAnAnswerInABurstDoesNotLeave: what the second message is depends on where the
// first one leads.
func TestAnAnswerInABurstDoesNotLeave(t *testing.T) {
	s := &service{}
	turn := bot(t, shop, s).Turn(flow.Input{})
	for _, words := range []string{"quo vadis", "7", "quo vadis again"} {
		_, err := turn.Hear(t.Context(), text(words))
		require.NoError(t, err)
	}
	require.Len(t, s.heard(), 2)
	require.Equal(t, "quo vadis again", s.asked[1].Text)
}

func TestServicesShareTheTimeOfATurn(t *testing.T) {
	s := &service{takes: time.Minute}
	turn := bot(t, strings.Replace(shop, "kind: integer", "kind: integer\n    tries: 9\n    failed: start", 1), s).Turn(flow.Input{})
	began := time.Now()
	for range 5 {
		ev := text("quo vadis")
		r, err := turn.Hear(t.Context(), ev)
		require.NoError(t, err)
		require.NotNil(t, ev.Understood)
		require.NotEqual(t, "llm", ev.Understood.Engine)
		require.LessOrEqual(t, len(r.Failures), 1)
	}
	require.Less(t, time.Since(began), s.takes, "nobody waits for it")
	require.Len(t, s.heard(), 1)
}

func TestOnlyTextsAreHeard(t *testing.T) {
	b := bot(t, shop, &service{})
	known := &sdk.Understanding{Intent: "refund"}
	for name, ev := range map[string]*flow.Event{
		"a tap":      {Kind: flow.EventMessage, Message: &sdk.Incoming{Text: "refund please", Tap: "x"}},
		"a picture":  {Kind: flow.EventMessage, Message: &sdk.Incoming{Media: &sdk.Media{}}},
		"a reaction": {Kind: flow.EventMessage, Message: &sdk.Incoming{Text: "x", Reaction: "y"}},
		"a timer":    {Kind: flow.EventTimer},
		"erased":     {Kind: "erased"},
	} {
		_, err := b.Turn(flow.Input{}).Hear(t.Context(), ev)
		require.NoError(t, err)
		require.Nil(t, ev.Understood, name)
	}
	ev := text("where is my order")
	ev.Understood = known
	_, err := b.Turn(flow.Input{}).Hear(t.Context(), ev)
	require.NoError(t, err)
	require.Same(t, known, ev.Understood, "what is recorded stands")
}

func TestWhatAModelIsTrainedFrom(t *testing.T) {
	require.Len(t, hearing.Examples(program(t, shop)), 8)
	require.Empty(t, hearing.Examples(program(t, strings.Replace(shop, "[builtin, llm]", "[llm]", 1))))
	require.Empty(t, hearing.Examples(program(t, "name: x\nsteps: [{say: a}]\n")))
}

// BenchmarkHear is what the built-in pipeline takes for a text.
func BenchmarkHear(b *testing.B) {
	heard := bot(b, strings.Replace(shop, "[builtin, llm]", "[builtin]", 1), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := heard.Turn(flow.Input{}).Hear(b.Context(), text("hello, where is my order #48213, I have been waiting for it since last week")); err != nil {
			b.Fatal(err)
		}
	}
}
