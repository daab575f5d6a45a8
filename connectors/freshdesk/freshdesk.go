// Package freshdesk connects Parley to Freshdesk: tickets, what customers and staff
// say in them, contacts, and the news of both.
//
// Freshdesk knows no idempotency keys. A ticket carries a tag made of Parley's effect
// key, by which what an attempt has done is found among its customer's tickets: that
// list is the database, where the search by tag lags by minutes. Notes and replies
// carry nothing of ours, so they are made once, and one whose answer is lost is
// uncertain.
//
// News comes from automation rules, which people set up (docs/connectors.md has the
// JSON): they sign nothing, and a secret header or password says that they are
// genuine. They name no note, so an answer is known by its ticket and words. Replay of
// a recorded webhook is recognised by that; an old one cannot be told from a new one.
package freshdesk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const (
	// settle is how long the list of a customer's tickets may lag behind a ticket.
	// Freshdesk names no lag of it, only of its search; this is a cautious guess.
	settle = time.Minute
	// unlimited is the key lifetime of an operation whose repeat changes nothing.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	read     = sdk.Effect{Kind: sdk.Read}
	once     = sdk.Effect{Kind: sdk.Once}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is Freshdesk's manifest.
var Connector = sdk.Connector{
	Name:       "freshdesk",
	Title:      "Freshdesk",
	Docs:       "https://developers.freshdesk.com/api/",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	Limits:     sdk.Limits{Learn: learn},
	Open:       open,
}

var operations = []sdk.Operation{
	sdk.LookupOp("ticket_create", "Opens a ticket for a customer, who is found or made.",
		settle, (*connection).createTicket, (*connection).findTicket).
		Sample(`{"subject":"The mug arrived broken","text":"It is in two pieces.","customer":{"external_id":"contact-17","name":"Jenny Rosen"},"priority":"high","tags":["mugs"]}`).
		Sample(`{"subject":"A question","text":"Do you ship to Pune?","customer":{"phone":"+919000090000"}}`),
	sdk.Op("ticket_get", "Tells the state of a ticket.", read, (*connection).getTicket).
		Sample(`{"id":"{{ticket_create.id}}"}`),
	sdk.Op("ticket_update", "Changes a ticket's status, priority, group or assignee, or adds tags.", harmless, (*connection).updateTicket).
		Sample(`{"id":"{{ticket_create.id}}","status":"pending","priority":"urgent","tags":["vip"]}`).
		Sample(`{"id":"{{ticket_create.id}}","tags":["vip"]}`),
	sdk.Op("ticket_comment", "Adds what the customer says to a ticket, or a note for the staff, with a file or without.", once, (*connection).comment).
		Sample(`{"id":"{{ticket_create.id}}","text":"Here is a picture.","file":{"name":"mug.txt","content_type":"text/plain","content":"aGVsbG8="}}`).
		Sample(`{"id":"{{ticket_create.id}}","text":"The customer is a regular.","private":true}`),
	sdk.Op("ticket_reply", "Answers the customer in a ticket, in the staff's name. Freshdesk sends it to their e-mail address; a customer without one gets nothing from it.",
		once, (*connection).reply).
		Sample(`{"id":"{{ticket_create.id}}","text":"A new one is on its way."}`),
	sdk.Op("ticket_find", "Finds the ticket that an effect opened, by the effect's key. Freshdesk's search sees a new ticket only after minutes.",
		read, (*connection).ticketByKey).
		Sample(`{"key":"kit-0000"}`),
	sdk.Op("customer_upsert", "Changes the contact with an identifier of yours, an e-mail address or a phone number, or makes one.",
		harmless, (*connection).upsertCustomer).
		Sample(`{"external_id":"contact-17","name":"Jenny Rosen","email":"jenny@example.com","company":"Rosen Mugs"}`),
}

var triggers = []sdk.Trigger{
	{Name: role.AgentSaid, Payload: role.Said{}, Source: []string{role.AgentSaid},
		Summary: "One of the staff wrote to the customer, in a ticket that Parley opened. Private notes, and what Parley writes, are not told."},
	{Name: ticketChanged, Payload: role.TicketState{}, Source: []string{ticketChanged},
		Summary: "The status, priority or assignee of a ticket that Parley opened has changed."},
}

// connection is one Freshdesk as a workspace has configured it. It is immutable after
// open and safe for concurrent use.
type connection struct {
	settings
	http *http.Client
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	s, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: explicitHost(s.base)})
	}
	return &connection{settings: s, http: client}, nil
}

func explicitHost(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Check asks whose key this is, and says what else is missing.
func (c *connection) Check(ctx context.Context) error {
	var agent struct {
		ID id `json:"id"`
	}
	if err := c.get(ctx, "/api/v2/agents/me", nil, &agent); err != nil {
		return err
	}
	if agent.ID == "" {
		return unreadable()
	}
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is missing: without it no answer of the staff is ever noticed. " +
			"It is a secret of your own, which your automation rules send in the header " + secretHeader)
	}
	return nil
}
