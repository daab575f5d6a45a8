package flows_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/internal/audit"
	"parley/internal/flows"
	"parley/internal/store/storetest"
)

func TestAVersionGoesFromDraftToStagingToLive(t *testing.T) {
	db, _, ws := storetest.Open(t)
	f, ctx := flows.New(db), t.Context()
	on := func(stage string) string {
		v, err := f.On(ctx, ws, "shop", stage)
		if err != nil {
			require.ErrorIs(t, err, flows.ErrNotFound)
		}
		return v.Hash
	}
	require.NoError(t, f.Keep(ctx, ws, "shop", "h1", "one", "a"))
	require.NoError(t, f.Keep(ctx, ws, "shop", "h2", "two", "a"))
	require.Empty(t, on(flows.Live), "a draft runs nowhere")
	promote := func(hash, stage string) {
		proposed, err := f.Promote(ctx, ws, "shop", hash, stage, "a")
		require.NoError(t, err)
		require.False(t, proposed)
	}
	promote("h1", flows.Live)
	require.Equal(t, "h1", on(flows.Staging), "staging runs what is live until something is put there")
	promote("h2", flows.Staging)
	require.Equal(t, []string{"h2", "h1"}, []string{on(flows.Staging), on(flows.Live)})
	promote("h2", flows.Live)
	promote("h2", flows.Live)
	history, err := f.History(ctx, ws, "shop", 10)
	require.NoError(t, err)
	require.Len(t, history, 3, "a repeat changes nothing")
	_, err = f.Promote(ctx, ws, "shop", "h9", flows.Live, "a")
	require.ErrorIs(t, err, flows.ErrNotFound)

	versions, err := f.Versions(ctx, ws, "shop")
	require.NoError(t, err)
	require.Equal(t, []bool{true, true, false}, []bool{versions[0].Live, versions[0].Staging, versions[1].Live})
}

func TestGoingBackGoesFurtherBackEachTime(t *testing.T) {
	db, _, ws := storetest.Open(t)
	f, ctx := flows.New(db), t.Context()
	for _, h := range []string{"h1", "h2", "h3"} {
		require.NoError(t, f.Publish(ctx, ws, "shop", h, "doc", "a"))
	}
	back := func(from string) string {
		require.NoError(t, f.Rollback(ctx, ws, "shop", flows.Live, from, "a"))
		v, err := f.Live(ctx, ws, "shop")
		require.NoError(t, err)
		return v.Hash
	}
	require.Equal(t, "h2", back("h3"))
	require.Equal(t, "h2", back("h3"), "a repeat changes nothing")
	require.Equal(t, "h1", back("h2"))
	require.ErrorIs(t, f.Rollback(ctx, ws, "shop", flows.Live, "h1", "a"), flows.ErrFirst)
	require.ErrorIs(t, f.Rollback(ctx, ws, "shop", flows.Live, "h3", "a"), flows.ErrStale)
	require.NoError(t, f.Publish(ctx, ws, "shop", "h3", "doc", "a"))
	require.Equal(t, "h1", back("h3"))
}

func TestASecondPersonApproves(t *testing.T) {
	db, _, ws := storetest.Open(t)
	f, ctx := flows.New(db), t.Context()
	require.NoError(t, f.Publish(ctx, ws, "shop", "h1", "one", "setup"))
	require.NoError(t, f.SetRules(ctx, ws, flows.Rules{Approval: true}, "boss"))
	live := func() string {
		v, err := f.Live(ctx, ws, "shop")
		require.NoError(t, err)
		return v.Hash
	}
	for _, h := range []string{"h2", "h3"} {
		require.NoError(t, f.Keep(ctx, ws, "shop", h, "doc", "anna"))
		proposed, err := f.Promote(ctx, ws, "shop", h, flows.Live, "anna")
		require.NoError(t, err)
		require.True(t, proposed)
	}
	require.Equal(t, "h1", live())
	require.ErrorIs(t, f.Approve(ctx, ws, "shop", "h2", "ben"), flows.ErrNoProposal, "a later proposal replaced it")
	require.ErrorIs(t, f.Approve(ctx, ws, "shop", "h3", "anna"), flows.ErrOwnProposal)
	proposed, err := f.Promote(ctx, ws, "shop", "h3", flows.Live, "ben")
	require.NoError(t, err)
	require.True(t, proposed, "proposing what is proposed does not make it one's own")
	require.ErrorIs(t, f.Approve(ctx, ws, "shop", "h3", "anna"), flows.ErrOwnProposal)
	require.NoError(t, f.Approve(ctx, ws, "shop", "h3", "ben"))
	require.NoError(t, f.Approve(ctx, ws, "shop", "h3", "ben"), "a repeat changes nothing")
	require.Equal(t, "h3", live())

	require.NoError(t, f.Rollback(ctx, ws, "shop", flows.Live, "h3", "anna"), "going back needs nobody else")
	require.Equal(t, "h1", live())
	proposed, err = f.Promote(ctx, ws, "shop", "h2", flows.Staging, "anna")
	require.NoError(t, err)
	require.False(t, proposed, "staging needs nobody else")

	trail, err := audit.New(db).List(ctx, ws, audit.Filter{Object: "shop@h3"}, 10)
	require.NoError(t, err)
	var got []string
	for _, e := range trail {
		got = append(got, e.Actor+" "+e.Action)
	}
	require.Equal(t, []string{"ben flow.approve", "anna flow.propose", "anna flow.keep"}, got)
}

func TestWhatWasProposedOverSomethingElseIsStale(t *testing.T) {
	db, _, ws := storetest.Open(t)
	f, ctx := flows.New(db), t.Context()
	require.NoError(t, f.Publish(ctx, ws, "shop", "h1", "one", "setup"))
	require.NoError(t, f.SetRules(ctx, ws, flows.Rules{Approval: true}, "boss"))
	require.NoError(t, f.Keep(ctx, ws, "shop", "h2", "two", "anna"))
	_, err := f.Promote(ctx, ws, "shop", "h2", flows.Live, "anna")
	require.NoError(t, err)
	require.NoError(t, f.Publish(ctx, ws, "shop", "h3", "three", "setup"))
	require.ErrorIs(t, f.Approve(ctx, ws, "shop", "h2", "ben"), flows.ErrStale)
	require.NoError(t, f.Withdraw(ctx, ws, "shop", "anna"))
	require.NoError(t, f.Withdraw(ctx, ws, "shop", "anna"))
	require.ErrorIs(t, f.Approve(ctx, ws, "shop", "h2", "ben"), flows.ErrNoProposal)

	_, err = f.Promote(ctx, ws, "shop", "h2", flows.Live, "anna")
	require.NoError(t, err)
	require.NoError(t, f.SetRules(ctx, ws, flows.Rules{}, "boss"))
	_, err = f.Promote(ctx, ws, "shop", "h2", flows.Live, "anna")
	require.NoError(t, err)
	v, err := f.Live(ctx, ws, "shop")
	require.NoError(t, err)
	require.Equal(t, []string{"h2", ""}, []string{v.Hash, v.Proposer}, "what is live is proposed no more")
}

func TestOfTwoAtOnceNoneIsLost(t *testing.T) {
	db, _, ws := storetest.Open(t)
	f, ctx := flows.New(db), t.Context()
	hashes := []string{"a", "b", "c", "d"}
	for _, h := range hashes {
		require.NoError(t, f.Keep(ctx, ws, "shop", h, "doc", "x"))
	}
	var wg sync.WaitGroup
	errs := make([]error, len(hashes))
	for i, h := range hashes {
		wg.Go(func() { _, errs[i] = f.Promote(ctx, ws, "shop", h, flows.Live, "x") })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	history, err := f.History(ctx, ws, "shop", 10)
	require.NoError(t, err)
	var numbers []int64
	for _, a := range history {
		numbers = append(numbers, a.Number)
	}
	require.ElementsMatch(t, []int64{1, 2, 3, 4}, numbers)
}
