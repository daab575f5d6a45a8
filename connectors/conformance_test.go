package connectors_test

import (
	"testing"

	"parley/connectors"
	"parley/connectors/fakes"
	"parley/connectors/sdk/channeltest"
	"parley/connectors/sdk/connectortest"
)

// subjects says, by connector, what the kit needs to know beside the connector
// and its fake: how events come about, and what cannot hold and why. Each
// connector's part is in a file of its own, conformance_NAME_test.go.
var subjects = map[string]connectortest.Subject{}

// TestConformance holds every connector of the list to its manifest.
func TestConformance(t *testing.T) {
	for _, c := range connectors.All() {
		t.Run(c.Name, func(t *testing.T) {
			s := subjects[c.Name]
			s.Connector, s.Dir = c, c.Name
			for _, f := range fakes.All() {
				if f.Connector == c.Name {
					s.Fake = f
				}
			}
			connectortest.Run(t, s)
			if c.Channel != nil {
				channeltest.Run(t, s)
			}
		})
	}
}
