package livechatfake

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"parley/connectors/sdk/fake"
)

//go:embed desk.html
var source string

var page = template.Must(template.New("desk").Parse(source))

// accepting tells whether the agent accepts chats.
func (s *server) accepting() bool {
	away := false
	s.env.State().Get("desk", "away", &away)
	return !away
}

func (s *server) routingStatuses(call) (any, *apiError) {
	status := "not_accepting_chats"
	if s.accepting() {
		status = "accepting_chats"
	}
	return []map[string]string{{"agent_id": agentID, "status": status}}, nil
}

func (s *server) transferChat(c call) (any, *apiError) {
	var in struct {
		ID     string `json:"id"`
		Target struct {
			Type string `json:"type"`
			IDs  []int  `json:"ids"`
		} `json:"target"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	if in.Target.Type != "group" || len(in.Target.IDs) == 0 {
		return nil, invalid("target is not valid")
	}
	return nil, s.transfer(in.ID, in.Target.IDs)
}

func (s *server) transfer(id string, groups []int) *apiError {
	got, wrong := s.change(id, func(c *chat) *apiError { c.Groups = groups; return nil })
	if wrong == nil {
		s.push(got, "chat_transferred", map[string]any{"chat_id": got.ID, "thread_id": got.Thread, "requester_id": agentID, "reason": "manual",
			"transferred_to": map[string]any{"group_ids": groups}})
	}
	return wrong
}

func (s *server) deactivateChat(c call) (any, *apiError) {
	var in struct {
		ID string `json:"id"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	return nil, s.deactivate(in.ID)
}

func (s *server) deactivate(id string) *apiError {
	got, wrong := s.change(id, func(c *chat) *apiError { c.Active = false; return nil })
	if wrong == nil {
		s.push(got, "chat_deactivated", map[string]any{"chat_id": got.ID, "thread_id": got.Thread, "user_id": agentID})
	}
	return wrong
}

// push tells every connection of the organisation, as an app is told whose webhooks
// are set in the Developer Console. They come in order for each chat.
func (s *server) push(c chat, action string, payload any) {
	for _, a := range s.env.Accounts() {
		var k account
		if json.Unmarshal(a.Config, &k) != nil || k.OrganizationID != c.Owner {
			continue
		}
		s.env.Deliver(fake.Delivery{URL: a.Hook, Order: c.ID, Header: http.Header{"Content-Type": {"application/json"}},
			Body: encode(map[string]any{"webhook_id": "pqi8oasdjahuakndw9nsad9na", "secret_key": k.WebhookSecret, "action": action,
				"organization_id": k.OrganizationID, "payload": payload, "additional_data": map[string]any{"chat_properties": c.Properties}})})
	}
}

// registered is what an app has registered.
type registered map[string]any

func (s *server) listWebhooks(call) (any, *apiError) {
	list := []registered{}
	s.env.State().Each("webhooks", func(_ string, raw json.RawMessage) bool {
		var hook registered
		if json.Unmarshal(raw, &hook) == nil {
			delete(hook, "secret_key")
			list = append(list, hook)
		}
		return true
	})
	return list, nil
}

func (s *server) registerWebhook(c call) (any, *apiError) {
	hook := registered{}
	if err := c.into(&hook); err != nil {
		return nil, err
	}
	for _, field := range []string{"action", "secret_key", "url", "owner_client_id", "type"} {
		if text, _ := hook[field].(string); text == "" {
			return nil, invalid(field + " is missing")
		}
	}
	id := s.env.NextID("webhook_")
	hook["id"] = id
	s.env.State().Put("webhooks", id, hook)
	return map[string]string{"id": id}, nil
}

func (s *server) unregisterWebhook(c call) (any, *apiError) {
	var in struct {
		ID string `json:"id"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	if !s.env.State().Get("webhooks", in.ID, &registered{}) {
		return nil, notFound
	}
	s.env.State().Delete("webhooks", in.ID)
	return nil, nil
}

func (s *server) listProperties(call) (any, *apiError) {
	all := map[string]registered{}
	s.env.State().Each("properties", func(name string, raw json.RawMessage) bool {
		var p registered
		if json.Unmarshal(raw, &p) == nil {
			all[name] = p
		}
		return true
	})
	return all, nil
}

func (s *server) registerProperty(c call) (any, *apiError) {
	var in struct {
		Name   string         `json:"name"`
		Type   string         `json:"type"`
		Owner  string         `json:"owner_client_id"`
		Access map[string]any `json:"access"`
	}
	if err := c.into(&in); err != nil {
		return nil, err
	}
	if in.Name == "" || in.Type == "" || in.Owner == "" || len(in.Access) == 0 {
		return nil, invalid("name, type, owner_client_id and access are needed")
	}
	s.env.State().Put("properties", in.Name, in)
	return nil, nil
}

// desk shows the agent's chats, the newest first.
func (s *server) desk(w http.ResponseWriter, _ *http.Request) {
	var all []chat
	s.env.State().Each("chats", func(_ string, raw json.RawMessage) bool {
		var c chat
		if json.Unmarshal(raw, &c) == nil {
			all = append(all, c)
		}
		return true
	})
	slices.Reverse(all)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, map[string]any{"Base": s.env.BaseURL(), "Chats": all[:min(len(all), 50)], "Agent": agentID, "Accepting": s.accepting()}) // the visitor may be gone
}

// setStatus lets the agent come and go: a form post with action=come or leave.
func (s *server) setStatus(w http.ResponseWriter, r *http.Request) {
	s.env.State().Put("desk", "away", r.PostFormValue("action") == "leave")
	http.Redirect(w, r, s.env.BaseURL()+"/desk", http.StatusSeeOther)
}

// work does what the agent does in a chat: a form post with action=say and text,
// action=note and text, action=file and url, action=transfer and group, or
// action=close.
func (s *server) work(w http.ResponseWriter, r *http.Request) {
	id, text := r.PathValue("chat"), r.PostFormValue("text")
	var wrong *apiError
	switch r.PostFormValue("action") {
	case "say":
		_, wrong = s.add(id, agentID, event{Type: "message", Text: text})
	case "note":
		_, wrong = s.add(id, agentID, event{Type: "message", Text: text, Visibility: "agents"})
	case "file":
		_, wrong = s.add(id, agentID, event{Type: "file", URL: r.PostFormValue("url"), Name: "file"})
	case "transfer":
		group, err := strconv.Atoi(r.PostFormValue("group"))
		if wrong = invalid("group must be a number"); err == nil {
			wrong = s.transfer(id, []int{group})
		}
	case "close":
		wrong = s.deactivate(id)
	default:
		wrong = invalid("there is no such action")
	}
	if wrong != nil {
		http.Error(w, wrong.Message, wrong.status)
		return
	}
	http.Redirect(w, r, s.env.BaseURL()+"/desk", http.StatusSeeOther)
}
