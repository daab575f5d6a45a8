// Package instagramfake stands in for Instagram in development and tests; see metafake.
package instagramfake

import "parley/connectors/meta/metafake"

// Provider is the fake for the sandbox.
var Provider = product.Provider()

var product = metafake.Product{Connector: "instagram", Object: "instagram", IDSetting: "account_id", ID: "17841405309211844",
	TextMax: 1000, ReadIDs: true}
