package whatsappfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// window is how long after a customer's message free-form messages are taken.
const window = 24 * time.Hour

// customer is what the fake knows of one person's chat with one number.
type customer struct {
	Said time.Time `json:"said"`
	Name string    `json:"name,omitempty"`
	// Blocked customers get nothing: sends are accepted and fail later.
	Blocked bool     `json:"blocked,omitempty"`
	Unread  []unread `json:"unread,omitempty"`
}

type unread struct {
	ID  string `json:"id"`
	Key string `json:"key,omitempty"`
}

// stored is a message on a phone, with the number that it was exchanged with.
type stored struct {
	fake.Shown
	Number string `json:"number"`
}

func chatKey(number, from string) string { return number + "/" + from }

// accept takes a valid message: shows it on the phone, answers with its ID, and
// reports its fate by webhooks.
func (s *server) accept(w http.ResponseWriter, number string, acc *fake.Account, req request) {
	from := s.recipient(req)
	var c customer
	s.env.State().Get("chats", chatKey(number, from), &c)
	if req.Template == nil && s.env.Now().Sub(c.Said) > window {
		fail(w, problem{131047, "Message failed to send because more than 24 hours have passed since the customer last replied to this number."})
		return
	}
	id := s.env.NextID("wamid.")
	if !c.Blocked {
		shown := req.shown()
		shown.ID, shown.From, shown.Key = id, "business", req.Callback
		s.show(number, from, shown)
		s.updateChat(number, from, func(c *customer) { c.Unread = append(c.Unread, unread{id, req.Callback}) })
	}
	if acc != nil {
		s.reportAccepted(*acc, from, unread{id, req.Callback}, c.Blocked)
	}
	contact := map[string]any{"input": req.To, "wa_id": from}
	if req.To == "" {
		contact = map[string]any{"input": req.Recipient, "user_id": req.Recipient}
	}
	writeJSON(w, http.StatusOK, map[string]any{"messaging_product": "whatsapp",
		"contacts": []any{contact}, "messages": []any{map[string]any{"id": id}}})
}

// recipient names the phone: by its number, or by the business-scoped user ID
// that Say gave it. "to" wins over "recipient", as with Meta.
func (s *server) recipient(req request) string {
	if req.To != "" {
		return phoneDigits(req.To)
	}
	var from string
	if s.env.State().Get("people", req.Recipient, &from) {
		return from
	}
	return req.Recipient
}

func (s *server) updateChat(number, from string, change func(*customer)) {
	s.env.State().Update("chats", chatKey(number, from), func(old json.RawMessage) any {
		var c customer
		_ = json.Unmarshal(old, &c) // none yet
		change(&c)
		return c
	})
}

// show puts a message on a phone.
func (s *server) show(number, from string, m fake.Shown) {
	s.env.State().Update("count", "shown", func(old json.RawMessage) any {
		_ = json.Unmarshal(old, &m.Seq) // none yet
		m.Seq++
		return m.Seq
	})
	m.At = s.env.Now()
	s.env.State().Put("phone/"+from, fmt.Sprintf("%016d", m.Seq), stored{m, number})
}

func (r request) shown() fake.Shown {
	switch {
	case r.Text != nil:
		return fake.Shown{Text: r.Text.Body}
	case r.Interactive != nil:
		return r.Interactive.shown()
	case r.Template != nil:
		t := &sdk.Template{Name: r.Template.Name, Language: r.Template.Language.Code}
		for _, c := range r.Template.Components {
			for _, p := range c.Parameters {
				t.Params = append(t.Params, p.Text)
			}
		}
		return fake.Shown{Template: t}
	case len(r.Contacts) > 0:
		return fake.Shown{Contact: r.Contacts[0].card()}
	case r.Location != nil:
		l := r.Location
		return fake.Shown{Location: &sdk.Location{Latitude: float64(l.Latitude), Longitude: float64(l.Longitude), Name: l.Name, Address: l.Address}}
	}
	m := r.media()
	return fake.Shown{Media: &sdk.Media{Kind: r.Type, URL: m.Link, ID: m.ID, Caption: m.Caption, Filename: m.Filename}}
}

func (i *interactive) shown() fake.Shown {
	out := fake.Shown{Text: i.Body.Text, ListButton: i.Action.Button}
	if i.Header != nil {
		out.Header = i.Header.Text
	}
	if i.Footer != nil {
		out.Footer = i.Footer.Text
	}
	for _, b := range i.Action.Buttons {
		out.Choices = append(out.Choices, sdk.Choice{ID: b.Reply.ID, Label: b.Reply.Title})
	}
	for _, sec := range i.Action.Sections {
		for _, r := range sec.Rows {
			out.Choices = append(out.Choices, sdk.Choice{ID: r.ID, Label: r.Title, Description: r.Description})
		}
	}
	if i.Type == "cta_url" {
		out.Link = &sdk.Link{URL: i.Action.Parameters.URL, Label: i.Action.Parameters.DisplayText}
	}
	return out
}

func (s *server) reportAccepted(acc fake.Account, from string, m unread, blocked bool) {
	if blocked {
		s.report(acc, from, m, "failed", map[string]any{"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable",
			"error_data": map[string]any{"details": "Message Undeliverable."}})
		return
	}
	s.report(acc, from, m, "sent", nil)
	s.report(acc, from, m, "delivered", nil)
}

// report sends one status (schema Statuses) in no order, as Meta does.
func (s *server) report(acc fake.Account, from string, m unread, status string, failure map[string]any) {
	st := map[string]any{"id": m.ID, "status": status, "timestamp": s.unix(), "recipient_user_id": s.userID(from)}
	if isPhone(from) {
		st["recipient_id"] = from
	}
	if m.Key != "" {
		st["biz_opaque_callback_data"] = m.Key
	}
	if failure != nil {
		st["errors"] = []any{failure}
	} else {
		st["pricing"] = map[string]any{"billable": false, "pricing_model": "PMP", "category": "service"}
	}
	s.deliver(acc, map[string]any{"statuses": []any{st}}, "")
}

// read reports everything unread of a chat as read.
func (s *server) read(acc fake.Account, from string) {
	var seen []unread
	number := settingsOf(acc).PhoneNumberID
	var c customer
	if !s.env.State().Get("chats", chatKey(number, from), &c) || len(c.Unread) == 0 {
		return
	}
	s.updateChat(number, from, func(c *customer) { seen, c.Unread = c.Unread, nil })
	for _, m := range seen {
		s.report(acc, from, m, "read", nil)
	}
}

func (s *server) unix() string { return strconv.FormatInt(s.env.Now().Unix(), 10) }
