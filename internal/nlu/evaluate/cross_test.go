package evaluate_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/internal/nlu/classify"
	"parley/internal/nlu/evaluate"
)

var known = []classify.Example{
	{Text: "where is my order", Label: "track"}, {Text: "track my order", Label: "track"}, {Text: "has my order left", Label: "track"},
	{Text: "order status", Label: "track"}, {Text: "my order please", Label: "track"},
	{Text: "money back", Label: "refund"}, {Text: "refund my money", Label: "refund"}, {Text: "give money back", Label: "refund"},
	{Text: "my money", Label: "refund"}, {Text: "return the money", Label: "refund"},
}

func TestNewExamplesTeachWhatTheOldOnesDidNot(t *testing.T) {
	lessons := []classify.Example{
		{Text: "wo ist das paket", Label: "track"}, {Text: "das paket fehlt", Label: "track"}, {Text: "paket wo", Label: "track"},
		{Text: "geld zurück bitte", Label: "refund"}, {Text: "bitte geld", Label: "refund"}, {Text: "geld erstatten", Label: "refund"},
	}
	g, err := evaluate.Compare(t.Context(), known, lessons)
	require.NoError(t, err)
	require.Greater(t, g.NewAfter, g.NewBefore)
	require.GreaterOrEqual(t, g.Before, 0.8)
	require.GreaterOrEqual(t, g.After, 0.8)
	again, err := evaluate.Compare(t.Context(), known, lessons)
	require.NoError(t, err)
	require.Equal(t, g, again)
	none, err := evaluate.Compare(t.Context(), known, nil)
	require.NoError(t, err)
	require.Equal(t, none.Before, none.After)
}

func TestASplitKeepsSharesAndLosesNothing(t *testing.T) {
	train, test := evaluate.Split(known, 0.2, 7)
	require.Len(t, test, 2)
	require.NotEqual(t, test[0].Label, test[1].Label)
	require.ElementsMatch(t, known, slices.Concat(train, test))
	_, same := evaluate.Split(known, 0.2, 7)
	require.Equal(t, test, same)
	differs := false
	for seed := range uint64(5) {
		_, other := evaluate.Split(known, 0.2, seed)
		differs = differs || !slices.Equal(test, other)
	}
	require.True(t, differs)
}
