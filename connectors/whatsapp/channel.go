package whatsapp

import (
	"time"

	"parley/connectors/sdk"
)

// channel is what WhatsApp carries. Sources: Meta's OpenAPI document v23.0
// (maxLength and maxItems of the message schemas) and Meta's pages on messages,
// media, throughput and pair rate limits, 2026. Lengths are in characters.
var channel = sdk.Channel{
	Effect: sdk.Effect{Kind: sdk.Once},
	// biz_opaque_callback_data comes back in every status webhook of a message.
	Echoes:      true,
	SettleAfter: 30 * time.Second,

	Window:           24 * time.Hour,
	WindowClosedCode: "131047",
	Templates:        true,

	TextMax: 4096, HeaderMax: 60, FooterMax: 60, InteractiveTextMax: 1024,
	ButtonsMax: 3, ButtonLabelMax: 20,
	RowsMax: 10, RowLabelMax: 24, RowDescriptionMax: 72, ListButtonMax: 20,
	// A row's ID; a reply button's may have 256, but a choice can become either.
	ChoiceIDMax: 200,
	LinkButton:  true, LinkLabelMax: 20,
	Media: map[string]int64{
		"image": 5 << 20, "audio": 16 << 20, "video": 16 << 20, "document": 100 << 20, "sticker": 500 << 10,
	},
	CaptionMax: 1024,
	Location:   true,
	Contact:    true,

	PerSecond:      80,
	RecipientEvery: 6 * time.Second,
	RecipientBurst: 45,
}

// callbackMax bounds biz_opaque_callback_data, in characters.
const callbackMax = 512

// captioned are the kinds of media that Meta shows with a caption.
var captioned = map[string]bool{"image": true, "video": true, "document": true}
