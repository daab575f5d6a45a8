package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	press := func(button string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post(r.Output("payment_link_create")["url"].(string), url.Values{"action": {button}})
		}
	}
	subjects["stripe"] = connectortest.Subject{
		Before:   map[string]func(*connectortest.Rig){"refund_create": press("pay")},
		Triggers: map[string]func(*connectortest.Rig){"payment.paid": press("pay"), "payment.failed": press("decline")},
		Waive: map[string]string{
			"trigger/payment.expired": "the fake's pages stay open until they are closed; the event's parsing has tests of its own",
		},
	}
}
