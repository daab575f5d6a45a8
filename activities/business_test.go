package activities

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// business is a helpdesk and a CRM in memory, by the roles alone.
type business struct {
	tickets  []*ticket
	contacts map[string]role.Person
	leads    map[string]role.Lead
	deals    []role.Deal
	notes    []role.Note
	refunds  []role.Refund
	keys     map[string]string // of what was made, by the effect's key
}

type ticket struct {
	role.TicketState
	text     string
	customer role.Person
	comments []role.Comment
}

// once gives the ID of what a key has made, making it if it is new.
func (b *business) once(key, kind string, n int, make func(id string)) string {
	if b.keys == nil {
		b.keys = map[string]string{}
	}
	if id, known := b.keys[key]; known {
		return id
	}
	b.keys[key] = kind + strconv.Itoa(n+1)
	make(b.keys[key])
	return b.keys[key]
}

func (b *business) ticket(id string) (*ticket, error) {
	i := slices.IndexFunc(b.tickets, func(t *ticket) bool { return t.ID == id })
	if i < 0 {
		return nil, &sdk.Error{Class: sdk.NotFound, Message: "there is no such ticket"}
	}
	return b.tickets[i], nil
}

func keyed[In, Out any](name string, do func(*business, string, In) (Out, error)) sdk.Operation {
	return sdk.Op(name, name, sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 24 * time.Hour},
		func(b *business, _ context.Context, call sdk.Call, in In) (Out, error) { return do(b, call.Key, in) })
}

var deskOperations = []sdk.Operation{
	keyed("ticket_create", func(b *business, key string, in role.Ticket) (role.TicketState, error) {
		id := b.once(key, "t", len(b.tickets), func(id string) {
			b.tickets = append(b.tickets, &ticket{TicketState: role.TicketState{ID: id, Status: role.TicketOpen, Subject: in.Subject, Priority: in.Priority}, text: in.Text, customer: in.Customer})
		})
		t, err := b.ticket(id)
		return t.TicketState, err
	}),
	keyed("ticket_get", func(b *business, _ string, in role.ID) (role.TicketState, error) {
		t, err := b.ticket(in.ID)
		if err != nil {
			return role.TicketState{}, err
		}
		return t.TicketState, nil
	}),
	keyed("ticket_update", func(b *business, _ string, in role.TicketChange) (role.TicketState, error) {
		t, err := b.ticket(in.ID)
		if err != nil {
			return role.TicketState{}, err
		}
		if in.Status != "" {
			t.Status = in.Status
		}
		if in.Priority != "" {
			t.Priority = in.Priority
		}
		return t.TicketState, nil
	}),
	keyed("ticket_comment", func(b *business, key string, in role.Comment) (role.ID, error) {
		t, err := b.ticket(in.ID)
		if err != nil {
			return role.ID{}, err
		}
		return role.ID{ID: b.once(key, in.ID+"c", len(t.comments), func(string) { t.comments = append(t.comments, in) })}, nil
	}),
}

var crmOperations = []sdk.Operation{
	keyed("contact_upsert", func(b *business, _ string, in role.Person) (role.Upserted, error) {
		if b.contacts == nil {
			b.contacts = map[string]role.Person{}
		}
		_, known := b.contacts[in.ExternalID]
		b.contacts[in.ExternalID] = in
		return role.Upserted{ID: "c-" + in.ExternalID, Created: !known}, nil
	}),
	keyed("lead_upsert", func(b *business, _ string, in role.Lead) (role.Upserted, error) {
		if b.leads == nil {
			b.leads = map[string]role.Lead{}
		}
		_, known := b.leads[in.ExternalID]
		b.leads[in.ExternalID] = in
		return role.Upserted{ID: "l-" + in.ExternalID, Created: !known}, nil
	}),
	keyed("deal_create", func(b *business, key string, in role.Deal) (role.ID, error) {
		return role.ID{ID: b.once(key, "d", len(b.deals), func(string) { b.deals = append(b.deals, in) })}, nil
	}),
	keyed("note_create", func(b *business, key string, in role.Note) (role.ID, error) {
		return role.ID{ID: b.once(key, "n", len(b.notes), func(string) { b.notes = append(b.notes, in) })}, nil
	}),
}

var tillOperations = []sdk.Operation{
	sdk.Op("payment_link_create", "keyed", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 24 * time.Hour},
		func(s *shop, _ context.Context, call sdk.Call, in shopInput) (role.PaymentLinkMade, error) {
			out, err := s.run("pay", call, in)
			return role.PaymentLinkMade{ID: out.ID, URL: "https://pay.test/" + out.ID, Amount: in.Amount, Currency: in.Curr}, err
		}),
	sdk.Op("refund_create", "keyed", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 24 * time.Hour},
		func(s *shop, _ context.Context, call sdk.Call, in role.Refund) (role.RefundMade, error) {
			raw, _ := json.Marshal(in)
			s.inputs = append(s.inputs, string(raw))
			return role.RefundMade{ID: "re-1", Status: "pending", Amount: in.Amount}, nil
		}),
}

// connect makes a connection of the workspace.
func (e *engine) connect(name, connector string) {
	e.t.Helper()
	_, err := e.Connections.Put(e.t.Context(), e.ws, name, connector, name, "", json.RawMessage(`{}`), "test")
	require.NoError(e.t, err)
}

// talks says something and runs turns and calls until nothing is left to do; it
// gives what the phone shows of it.
func (k *talk) talks(texts ...string) []string {
	k.t.Helper()
	before := len(k.phone.shown)
	k.says(texts...)
	k.runs()
	return k.phone.texts()[before:]
}

// taps chooses from the last message by a label.
func (k *talk) taps(label string) []string {
	k.t.Helper()
	before := len(k.phone.shown)
	for i := before - 1; i >= 0; i-- {
		for _, c := range k.phone.shown[i].Content.Choices {
			if c.Label == label {
				k.hears(sdk.Incoming{Text: label, Tap: c.ID})
				k.runs()
				return k.phone.texts()[before:]
			}
		}
	}
	require.Failf(k.t, "no choice", "the phone shows no choice %q", label)
	return nil
}

func (k *talk) runs() {
	k.t.Helper()
	for range 20 {
		res := k.turn()
		if len(res.Calls) == 0 && !res.More {
			return
		}
		for _, c := range res.Calls {
			require.NoError(k.t, k.CallConnector(k.t.Context(), callInput(k, c.Key)))
		}
	}
	require.Fail(k.t, "the conversation does not come to rest")
}

// tells brings news of a provider's object.
func (k *talk) tells(connection, name, id string, data any) []string {
	k.t.Helper()
	before := len(k.phone.shown)
	conn, err := k.Connections.ByName(k.t.Context(), k.ws, connection)
	require.NoError(k.t, err)
	raw, err := json.Marshal(data)
	require.NoError(k.t, err)
	out, err := k.intake.Accept(k.t.Context(), conn, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventProvider,
		Provider: &sdk.ProviderEvent{Name: name, Refs: []string{id}, Data: raw}}})
	require.NoError(k.t, err)
	require.Equal(k.t, 1, out.Accepted)
	k.runs()
	return k.phone.texts()[before:]
}

func TestTheBusinessOfTheTestsHasItsRoles(t *testing.T) {
	require.True(t, role.Has(sdk.Connector{Operations: deskOperations}, role.Helpdesk))
	require.True(t, role.Has(sdk.Connector{Operations: crmOperations}, role.CRM))
}
