// Package commerce is the shop: a catalogue, a cart, payment, and the way of the
// order, as a flow.
package commerce

import _ "embed"

// Flow is the source of commerce.yaml.
//
//go:embed commerce.yaml
var Flow []byte

// Connectors are those that the flow and the order case need.
var Connectors = []string{"shopify", "stripe"}
