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
	subjects["shopify"] = connectortest.Subject{
		Triggers: map[string]func(*connectortest.Rig){
			"order.fulfilled": ship("false"), "order.delivered": ship("true"),
		},
		Waive: map[string]string{
			"trigger/order.shipment_updated": "the fake's parcels are sent and then delivered, with nothing between; it is parsed as the other shipments are",
			"trigger/order.updated":          "the fake's orders change by events of their own only; it is parsed as the other order events are",
		},
	}
}
