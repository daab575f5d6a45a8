// Package messengerfake stands in for Messenger in development and tests; see metafake.
package messengerfake

import "parley/connectors/meta/metafake"

// Provider is the fake for the sandbox.
var Provider = product.Provider()

var product = metafake.Product{Connector: "messenger", Object: "page", IDSetting: "page_id", ID: "1067280970047460",
	TextMax: 2000, Metadata: true}
