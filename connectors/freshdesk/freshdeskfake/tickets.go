package freshdeskfake

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ticket is a ticket as the API shows it, as far as the fake goes.
type ticket struct {
	ID          int64     `json:"id"`
	Requester   int64     `json:"requester_id"`
	Subject     string    `json:"subject"`
	Description string    `json:"description,omitempty"` // not in lists
	Status      int       `json:"status"`
	Priority    int       `json:"priority"`
	Source      int       `json:"source"`
	Group       *int64    `json:"group_id"`
	Responder   *int64    `json:"responder_id"`
	Tags        []string  `json:"tags"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
}

// change is what a request asks of a ticket.
type change struct {
	Requester   *int64    `json:"requester_id"`
	Subject     *string   `json:"subject"`
	Description *string   `json:"description"`
	Status      *int      `json:"status"`
	Priority    *int      `json:"priority"`
	Source      *int      `json:"source"`
	Group       *int64    `json:"group_id"`
	Responder   *int64    `json:"responder_id"`
	Tags        *[]string `json:"tags"`
}

func (s *server) ticket(id int64) (ticket, *problem) {
	var t ticket
	if !s.env.State().Get("tickets", key(id), &t) {
		return t, missing()
	}
	return t, nil
}

func (s *server) createTicket(c *call) (any, *problem) {
	var asked change
	if err := c.read(&asked); err != nil {
		return nil, err
	}
	switch {
	case asked.Requester == nil:
		return nil, invalid("requester_id", "missing_field", "It should be a/an Positive Integer")
	case !s.env.State().Get("contacts", key(*asked.Requester), &contact{}):
		return nil, invalid("requester_id", "invalid_value", "There is no contact matching the given requester_id")
	case asked.Subject == nil || *asked.Subject == "" || asked.Description == nil || *asked.Description == "":
		return nil, invalid("description", "missing_field", "It should be a/an String")
	case asked.Status == nil || asked.Priority == nil:
		return nil, invalid("status", "missing_field", "It should be one of these values: '2,3,4,5'")
	}
	now := s.env.Now().UTC()
	t := ticket{ID: s.next(), Source: 2, Tags: []string{}, Created: now, Updated: now}
	if err := t.apply(asked); err != nil {
		return nil, err
	}
	s.env.State().Put("tickets", key(t.ID), t)
	c.status = http.StatusCreated
	return t, nil
}

// apply changes the fields that were given.
func (t *ticket) apply(c change) *problem {
	switch {
	case c.Status != nil && (*c.Status < 2 || *c.Status > 7):
		return invalid("status", "invalid_value", "It should be one of these values: '2,3,4,5,6,7'")
	case c.Priority != nil && (*c.Priority < 1 || *c.Priority > 4):
		return invalid("priority", "invalid_value", "It should be one of these values: '1,2,3,4'")
	case c.Source != nil && !slices.Contains([]int{1, 2, 3, 7, 9, 10}, *c.Source):
		return invalid("source", "invalid_value", "It should be one of these values: '1,2,3,7,9,10'")
	case c.Tags != nil && slices.ContainsFunc(*c.Tags, func(tag string) bool { return utf8.RuneCountInString(tag) > 32 }):
		return invalid("tags", "invalid_value", "It should only contain elements that have maximum of 32 characters")
	}
	set(&t.Requester, c.Requester)
	set(&t.Subject, c.Subject)
	set(&t.Description, c.Description)
	set(&t.Status, c.Status)
	set(&t.Priority, c.Priority)
	set(&t.Source, c.Source)
	set(&t.Tags, c.Tags)
	if c.Group != nil {
		t.Group = c.Group
	}
	if c.Responder != nil {
		t.Responder = c.Responder
	}
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (s *server) viewTicket(c *call) (any, *problem) {
	t, err := s.ticket(c.id())
	return t, err
}

// listTickets shows the tickets of a requester, the newest first. It is the database:
// nothing lags.
func (s *server) listTickets(c *call) (any, *problem) {
	found := []ticket{}
	want, size, page := c.query().Get("requester_id"), number(c.query().Get("per_page"), 30), number(c.query().Get("page"), 1)
	if size > 100 {
		return nil, invalid("per_page", "invalid_value", "It should be a Positive Integer less than or equal to 100")
	}
	each(s, "tickets", func(t ticket) {
		if want == "" || key(t.Requester) == want {
			t.Description = ""
			found = append(found, t)
		}
	})
	slices.SortFunc(found, func(a, b ticket) int { return cmp.Compare(b.ID, a.ID) })
	found = found[min((page-1)*size, len(found)):]
	return found[:min(size, len(found))], nil
}

func number(text string, absent int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return absent
}

// searchTickets knows queries by one tag. What is younger than the lag is not seen yet.
func (s *server) searchTickets(c *call) (any, *problem) {
	query := c.query().Get("query")
	tag, ok := strings.CutPrefix(query, `"tag:'`)
	if tag, ok = strings.CutSuffix(tag, `'"`); !ok || tag == "" {
		return nil, invalid("query", "invalid_value", "Given query is invalid")
	}
	found := []ticket{}
	lag, lags := s.env.Fault("search_lag", "ticket_find")
	each(s, "tickets", func(t ticket) {
		if slices.Contains(t.Tags, tag) && !(lags && s.env.Now().Sub(t.Created) < lag) {
			found = append(found, t)
		}
	})
	return object{"total": len(found), "results": found}, nil
}

func (s *server) updateTicket(c *call) (any, *problem) {
	var asked change
	if err := c.read(&asked); err != nil {
		return nil, err
	}
	return s.change(c.id(), asked)
}

// change does what somebody asks of a ticket; a rule tells of it.
func (s *server) change(id int64, asked change) (ticket, *problem) {
	before, err := s.ticket(id)
	if err != nil {
		return before, err
	}
	t := before
	if err := t.apply(asked); err != nil {
		return before, err
	}
	t.Updated = s.env.Now().UTC()
	s.env.State().Put("tickets", key(t.ID), t)
	if before.Status != t.Status || before.Priority != t.Priority || !same(before.Responder, t.Responder) {
		s.tell(t, "ticket.changed")
	}
	return t, nil
}

func same(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }
