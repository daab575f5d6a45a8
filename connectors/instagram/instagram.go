// Package instagram is the connector for messages to an Instagram professional
// account. What it shares with Messenger stands in package meta.
package instagram

import (
	"encoding/json"
	"time"

	"parley/connectors/meta"
	"parley/connectors/sdk"
)

// Config is what one connection needs. One connection is one professional account.
type Config struct {
	BaseURL       string `json:"base_url,omitempty" doc:"Address of the Graph API. Default https://graph.instagram.com; https://graph.facebook.com for an account that is linked to a page"`
	APIVersion    string `json:"api_version,omitempty" doc:"Version of the Graph API. Default v23.0"`
	AccountID     string `json:"account_id,omitempty" doc:"ID of the Instagram professional account. Needed to send"`
	AccessToken   string `json:"access_token,omitempty" secret:"true" doc:"Its access token with the permission instagram_business_manage_messages. Needed to send"`
	WebhookSecret string `json:"webhook_secret,omitempty" secret:"true" doc:"The app secret, which signs webhooks. Several, separated by commas, during a rotation"`
	VerifyToken   string `json:"verify_token,omitempty" secret:"true" doc:"The token entered beside the callback URL in Meta's app settings"`
}

// Connector is the manifest.
var Connector = sdk.Connector{
	Name:       "instagram",
	Title:      "Instagram messaging",
	Docs:       "https://developers.facebook.com/docs/instagram-platform",
	Config:     &Config{},
	Operations: meta.Operations,
	Channel:    product.Channel,
	Open: func(raw json.RawMessage, host sdk.Host) (any, error) {
		var c Config
		if err := sdk.DecodeStrict(raw, &c); err != nil {
			return nil, err
		}
		conn, err := meta.Open(product, meta.Account{BaseURL: c.BaseURL, APIVersion: c.APIVersion, ID: c.AccountID, Setting: "account_id",
			Token: c.AccessToken, Secret: c.WebhookSecret, VerifyToken: c.VerifyToken}, host)
		if err != nil {
			return nil, err
		}
		return conn, nil
	},
}

// product is what Instagram carries: Meta, Instagram Platform, "Messaging", "Quick
// replies", "Button template", "Generic template" and "Rate limits" (2 a second in
// a conversation), 2026. Its echoes carry nothing of ours.
var product = meta.Product{
	Name: "Instagram", Object: "instagram", Base: "https://graph.instagram.com",
	Attachments: map[string]string{"image": "image", "video": "video", "audio": "audio"},
	Fields:      []string{"messages", "messaging_postbacks", "messaging_referral", "messaging_seen", "message_reactions", "messaging_handover", "standby"},
	Channel: &sdk.Channel{
		Effect: sdk.Effect{Kind: sdk.Once},
		Window: 24 * time.Hour, AgentWindow: 7 * 24 * time.Hour, WindowClosedCode: meta.WindowClosed,
		TextMax: 1000, InteractiveTextMax: 640, HeaderMax: -1, FooterMax: -1,
		ButtonsMax: 13, ButtonLabelMax: 20, ChoiceIDMax: 1000, LinkButton: true, LinkLabelMax: 20,
		Media: map[string]int64{"image": 8 << 20, "video": 25 << 20, "audio": 25 << 20}, CaptionMax: -1,
		CardsMax: 10, CardTitleMax: 80, CardSubtitleMax: 80, CardChoicesMax: 3,
		PerSecond: 300, RecipientEvery: 500 * time.Millisecond, RecipientBurst: 1,
	},
}
