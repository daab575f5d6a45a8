package twilio

import (
	"time"

	"parley/connectors/sdk"
)

// smsChannel is what SMS through Twilio carries: Twilio, "Messages resource" (a
// body of 1,600 characters, sent as up to 10 segments). The key travels in the
// status callback's address, so it comes back in every status.
var smsChannel = sdk.Channel{
	Effect: sdk.Effect{Kind: sdk.Once}, Echoes: true, SettleAfter: 30 * time.Second,
	TextMax: 1600, SegmentsMax: 10, HeaderMax: -1, FooterMax: -1, CaptionMax: -1,
	MediaURLOnly: true, OptOutWords: true,
	PerSecond: 100,
}

// mmsChannel has pictures beside: Twilio, "Accepted content types for media", 5 MB.
var mmsChannel = func() sdk.Channel {
	ch := smsChannel
	ch.Media, ch.CaptionMax = map[string]int64{"image": 5 << 20}, 1600
	return ch
}()

// whatsAppChannel is WhatsApp through Twilio's messages resource: texts, media and
// approved content. Buttons exist there only within approved content.
var whatsAppChannel = sdk.Channel{
	Effect: sdk.Effect{Kind: sdk.Once}, Echoes: true, SettleAfter: 30 * time.Second,
	Window: 24 * time.Hour, WindowClosedCode: "63016", Templates: true,
	TextMax: 1600, HeaderMax: -1, FooterMax: -1, CaptionMax: 1024,
	Media:        map[string]int64{"image": 5 << 20, "audio": 16 << 20, "video": 16 << 20, "document": 16 << 20},
	MediaURLOnly: true,
	PerSecond:    80,
}

// Channel implements [sdk.Channeler].
func (c *connection) Channel() *sdk.Channel {
	switch {
	case c.config.Channel == "whatsapp":
		return &whatsAppChannel
	case c.config.MMS:
		return &mmsChannel
	}
	return &smsChannel
}
