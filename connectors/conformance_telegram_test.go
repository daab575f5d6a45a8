package connectors_test

import "parley/connectors/sdk/connectortest"

func init() {
	subjects["telegram"] = connectortest.Subject{Waive: map[string]string{
		"webhook/altered_body": "Telegram signs no body: who knows the secret token is believed",
		"channel/statuses":     "Telegram reports no deliveries",
	}}
}
