package connectors_test

import "parley/connectors/sdk/connectortest"

func init() {
	const none = "the stand-in answers at once and pushes nothing; Verify is tested with the published vectors of Standard Webhooks"
	waive := map[string]string{}
	for _, check := range []string{"understood", "stable_ids", "altered_body", "altered_signature", "unsigned", "stale"} {
		waive["webhook/"+check] = none
	}
	subjects["openai"] = connectortest.Subject{Waive: waive}
}
