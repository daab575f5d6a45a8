// Package connectors is the list of the connectors that come with Parley. Other
// people's are added to it by a main of their own.
package connectors

import (
	"slices"
	"strings"

	"parley/connectors/dialogflow"
	"parley/connectors/freshdesk"
	"parley/connectors/http"
	"parley/connectors/hubspot"
	"parley/connectors/instagram"
	"parley/connectors/lex"
	"parley/connectors/livechat"
	"parley/connectors/messenger"
	"parley/connectors/onfido"
	"parley/connectors/openai"
	"parley/connectors/razorpay"
	"parley/connectors/salesforce"
	"parley/connectors/sdk"
	"parley/connectors/shopify"
	"parley/connectors/stripe"
	"parley/connectors/telegram"
	"parley/connectors/twilio"
	"parley/connectors/webchat"
	"parley/connectors/whatsapp"
	"parley/connectors/zendesk"
)

//go:generate go run ../cmd/parley connector docs --out ../docs/connectors --evidence .

// All returns every connector, sorted by name.
func All() []sdk.Connector {
	list := []sdk.Connector{
		dialogflow.Connector,
		freshdesk.Connector,
		http.Connector,
		hubspot.Connector,
		instagram.Connector,
		lex.Connector,
		livechat.Connector,
		messenger.Connector,
		onfido.Connector,
		openai.Connector,
		razorpay.Connector,
		salesforce.Connector,
		shopify.Connector,
		stripe.Connector,
		telegram.Connector,
		twilio.Connector,
		webchat.Connector,
		whatsapp.Connector,
		zendesk.Connector,
	}
	slices.SortFunc(list, func(a, b sdk.Connector) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Get returns the connector of that name.
func Get(name string) (sdk.Connector, bool) { return Find(All(), name) }

// Find returns the connector of that name in a list.
func Find(list []sdk.Connector, name string) (sdk.Connector, bool) {
	i := slices.IndexFunc(list, func(c sdk.Connector) bool { return c.Name == name })
	if i < 0 {
		return sdk.Connector{}, false
	}
	return list[i], true
}
