package livechatfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// agentID is the agent who sits at the desk.
const agentID = "smith@example.com"

// chat is a chat with its one thread.
type chat struct {
	ID         string         `json:"id"`
	Customer   string         `json:"customer"`
	Owner      string         `json:"owner"` // the organisation
	Thread     string         `json:"thread"`
	Active     bool           `json:"active"`
	Groups     []int          `json:"groups"`
	Properties properties     `json:"properties"`
	Events     []event        `json:"events"`
	Preview    string         `json:"preview,omitempty"`
	Profile    map[string]any `json:"profile,omitempty"`
}

type properties map[string]map[string]any

type event struct {
	ID         string    `json:"id"`
	CustomID   string    `json:"custom_id,omitempty"`
	Type       string    `json:"type"`
	Text       string    `json:"text,omitempty"`
	URL        string    `json:"url,omitempty"`
	Name       string    `json:"name,omitempty"`
	AuthorID   string    `json:"author_id"`
	Visibility string    `json:"visibility"`
	CreatedAt  time.Time `json:"created_at"`
}

// issueToken makes a customer, or a new token of one (agent token grant).
func (s *server) issueToken(w http.ResponseWriter, r *http.Request) {
	c, denied := s.authenticate(r, false)
	if denied != nil {
		answer(w, nil, denied)
		return
	}
	var in struct {
		GrantType    string `json:"grant_type"`
		ClientID     string `json:"client_id"`
		ResponseType string `json:"response_type"`
		EntityID     string `json:"entity_id"`
	}
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in) != nil || in.GrantType != "agent_token" || in.ResponseType != "token" || in.ClientID != c.owner.ClientID {
		answer(w, nil, invalid("Wrong format of request"))
		return
	}
	if in.EntityID == "" {
		in.EntityID = s.uuid()
	}
	token := "dal:" + s.env.NextID("customer_")
	s.env.State().Put("tokens", token, in.EntityID)
	answer(w, map[string]any{"access_token": token, "client_id": in.ClientID, "entity_id": in.EntityID, "expires_in": 28800,
		"token_type": "Bearer", "organization_id": c.owner.OrganizationID}, nil)
}

// uuid is a new customer's ID: in LiveChat's form, and unique over restarts.
func (s *server) uuid() string {
	n := strings.Repeat("0", 12) + strings.TrimLeft(s.env.NextID("n"), "n")
	return "b7eff798-f8df-4364-8059-" + n[len(n)-12:]
}

func (s *server) updateCustomer(c call) (any, *apiError) {
	profile := map[string]any{}
	if err := c.into(&profile); err != nil {
		return nil, err
	}
	for field := range profile {
		if !slices.Contains([]string{"name", "email", "avatar", "session_fields", "omnichannel", "address"}, field) {
			return nil, invalid("unknown field " + field)
		}
	}
	s.env.State().Put("profiles", c.customer, profile)
	return nil, nil
}

func (s *server) startChat(c call) (any, *apiError) {
	var in struct {
		Chat struct {
			Properties properties `json:"properties"`
			Access     struct {
				Groups []int `json:"group_ids"`
			} `json:"access"`
			Thread struct {
				Events []event `json:"events"`
			} `json:"thread"`
		} `json:"chat"`
		Continuous bool `json:"continuous"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	if !s.accepting() && !in.Continuous {
		return nil, failed(http.StatusUnprocessableEntity, "groups_offline", "Groups offline")
	}
	out := chat{ID: s.env.NextID("PJ0MRSHT"), Customer: c.customer, Owner: c.owner.OrganizationID, Thread: s.env.NextID("PGDGHT"), Active: true,
		Groups: in.Chat.Access.Groups, Properties: in.Chat.Properties}
	if len(out.Groups) == 0 {
		out.Groups = []int{0}
	}
	s.env.State().Get("profiles", c.customer, &out.Profile)
	var ids []string
	for _, e := range in.Chat.Thread.Events {
		e, err := s.admit(e, c.customer)
		if err != nil {
			return nil, err
		}
		out.Events, ids = append(out.Events, e), append(ids, e.ID)
	}
	s.env.State().Put("chats", out.ID, out)
	s.push(out, "incoming_chat", map[string]any{"chat": view(out)})
	return map[string]any{"chat_id": out.ID, "thread_id": out.Thread, "event_ids": ids}, nil
}

// admit checks an event and gives it what the server gives.
func (s *server) admit(e event, author string) (event, *apiError) {
	switch {
	case e.Type == "message" && (e.Text == "" || len(e.Text) > 16<<10):
		return e, invalid("text must be 1 B to 16 KB")
	case e.Type == "file" && e.URL == "", e.Type != "message" && e.Type != "file":
		return e, invalid("the event is not valid")
	}
	e.ID, e.AuthorID, e.CreatedAt = s.env.NextID("Q20N9CKRX"), author, s.env.Now().UTC()
	if e.Visibility == "" {
		e.Visibility = "all"
	}
	return e, nil
}

// change alters a chat under its lock. It fails on one that is over.
func (s *server) change(id string, alter func(*chat) *apiError) (out chat, wrong *apiError) {
	wrong = notFound
	s.env.State().Update("chats", id, func(old json.RawMessage) any {
		if old == nil || json.Unmarshal(old, &out) != nil {
			return nil
		}
		if wrong = failed(http.StatusUnprocessableEntity, "chat_inactive", "Chat is inactive"); out.Active {
			wrong = alter(&out)
		}
		return out
	})
	return out, wrong
}

// add adds an event to a chat and tells of it.
func (s *server) add(id, author string, e event) (event, *apiError) {
	e, wrong := s.admit(e, author)
	if wrong != nil {
		return e, wrong
	}
	got, wrong := s.change(id, func(c *chat) *apiError {
		if author != agentID && c.Customer != author {
			return failed(http.StatusForbidden, "authorization", "User is not allowed to perform the action")
		}
		c.Events, c.Preview = append(c.Events, e), ""
		return nil
	})
	if wrong == nil {
		s.push(got, "incoming_event", map[string]any{"chat_id": got.ID, "thread_id": got.Thread, "event": e})
	}
	return e, wrong
}

func (s *server) sendEvent(c call) (any, *apiError) {
	var in struct {
		ChatID string `json:"chat_id"`
		Event  event  `json:"event"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	e, wrong := s.add(in.ChatID, c.customer, in.Event)
	return map[string]string{"event_id": e.ID}, wrong
}

func (s *server) sneakPeek(c call) (any, *apiError) {
	var in struct {
		ChatID string  `json:"chat_id"`
		Text   *string `json:"sneak_peek_text"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	if in.Text == nil {
		return nil, invalid("sneak_peek_text is missing")
	}
	_, wrong := s.change(in.ChatID, func(k *chat) *apiError { k.Preview = *in.Text; return nil })
	return nil, wrong
}

// view is a chat as the Agent Chat API gives it.
func view(c chat) map[string]any {
	return map[string]any{"id": c.ID, "properties": c.Properties, "access": map[string]any{"group_ids": c.Groups}, "is_followed": false,
		"users":  []map[string]any{{"id": c.Customer, "type": "customer", "present": true}, {"id": agentID, "type": "agent", "name": "Agent Smith", "present": true}},
		"thread": map[string]any{"id": c.Thread, "active": c.Active, "user_ids": []string{c.Customer, agentID}, "events": c.Events}}
}

func (s *server) getChat(c call) (any, *apiError) {
	var in struct {
		ChatID string `json:"chat_id"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	var found chat
	if !s.env.State().Get("chats", in.ChatID, &found) || found.Owner != c.owner.OrganizationID {
		return nil, notFound
	}
	return view(found), nil
}

func (s *server) listChats(c call) (any, *apiError) {
	var in struct {
		Filters struct {
			Properties map[string]map[string]struct {
				Values []any `json:"values"`
			} `json:"properties"`
		} `json:"filters"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	lag, lags := s.env.Fault("search_lag", "chat_start")
	list := []map[string]any{}
	s.env.State().Each("chats", func(_ string, raw json.RawMessage) bool {
		var k chat
		if json.Unmarshal(raw, &k) != nil || k.Owner != c.owner.OrganizationID {
			return true
		}
		if lags && len(k.Events) > 0 && s.env.Now().Sub(k.Events[0].CreatedAt) < lag {
			return true
		}
		for space, names := range in.Filters.Properties {
			for name, filter := range names {
				if !slices.Contains(filter.Values, k.Properties[space][name]) {
					return true
				}
			}
		}
		list = append(list, map[string]any{"id": k.ID, "properties": k.Properties})
		return true
	})
	return map[string]any{"chats_summary": list, "found_chats": len(list)}, nil
}
