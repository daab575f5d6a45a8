// Package fakes is the list of the connectors' fakes, for the sandbox. It is
// never part of the parley binary.
package fakes

import (
	"parley/connectors/dialogflow/dialogflowfake"
	"parley/connectors/freshdesk/freshdeskfake"
	"parley/connectors/http/httpfake"
	"parley/connectors/hubspot/hubspotfake"
	"parley/connectors/instagram/instagramfake"
	"parley/connectors/lex/lexfake"
	"parley/connectors/livechat/livechatfake"
	"parley/connectors/messenger/messengerfake"
	"parley/connectors/onfido/onfidofake"
	"parley/connectors/openai/openaifake"
	"parley/connectors/razorpay/razorpayfake"
	"parley/connectors/salesforce/salesforcefake"
	"parley/connectors/sdk/fake"
	"parley/connectors/shopify/shopifyfake"
	"parley/connectors/stripe/stripefake"
	"parley/connectors/telegram/telegramfake"
	"parley/connectors/twilio/twiliofake"
	"parley/connectors/whatsapp/whatsappfake"
	"parley/connectors/zendesk/zendeskfake"
)

// All returns every fake.
func All() []fake.Provider {
	return []fake.Provider{
		dialogflowfake.Provider,
		freshdeskfake.Provider,
		httpfake.Provider,
		hubspotfake.Provider,
		instagramfake.Provider,
		lexfake.Provider,
		livechatfake.Provider,
		messengerfake.Provider,
		onfidofake.Provider,
		openaifake.Provider,
		razorpayfake.Provider,
		salesforcefake.Provider,
		shopifyfake.Provider,
		stripefake.Provider,
		telegramfake.Provider,
		twiliofake.Provider,
		whatsappfake.Provider,
		zendeskfake.Provider,
	}
}
