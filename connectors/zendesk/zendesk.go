// Package zendesk connects Parley to Zendesk Support: tickets, what customers and
// staff say in them, customers, and the news of both.
//
// A ticket carries Parley's effect key as its external ID, and a comment carries it
// in the metadata of its audit. So what an attempt has done is found again, and
// every webhook leads back to the case or conversation that opened the ticket.
//
// News comes by event subscriptions, which Subscribe sets up: Zendesk's own JSON, no
// trigger and no template. Answers whose webhook was lost are asked for by Poll. What Parley's own user writes is not told as an agent's;
// so Parley needs a user of its own at Zendesk.
package zendesk

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
	// ticketKey is how long a ticket's key is remembered
	// (https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency).
	ticketKey = 2 * time.Hour
	// settle is how long the list of a ticket's audits may lag behind a comment.
	// Zendesk names no lag of it; this is a cautious guess.
	settle = time.Minute
	// unlimited is the key lifetime of an operation whose repeat changes nothing.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	read     = sdk.Effect{Kind: sdk.Read}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is Zendesk's manifest.
var Connector = sdk.Connector{
	Name:       "zendesk",
	Title:      "Zendesk",
	Docs:       "https://developer.zendesk.com/api-reference/",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	Limits:     sdk.Limits{Learn: learn},
	PollEvery:  pollEvery,
	OAuth: &sdk.OAuth{AuthorizeURL: "{base_url}/oauth/authorizations/new", TokenURL: "{base_url}/oauth/tokens",
		Scopes: []string{"read", "write"}},
	Open: open,
}

var operations = []sdk.Operation{
	sdk.FoundBy(sdk.Op("ticket_create", "Opens a ticket for a customer, who is found or made.",
		sdk.Effect{Kind: sdk.Keyed, KeyLifetime: ticketKey}, (*connection).createTicket), (*connection).findTicket).
		Sample(`{"subject":"The mug arrived broken","text":"It is in two pieces.","customer":{"external_id":"contact-17","name":"Jenny Rosen"},"priority":"high","tags":["parley"]}`).
		Sample(`{"subject":"A question","text":"Do you ship to Pune?","customer":{"phone":"+919000090000","language":"en"}}`),
	sdk.Op("ticket_get", "Tells the state of a ticket.", read, (*connection).getTicket).
		Sample(`{"id":"{{ticket_create.id}}"}`),
	sdk.Op("ticket_update", "Changes a ticket's status, priority, group or assignee, or adds tags.", harmless, (*connection).updateTicket).
		Sample(`{"id":"{{ticket_create.id}}","status":"pending","priority":"urgent","tags":["vip"]}`).
		Sample(`{"id":"{{ticket_create.id}}","tags":["vip"]}`),
	sdk.LookupOp("ticket_comment", "Adds what the customer says to a ticket, or a note for the staff, with a file or without.",
		settle, (*connection).comment, (*connection).findComment).
		Sample(`{"id":"{{ticket_create.id}}","text":"Here is a picture.","file":{"name":"mug.txt","content_type":"text/plain","content":"aGVsbG8="}}`).
		Sample(`{"id":"{{ticket_create.id}}","text":"The customer is a regular.","private":true}`),
	sdk.LookupOp("ticket_reply", "Answers the customer in a ticket, in the staff's name. Zendesk sends it to them by e-mail as your triggers say.",
		settle, (*connection).reply, (*connection).findReply).
		Sample(`{"id":"{{ticket_create.id}}","text":"A new one is on its way."}`),
	sdk.Op("ticket_find", "Finds the ticket that an effect opened, by the effect's key.", read, (*connection).ticketByKey).
		Sample(`{"key":"kit-0000"}`),
	sdk.Op("customer_upsert", "Changes the customer with an identifier of yours, an e-mail address or a phone number, or makes one.",
		harmless, (*connection).upsertCustomer).
		Sample(`{"external_id":"contact-17","name":"Jenny Rosen","email":"jenny@example.com","company":"Rosen Mugs"}`),
}

var triggers = []sdk.Trigger{
	{Name: role.AgentSaid, Payload: role.Said{}, Source: []string{commentAdded},
		Summary: "One of the staff wrote to the customer, in a ticket that Parley opened. Notes, and what Parley's own user writes, are not told."},
	{Name: "ticket.changed", Payload: role.TicketState{}, Source: []string{statusChanged, priorityChanged, assigneeChanged},
		Summary: "The status, priority or assignee of a ticket that Parley opened has changed."},
}

// connection is one Zendesk as a workspace has configured it. It is immutable after
// open and safe for concurrent use.
type connection struct {
	settings
	http   *http.Client
	tokens sdk.TokenSource
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
	return &connection{settings: s, http: client, tokens: host.Tokens}, nil
}

func explicitHost(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Authorized implements [sdk.Authorized]: an API token needs no consent.
func (c *connection) Authorized() bool { return c.APIToken != "" }

// Check asks whose credentials these are, and says what else is missing.
func (c *connection) Check(ctx context.Context) error {
	if _, err := c.me(ctx); err != nil {
		return err
	}
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is missing: without it no answer of the staff is ever noticed. " +
			"It is the signing secret of the webhook \"" + webhookName + "\" in Zendesk's Admin Center")
	}
	return nil
}

// self is the user whose credentials these are.
type self struct {
	ID   id     `json:"id"`
	Role string `json:"role"`
}

// me asks for that user, who must be one of the staff.
func (c *connection) me(ctx context.Context) (self, error) {
	var answer struct {
		User self `json:"user"`
	}
	if err := c.call(ctx, request{method: http.MethodGet, path: "/api/v2/users/me"}, &answer); err != nil {
		return self{}, err
	}
	switch u := answer.User; {
	case u.Role == "":
		return self{}, unreadable()
	case u.ID == "" || u.Role != "agent" && u.Role != "admin":
		return self{}, &sdk.Error{Class: sdk.Auth, Code: "not_staff", Message: "these credentials are of no agent: give Parley a user with the role agent or admin"}
	}
	return answer.User, nil
}
