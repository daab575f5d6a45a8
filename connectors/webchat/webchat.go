// Package webchat is the web chat channel: a widget that a shop puts on its own
// page. The channel is hosted, which means that a message is delivered by being
// stored, so a connection sends nothing itself; it holds the widget's settings,
// the origins that may embed it and the keys that sign visitors' sessions. The
// sockets and the widget are in parley/api/webchat.
package webchat

import (
	"encoding/json"
	"time"

	"parley/connectors/sdk"
)

// Connector is the web chat channel.
var Connector = sdk.Connector{
	Name:   "webchat",
	Title:  "Web chat",
	Config: &Config{},
	Channel: &sdk.Channel{
		Hosted: true,
		// A message is a row with the key of its send, and rows are not
		// forgotten: the lifetime only has to be longer than any case.
		Effect: sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 10 * 365 * 24 * time.Hour},

		TextMax: 8000, HeaderMax: 200, FooterMax: 200, InteractiveTextMax: 8000,
		ButtonsMax: 12, ButtonLabelMax: 60,
		RowsMax: 50, RowLabelMax: 100, RowDescriptionMax: 300, ListButtonMax: 60,
		ChoiceIDMax: 256,
		LinkButton:  true, LinkLabelMax: 60,
		Media: map[string]int64{
			"image": 10 << 20, "video": 100 << 20, "audio": 25 << 20,
			"document": 100 << 20, "sticker": 2 << 20,
		},
		CaptionMax: 8000,
		Location:   true,
	},
	Open: func(raw json.RawMessage, _ sdk.Host) (any, error) { return open(raw) },
}

// Config is what a workspace sets for one widget.
type Config struct {
	WebhookSecret  string   `json:"webhook_secret" secret:"true" doc:"Signs the visitors' sessions: at least 32 characters. Several, separated by commas, while one replaces another: the first signs and all are accepted. Removing a secret ends the sessions that it signed; they last at most 180 days."`
	AllowedOrigins []string `json:"allowed_origins,omitempty" doc:"Origins of the pages that may embed the widget, e.g. https://shop.example or https://*.shop.example. Empty: only pages of this server. \"*\": any page."`
	Title          string   `json:"title,omitempty" doc:"Name at the head of the chat, at most 60 characters."`
	Color          string   `json:"color,omitempty" doc:"Accent colour as #rrggbb. Text on it is made readable by the widget."`
	Greeting       string   `json:"greeting,omitempty" doc:"Shown in a chat that is still empty, at most 300 characters."`
	Placeholder    string   `json:"greeting_placeholder,omitempty" doc:"Shown in the message field of a chat that is still empty, at most 80 characters."`
	Suggestions    []string `json:"suggestions,omitempty" doc:"Up to four first messages that an empty chat offers to send, each at most 60 characters."`
	BaseURL        string   `json:"base_url,omitempty" doc:"Public address of this server as visitors reach it, when a proxy changes the Host header."`
}
