package telegram

import (
	"time"

	"parley/connectors/sdk"
)

// channel is what Telegram carries. Sources: Bot API 10.1 (sendMessage,
// InlineKeyboardButton, "Sending files": by URL, 5 MB for photos and 20 MB for
// other files) and "Bots FAQ" on rates. Telegram reports no deliveries and knows no
// key of ours: an uncertain send stays one. It states no limits for labels and the
// number of buttons; longer ones are not shown whole.
var channel = sdk.Channel{
	Effect:  sdk.Effect{Kind: sdk.Once},
	TextMax: 4096, InteractiveTextMax: 4096, HeaderMax: -1, FooterMax: -1,
	ButtonsMax: 30, ButtonLabelMax: 60,
	// callback_data has 1 to 64 bytes.
	ChoiceIDMax: dataMax,
	LinkButton:  true, LinkLabelMax: 60,
	Media:      map[string]int64{"image": 5 << 20, "video": 20 << 20, "audio": 20 << 20, "document": 20 << 20, "sticker": 5 << 20},
	CaptionMax: 1024,
	Location:   true,
	Contact:    true,

	PerSecond:      30,
	RecipientEvery: time.Second,
	RecipientBurst: 1,
}

const dataMax = 64
