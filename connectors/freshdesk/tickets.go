package freshdesk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// TicketInput asks for a ticket to be opened.
type TicketInput struct{ role.Ticket }

// Validate holds what Freshdesk would refuse, or would take for something else.
func (in TicketInput) Validate() error {
	if err := checkText("subject", in.Subject, maxSubject); err != nil {
		return err
	}
	if err := checkText("text", in.Text, maxText); err != nil {
		return err
	}
	if problem := in.Customer.Problem(); problem != "" {
		return sdk.Invalidf("customer: %s", problem)
	}
	return checkChange(in.Priority, in.Group, "", in.Tags)
}

// TicketOutput is a ticket as it now is.
type TicketOutput struct {
	role.TicketState
	Customer string   `json:"customer,omitempty" doc:"Freshdesk's ID of the customer."`
	Group    string   `json:"group,omitempty" doc:"Freshdesk's ID of the group of people who take it."`
	Tags     []string `json:"tags,omitempty" doc:"Labels."`
}

// ticket is Freshdesk's ticket, as far as it is written and read
// (https://developers.freshdesk.com/api/#tickets).
type ticket struct {
	ID          id       `json:"id,omitempty"`
	Requester   id       `json:"requester_id,omitempty"`
	Subject     string   `json:"subject,omitempty"`
	Description string   `json:"description,omitempty"`
	Status      int      `json:"status,omitempty"`
	Priority    int      `json:"priority,omitempty"`
	Source      int      `json:"source,omitempty"`
	Group       id       `json:"group_id,omitempty"`
	Responder   id       `json:"responder_id,omitempty"`
	Tags        []string `json:"tags,omitempty"`
}

// chat is the source of tickets that come out of a conversation.
const chat = 7

func ticketPath(ticket id) string { return "/api/v2/tickets/" + string(ticket) }

func (c *connection) createTicket(ctx context.Context, call sdk.Call, in TicketInput) (TicketOutput, error) {
	customer, err := c.customer(ctx, in.Customer)
	if err != nil {
		return TicketOutput{}, err
	}
	asked := ticket{Requester: customer.ID, Subject: in.Subject, Description: asHTML(in.Text), Status: statusOpen,
		Priority: max(priorityNumber(in.Priority), 1), Source: chat, Group: id(in.Group), Tags: append(slices.Clone(in.Tags), tagOf(call.Key))}
	var made ticket
	if err := c.call(ctx, http.MethodPost, "/api/v2/tickets", asked, &made); err != nil {
		return TicketOutput{}, err
	}
	return c.output(made)
}

// Pages of a list, and how many tickets stand on one.
const (
	mostPages = 10
	perPage   = 100
)

// findTicket looks for the ticket of an earlier attempt among those of the customer,
// which are listed from the database for 30 days.
func (c *connection) findTicket(ctx context.Context, call sdk.Call, in TicketInput) (TicketOutput, bool, error) {
	customer, known, err := c.contact(ctx, in.Customer)
	if err != nil || !known {
		return TicketOutput{}, false, err
	}
	tag := tagOf(call.Key)
	for page := 1; page <= mostPages; page++ {
		var list []ticket
		err := c.get(ctx, "/api/v2/tickets", url.Values{"requester_id": {string(customer.ID)}, "order_by": {"created_at"},
			"order_type": {"desc"}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}, &list)
		if err != nil {
			return TicketOutput{}, false, err
		}
		if i := slices.IndexFunc(list, func(t ticket) bool { return slices.Contains(t.Tags, tag) }); i >= 0 {
			out, err := c.output(list[i])
			return out, err == nil, err
		}
		if len(list) < perPage {
			return TicketOutput{}, false, nil
		}
	}
	return TicketOutput{}, false, &sdk.Error{Class: sdk.Unavailable, Message: "the customer has more tickets than can be looked through"}
}

func (c *connection) output(t ticket) (TicketOutput, error) {
	if t.ID == "" {
		return TicketOutput{}, unreadable()
	}
	state := role.TicketState{ID: string(t.ID), Status: statusOf(t.Status), Subject: t.Subject, Priority: priorityOf(t.Priority),
		Assignee: string(t.Responder), URL: c.pageOf(t.ID)}
	return TicketOutput{TicketState: state, Customer: string(t.Requester), Group: string(t.Group), Tags: t.Tags}, nil
}

// pageOf is where the staff reads a ticket; "" if the connection only receives.
func (c *connection) pageOf(ticket id) string {
	if c.base == "" {
		return ""
	}
	return c.base + "/a/tickets/" + string(ticket)
}

// TicketRef names a ticket.
type TicketRef struct{ role.ID }

// Validate checks the ID's form.
func (in TicketRef) Validate() error { return checkID("id", in.ID.ID) }

func (c *connection) getTicket(ctx context.Context, _ sdk.Call, in TicketRef) (TicketOutput, error) {
	t, err := c.fetch(ctx, id(in.ID.ID))
	if err != nil {
		return TicketOutput{}, err
	}
	return c.output(t)
}

func (c *connection) fetch(ctx context.Context, which id) (t ticket, err error) {
	if err = c.get(ctx, ticketPath(which), nil, &t); err == nil && t.ID == "" {
		err = unreadable()
	}
	return t, err
}

// ChangeInput changes what is given and leaves the rest.
type ChangeInput struct{ role.TicketChange }

// Validate checks what the types cannot.
func (in ChangeInput) Validate() error {
	if err := checkID("id", in.ID); err != nil {
		return err
	}
	if in.Status+in.Priority+in.Group+in.Assignee == "" && len(in.Tags) == 0 {
		return sdk.Invalidf("nothing is to be changed: give status, priority, group, assignee or tags")
	}
	if in.Status != "" && !slices.Contains(statuses, in.Status) {
		return sdk.Invalidf("status must be open, pending, solved or closed")
	}
	return checkChange(in.Priority, in.Group, in.Assignee, in.Tags)
}

// updateTicket reads the tags first: those of a change replace those that are there,
// Parley's own among them.
func (c *connection) updateTicket(ctx context.Context, _ sdk.Call, in ChangeInput) (TicketOutput, error) {
	asked := ticket{Status: statusNumber(in.Status), Priority: priorityNumber(in.Priority), Group: id(in.Group), Responder: id(in.Assignee)}
	if len(in.Tags) > 0 {
		before, err := c.fetch(ctx, id(in.ID))
		if err != nil {
			return TicketOutput{}, err
		}
		asked.Tags = before.Tags
		for _, tag := range in.Tags {
			if !slices.Contains(asked.Tags, tag) {
				asked.Tags = append(asked.Tags, tag)
			}
		}
	}
	var t ticket
	if err := c.call(ctx, http.MethodPut, ticketPath(id(in.ID)), asked, &t); err != nil {
		return TicketOutput{}, err
	}
	return c.output(t)
}

// FindInput names the effect that opened a ticket.
type FindInput struct {
	Key string `json:"key" doc:"The effect's key, as parley effect list shows it."`
}

// Validate checks the key's form.
func (in FindInput) Validate() error {
	if !keyForm.MatchString(in.Key) {
		return sdk.Invalidf("key must be 1 to 64 lower case letters, digits and hyphens")
	}
	return nil
}

// FindOutput is the ticket, if there is one.
type FindOutput struct {
	Found  bool          `json:"found" doc:"Whether there is one that the search sees."`
	Ticket *TicketOutput `json:"ticket,omitempty" doc:"The ticket."`
}

func (c *connection) ticketByKey(ctx context.Context, _ sdk.Call, in FindInput) (FindOutput, error) {
	tag := tagOf(in.Key)
	var answer struct {
		Results []ticket `json:"results"`
	}
	if err := c.get(ctx, "/api/v2/search/tickets", url.Values{"query": {`"tag:'` + tag + `'"`}}, &answer); err != nil {
		return FindOutput{}, err
	}
	if answer.Results == nil {
		return FindOutput{}, unreadable()
	}
	i := slices.IndexFunc(answer.Results, func(t ticket) bool { return slices.Contains(t.Tags, tag) })
	if i < 0 {
		return FindOutput{}, nil
	}
	t, err := c.output(answer.Results[i])
	return FindOutput{Found: true, Ticket: &t}, err
}
