// Package fakes is the list of the connectors' fakes, for the sandbox. It is
// never part of the parley binary.
package fakes

import (
	"parley/connectors/openai/openaifake"
	"parley/connectors/sdk/fake"
	"parley/connectors/shopify/shopifyfake"
	"parley/connectors/stripe/stripefake"
	"parley/connectors/telegram/telegramfake"
	"parley/connectors/whatsapp/whatsappfake"
)

// All returns every fake.
func All() []fake.Provider {
	return []fake.Provider{
		openaifake.Provider,
		shopifyfake.Provider,
		stripefake.Provider,
		telegramfake.Provider,
		whatsappfake.Provider,
	}
}
