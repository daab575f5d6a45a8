package connectors_test

import "parley/connectors/sdk/connectortest"

func init() {
	subjects["http"] = connectortest.Subject{Waive: map[string]string{
		"webhook/understood": "which object an event is about is for each connection's own recipe to say (events.refs); there is no rule for all providers",
	}}
}
