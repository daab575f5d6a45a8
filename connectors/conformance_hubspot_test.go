package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	happen := func(operation, action string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/dashboard/"+r.Output(operation)["id"].(string), url.Values{"action": {action}})
		}
	}
	subjects["hubspot"] = connectortest.Subject{Triggers: map[string]func(*connectortest.Rig){
		"contact.changed": happen("contact_upsert", "become customer"), "contact.deleted": happen("contact_upsert", "delete"),
		"contact.merged": happen("contact_upsert", "merge"), "company.changed": happen("company_upsert", "rename"),
		"company.deleted": happen("company_upsert", "delete"), "deal.deleted": happen("deal_create", "delete"),
	}}
}
