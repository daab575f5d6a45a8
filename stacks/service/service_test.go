package service_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/stacks/service"
	"parley/workflows/flow"
)

// heard steps the flow with a message and what an engine made of it, and gives what
// is said and done.
func heard(t *testing.T, state flow.State, text string, u sdk.Understanding) (flow.State, []string) {
	t.Helper()
	doc, problems := flow.Parse("service.yaml", service.Flow)
	require.Empty(t, problems)
	p, err := flow.Compile(doc)
	require.NoError(t, err)
	out := p.Step(flow.Input{State: state, Now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Contact: map[string]any{"name": "Ana", "language": u.Language},
		Events: []flow.Event{{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: text}, Understood: &u}}})
	require.Empty(t, out.Faults)
	var seen []string
	for _, e := range out.Effects {
		switch e.Kind {
		case flow.EffectSend:
			seen = append(seen, e.Content.Text)
		case flow.EffectHandoff:
			seen = append(seen, "handoff "+e.Queue)
		}
	}
	return out.State, seen
}

func TestQuestionsInWordsOfTheirOwnAreAnswered(t *testing.T) {
	sure := sdk.Understanding{Intent: "delivery_time", Confidence: 0.95, Margin: 0.6}
	for language, want := range map[string][]string{
		"en": {"Parcels take two to four working days.", "Did that help?"},
		"hi": {"पार्सल दो से चार कार्य दिवस में पहुँचता है।", "क्या इससे मदद मिली?"},
	} {
		sure.Language = language
		_, seen := heard(t, flow.State{}, "when does it come?", sure)
		require.Equal(t, want, seen)
	}
}

func TestAnUpsetCustomerIsGivenToAPerson(t *testing.T) {
	state, _ := heard(t, flow.State{}, "hi", sdk.Understanding{Language: "en"})
	_, seen := heard(t, state, "it is broken, again!", sdk.Understanding{Language: "en", Intent: "complaint", Confidence: 0.95, Margin: 0.6, Sentiment: "negative"})
	require.Equal(t, []string{"I am sorry about that. A colleague will answer you right here.", "handoff support"}, seen)
}
