package livechat

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// webhook is the body of a webhook (platform.text.com, "Webhooks" v3.6).
type webhook struct {
	SecretKey      string  `json:"secret_key"`
	Action         string  `json:"action"`
	OrganizationID string  `json:"organization_id"`
	Payload        payload `json:"payload"`
	Additional     struct {
		Properties map[string]map[string]any `json:"chat_properties"`
	} `json:"additional_data"`
}

type payload struct {
	ChatID   string `json:"chat_id"`
	ThreadID string `json:"thread_id"`
	Event    event  `json:"event"`
	To       struct {
		Groups []int    `json:"group_ids"`
		Agents []string `json:"agent_ids"`
	} `json:"transferred_to"`
	Reason string `json:"reason"`
	Queue  *struct {
		At string `json:"queued_at"`
	} `json:"queue"`
}

// Verify compares the body's secret_key with the configured one in constant time,
// and the organisation. LiveChat signs nothing: whoever has the secret can say
// anything, so the address and the secret must both be kept.
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if c.WebhookSecret == "" {
		return refuse("webhook_secret is not configured")
	}
	var w webhook
	if json.Unmarshal(req.Body, &w) != nil {
		return refuse("the body is not LiveChat's")
	}
	got, want := sha256.Sum256([]byte(w.SecretKey)), sha256.Sum256([]byte(c.WebhookSecret))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return refuse("the body's secret_key is not webhook_secret")
	}
	if w.OrganizationID != c.OrganizationID {
		return refuse("the webhook is for another organisation")
	}
	return nil
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}

// Transferred tells who has a chat now.
type Transferred struct {
	Chat   string `json:"chat" doc:"The ID of the chat."`
	Groups []int  `json:"groups,omitempty" doc:"The groups that have it now."`
	Reason string `json:"reason,omitempty" doc:"manual, inactive, assigned, unassigned or other."`
	Queued bool   `json:"queued,omitempty" doc:"Tells that it waits for somebody."`
}

// Parse gives what an agent said, and that a chat was transferred or is over.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var w webhook
	if err := json.Unmarshal(req.Body, &w); err != nil {
		return nil, sdk.Invalidf("the body is not LiveChat's")
	}
	switch p := w.Payload; {
	case p.ChatID == "":
	case w.Action == "incoming_event" && p.Event.ID != "" && p.Event.byAgent():
		if said := p.Event.said(p.ChatID); said.Text != "" || said.Files != nil {
			return c.news(w, role.AgentSaid, p.Event.ID, said), nil
		}
	case w.Action == "chat_deactivated" && p.ThreadID != "":
		return c.news(w, role.ChatClosed, p.ThreadID, role.ChatEnded{Chat: p.ChatID}), nil
	case w.Action == "chat_transferred":
		to := Transferred{Chat: p.ChatID, Groups: p.To.Groups, Reason: p.Reason, Queued: p.Queue != nil}
		return c.news(w, "chat.transferred", transferID(p), to), nil
	}
	return []sdk.Event{{Kind: sdk.EventIgnored, Type: w.Action}}, nil
}

// transferID tells one transfer from another: LiveChat gives them no ID.
func transferID(p payload) string {
	sum := sha256.Sum256(sdk.JSONBody(p))
	return p.ThreadID + "-" + hex.EncodeToString(sum[:8])
}

func (c *connection) news(w webhook, name, id string, data any) []sdk.Event {
	key, _ := w.Additional.Properties[c.ClientID][keyProperty].(string)
	return []sdk.Event{{ID: w.Action + ":" + w.Payload.ChatID + ":" + id, Kind: sdk.EventProvider, Type: w.Action,
		Provider: &sdk.ProviderEvent{Name: name, EffectKey: key, Refs: []string{w.Payload.ChatID}, Data: sdk.JSONBody(data)}}}
}

// customerID is what IDs of customers look like ("Users": a UUID); an agent's is a
// mail address, a bot's has no hyphens.
var customerID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// byAgent tells whether an agent, or a bot of LiveChat's, wrote the event for the
// customer to see: what we pass on ourselves is a customer's.
func (e event) byAgent() bool {
	return e.AuthorID != "" && !customerID.MatchString(strings.ToLower(e.AuthorID)) && (e.Visibility == "" || e.Visibility == "all")
}

// said is what an event says to the customer; nothing if it is of a kind that says
// nothing.
func (e event) said(chat string) role.Said {
	out := role.Said{Chat: chat}
	switch e.Type {
	case "message":
		out.Text = e.Text
	case "file":
		if e.URL != "" {
			out.Files = []string{e.URL}
		}
	case "rich_message":
		var parts []string
		for _, el := range e.Elements {
			for _, s := range []string{el.Title, el.Subtitle} {
				if s != "" {
					parts = append(parts, s)
				}
			}
		}
		out.Text = strings.Join(parts, "\n")
	}
	return out
}
