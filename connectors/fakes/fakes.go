// Package fakes is the list of the connectors' fakes, for the sandbox. It is
// never part of the parley binary.
package fakes

import (
	"parley/connectors/sdk/fake"
	"parley/connectors/stripe/stripefake"
)

// All returns every fake.
func All() []fake.Provider {
	return []fake.Provider{
		stripefake.Provider,
	}
}
