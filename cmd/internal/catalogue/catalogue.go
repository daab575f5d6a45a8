// Package catalogue tells the flow language which operations the connectors of
// a program offer.
package catalogue

import (
	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
	"parley/workflows/flow"
)

// Of describes the operations of a list of connectors. The result may be shared.
func Of(list []sdk.Connector) flow.Catalogue {
	out := make(flow.Catalogue, len(list))
	for _, c := range list {
		operations := make(map[string]flow.Operation, len(c.Operations))
		for _, o := range c.Operations {
			operations[o.Name] = flow.Operation{Effect: o.Effect.Kind, Input: manifest.InputSchema(o), Output: manifest.OutputSchema(o)}
		}
		if c.Understands {
			operations[flow.Understands] = flow.Operation{}
		}
		out[c.Name] = operations
	}
	return out
}
