package access_test

import (
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/internal/access"
	"parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestKeys(t *testing.T) {
	db, _, ws := storetest.Open(t)
	a := access.New(db)
	ctx := t.Context()
	key, err := a.CreateKey(ctx, ws, "tests", []string{"conversations:read"})
	require.NoError(t, err)

	p, err := a.Authenticate(ctx, key)
	require.NoError(t, err)
	require.Equal(t, ws, p.Workspace)
	require.True(t, p.May("conversations:read"))
	require.False(t, p.May("conversations:write"))

	for _, wrong := range []string{"", "parley_", key + "x", key[:len(key)-1]} {
		_, err := a.Authenticate(ctx, wrong)
		require.ErrorIs(t, err, access.ErrUnknownKey)
	}
	require.ErrorIs(t, a.Revoke(ctx, uuid.New(), p.KeyID), access.ErrUnknownKey, "of another workspace")
	require.NoError(t, a.Revoke(ctx, ws, p.KeyID))
	_, err = a.Authenticate(ctx, key)
	require.ErrorIs(t, err, access.ErrUnknownKey)
}

func TestWorkspaceIsMadeOnce(t *testing.T) {
	db, _, ws := storetest.Open(t)
	slug, err := access.New(db).Slug(t.Context(), ws)
	require.NoError(t, err)
	require.Equal(t, "test", slug)
	again, err := access.New(db).Workspace(t.Context(), "test")
	require.NoError(t, err)
	require.Equal(t, ws, again)
	other, err := access.New(db).Workspace(t.Context(), "other")
	require.NoError(t, err)
	require.NotEqual(t, ws, other)
}
