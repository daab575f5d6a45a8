package zendeskfake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ticket is a ticket as the API shows it, as far as the fake goes.
type ticket struct {
	ID         int64     `json:"id"`
	URL        string    `json:"url"`
	ExternalID *string   `json:"external_id"`
	Subject    string    `json:"subject"`
	Status     string    `json:"status"`
	Priority   *string   `json:"priority"`
	Requester  int64     `json:"requester_id"`
	Assignee   *int64    `json:"assignee_id"`
	Group      *int64    `json:"group_id"`
	Tags       []string  `json:"tags"`
	Created    time.Time `json:"created_at"`
	Updated    time.Time `json:"updated_at"`
}

// change is what a request asks of a ticket.
type change struct {
	Subject    *string     `json:"subject"`
	Status     *string     `json:"status"`
	Priority   *string     `json:"priority"`
	Tags       *[]string   `json:"tags"`
	ExternalID *string     `json:"external_id"`
	Requester  *int64      `json:"requester_id"`
	Assignee   *int64      `json:"assignee_id"`
	Group      *int64      `json:"group_id"`
	Comment    *newComment `json:"comment"`
	Metadata   object      `json:"metadata"`
}

type newComment struct {
	Body    string   `json:"body"`
	Public  *bool    `json:"public"`
	Author  int64    `json:"author_id"`
	Uploads []string `json:"uploads"`
}

func (n newComment) public() bool { return n.Public == nil || *n.Public }

// audit is the record of one change; each comment has one of its own.
type audit struct {
	ID       int64     `json:"id"`
	Ticket   int64     `json:"ticket_id"`
	Author   int64     `json:"author_id"`
	Created  time.Time `json:"created_at"`
	Metadata object    `json:"metadata"`
	Events   []object  `json:"events"`
}

func (s *server) ticket(id int64) (ticket, *problem) {
	var t ticket
	if !s.env.State().Get("tickets", key(id), &t) {
		return t, missing("RecordNotFound")
	}
	return t, nil
}

func (s *server) put(t ticket) { s.env.State().Put("tickets", key(t.ID), t) }

func (s *server) createTicket(c *call) (any, *problem) {
	var in struct{ Ticket change }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	asked := in.Ticket
	if asked.Comment == nil || asked.Comment.Body == "" {
		return nil, invalid("base", "BlankValue", "Description: cannot be blank")
	}
	t := ticket{ID: s.next(), Status: "new", Requester: ownUser, Tags: []string{}, Created: s.env.Now().UTC(), Updated: s.env.Now().UTC()}
	t.URL = s.env.BaseURL() + "/api/v2/tickets/" + key(t.ID) + ".json"
	if asked.Requester != nil {
		t.Requester = *asked.Requester
		if _, known := s.user(t.Requester); !known {
			return nil, invalid("requester", "BlankValue", "Requester: "+key(t.Requester)+" is suspended or unknown")
		}
	}
	if err := t.apply(asked); err != nil {
		return nil, err
	}
	s.put(t)
	a := s.say(t, *asked.Comment, asked.Metadata, ownUser)
	c.status = http.StatusCreated
	c.header.Set("Location", t.URL)
	return object{"ticket": t, "audit": a}, nil
}

// apply changes the fields that were given.
func (t *ticket) apply(c change) *problem {
	if c.Status != nil {
		if !slices.Contains([]string{"new", "open", "pending", "hold", "solved", "closed"}, *c.Status) {
			return invalid("status", "InvalidValue", "Status: "+*c.Status+" is not included in the list")
		}
		t.Status = *c.Status
	}
	if c.Priority != nil && !slices.Contains([]string{"low", "normal", "high", "urgent"}, *c.Priority) {
		return invalid("priority", "InvalidValue", "Priority: "+*c.Priority+" is not included in the list")
	}
	if c.Subject != nil {
		t.Subject = *c.Subject
	}
	if c.Tags != nil {
		t.Tags = *c.Tags
	}
	set(&t.Priority, c.Priority)
	set(&t.ExternalID, c.ExternalID)
	set(&t.Group, c.Group)
	if set(&t.Assignee, c.Assignee); c.Assignee != nil && t.Status == "new" {
		t.Status = "open"
	}
	return nil
}

func set[T any](field **T, value *T) {
	if value != nil {
		*field = value
	}
}

func (s *server) showTicket(c *call) (any, *problem) {
	t, err := s.ticket(c.id())
	return object{"ticket": t}, err
}

func (s *server) listTickets(c *call) (any, *problem) {
	found := []ticket{}
	want := c.r.URL.Query().Get("external_id")
	s.eachTicket(func(t ticket) {
		if want == "" || t.ExternalID != nil && *t.ExternalID == want {
			found = append(found, t)
		}
	})
	return object{"tickets": found, "count": len(found), "next_page": nil, "previous_page": nil}, nil
}

func (s *server) eachTicket(visit func(ticket)) {
	s.env.State().Each("tickets", func(_ string, raw json.RawMessage) bool {
		var t ticket
		if json.Unmarshal(raw, &t) == nil {
			visit(t)
		}
		return true
	})
}

func (s *server) updateTicket(c *call) (any, *problem) {
	var in struct{ Ticket change }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	t, a, err := s.change(c.id(), in.Ticket, ownUser)
	return object{"ticket": t, "audit": a}, err
}

// change does what somebody asks of a ticket, and tells of it.
func (s *server) change(id int64, asked change, by int64) (ticket, audit, *problem) {
	before, err := s.ticket(id)
	if err != nil {
		return before, audit{}, err
	}
	if before.Status == "closed" {
		return before, audit{}, invalid("status", "", "Status: closed prevents ticket update")
	}
	t := before
	if err := t.apply(asked); err != nil {
		return before, audit{}, err
	}
	t.Updated = s.env.Now().UTC()
	s.put(t)
	a := audit{Events: []object{}}
	if asked.Comment != nil {
		a = s.say(t, *asked.Comment, asked.Metadata, by)
	}
	s.tellChanges(before, t, by)
	return t, a, nil
}

func (s *server) addTags(c *call) (any, *problem) {
	var in struct{ Tags []string }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	t, err := s.ticket(c.id())
	if err != nil {
		return nil, err
	}
	for _, tag := range in.Tags {
		if !slices.Contains(t.Tags, tag) {
			t.Tags = append(t.Tags, tag)
		}
	}
	_, _, err = s.change(t.ID, change{Tags: &t.Tags}, ownUser)
	return object{"tags": t.Tags}, err
}

// exportPage is how many tickets stand on a page of the export.
const exportPage = 100

// exportTickets lists the tickets that have changed since a time, or since the last
// page, by when they did. A cursor is the last one's time and ID.
func (s *server) exportTickets(c *call) (any, *problem) {
	q := c.r.URL.Query()
	at, after := q.Get("cursor"), int64(0)
	if at == "" {
		at = q.Get("start_time") + "000000000"
	}
	at, last, _ := strings.Cut(at, "-")
	since, err := strconv.ParseInt(at, 10, 64)
	if err != nil || since > s.env.Now().Add(-time.Minute).UnixNano() && q.Get("cursor") == "" {
		return nil, &problem{status: http.StatusBadRequest, Error: "StartTimeTooRecent", Description: "start_time must be older than one minute"}
	}
	after, _ = strconv.ParseInt(last, 10, 64) // none is before all
	found := []ticket{}
	s.eachTicket(func(t ticket) {
		if n := t.Updated.UnixNano(); n > since || n == since && t.ID > after {
			found = append(found, t)
		}
	})
	slices.SortFunc(found, func(a, b ticket) int { return cmp.Or(a.Updated.Compare(b.Updated), cmp.Compare(a.ID, b.ID)) })
	end := len(found) <= exportPage
	found = found[:min(len(found), exportPage)]
	cursor := at + "-" + last
	if len(found) > 0 {
		t := found[len(found)-1]
		cursor = strconv.FormatInt(t.Updated.UnixNano(), 10) + "-" + key(t.ID)
	}
	return object{"tickets": found, "after_cursor": cursor, "end_of_stream": end}, nil
}
