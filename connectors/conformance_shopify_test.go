package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	ship := func(delivered string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/_fulfil", url.Values{"order": {r.Output("order_create")["name"].(string)}, "delivered": {delivered}})
		}
	}
	happen := func(topic string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/_events", url.Values{"topic": {topic}, "order": {r.Output("order_create")["name"].(string)}})
		}
	}
	subjects["shopify"] = connectortest.Subject{
		Triggers: map[string]func(*connectortest.Rig){
			"order.delivered": ship("true"), "order.updated": happen("orders/updated"), "order.deleted": happen("orders/delete"),
			"app.uninstalled": happen("app/uninstalled"),
			"order.shipment_updated": func(r *connectortest.Rig) {
				ship("false")(r)
				happen("fulfillments/update")(r)
			},
		},
	}
}
