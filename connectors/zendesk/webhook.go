package zendesk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const (
	signatureHeader = "X-Zendesk-Webhook-Signature"
	timeHeader      = "X-Zendesk-Webhook-Signature-Timestamp"
	// tolerance is how far the signed time may be from now. Zendesk repeats a webhook
	// within minutes, and does not say whether it signs it anew.
	tolerance = 10 * time.Minute
)

// Kinds of events (https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/).
const (
	commentAdded    = "zen:event-type:ticket.comment_added"
	statusChanged   = "zen:event-type:ticket.status_changed"
	priorityChanged = "zen:event-type:ticket.priority_changed"
	assigneeChanged = "zen:event-type:ticket.agent_assignment_changed"
)

var subscriptions = []string{commentAdded, statusChanged, priorityChanged, assigneeChanged}

// Verify checks the signature, the base64 of the HMAC-SHA256 of the signed time and
// the raw body, with every configured secret
// (https://developer.zendesk.com/documentation/webhooks/verifying/).
func (c *connection) Verify(req sdk.WebhookRequest, now time.Time) error {
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	stamp := req.Header.Get(timeHeader)
	got, err := base64.StdEncoding.DecodeString(req.Header.Get(signatureHeader))
	if err != nil || len(got) != sha256.Size || stamp == "" {
		return refuse("the " + signatureHeader + " or " + timeHeader + " header is missing or not readable")
	}
	genuine := false
	for _, secret := range c.secrets {
		genuine = hmac.Equal(got, signature(secret, stamp, req.Body)) || genuine
	}
	if !genuine {
		return refuse("no signature matches: the body was altered, or webhook_secret is not the signing secret that Zendesk shows for this webhook")
	}
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return refuse("the " + timeHeader + " header is no time")
	}
	if age := now.Sub(at); age > tolerance || age < -tolerance {
		return refuse("the signature's time is too far from now: a replay, or a wrong clock")
	}
	return nil
}

func signature(secret, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp))
	mac.Write(body)
	return mac.Sum(nil)
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}

// news is the envelope of an event.
type news struct {
	ID     string    `json:"id"`
	Type   string    `json:"type"`
	Time   time.Time `json:"time"`
	Detail struct {
		ID         id     `json:"id"`
		ExternalID string `json:"external_id"`
		Status     string `json:"status"`
		Subject    string `json:"subject"`
		Priority   string `json:"priority"`
		Assignee   id     `json:"assignee_id"`
		Requester  id     `json:"requester_id"`
		Actor      id     `json:"actor_id"`
	} `json:"detail"`
	Event struct {
		Comment struct {
			ID     id     `json:"id"`
			Body   string `json:"body"`
			Public bool   `json:"is_public"`
			Author struct {
				ID    id     `json:"id"`
				Staff bool   `json:"is_staff"`
				Name  string `json:"name"`
			} `json:"author"`
		} `json:"comment"`
	} `json:"event"`
}

// Parse reads one event; a comment's is known by the comment's ID, as in Poll. Tickets that Parley did not open, notes, and what customers
// and Parley's own user write are ignored; the customer may be one of the staff.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var n news
	if json.Unmarshal(req.Body, &n) != nil || n.ID == "" || n.Type == "" {
		return nil, sdk.Invalidf("the body is no event of Zendesk's: is the webhook connected to a trigger, not subscribed to events?")
	}
	e := sdk.Event{ID: n.ID, Kind: sdk.EventIgnored, Type: n.Type, At: n.Time.UTC()}
	if !slices.Contains(subscriptions, n.Type) || !keyForm.MatchString(n.Detail.ExternalID) {
		return []sdk.Event{e}, nil
	}
	if n.Detail.ID == "" {
		return nil, sdk.Invalidf("the event names no ticket")
	}
	ticket := string(n.Detail.ID)
	if n.Type == commentAdded {
		said, own := n.Event.Comment, ownUser(req.URL)
		if !said.Public || !said.Author.Staff || slices.Contains([]id{n.Detail.Requester, own}, said.Author.ID) || own != "" && n.Detail.Actor == own {
			return []sdk.Event{e}, nil
		}
		if said.ID == "" {
			return nil, sdk.Invalidf("the event names no comment")
		}
		return []sdk.Event{saidEvent(said.ID, n.Time, n.Detail.ExternalID, role.Said{Text: said.Body, Agent: said.Author.Name, Ticket: ticket})}, nil
	}
	e.Kind = sdk.EventProvider
	e.Provider = &sdk.ProviderEvent{Name: "ticket.changed", EffectKey: n.Detail.ExternalID, Refs: []string{ticket}, Data: sdk.JSONBody(c.state(n))}
	return []sdk.Event{e}, nil
}

func (c *connection) state(n news) role.TicketState {
	d := n.Detail
	s := role.TicketState{ID: string(d.ID), Status: statusOf(d.Status), Subject: d.Subject, Priority: priorityOf(d.Priority), Assignee: string(d.Assignee)}
	if c.base != "" {
		s.URL = c.base + "/agent/tickets/" + s.ID
	}
	return s
}

// ownParameter is where a webhook's address says which user is Parley's own. Events
// carry who has written, and not by which way.
const ownParameter = "own_user"

func ownUser(address string) id {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return id(u.Query().Get(ownParameter))
}
