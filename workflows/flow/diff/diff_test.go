package diff_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/workflows/flow"
	"parley/workflows/flow/diff"
)

func compare(t *testing.T, a, b string) diff.Report {
	t.Helper()
	r, err := diff.Documents(flow.Source{File: "a.yaml", Text: []byte(a)}, flow.Source{File: "b.yaml", Text: []byte(b)})
	require.NoError(t, err)
	return r
}

const before = `
name: shop
misses: 2
intents:
  hours: {examples: [when are you open], go: start}
blocks:
  start:
    - say: Hello!
    - choices: What can I do for you?
      options: {Browse: browse, Orders: orders}
  browse:
    - say: Here is what we have.
  orders:
    - say: No orders yet.
    - end
  lost:
    - say: Bye
`

const after = `
# a comment
name: shop
misses: 3
keywords: {browse: [shop]}
intents:
  hours: {examples: [when are you open, opening hours], go: start}
  browse: {examples: [show me beans], go: browse}
blocks:
  start:
    - say: Hello!
    - say: We have new beans.
    - choices: What may I do for you?
      options: {Browse: browse, Orders: my_orders}
  my_orders:
    - say: No orders yet.
    - end
  browse:
    - say: Here is what we have.
  help:
    - say: Ask away.
`

func TestDocuments(t *testing.T) {
	r := compare(t, before, after)
	require.Equal(t, []diff.Change{
		{Kind: "changed", Path: "misses", Before: "2", After: "3"},
		{Kind: "added", Path: "keywords", After: `{browse: ["shop"]}`},
	}, r.Settings)
	require.Equal(t, []diff.Change{
		{Kind: "added", Path: "hours / examples / 2", After: `"opening hours"`},
		{Kind: "added", Path: "browse", After: `{examples: ["show me beans"], go: "browse"}`},
	}, r.Intents)
	require.Equal(t, []diff.Block{
		{Kind: "changed", Name: "start", Changes: []diff.Change{
			{Kind: "added", Path: "step 2", After: `{say: "We have new beans."}`},
			{Kind: "changed", Path: "step 3 / choices", Before: `"What can I do for you?"`, After: `"What may I do for you?"`},
			{Kind: "changed", Path: "step 3 / options / Orders", Before: `"orders"`, After: `"my_orders"`},
		}},
		{Kind: "renamed", Name: "my_orders", From: "orders"},
		{Kind: "added", Name: "help", Changes: []diff.Change{{Kind: "added", Path: "step 1", After: `{say: "Ask away."}`}}},
		{Kind: "removed", Name: "lost", Changes: []diff.Change{{Kind: "removed", Path: "step 1", Before: `{say: "Bye"}`}}},
	}, r.Blocks)
	require.Equal(t, []string{"We have new beans.", "What may I do for you?", "Ask away."}, r.TextsAdded)
	require.Equal(t, []string{"What can I do for you?", "Bye"}, r.TextsRemoved)
}

func TestFormattingAndOrderAreNoDifference(t *testing.T) {
	r := compare(t, before, "# other\n"+before+"  # end\n")
	require.True(t, r.Same())
	require.True(t, compare(t, "name: a\nsteps: [{say: x, link: here, button: b}]\n", "steps:\n  - say: x\n    button: b\n    link: here\nname: a\n").Same())
	require.False(t, compare(t, before, after).Same())
}

func TestSubFlowsMenuAndLinearFlows(t *testing.T) {
	linear := compare(t, "name: a\nsteps:\n  - say: x\n", "name: a\nblocks:\n  start:\n    - say: x\n")
	require.True(t, linear.Same(), "a linear flow is the block start")
	sub := "name: a\nsteps: [{sub: pick}]\nsubs:\n  pick:\n    vars: {n: 1}\n    blocks:\n      start: [{say: one}]\n"
	r := compare(t, sub, "name: a\nsteps: [{sub: pick}]\nsubs:\n  pick:\n    vars: {n: 2}\n    blocks:\n      start: [{say: two}]\n")
	require.Equal(t, []diff.Change{{Kind: "changed", Path: "subs / pick / vars / n", Before: "1", After: "2"}}, r.Settings)
	require.Equal(t, "pick/start", r.Blocks[0].Name)
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	_, err := diff.Documents(flow.Source{File: "a.yaml", Text: []byte(before)}, flow.Source{File: "b.yaml", Text: []byte("name: [")})
	require.ErrorContains(t, err, "b.yaml:1:")
}

// TestAnyTwoDocuments: whatever is written, a document never differs from itself,
// and what was added one way was removed the other way.
func TestAnyTwoDocuments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	readable := 0
	for range 2000 {
		text := []byte(before)
		for range 1 + r.IntN(3) {
			text[r.IntN(len(text))] = byte(' ' + r.IntN(90))
		}
		one, two := flow.Source{File: "a", Text: text}, flow.Source{File: "b", Text: []byte(after)}
		there, err := diff.Documents(one, two)
		if err != nil {
			continue
		}
		readable++
		same, err := diff.Documents(one, one)
		require.NoError(t, err)
		require.True(t, same.Same())
		back, err := diff.Documents(two, one)
		require.NoError(t, err)
		require.Equal(t, there.TextsAdded, back.TextsRemoved)
		require.Equal(t, there.Same(), back.Same())
	}
	require.Greater(t, readable, 100)
}
