package vault_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"gocloud.dev/secrets/localsecrets"
	"parley/internal/vault"
)

func newVault(t testing.TB) (*vault.Vault, *vault.MemoryKeyring) {
	t.Helper()
	ring := vault.NewMemoryKeyring()
	return vault.New(localsecrets.NewKeeper([32]byte{1}), ring), ring
}

func TestSealedValuesOpenOnlyWhereTheyWereSealed(t *testing.T) {
	ctx := t.Context()
	v, _ := newVault(t)
	ref := vault.Ref{Workspace: uuid.New(), Contact: uuid.New(), Purpose: vault.Conversation}
	sealed, err := v.Seal(ctx, ref, "inbox.body", []byte("hello"))
	require.NoError(t, err)
	require.False(t, bytes.Contains(sealed, []byte("hello")))

	plain, err := v.Open(ctx, "inbox.body", sealed)
	require.NoError(t, err)
	require.Equal(t, "hello", string(plain))

	_, err = v.Open(ctx, "effects.request", sealed)
	require.ErrorIs(t, err, vault.ErrTampered)

	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		_, err := v.Open(ctx, "inbox.body", bad)
		require.Error(t, err, "byte %d altered", i)
	}
	for n := range sealed {
		if n == 0 {
			continue // an empty value is no value
		}
		_, err := v.Open(ctx, "inbox.body", sealed[:n])
		require.ErrorIs(t, err, vault.ErrTampered)
	}
}

func TestDestroyedKeyErasesWhatItCoveredAndNothingElse(t *testing.T) {
	ctx := t.Context()
	v, ring := newVault(t)
	ws, contact := uuid.New(), uuid.New()
	chat, err := v.Seal(ctx, vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.Conversation}, "p", []byte("chat"))
	require.NoError(t, err)
	file, err := v.Seal(ctx, vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.CasePurpose(uuid.New())}, "p", []byte("file"))
	require.NoError(t, err)

	ids, err := v.Destroy(ctx, ws, contact, vault.Conversation)
	require.NoError(t, err)
	require.Len(t, ids, 1)

	_, err = v.Open(ctx, "p", chat)
	require.ErrorIs(t, err, vault.ErrErased)
	plain, err := v.Open(ctx, "p", file)
	require.NoError(t, err)
	require.Equal(t, "file", string(plain))

	// A process that starts later finds the same.
	later := vault.New(localsecrets.NewKeeper([32]byte{1}), ring)
	_, err = later.Open(ctx, "p", chat)
	require.ErrorIs(t, err, vault.ErrErased)

	// What is said after the erasure is sealed under a new key.
	again, err := v.Seal(ctx, vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.Conversation}, "p", []byte("new"))
	require.NoError(t, err)
	plain, err = v.Open(ctx, "p", again)
	require.NoError(t, err)
	require.Equal(t, "new", string(plain))
}

func TestIndexIsStableAndSeparatesWorkspacesAndKinds(t *testing.T) {
	ctx := t.Context()
	v, ring := newVault(t)
	ws := uuid.New()
	a, err := v.Index(ctx, ws, "phone", "15550001")
	require.NoError(t, err)
	other := vault.New(localsecrets.NewKeeper([32]byte{1}), ring)
	b, err := other.Index(ctx, ws, "phone", "15550001")
	require.NoError(t, err)
	require.Equal(t, a, b)

	c, _ := v.Index(ctx, ws, "user", "15550001")
	d, _ := v.Index(ctx, uuid.New(), "phone", "15550001")
	require.NotEqual(t, a, c)
	require.NotEqual(t, a, d)
}

type brokenRing struct{ vault.Keyring }

var errDown = errors.New("down")

func (brokenRing) ByID(context.Context, uuid.UUID) (vault.StoredKey, error) {
	return vault.StoredKey{}, errDown
}

func TestAnUnreachableKeyringIsNotAnErasure(t *testing.T) {
	v, ring := newVault(t)
	sealed, err := v.Seal(t.Context(), vault.ForWorkspace(uuid.New()), "p", []byte("x"))
	require.NoError(t, err)
	down := vault.New(localsecrets.NewKeeper([32]byte{1}), brokenRing{ring})
	_, err = down.Open(t.Context(), "p", sealed)
	require.ErrorIs(t, err, errDown)
	require.NotErrorIs(t, err, vault.ErrErased)
}

func BenchmarkSealOpen(b *testing.B) {
	v, _ := newVault(b)
	ref := vault.Ref{Workspace: uuid.New(), Contact: uuid.New(), Purpose: vault.Conversation}
	plain := bytes.Repeat([]byte("a"), 512)
	b.ReportAllocs()
	for b.Loop() {
		s, _ := v.Seal(b.Context(), ref, "p", plain)
		if _, err := v.Open(b.Context(), "p", s); err != nil {
			b.Fatal(err)
		}
	}
}
