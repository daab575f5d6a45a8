package connectors_test

import "parley/connectors/sdk/connectortest"

func init() {
	subjects["messenger"] = connectortest.Subject{Waive: map[string]string{
		"channel/echo": "only the echo of a message carries the key, its delivery does not; the fake's own test holds the echo",
	}}
}
