package activities

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const paying = "name: test\nblocks:\n  start:\n    - pay: Things\n      amount: 100\n      currency: USD\n      expired: over\n      failed: over\n  over:\n    - say: over\n"

func TestAWorkspaceChoosesWhoTakesItsPayments(t *testing.T) {
	k := setUp(t, paying).talk()
	connect := func(name, connector string) {
		_, err := k.Connections.Put(t.Context(), k.ws, name, connector, name, "", json.RawMessage(`{}`), "test")
		require.NoError(t, err)
	}
	choice := func() string {
		name, err := k.payments(t.Context(), k.ws)
		require.NoError(t, err)
		return name
	}
	require.Equal(t, "stripe", choice())
	connect("another", "razorpay")
	require.Equal(t, "stripe", choice(), "what was there before stays")
	connect("payments", "razorpay")
	require.Equal(t, "razorpay", choice())

	k.says("hi")
	planned := k.turn().Calls
	require.Len(t, planned, 1)
	connect("payments", "stripe")
	require.NoError(t, k.CallConnector(t.Context(), callInput(k, planned[0].Key)))
	require.Equal(t, []string{"razorpay"}, effectConnectors(k), "an attempt goes where the payment was planned")
}

func effectConnectors(k *talk) (names []string) {
	require.NoError(k.t, k.db.InWorkspace(k.t.Context(), k.ws, func(tx pgx.Tx) error {
		rows, err := tx.Query(k.t.Context(), `SELECT connector FROM effects WHERE operation = 'payment_link_create'`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	return names
}
