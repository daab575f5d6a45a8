package connectors_test

import (
	"net/url"
	"time"

	"parley/connectors/sdk/connectortest"
)

func init() {
	// What people do comes a while after the record was made, and was told, so that it
	// is news of its own.
	happen := func(operation, action string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Advance(-time.Hour)
			id := r.Output(operation)["id"].(string)
			r.Advance(time.Hour)
			r.Post("/dashboard/"+id, url.Values{"action": {action}})
		}
	}
	subjects["salesforce"] = connectortest.Subject{Triggers: map[string]func(*connectortest.Rig){
		"contact.changed": happen("contact_upsert", "rename"), "contact.deleted": happen("contact_upsert", "delete"),
		"lead.changed": happen("lead_upsert", "work"), "lead.deleted": happen("lead_upsert", "delete"),
		"deal.changed": happen("deal_create", "win"), "deal.deleted": happen("deal_create", "delete"),
	}}
}
