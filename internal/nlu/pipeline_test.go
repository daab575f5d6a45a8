package nlu_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/nlu"
	"parley/internal/nlu/answers"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/entities"
	"parley/internal/nlu/keywords"
)

// engine answers by a function and counts how often.
type engine struct {
	asked atomic.Int32
	do    func(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error)
}

func (e *engine) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	e.asked.Add(1)
	return e.do(ctx, u)
}

func says(got sdk.Understanding) *engine {
	return &engine{do: func(context.Context, sdk.Utterance) (sdk.Understanding, error) { return got, nil }}
}

func fails(err error) *engine {
	return &engine{do: func(context.Context, sdk.Utterance) (sdk.Understanding, error) { return sdk.Understanding{}, err }}
}

func pipeline(t *testing.T, stages ...nlu.Stage) *nlu.Pipeline {
	t.Helper()
	p, err := nlu.New(stages...)
	require.NoError(t, err)
	return p
}

func TestTheFirstThatIsSureWins(t *testing.T) {
	sure := sdk.Understanding{Intent: "refund", Confidence: 0.9, Margin: 0.5, Entities: map[string]any{"amount": 5.0}}
	for name, c := range map[string]struct {
		first      *engine
		wantIntent string
		wantEngine string
		asksSecond int32
	}{
		"it is sure":       {says(sdk.Understanding{Intent: "track", Confidence: 0.8, Margin: 0.4}), "track", "first", 0},
		"not confident":    {says(sdk.Understanding{Intent: "track", Confidence: 0.4, Margin: 0.4}), "refund", "second", 1},
		"two are likely":   {says(sdk.Understanding{Intent: "track", Confidence: 0.8, Margin: 0.01}), "refund", "second", 1},
		"says nothing":     {says(sdk.Understanding{}), "refund", "second", 1},
		"out of its scope": {says(sdk.Understanding{Intent: sdk.OutOfScope, Confidence: 0.9}), "refund", "second", 1},
		"it fails":         {fails(&sdk.Error{Class: sdk.Unavailable}), "refund", "second", 1},
	} {
		second := says(sure)
		p := pipeline(t,
			nlu.Stage{Name: "first", Engine: c.first, Gives: nlu.Intent, Confidence: 0.5, Margin: 0.1},
			nlu.Stage{Name: "second", Engine: second, Gives: nlu.Intent, May: nlu.Entities, Confidence: 0.5})
		got, err := p.Understand(t.Context(), sdk.Utterance{Text: "x"}, nlu.Unlimited)
		require.NoError(t, err, name)
		require.Equal(t, c.wantIntent, got.Intent, name)
		require.Equal(t, c.wantEngine, got.Engine, name)
		require.Equal(t, c.asksSecond, second.asked.Load(), name)
	}
}

func TestOutOfScopeStandsIfNobodyKnowsBetter(t *testing.T) {
	p := pipeline(t,
		nlu.Stage{Name: "first", Engine: says(sdk.Understanding{Intent: sdk.OutOfScope, Confidence: 0.7}), Gives: nlu.Intent},
		nlu.Stage{Name: "second", Engine: says(sdk.Understanding{Intent: "track", Confidence: 0.2}), Gives: nlu.Intent, May: nlu.Entities, Confidence: 0.5})
	got, err := p.Understand(t.Context(), sdk.Utterance{Text: "x"}, nlu.Unlimited)
	require.NoError(t, err)
	require.Equal(t, sdk.OutOfScope, got.Intent)
	require.Equal(t, "first", got.Engine)
}

func TestATooSlowServiceIsPassedOverAndThenLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		remote := &engine{do: func(ctx context.Context, _ sdk.Utterance) (sdk.Understanding, error) {
			if down.Load() {
				<-ctx.Done()
				return sdk.Understanding{}, &sdk.Error{Class: sdk.Unavailable, Err: ctx.Err()}
			}
			return sdk.Understanding{Intent: "track", Confidence: 1}, nil
		}}
		p := pipeline(t, nlu.Stage{Name: "remote", Engine: remote, Gives: nlu.Intent, Budget: 100 * time.Millisecond, Remote: true})
		ask := func() nlu.Result {
			got, err := p.Understand(t.Context(), sdk.Utterance{Text: "x"}, nlu.Unlimited)
			require.NoError(t, err)
			return got
		}
		for range 5 {
			require.Len(t, ask().Failures, 1)
		}
		got := ask()
		require.Equal(t, "circuit_open", sdk.AsError(got.Failures[0].Err).Code)
		require.EqualValues(t, 5, remote.asked.Load())

		down.Store(false)
		wait := time.NewTimer(31 * time.Second)
		<-wait.C
		require.Equal(t, "track", ask().Intent)
	})
}

// TestASlowServiceIsLeftBehind: even one that does not end with its context holds
// nobody up, and services that share a time have no more than that together.
func TestASlowServiceIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan struct{})
		deaf := &engine{do: func(context.Context, sdk.Utterance) (sdk.Understanding, error) {
			<-ends
			return sdk.Understanding{Intent: "late", Confidence: 1}, nil
		}}
		p := pipeline(t,
			nlu.Stage{Name: "a", Engine: deaf, Gives: nlu.Intent, Budget: 80 * time.Millisecond, Remote: true},
			nlu.Stage{Name: "b", Engine: deaf, Gives: nlu.Intent, Budget: 80 * time.Millisecond, Remote: true},
			nlu.Stage{Name: "c", Engine: deaf, Gives: nlu.Intent, Budget: 80 * time.Millisecond, Remote: true},
			nlu.Stage{Name: "builtin", Engine: says(sdk.Understanding{Intent: "track", Confidence: 1}), Gives: nlu.Intent})
		began := time.Now()
		got, err := p.Understand(t.Context(), sdk.Utterance{Text: "x"}, 100*time.Millisecond)
		require.NoError(t, err)
		require.Equal(t, 100*time.Millisecond, time.Since(began))
		require.Equal(t, []any{"track", true, 100 * time.Millisecond}, []any{got.Intent, got.Asked, got.Spent})
		require.Len(t, got.Failures, 3)
		require.EqualValues(t, 2, deaf.asked.Load())
		for _, f := range got.Failures {
			require.Equal(t, "too_slow", sdk.AsError(f.Err).Code)
			require.ErrorIs(t, f.Err, context.Canceled, "which says nothing against the provider")
		}
		close(ends)

		got, err = p.Understand(t.Context(), sdk.Utterance{Text: "x"}, 0)
		require.NoError(t, err)
		require.False(t, got.Asked, "no time, no question")
		require.Empty(t, got.Failures)
		require.Equal(t, "builtin", got.Engine)
	})
}

func TestWhatOneUtteranceCannotBeAnsweredDoesNotCloseTheService(t *testing.T) {
	remote := fails(&sdk.Error{Class: sdk.Rejected})
	p := pipeline(t, nlu.Stage{Name: "remote", Engine: remote, Gives: nlu.Intent, Budget: time.Minute, Remote: true})
	for range 20 {
		_, err := p.Understand(t.Context(), sdk.Utterance{Text: "x"}, nlu.Unlimited)
		require.NoError(t, err)
	}
	require.EqualValues(t, 20, remote.asked.Load())
}

func TestItEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := pipeline(t, nlu.Stage{Name: "a", Engine: says(sdk.Understanding{}), Gives: nlu.Intent})
	_, err := p.Understand(ctx, sdk.Utterance{}, nlu.Unlimited)
	require.ErrorIs(t, err, context.Canceled)
}

func TestStagesAreChecked(t *testing.T) {
	e := says(sdk.Understanding{})
	for name, s := range map[string]nlu.Stage{
		"no name":       {Engine: e, Gives: nlu.Intent},
		"no engine":     {Name: "a", Gives: nlu.Intent},
		"gives nothing": {Name: "a", Engine: e},
		"no budget":     {Name: "a", Engine: e, Gives: nlu.Intent, Remote: true},
		"confidence":    {Name: "a", Engine: e, Gives: nlu.Intent, Confidence: 80},
	} {
		_, err := nlu.New(s)
		require.Error(t, err, name)
	}
}

var intents = []sdk.Intent{
	{Name: "track", Examples: []string{"where is my order", "track my parcel", "mera order kahan hai", "has it shipped"}},
	{Name: "refund", Examples: []string{"i want my money back", "refund please", "paisa wapas chahiye", "return the amount"}},
}

func builtin(m *classify.Model) nlu.Engine {
	return nlu.Engine{Name: "builtin", Engine: nlu.Trained(m), Confidence: 0.5, Margin: 0.05}
}

func TestABotOfBuiltInStages(t *testing.T) {
	model, err := classify.Train(t.Context(), nlu.Examples(intents))
	require.NoError(t, err)
	rules, err := keywords.Compile([]keywords.Rule{{Intent: "agent", Words: []string{"agent"}}})
	require.NoError(t, err)
	remote := says(sdk.Understanding{})
	p := pipeline(t, nlu.Bot{
		Rules: rules, Entities: entities.Engine{"order": entities.Order},
		Answers: answers.Build([]answers.Entry{{ID: "hours", Questions: []string{"when are you open"}, Answer: "9 to 6"}}),
		Engines: []nlu.Engine{builtin(model), {Name: "remote", Engine: remote, Remote: true, Budget: time.Minute}},
	}.Stages()...)

	got, err := p.Understand(t.Context(), sdk.Utterance{Text: "Where is my order #48213? This is terrible 😡"}, nlu.Unlimited)
	require.NoError(t, err)
	require.Equal(t, "track", got.Intent)
	require.Equal(t, "builtin", got.Engine)
	require.Equal(t, "en", got.Language)
	require.Equal(t, sdk.Negative, got.Sentiment)
	require.Equal(t, map[string]any{"order": "48213"}, got.Entities)

	got, err = p.Understand(t.Context(), sdk.Utterance{Text: "agent"}, nlu.Unlimited)
	require.NoError(t, err)
	require.Equal(t, "rules", got.Engine)

	got, err = p.Understand(t.Context(), sdk.Utterance{Text: "When are you open?"}, nlu.Unlimited)
	require.NoError(t, err)
	require.Equal(t, "hours", got.AnswerID)
}

// TestTheModelKeepsToWhatIsOffered: a flow may offer fewer intents at one place.
func TestTheModelKeepsToWhatIsOffered(t *testing.T) {
	model, err := classify.Train(t.Context(), []classify.Example{{Text: "track my parcel", Label: "track"}, {Text: "track it", Label: "track"}, {Text: "refund please", Label: "refund"}, {Text: "money back", Label: "refund"}})
	require.NoError(t, err)
	p := pipeline(t, nlu.Bot{Engines: []nlu.Engine{builtin(model)}}.Stages()...)
	got, err := p.Understand(t.Context(), sdk.Utterance{Text: "track my parcel", Intents: []sdk.Intent{{Name: "refund"}}}, nlu.Unlimited)
	require.NoError(t, err)
	require.Empty(t, got.Intent)
}

// BenchmarkBot is what understanding adds to a turn.
func BenchmarkBot(b *testing.B) {
	model, err := classify.Train(b.Context(), nlu.Examples(intents))
	require.NoError(b, err)
	p, err := nlu.New(nlu.Bot{Engines: []nlu.Engine{builtin(model)}, Entities: entities.Engine{"order": entities.Order, "email": entities.Email, "phone": entities.Phone}}.Stages()...)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Understand(b.Context(), sdk.Utterance{Text: "hello, where is my order #48213, I have been waiting for it since last week"}, nlu.Unlimited); err != nil {
			b.Fatal(err)
		}
	}
}
