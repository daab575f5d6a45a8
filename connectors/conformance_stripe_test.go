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
	happen := func(operation, event string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/dashboard/"+r.Output(operation)["id"].(string), url.Values{"action": {event}})
		}
	}
	// befall lets something happen to a payment that was made.
	befall := func(event string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			press("pay")(r)
			r.Post("/dashboard/"+r.Output("payment_retrieve")["payment_intent"].(string), url.Values{"action": {event}})
		}
	}
	subjects["stripe"] = connectortest.Subject{
		Before: map[string]func(*connectortest.Rig){"refund_create": press("pay")},
		Triggers: map[string]func(*connectortest.Rig){
			"payment.paid": press("pay"), "payment.captured": press("pay"), "payment.failed": press("decline"),
			"payment.cancelled": befall("payment_intent.canceled"), "payment.processing": befall("payment_intent.processing"),
			"payment.authorized": befall("payment_intent.amount_capturable_updated"), "dispute.opened": befall("charge.dispute.created"),
			"invoice.paid": happen("invoice_create", "invoice.paid"), "invoice.payment_failed": happen("invoice_create", "invoice.payment_failed"),
			"payout.paid": happen("payout_create", "payout.paid"), "payout.failed": happen("payout_create", "payout.failed"),
			"payout.cancelled":     happen("payout_create", "payout.canceled"),
			"subscription.paused":  happen("subscription_create", "customer.subscription.paused"),
			"subscription.resumed": happen("subscription_create", "customer.subscription.resumed"),
			"subscription.updated": happen("subscription_create", "customer.subscription.updated"),
			"dispute.updated":      befall("charge.dispute.updated"), "dispute.closed": befall("charge.dispute.closed"),
		},
	}
}
