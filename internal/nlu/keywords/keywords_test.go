package keywords_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/nlu/keywords"
)

func TestRules(t *testing.T) {
	r, err := keywords.Compile([]keywords.Rule{
		{Intent: "agent", Words: []string{"Agent", "talk to a person", "persona, por favor"}},
		{Intent: "track", Patterns: []string{`\border (?P<order>[a-z]?\d{4,})\b`}},
	})
	require.NoError(t, err)
	for text, want := range map[string]sdk.Understanding{
		"AGENT!":               {Intent: "agent", Confidence: 1, Margin: 1},
		"persona por favor":    {Intent: "agent", Confidence: 1, Margin: 1},
		"my agent is late":     {},
		"Where is order A1234": {Intent: "track", Confidence: 1, Margin: 1, Entities: map[string]any{"order": "a1234"}},
		"":                     {},
	} {
		got, err := r.Understand(t.Context(), sdk.Utterance{Text: text})
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

func TestBadRulesAreRefused(t *testing.T) {
	for want, rules := range map[string][]keywords.Rule{
		"has no words":          {{Intent: "a", Words: []string{"?"}}},
		"claim the same":        {{Intent: "a", Words: []string{"Stop"}}, {Intent: "b", Words: []string{"stop!"}}},
		`intent "a", pattern 1`: {{Intent: "a", Patterns: []string{"("}}},
	} {
		_, err := keywords.Compile(rules)
		require.ErrorContains(t, err, want)
	}
}
