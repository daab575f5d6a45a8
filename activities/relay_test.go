package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/intake"
)

// asking opens a ticket at the shop, whose IDs of things found are f-1.
const asking = `
name: test
blocks:
  start:
    - call: shop.find
      with: {query: help}
      save: ticket
    - say: noted
    - wait: 10d
      event: agent.said
      save: answer
      late: start
    - say: "the flow heard {{ answer.text }}"
`

// replies tells that a person wrote in the ticket f-1.
func (k *talk) replies(s role.Said) intake.Outcome {
	k.t.Helper()
	data, err := json.Marshal(s)
	require.NoError(k.t, err)
	shop, err := k.Connections.ForConnector(k.t.Context(), k.ws, "shop")
	require.NoError(k.t, err)
	out, err := k.intake.Accept(k.t.Context(), shop, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventProvider,
		Provider: &sdk.ProviderEvent{Name: role.AgentSaid, Refs: []string{"f-1"}, Data: data}}})
	require.NoError(k.t, err)
	return out
}

// ticket lets the flow open its ticket.
func (k *talk) ticket() {
	k.t.Helper()
	k.says("hi")
	require.NoError(k.t, k.CallConnector(k.t.Context(), callInput(k, k.turn().Calls[0].Key)))
	k.turn()
}

func TestAPersonsReplyInATicketGoesToTheCustomer(t *testing.T) {
	k := setUp(t, asking).talk()
	k.channel.Media = map[string]int64{"image": 1 << 20}
	k.ticket()
	require.Equal(t, []string{"noted"}, k.phone.texts())

	require.Equal(t, intake.Outcome{Accepted: 1}, k.replies(role.Said{Text: "Hello", Agent: "Ann", Files: []string{"https://f.test/a.png", "https://f.test/b.pdf"}}))
	require.Equal(t, "bot", k.turn().Owner, "a ticket's reply does not silence the bot")
	require.Equal(t, []string{"noted", "", "b.pdf: https://f.test/b.pdf", "the flow heard Hello"}, k.phone.texts())
	require.Equal(t, &sdk.Media{Kind: "image", URL: "https://f.test/a.png", Filename: "a.png", Caption: "Hello"}, k.phone.shown[1].Content.Media)
	require.Equal(t, "agent", one[string](k.engine, `SELECT author FROM effects WHERE turn = 3 AND idx = 0`))
}

// What holds for a person who answers over the API holds for one at a provider.
func TestAPersonsReplyIsBoundAsAnybodysIs(t *testing.T) {
	refused := func(k *talk) string {
		return one[string](k.engine, `SELECT coalesce(string_agg(data->>'why', ' '), '') FROM events WHERE type = 'message.refused'`)
	}
	t.Run("blocked", func(t *testing.T) {
		k := setUp(t, asking).talk()
		k.ticket()
		require.NoError(t, k.people.SetBlocked(t.Context(), k.ws, k.Contact, true, "test"))
		k.replies(role.Said{Text: "Hello"})
		k.turn()
		require.Equal(t, []string{"noted"}, k.phone.texts())
	})
	t.Run("opted out", func(t *testing.T) {
		k := setUp(t, asking).talk()
		k.ticket()
		k.says("STOP")
		k.turn()
		k.replies(role.Said{Text: "Hello"})
		k.turn()
		require.NotContains(t, k.phone.texts(), "Hello")
		require.Contains(t, refused(k), "opted_out")
	})
	t.Run("the window has closed", func(t *testing.T) {
		k := setUp(t, asking).talk()
		k.channel.Window = 24 * time.Hour
		k.ticket()
		k.exec(`UPDATE conversations SET inbound_at = now() - interval '25 hours'`)
		k.replies(role.Said{Text: "Hello"})
		k.turn()
		require.Equal(t, []string{"noted"}, k.phone.texts())
		require.NotEmpty(t, refused(k))

		k.channel.AgentWindow = 7 * 24 * time.Hour
		k.replies(role.Said{Text: "Hello again"})
		k.turn()
		require.Equal(t, "Hello again", k.phone.texts()[1])
		require.True(t, k.phone.shown[1].Agent)
	})
}
