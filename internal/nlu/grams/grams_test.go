package grams_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/internal/nlu/grams"
)

func TestCut(t *testing.T) {
	var c grams.Cutter
	a := slices.Clone(c.Cut("Where is the ORDER"))
	require.Equal(t, a, slices.Clone(c.Cut("where is the order?!")), "case and punctuation do not matter")
	require.NotEqual(t, a, slices.Clone(c.Cut("the order is where")), "order does")
	require.Empty(t, c.Cut("…"))

	twice := c.Cut("no no")
	require.True(t, slices.ContainsFunc(twice, func(c grams.Count) bool { return c.Kind == grams.Words && c.N == 2 }))
}

func TestWordsThatAreMisspeltShareParts(t *testing.T) {
	var c grams.Cutter
	a := slices.Clone(c.Cut("refund"))
	common := 0
	for _, f := range c.Cut("refunnd") {
		if slices.ContainsFunc(a, func(g grams.Count) bool { return g.Hash == f.Hash }) {
			common++
		}
	}
	require.GreaterOrEqual(t, common, 3)
}
