// Package fakes is the list of the connectors' fakes, for the sandbox. It is
// never part of the parley binary.
package fakes

import (
	"parley/connectors/http/httpfake"
	"parley/connectors/sdk/fake"
	"parley/connectors/shopify/shopifyfake"
	"parley/connectors/stripe/stripefake"
	"parley/connectors/whatsapp/whatsappfake"
)

// All returns every fake.
func All() []fake.Provider {
	return []fake.Provider{
		httpfake.Provider,
		shopifyfake.Provider,
		stripefake.Provider,
		whatsappfake.Provider,
	}
}
