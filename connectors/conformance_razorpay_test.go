package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	press := func(operation, button string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post(r.Output(operation)["url"].(string), url.Values{"action": {button}})
		}
	}
	happen := func(operation, event string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/dashboard/"+r.Output(operation)["id"].(string), url.Values{"action": {event}})
		}
	}
	triggers := map[string]func(*connectortest.Rig){
		"payment.paid": press("payment_link_create", "pay"), "payment.authorized": press("payment_link_create", "pay"),
		"payment.failed":             press("payment_link_create", "decline"),
		"payment.expired":            happen("payment_link_create", "payment_link.expired"),
		"payment.partially_paid":     happen("payment_link_create", "payment_link.partially_paid"),
		"refund.failed":              happen("refund_create", "refund.failed"),
		"invoice.paid":               press("invoice_issue", "pay"),
		"subscription.authenticated": press("subscription_create", "pay"), "subscription.activated": press("subscription_create", "pay"),
		"subscription.charged": press("subscription_create", "pay"), "subscription.pending": press("subscription_create", "decline"),
		"payout.failed": happen("payout_create", "payout.failed"), "payout.reversed": happen("payout_create", "payout.reversed"),
	}
	for _, event := range []string{"invoice.partially_paid", "invoice.expired"} {
		triggers[event] = happen("invoice_create", event)
	}
	for _, event := range []string{"halted", "updated", "paused", "resumed", "completed"} {
		triggers["subscription."+event] = happen("subscription_create", "subscription."+event)
	}
	subjects["razorpay"] = connectortest.Subject{Triggers: triggers}
}
