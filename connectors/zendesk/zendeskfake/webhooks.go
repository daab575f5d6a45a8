package zendeskfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
)

// webhook is a webhook that was made through the API.
type webhook struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Endpoint      string   `json:"endpoint"`
	Method        string   `json:"http_method"`
	Format        string   `json:"request_format"`
	Status        string   `json:"status"`
	Subscriptions []string `json:"subscriptions"`
}

func (s *server) listWebhooks(*call) (any, *problem) {
	return object{"webhooks": s.webhooks(), "meta": object{"has_more": false}}, nil
}

func (s *server) webhooks() []webhook {
	found := []webhook{}
	s.env.State().Each("webhooks", func(_ string, raw json.RawMessage) bool {
		var w webhook
		if json.Unmarshal(raw, &w) == nil {
			found = append(found, w)
		}
		return true
	})
	return found
}

func (s *server) createWebhook(c *call) (any, *problem) {
	var in struct{ Webhook webhook }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	w := in.Webhook
	if w.Name == "" || !strings.HasPrefix(w.Endpoint, "http") || w.Method != "POST" || w.Format != "json" || len(w.Subscriptions) == 0 {
		return nil, &problem{status: http.StatusBadRequest, Error: "InvalidWebhook", Description: "Invalid webhook"}
	}
	w.ID = s.env.NextID("01F1")
	s.env.State().Put("webhooks", w.ID, w)
	c.status = http.StatusCreated
	return object{"webhook": w}, nil
}

func (s *server) updateWebhook(c *call) (any, *problem) {
	var in struct{ Webhook webhook }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	var w webhook
	if !s.env.State().Get("webhooks", c.r.PathValue("id"), &w) {
		return nil, missing("WebhookNotFound")
	}
	id := w.ID
	w = in.Webhook
	w.ID = id
	s.env.State().Put("webhooks", id, w)
	return nil, nil
}

// signingSecret shows that of the connection to which the webhook goes, as if it had
// been copied there.
func (s *server) signingSecret(c *call) (any, *problem) {
	var w webhook
	if !s.env.State().Get("webhooks", c.r.PathValue("id"), &w) {
		return nil, missing("WebhookNotFound")
	}
	return object{"signing_secret": object{"algorithm": "SHA256", "secret": s.secretOf(w.Endpoint)}}, nil
}

// secretOf is the newest secret of the connection with that address.
func (s *server) secretOf(endpoint string) string {
	address, _, _ := strings.Cut(endpoint, "?")
	for _, a := range s.env.Accounts() {
		var c account
		if a.Hook == address && json.Unmarshal(a.Config, &c) == nil {
			secret, _, _ := strings.Cut(c.WebhookSecret, ",")
			return strings.TrimSpace(secret)
		}
	}
	return "dGhpcyBpcyBub2JvZHkncw"
}

func (s *server) tellComment(t ticket, said object, by int64) {
	author, _ := said["author_id"].(int64)
	u, _ := s.user(author)
	id, _ := said["id"].(int64)
	s.tell(t, "ticket.comment_added", by, object{"comment": object{"id": key(id), "body": said["body"], "is_public": said["public"],
		"author": object{"id": key(author), "is_staff": u.Role != "end-user", "name": u.Name}}})
}

// tellChanges tells of each field that has changed.
func (s *server) tellChanges(before, after ticket, by int64) {
	if before.Status != after.Status {
		s.tell(after, "ticket.status_changed", by, object{"previous": strings.ToUpper(before.Status), "current": strings.ToUpper(after.Status)})
	}
	if text(before.Priority) != text(after.Priority) {
		s.tell(after, "ticket.priority_changed", by, object{"previous": strings.ToUpper(text(before.Priority)), "current": strings.ToUpper(text(after.Priority))})
	}
	if number(before.Assignee) != number(after.Assignee) {
		s.tell(after, "ticket.agent_assignment_changed", by, object{"previous": number(before.Assignee), "current": number(after.Assignee)})
	}
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// number is an ID as events have it.
func number(p *int64) any {
	if p == nil {
		return nil
	}
	return key(*p)
}

// tell sends one event to each webhook that subscribes to it, and to each connection
// that has none, as if one had been made by hand. Zendesk keeps no order.
func (s *server) tell(t ticket, kind string, by int64, event object) {
	kind = "zen:event-type:" + kind
	if _, silent := s.env.Fault("stop_pushing", kind); silent {
		return
	}
	now := s.env.Now().UTC()
	body := encode(object{"account_id": 22129848, "id": s.env.NextID("4b2b5c1d-5b1e-4a3f-9a53-"), "type": kind, "subject": "zen:ticket:" + key(t.ID),
		"time": now.Format(time.RFC3339Nano), "zendesk_event_version": "2022-11-06", "event": event,
		"detail": object{"id": key(t.ID), "actor_id": key(by), "external_id": t.ExternalID, "status": strings.ToUpper(t.Status),
			"priority": strings.ToUpper(text(t.Priority)), "subject": t.Subject, "assignee_id": number(t.Assignee), "group_id": number(t.Group),
			"requester_id": key(t.Requester), "tags": t.Tags, "created_at": t.Created, "updated_at": t.Updated, "via": object{"channel": "web_service"}}})
	made := s.webhooks()
	for _, a := range s.env.Accounts() {
		own := slices.DeleteFunc(slices.Clone(made), func(w webhook) bool { return !strings.HasPrefix(w.Endpoint+"?", a.Hook+"?") })
		if len(own) == 0 {
			own = []webhook{{Endpoint: a.Hook + "?own_user=" + key(ownUser), Status: "active", Subscriptions: []string{kind}}}
		}
		for _, w := range own {
			if w.Status == "active" && slices.Contains(w.Subscriptions, kind) {
				s.env.Deliver(s.Sign(fake.Delivery{URL: w.Endpoint, Body: body}, now))
			}
		}
	}
}

// Sign signs an attempt with its time
// (https://developer.zendesk.com/documentation/webhooks/verifying/).
func (s *server) Sign(d fake.Delivery, now time.Time) fake.Delivery {
	stamp := now.UTC().Format(time.RFC3339)
	mac := hmac.New(sha256.New, []byte(s.secretOf(d.URL)))
	mac.Write([]byte(stamp))
	mac.Write(d.Body)
	d.Header = http.Header{
		"Content-Type":                          {"application/json"},
		"User-Agent":                            {"Zendesk Webhook"},
		"X-Zendesk-Account-Id":                  {"22129848"},
		"X-Zendesk-Webhook-Signature":           {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
		"X-Zendesk-Webhook-Signature-Timestamp": {stamp},
	}
	return d
}
