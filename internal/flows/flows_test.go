package flows_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/internal/flows"
	"parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestTheNewestPublishedVersionIsLive(t *testing.T) {
	db, _, ws := storetest.Open(t)
	f := flows.New(db)
	ctx := t.Context()
	_, err := f.Live(ctx, ws, "shop")
	require.ErrorIs(t, err, flows.ErrNotFound)

	live := func() string {
		v, err := f.Live(ctx, ws, "shop")
		require.NoError(t, err)
		require.True(t, v.Live)
		return v.Hash + v.Document
	}
	publish := func(name, hash string) { require.NoError(t, f.Publish(ctx, ws, name, hash, "doc "+hash, "test")) }
	publish("shop", "h1")
	require.Equal(t, "h1doc h1", live())
	publish("shop", "h2")
	publish("other", "h3")
	require.Equal(t, "h2doc h2", live())

	old, err := f.Get(ctx, ws, "h1")
	require.NoError(t, err)
	require.Equal(t, "doc h1", old.Document, "what waits in it goes on in it")
	require.False(t, old.Live)
	publish("shop", "h1")
	require.Equal(t, "h1doc h1", live(), "going back")

	all, err := f.List(ctx, ws)
	require.NoError(t, err)
	var got []string
	for _, v := range all {
		got = append(got, v.Name+v.Hash+map[bool]string{true: " live"}[v.Live])
	}
	require.Equal(t, []string{"otherh3 live", "shoph1 live", "shoph2"}, got)

	_, err = f.Get(ctx, ws, "none")
	require.ErrorIs(t, err, flows.ErrNotFound)
	_, err = f.Get(ctx, storetest.Workspace(t, db, "other"), "h1")
	require.ErrorIs(t, err, flows.ErrNotFound)
}
