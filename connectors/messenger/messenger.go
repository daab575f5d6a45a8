// Package messenger is the connector for Facebook Messenger: a channel of a page,
// with buttons, cards, deliveries, and echoes that settle a send whose answer was
// lost. What it shares with Instagram stands in package meta.
package messenger

import (
	"encoding/json"
	"time"

	"parley/connectors/meta"
	"parley/connectors/sdk"
)

// Config is what one connection needs. One connection is one page.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of the Graph API. Default https://graph.facebook.com"`
	APIVersion    string `json:"api_version,omitempty" doc:"Version of the Graph API. Default v23.0"`
	PageID        string `json:"page_id,omitempty" doc:"ID of the page. Needed to send"`
	AccessToken   string `json:"access_token,omitempty" secret:"true" doc:"The page's access token with the permission pages_messaging. Needed to send"`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The app secret, which signs webhooks. Several, separated by commas, during a rotation"`
	VerifyToken   string `json:"verify_token,omitempty" secret:"true" doc:"The token entered beside the callback URL in Meta's app settings"`
}

// Connector is the manifest.
var Connector = sdk.Connector{
	Name:       "messenger",
	Title:      "Messenger",
	Docs:       "https://developers.facebook.com/docs/messenger-platform",
	Config:     &Config{},
	Operations: meta.Operations,
	Channel:    product.Channel,
	Open: func(raw json.RawMessage, host sdk.Host) (any, error) {
		var c Config
		if err := sdk.DecodeStrict(raw, &c); err != nil {
			return nil, err
		}
		conn, err := meta.Open(product, meta.Account{BaseURL: c.BaseURL, APIVersion: c.APIVersion, ID: c.PageID, Setting: "page_id",
			Token: c.AccessToken, Secret: c.WebhookSecret, VerifyToken: c.VerifyToken}, host)
		if err != nil {
			return nil, err
		}
		return conn, nil
	},
}

// product is what Messenger carries: Meta, Messenger Platform, "Send messages",
// "Quick replies", "Button template", "Generic template", "Message tags" and "Rate
// limits", 2026. A button's or quick reply's payload has 1,000 characters.
var product = meta.Product{
	Name: "Messenger", Object: "page", Base: "https://graph.facebook.com", Metadata: true,
	Attachments: map[string]string{"image": "image", "video": "video", "audio": "audio", "document": "file"},
	Fields: []string{"messages", "messaging_postbacks", "messaging_referrals", "message_deliveries", "message_reads",
		"message_echoes", "message_reactions", "messaging_handovers", "standby"},
	Channel: &sdk.Channel{
		Effect: sdk.Effect{Kind: sdk.Once}, Echoes: true, SettleAfter: 30 * time.Second,
		Window: 24 * time.Hour, AgentWindow: 7 * 24 * time.Hour, WindowClosedCode: meta.WindowClosed,
		TextMax: 2000, InteractiveTextMax: 640, HeaderMax: -1, FooterMax: -1,
		ButtonsMax: 13, ButtonLabelMax: 20, ChoiceIDMax: 1000, LinkButton: true, LinkLabelMax: 20,
		Media: map[string]int64{"image": 8 << 20, "video": 25 << 20, "audio": 25 << 20, "document": 25 << 20}, CaptionMax: -1,
		CardsMax: 10, CardTitleMax: 80, CardSubtitleMax: 80, CardChoicesMax: 3,
		PerSecond: 300,
	},
}
