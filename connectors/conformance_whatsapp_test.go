package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	subjects["whatsapp"] = connectortest.Subject{Triggers: map[string]func(*connectortest.Rig){
		"template.changed": func(r *connectortest.Rig) {
			r.Post("/dashboard/"+r.Output("template_submit")["id"].(string), url.Values{"action": {"approve"}})
		},
	}}
}
