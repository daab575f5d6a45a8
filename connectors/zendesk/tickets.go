package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// TicketInput asks for a ticket to be opened.
type TicketInput struct{ role.Ticket }

// Validate holds what Zendesk would refuse, or would take for something else.
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
	Customer string   `json:"customer,omitempty" doc:"Zendesk's ID of the customer."`
	Group    string   `json:"group,omitempty" doc:"Zendesk's ID of the group of people who take it."`
	Tags     []string `json:"tags,omitempty" doc:"Labels."`
}

// ticket is Zendesk's ticket, as far as it is read
// (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/).
type ticket struct {
	ID         id       `json:"id"`
	ExternalID string   `json:"external_id"`
	Status     string   `json:"status"`
	Subject    string   `json:"subject"`
	Priority   string   `json:"priority"`
	Assignee   id       `json:"assignee_id"`
	Requester  id       `json:"requester_id"`
	Group      id       `json:"group_id"`
	Tags       []string `json:"tags"`
}

// change is what is asked of a ticket. Empty fields are left out.
type change struct {
	Subject    string            `json:"subject,omitempty"`
	Status     string            `json:"status,omitempty"`
	Priority   string            `json:"priority,omitempty"`
	Tags       []string          `json:"tags,omitempty"`
	ExternalID string            `json:"external_id,omitempty"`
	Requester  id                `json:"requester_id,omitempty"`
	Group      id                `json:"group_id,omitempty"`
	Assignee   id                `json:"assignee_id,omitempty"`
	Comment    *comment          `json:"comment,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

// comment is what is said with a change.
type comment struct {
	Body    string   `json:"body"`
	Public  bool     `json:"public"`
	Author  id       `json:"author_id,omitempty"`
	Uploads []string `json:"uploads,omitempty"`
}

// changed is the answer to a change.
type changed struct {
	Ticket ticket `json:"ticket"`
	Audit  audit  `json:"audit"`
}

type asked struct {
	Ticket change `json:"ticket"`
}

func ticketPath(ticket id) string { return "/api/v2/tickets/" + string(ticket) }

func (c *connection) createTicket(ctx context.Context, call sdk.Call, in TicketInput) (TicketOutput, error) {
	customer, err := c.upsert(ctx, in.Customer)
	if err != nil {
		return TicketOutput{}, err
	}
	var answer changed
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v2/tickets", key: call.Key, body: asked{change{
		Subject: in.Subject, Priority: in.Priority, Tags: in.Tags, Group: id(in.Group),
		ExternalID: call.Key, Requester: customer.ID, Metadata: origin(call),
		Comment: &comment{Body: in.Text, Public: true, Author: customer.ID},
	}}}, &answer)
	if err != nil {
		return TicketOutput{}, err
	}
	return c.output(answer.Ticket)
}

// findTicket looks for the ticket of an earlier attempt. The list by external ID is
// the database, not the search that lags.
func (c *connection) findTicket(ctx context.Context, call sdk.Call, _ TicketInput) (TicketOutput, bool, error) {
	return c.lookUp(ctx, call.Key)
}

func (c *connection) lookUp(ctx context.Context, key string) (TicketOutput, bool, error) {
	var answer struct {
		Tickets []ticket `json:"tickets"`
	}
	if err := c.get(ctx, "/api/v2/tickets", url.Values{"external_id": {key}}, &answer); err != nil {
		return TicketOutput{}, false, err
	}
	if answer.Tickets == nil {
		return TicketOutput{}, false, unreadable()
	}
	i := slices.IndexFunc(answer.Tickets, func(t ticket) bool { return t.ExternalID == key })
	if i < 0 {
		return TicketOutput{}, false, nil
	}
	out, err := c.output(answer.Tickets[i])
	return out, err == nil, err
}

func (c *connection) output(t ticket) (TicketOutput, error) {
	if t.ID == "" {
		return TicketOutput{}, unreadable()
	}
	state := role.TicketState{ID: string(t.ID), Status: statusOf(t.Status), Subject: t.Subject, Priority: priorityOf(t.Priority),
		Assignee: string(t.Assignee), URL: c.base + "/agent/tickets/" + string(t.ID)}
	return TicketOutput{TicketState: state, Customer: string(t.Requester), Group: string(t.Group), Tags: t.Tags}, nil
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

func (c *connection) fetch(ctx context.Context, which id) (ticket, error) {
	var answer changed
	if err := c.get(ctx, ticketPath(which), nil, &answer); err != nil {
		return ticket{}, err
	}
	if answer.Ticket.ID == "" {
		return ticket{}, unreadable()
	}
	return answer.Ticket, nil
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

// updateTicket adds tags first: a ticket that is closed takes none. The tags of a
// change would replace those that are there.
func (c *connection) updateTicket(ctx context.Context, _ sdk.Call, in ChangeInput) (TicketOutput, error) {
	ticket := id(in.ID)
	if len(in.Tags) > 0 {
		err := c.call(ctx, request{method: http.MethodPut, path: ticketPath(ticket) + "/tags", body: map[string]any{"tags": in.Tags}}, &struct{}{})
		if err != nil {
			return TicketOutput{}, err
		}
	}
	if in.Status+in.Priority+in.Group+in.Assignee == "" {
		return c.getTicket(ctx, sdk.Call{}, TicketRef{role.ID{ID: in.ID}})
	}
	answer, err := c.put(ctx, ticket, change{Status: in.Status, Priority: in.Priority, Group: id(in.Group), Assignee: id(in.Assignee)})
	if err != nil {
		return TicketOutput{}, err
	}
	return c.output(answer.Ticket)
}

func (c *connection) put(ctx context.Context, which id, what change) (answer changed, err error) {
	return answer, c.call(ctx, request{method: http.MethodPut, path: ticketPath(which), body: asked{what}}, &answer)
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
	Found  bool          `json:"found" doc:"Whether there is one."`
	Ticket *TicketOutput `json:"ticket,omitempty" doc:"The ticket."`
}

func (c *connection) ticketByKey(ctx context.Context, _ sdk.Call, in FindInput) (FindOutput, error) {
	t, found, err := c.lookUp(ctx, in.Key)
	if err != nil || !found {
		return FindOutput{}, err
	}
	return FindOutput{Found: true, Ticket: &t}, nil
}
