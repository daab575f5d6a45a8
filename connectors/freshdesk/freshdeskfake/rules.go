package freshdeskfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
)

var (
	statuses   = map[int]string{2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed", 6: "Waiting on Customer", 7: "Waiting on Third Party"}
	priorities = map[int]string{1: "Low", 2: "Medium", 3: "High", 4: "Urgent"}
)

// tell is the two automation rules that docs/connectors.md describes: each sends the
// JSON that is written there, with its placeholders filled in. Nothing is signed.
func (s *server) tell(t ticket, event string) {
	if _, silent := s.env.Fault("stop_pushing", event); silent {
		return
	}
	comment, commentHTML := "", ""
	for _, n := range s.notes(t.ID) {
		if !n.Private { // the newest stays
			comment, commentHTML = s.name(n.User)+" : "+n.Text, s.name(n.User)+" : "+n.Body
		}
	}
	body := encode(object{"event": event, "ticket_id": key(t.ID), "subject": t.Subject, "status": statuses[t.Status], "priority": priorities[t.Priority],
		"tags": strings.Join(t.Tags, ", "), "changed": t.Updated.Format(time.RFC3339Nano), "comment": comment, "comment_html": commentHTML})
	for _, a := range s.env.Accounts() {
		var c account
		if json.Unmarshal(a.Config, &c) != nil {
			continue
		}
		secret, _, _ := strings.Cut(c.WebhookSecret, ",")
		s.env.Deliver(fake.Delivery{URL: a.Hook, Body: body, Header: http.Header{
			"Content-Type":    {"application/json"},
			"User-Agent":      {"Freshdesk"},
			"X-Parley-Secret": {strings.TrimSpace(secret)},
		}})
	}
}
