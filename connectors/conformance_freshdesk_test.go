package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	staff := func(action, text string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/agent/tickets/"+r.Output("ticket_create")["id"].(string), url.Values{"action": {action}, "text": {text}})
		}
	}
	subjects["freshdesk"] = connectortest.Subject{
		Triggers: map[string]func(*connectortest.Rig){
			"agent.said": staff("reply", "A new one is on its way."), "ticket.changed": staff("take", ""),
		},
		Waive: map[string]string{
			"webhook/altered_body": "Freshdesk's automation rules sign nothing: who knows the secret in the header is believed",
		},
	}
}
