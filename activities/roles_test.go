package activities

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/cases"
	"parley/internal/ledger"
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

const complaining = `name: test
blocks:
  start:
    - ask: What is wrong?
      save: what
    - ticket: open
      with: {subject: Trouble, text: "{{ what }}"}
      save: ticket
      errors: broken
    - say: "Ticket {{ ticket.id }}."
    - wait: 2d
      event: ticket.changed
      save: news
      late: broken
      message: add
    - say: "It is {{ news.status }}."
  add:
    - ask: What shall I add?
      save: more
    - ticket: comment
      with: {text: "{{ more }}"}
      errors: broken
    - say: Added.
  broken:
    - say: "sorry {{ error.class }}"
`

// The other desk comes later, and under the role's own name.
func TestATicketStaysAtTheDeskThatHasIt(t *testing.T) {
	k := setUp(t, complaining).talk()
	require.Equal(t, []string{"What is wrong?"}, k.talks("hi"))
	require.Equal(t, []string{"sorry invalid"}, k.talks("It leaks"), "no connection has the role yet")

	k.connect("tickets", "desk")
	k.talks("hi")
	require.Equal(t, []string{"Ticket t1."}, k.talks("It leaks"))
	require.Len(t, k.desk.tickets, 1)
	require.Equal(t, "It leaks", k.desk.tickets[0].text)
	require.Equal(t, role.Person{ExternalID: k.Contact.String(), Name: "Planted-Name"}, k.desk.tickets[0].customer)

	k.connect("helpdesk", "otherdesk")
	require.Equal(t, []string{"What shall I add?"}, k.talks("wait"))
	require.Equal(t, []string{"Added."}, k.talks("It drips"))
	require.Equal(t, []role.Comment{{ID: "t1", Text: "It drips"}}, k.desk.tickets[0].comments)
	require.Empty(t, k.otherDesk.tickets)

	k.talks("hi")
	require.Equal(t, []string{"Ticket t1."}, k.talks("It burns"), "a new one goes to the connection of the role's name")
	require.Len(t, k.otherDesk.tickets, 1)
}

func TestNewsOfATicketComesToItsConversation(t *testing.T) {
	k := setUp(t, complaining).talk()
	k.connect("desk", "desk")
	k.talks("hi")
	require.Equal(t, []string{"Ticket t1."}, k.talks("It leaks"))
	require.Equal(t, []string{"It is solved."}, k.tells("desk", "ticket.changed", "t1", role.TicketState{ID: "t1", Status: role.TicketSolved}))
}

const refundable = `name: test
blocks:
  start:
    - pay: Tea
      amount: 1200
      currency: EUR
      expired: over
      failed: over
    - ask: Keep it?
      save: keep
    - refund:
      save: back
      errors: over
    - say: "{{ back.status }}"
  over:
    - say: "over {{ error.code ?? '' }}"
`

func TestARefundGoesToWhoeverTookThePayment(t *testing.T) {
	k := setUp(t, refundable).talk()
	k.talks("hi")
	require.Equal(t, []string{"stripe"}, effectConnectors(k))
	require.Equal(t, []string{"Keep it?"}, k.tells("stripe", "payment.paid", "f-1", map[string]any{"payment_intent": "pi_5", "amount": 1200, "currency": "EUR"}))
	k.connect("payments", "razorpay")
	require.Equal(t, []string{"pending"}, k.talks("no"))
	require.Equal(t, `{"payment_intent":"pi_5"}`, k.shop.inputs[len(k.shop.inputs)-1])
	require.Equal(t, "stripe", one[string](k.engine, `SELECT connector FROM effects WHERE operation = 'refund_create'`))
}

const refundingAnOrder = `name: test
vars: {order: {case_id: %s}}
blocks:
  start:
    - refund: order
      amount: 300
      save: back
      errors: over
    - say: "{{ back.status }}"
  over:
    - say: "over {{ error.code }}"
`

func TestARefundOfACaseGoesToWhoeverTookItsPayment(t *testing.T) {
	id := uuid.New()
	k := setUp(t, fmt.Sprintf(refundingAnOrder, id)).talk()
	require.Equal(t, []string{"over no_case"}, k.talks("hi"))
	made, err := k.Cases.Create(t.Context(), cases.Case{Workspace: k.ws, ID: id, Kind: "order", Contact: k.Contact, Conversation: k.ID, Connection: k.conn.ID,
		WorkflowID: "order/x", Stage: "paid"}, json.RawMessage(`{}`))
	require.NoError(t, err)
	require.Equal(t, []string{"over no_payment"}, k.talks("hi"))

	k.connect("payments", "razorpay")
	taken, err := k.Connections.ByName(t.Context(), k.ws, "stripe")
	require.NoError(t, err)
	_, err = k.Ledger.Plan(t.Context(), ledger.Effect{Workspace: k.ws, Key: "its-payment", Subject: id, SealWith: cases.SealRef(k.ws, made.Contact, id),
		WorkflowID: "order/x", Connection: taken.ID, Connector: "stripe", Operation: "payment_link_create", Effect: sdk.Effect{Kind: sdk.Keyed}, Input: json.RawMessage(`{}`)})
	require.NoError(t, err)
	_, err = k.Cases.Tell(t.Context(), cases.Key{Workspace: k.ws, ID: id}, []byte("once"),
		cases.News{Name: "payment.paid", EffectKey: "its-payment", Data: json.RawMessage(`{"payment_intent":"pi_9"}`)})
	require.NoError(t, err)
	require.Equal(t, []string{"pending"}, k.talks("hi"))
	require.Equal(t, `{"payment_intent":"pi_9","amount":300}`, k.shop.inputs[len(k.shop.inputs)-1])
	require.Equal(t, "stripe", one[string](k.engine, `SELECT connector FROM effects WHERE operation = 'refund_create' AND state = 'done'`))
}
