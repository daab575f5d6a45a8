package freshdeskfake

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Two of the staff: the one whose key Parley has, and the one who answers on the page.
const (
	ownAgent   = 501
	staffAgent = 502
)

func (s *server) me(*call) (any, *problem) {
	return object{"id": ownAgent, "available": true, "contact": object{"name": "Parley", "email": "parley@example.com", "active": true}}, nil
}

// name is how somebody is called.
func (s *server) name(id int64) string {
	switch id {
	case ownAgent:
		return "Parley"
	case staffAgent:
		return "Asha Rao"
	}
	var c contact
	if s.env.State().Get("contacts", key(id), &c) {
		return c.Name
	}
	return "System"
}

// note is one of a ticket's conversations: a note, or a reply.
type note struct {
	ID       int64     `json:"id"`
	Ticket   int64     `json:"ticket_id"`
	User     int64     `json:"user_id"`
	Body     string    `json:"body"`
	Text     string    `json:"body_text"`
	Private  bool      `json:"private"`
	Incoming bool      `json:"incoming"`
	Source   int       `json:"source"` // 0 is a reply, 2 a note
	Files    []file    `json:"attachments"`
	Created  time.Time `json:"created_at"`
}

type file struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Type string `json:"content_type"`
	Size int    `json:"size"`
}

// newNote is what a request asks for, as JSON or as a form.
type newNote struct {
	Body     string `json:"body"`
	Private  *bool  `json:"private"`
	Incoming bool   `json:"incoming"`
	User     int64  `json:"user_id"`
	files    []file
}

// readNote reads the body; notes are private unless they say otherwise.
func (s *server) readNote(c *call) (newNote, *problem) {
	var n newNote
	if !strings.HasPrefix(c.r.Header.Get("Content-Type"), "multipart/form-data") {
		err := c.read(&n)
		return n, err
	}
	if c.r.ParseMultipartForm(25<<20) != nil {
		return n, invalid("attachments", "invalid_format", "It should be a/an valid form")
	}
	n.Body = c.r.PostFormValue("body")
	n.Incoming = c.r.PostFormValue("incoming") == "true"
	n.User, _ = strconv.ParseInt(c.r.PostFormValue("user_id"), 10, 64) // none is nobody
	if private, err := strconv.ParseBool(c.r.PostFormValue("private")); err == nil {
		n.Private = &private
	}
	for _, h := range c.r.MultipartForm.File["attachments[]"] {
		f, err := h.Open()
		if err != nil {
			return n, invalid("attachments", "invalid_format", "It should be a/an valid file")
		}
		size, err := io.Copy(io.Discard, f)
		_ = f.Close() // it was read
		if err != nil || size == 0 {
			return n, invalid("attachments", "invalid_format", "It should be a/an valid file")
		}
		n.files = append(n.files, file{ID: s.next(), Name: h.Filename, Type: h.Header.Get("Content-Type"), Size: int(size)})
	}
	return n, nil
}

func (s *server) createNote(c *call) (any, *problem) {
	n, err := s.readNote(c)
	if err != nil {
		return nil, err
	}
	c.status = http.StatusCreated
	return s.say(c.id(), n, n.Private == nil || *n.Private, 2, ownAgent)
}

func (s *server) createReply(c *call) (any, *problem) {
	n, err := s.readNote(c)
	if err != nil {
		return nil, err
	}
	if n.Private != nil || n.Incoming {
		return nil, invalid("private", "invalid_field", "Unexpected/invalid field in request")
	}
	c.status = http.StatusCreated
	return s.say(c.id(), n, false, 0, ownAgent)
}

// say keeps what is said. The rule tells of what is public and done by one of the
// staff, which whoever calls the API is.
func (s *server) say(ticket int64, n newNote, private bool, source int, by int64) (any, *problem) {
	t, err := s.ticket(ticket)
	if err != nil {
		return nil, err
	}
	if n.Body == "" {
		return nil, invalid("body", "missing_field", "It should be a/an String")
	}
	said := note{ID: s.next(), Ticket: t.ID, User: by, Body: n.Body, Text: plain(n.Body), Private: private, Incoming: n.Incoming,
		Source: source, Files: n.files, Created: s.env.Now().UTC()}
	if n.User != 0 {
		said.User = n.User
	}
	s.env.State().Put("notes", fmt.Sprintf("%012d/%012d", t.ID, said.ID), said)
	t.Updated = said.Created
	s.env.State().Put("tickets", key(t.ID), t)
	if !private {
		s.tell(t, "agent.said")
	}
	return said, nil
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is the text of simple HTML.
func plain(body string) string {
	return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(strings.ReplaceAll(body, "<br>", "\n"), "")))
}

func (s *server) notes(ticket int64) []note {
	found := []note{}
	each(s, "notes", func(n note) {
		if n.Ticket == ticket {
			found = append(found, n)
		}
	})
	return found
}

func (s *server) listConversations(c *call) (any, *problem) {
	t, err := s.ticket(c.id())
	if err != nil {
		return nil, err
	}
	return s.notes(t.ID), nil
}
