package flow

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const helpdesk = `
  start:
    - ask: What is wrong?
      save: what
    - ticket: open
      with: {subject: Trouble, text: "{{ what }}", priority: high, tags: [chat]}
      save: ticket
      errors: broken
    - say: "Ticket {{ ticket.id }} is {{ ticket.status }}."
    - ask: Anything to add?
      save: more
    - ticket: comment
      with: {text: "{{ more }}"}
      errors: broken
    - wait: 2d
      event: ticket.changed
      save: news
      late: late
    - if: news.status == "solved"
      then: thanks
    - say: Still open.
  thanks:
    - ticket: update
      with: {status: closed}
      errors: broken
    - say: Closed.
  late:
    - say: Nobody has answered yet.
  broken:
    - say: "Sorry: {{ error.code }}."
`

func (k *talk) resultBy(connection, output string) []string {
	return k.events(Event{Kind: EventCallResult, Ref: k.state.Pending, Output: json.RawMessage(output), Connection: connection})
}

func TestATicketIsOpenedAndFollowed(t *testing.T) {
	k := newTalk(t, flowOf(helpdesk))
	require.Equal(t, []string{"What is wrong?"}, k.say("hi"))
	require.Equal(t, []string{`call:helpdesk.ticket_create{"customer":{"external_id":"p-1","name":"Ana"},"priority":"high","subject":"Trouble","tags":["chat"],"text":"It leaks"}`},
		k.say("It leaks"))
	require.Equal(t, role.Helpdesk, k.out.Effects[0].Role)
	require.Equal(t, []string{"Ticket 77 is open.", "Anything to add?"}, k.resultBy("conn-9", `{"id":"77","status":"open"}`))
	require.Equal(t, []string{`call:helpdesk.ticket_comment{"id":"77","text":"It drips"}`}, k.say("It drips"))
	require.Equal(t, "conn-9", k.out.Effects[0].Connection, "a comment goes where the ticket is")
	k.resultBy("conn-9", `{"id":"c1"}`)
	news := func(output string) []string {
		return k.events(Event{Kind: EventProvider, Name: "ticket.changed", Ref: "e2", Output: json.RawMessage(output)})
	}
	require.Empty(t, news(`{"id":"12","status":"solved"}`), "news of another ticket")
	require.Equal(t, []string{`call:helpdesk.ticket_update{"id":"77","status":"closed"}`}, news(`{"id":"77","status":"solved"}`))
	require.Equal(t, []string{"Closed."}, k.result(`{"id":"77","status":"closed"}`))
	require.Equal(t, Object{ID: "77", Connection: "conn-9", Ref: "e2"}, k.state.Objects[objectTicket], "the ticket outlives the flow")
}

func TestWhatIsAboutNothingTakesTheErrorsBranch(t *testing.T) {
	for verb, code := range map[string]string{
		"ticket: comment\n      with: {text: more}":  "no_ticket",
		"crm: note\n      with: {text: more}":        "no_contact",
		"crm: update_deal\n      with: {stage: won}": "no_deal",
		"refund:": "no_payment",
	} {
		k := newTalk(t, flowOf("  start:\n    - "+verb+"\n      errors: broken\n  broken:\n    - say: \"{{ error.code }}\"\n"))
		require.Equal(t, []string{code}, k.say("hi"), verb)
	}
}

func TestACustomerIsKeptInTheCRM(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - crm: lead
      with: {email: ana@example.org, score: =60 + 5, source: web}
      save: lead
      errors: broken
    - crm: note
      with: {text: Likes tea}
      errors: broken
    - crm: contact
      with: {name: Ana Sol}
      errors: broken
    - crm: deal
      with: {title: Tea, amount: 1200, currency: EUR}
      save: deal
      errors: broken
    - crm: update_deal
      with: {stage: won}
      errors: broken
    - say: "{{ lead.created ? 'New' : 'Known' }}, {{ deal.id }}"
  broken:
    - say: broken
`))
	require.Equal(t, []string{`call:crm.lead_upsert{"email":"ana@example.org","external_id":"p-1","name":"Ana","score":65,"source":"web"}`}, k.say("hi"))
	require.Equal(t, []string{`call:crm.note_create{"contact":"L1","text":"Likes tea"}`}, k.resultBy("c", `{"id":"L1","created":true}`), "a lead has notes where there is no contact")
	require.Equal(t, []string{`call:crm.contact_upsert{"external_id":"p-1","name":"Ana Sol"}`}, k.resultBy("c", `{"id":"n1"}`))
	require.Equal(t, []string{`call:crm.deal_create{"amount":1200,"contact":"C1","currency":"EUR","title":"Tea"}`}, k.resultBy("c", `{"id":"C1","created":false}`))
	require.Equal(t, []string{`call:crm.deal_update{"id":"D1","stage":"won"}`}, k.resultBy("c", `{"id":"D1"}`))
	require.Equal(t, []string{"New, D1"}, k.resultBy("c", `{"id":"D1"}`))
}

const refunding = `
  start:
    - pay: Tea
      amount: 1200
      currency: EUR
      save: paid
      expired: over
      failed: over
    - say: "Paid {{ money(paid.amount, paid.currency) }}"
    - ask: Keep it?
      kind: yesno
      save: keep
    - if: keep
      then: over
    - refund: %s
      amount: 200
      reason: requested_by_customer
      save: back
      errors: over
    - say: "{{ back.status }}"
  over:
    - say: over
`

func TestARefundGoesByThePayment(t *testing.T) {
	for _, of := range []string{"", "paid", "paid.payment_intent"} {
		k := newTalk(t, flowOf(strings.Replace(refunding, "%s", of, 1)))
		k.say("hi")
		ref := k.state.Pending
		k.resultBy("conn-3", `{"url":"https://pay.test/1"}`)
		require.Equal(t, []string{"Paid €12.00", "Keep it? [Yes|No]"},
			k.events(Event{Kind: EventProvider, Name: paymentPaid, Ref: ref, Output: json.RawMessage(`{"payment_intent":"pi_7","amount":1200,"currency":"EUR","status":"paid"}`)}))
		require.Equal(t, []string{`call:payments.refund_create{"amount":200,"payment_intent":"pi_7","reason":"requested_by_customer"}`}, k.say("no"), of)
		require.Equal(t, "conn-3", k.out.Effects[0].Connection, "by whoever took it")
		require.Equal(t, []string{"pending"}, k.result(`{"id":"re_1","status":"pending","amount":200}`))
	}
}

func TestTheRefundOfACaseIsLeftToTheEngine(t *testing.T) {
	k := newTalk(t, "name: test\nvars: {order: {case_id: c-1}}\nblocks:\n  start:\n    - refund: order\n      errors: over\n  over:\n    - say: over\n")
	require.Equal(t, []string{`call:payments.refund_create{"case_id":"c-1"}`}, k.say("hi"))
}

// Whatever an action sends is what the role's operation takes.
func TestActionsSendWhatRolesTake(t *testing.T) {
	for by, actions := range map[role.Name]map[string]action{role.Helpdesk: ticketActions, role.CRM: crmActions} {
		for word, a := range actions {
			in := inputOf(by, a.operation)
			require.NotEmpty(t, fieldsOf(in), word)
			k := newTalk(t, flowOf("  start:\n    - say: x\n"))
			m := &machine{p: k.program, in: Input{Person: "p", Contact: map[string]any{"name": "Ana"}}}
			for _, kind := range []string{objectTicket, objectContact, objectLead, objectDeal} {
				m.keepObject(kind, Object{ID: kind})
			}
			require.Equal(t, park, m.act(a, by, nil, &performer{}))
			got := reflect.New(in).Interface()
			require.NoError(t, sdk.DecodeStrict(m.out.Effects[0].Input, got), word)
			require.Contains(t, records, a.record, word)
		}
	}
}

func TestUseSaysWhoPerforms(t *testing.T) {
	source := "name: test\nuse: {helpdesk: zendesk, tills: razorpay}\nblocks:\n  start:\n    - ticket: open\n      with: {subject: a, text: b}\n      errors: over\n" +
		"    - refund: '\"pi_1\"'\n      by: tills\n      errors: over\n  over:\n    - say: over\n"
	doc, problems := Parse("f.yaml", []byte(source))
	require.Empty(t, problems)
	require.Equal(t, []string{"razorpay", "zendesk"}, doc.Connectors())
	require.Empty(t, doc.Roles())
	open, _ := Parse("f.yaml", []byte(flowOf(helpdesk)))
	require.Equal(t, []role.Name{role.Helpdesk}, open.Roles())
	k := newTalk(t, source)
	k.say("hi")
	require.Equal(t, "zendesk", k.out.Effects[0].Connector)
	k.result(`{"id":"1","status":"open"}`)
	require.Equal(t, "razorpay", k.out.Effects[0].Connector)
	require.Contains(t, Problems(Check(doc, Catalogue{"zendesk": {"ticket_get": {}}, "razorpay": {"refund_create": {}}})).Error(), "zendesk has no operation \"ticket_create\"")
}
