package misses_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/contacts"
	"parley/internal/misses"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestMissesAreKeptSealedAndForgotten(t *testing.T) {
	db, v, ws := storetest.Open(t)
	m := misses.New(db, v)
	people := contacts.New(db, v)
	talk := func(phone string) contacts.Conversation {
		conv, err := people.Conversation(t.Context(), contacts.Channel{Workspace: ws, Connection: uuid.New(), Connector: "chat"},
			[]sdk.Address{{Kind: "phone", Value: phone}}, "")
		require.NoError(t, err)
		return conv
	}
	ana, ben := talk("15550001"), talk("15550002")
	miss := func(conv contacts.Conversation, n int64, flow, text string) misses.Miss {
		return misses.Miss{Conversation: conv.ID, Number: n, Flow: flow, FlowHash: "h", Block: "start", Language: "en", Guess: "track", Confidence: 0.25, Text: text}
	}
	keep := func(conv contacts.Conversation, all ...misses.Miss) {
		require.NoError(t, m.Keep(t.Context(), ws, conv.Contact, all))
	}
	for range 2 { // the same again changes nothing
		keep(ana, miss(ana, 1, "shop", "planted one"), miss(ana, 2, "shop", "two"))
	}
	keep(ben, miss(ben, 1, "bank", "three"))

	list := func(f misses.Filter, limit int) (texts []string, last uuid.UUID, more bool) {
		all, last, more, err := m.List(t.Context(), ws, f, limit)
		require.NoError(t, err)
		for _, one := range all {
			texts = append(texts, one.Text)
		}
		return texts, last, more
	}
	texts, last, more := list(misses.Filter{}, 2)
	require.Equal(t, []string{"three", "two"}, texts)
	require.True(t, more)
	texts, _, more = list(misses.Filter{Before: last}, 2)
	require.Equal(t, []string{"planted one"}, texts)
	require.False(t, more)
	texts, _, _ = list(misses.Filter{Flow: "bank", Guess: "track", Language: "en"}, 9)
	require.Equal(t, []string{"three"}, texts)
	other, _, _, err := m.List(t.Context(), storetest.Workspace(t, db, "other"), misses.Filter{}, 9)
	require.NoError(t, err)
	require.Empty(t, other)

	rows := func() (all string) {
		require.NoError(t, db.InWorkspace(t.Context(), ws, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT coalesce(string_agg(t::text, ' '), '') FROM nlu_misses t`).Scan(&all)
		}))
		return all
	}
	require.NotContains(t, rows(), "planted")
	_, err = v.Destroy(t.Context(), ws, ana.Contact, vault.Conversation)
	require.NoError(t, err)
	texts, _, _ = list(misses.Filter{}, 9)
	require.Equal(t, []string{"three"}, texts, "erasure destroys them")

	found, _, _, err := m.List(t.Context(), ws, misses.Filter{Flow: "bank"}, 9)
	require.NoError(t, err)
	require.NoError(t, m.Remove(t.Context(), ws, found[0].ID))
	require.ErrorIs(t, m.Remove(t.Context(), ws, found[0].ID), misses.ErrNotFound)
	n, err := m.Forget(t.Context(), misses.Kept)
	require.NoError(t, err)
	require.Zero(t, n, "their time is not over")
	n, err = m.Forget(t.Context(), -time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
	require.Empty(t, rows())
}
