package telegram

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// request is the body of a sending method; each uses the fields that it has.
type request struct {
	ChatID      int64     `json:"chat_id"`
	Text        string    `json:"text,omitempty"`
	ParseMode   string    `json:"parse_mode,omitempty"`
	ReplyMarkup *keyboard `json:"reply_markup,omitempty"`

	Photo    string `json:"photo,omitempty"`
	Video    string `json:"video,omitempty"`
	Audio    string `json:"audio,omitempty"`
	Document string `json:"document,omitempty"`
	Sticker  string `json:"sticker,omitempty"`
	Caption  string `json:"caption,omitempty"`

	// Latitude and Longitude are never left out with a location: 0 is a place.
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	Title     string   `json:"title,omitempty"`
	Address   string   `json:"address,omitempty"`

	PhoneNumber string `json:"phone_number,omitempty"`
	FirstName   string `json:"first_name,omitempty"`
	VCard       string `json:"vcard,omitempty"`
}

// keyboard is an InlineKeyboardMarkup, one button in each row.
type keyboard struct {
	Rows [][]button `json:"inline_keyboard"`
}

type button struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

// Send implements [sdk.Sender].
func (c *connection) Send(ctx context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	method, req, err := encode(out)
	if err != nil {
		return sdk.Receipt{}, err
	}
	var sent struct {
		MessageID int64 `json:"message_id"`
	}
	if err := c.call(ctx, "send", method, req, &sent); err != nil {
		return sdk.Receipt{}, err
	}
	return sdk.Receipt{MessageID: messageID(req.ChatID, sent.MessageID)}, nil
}

// messageID names a message: Telegram counts them in each chat anew.
func messageID(chat, message int64) string {
	return strconv.FormatInt(chat, 10) + ":" + strconv.FormatInt(message, 10)
}

func encode(out sdk.Outgoing) (method string, req request, err error) {
	id, err := strconv.ParseInt(out.To.Value, 10, 64)
	if out.To.Kind != "user" || err != nil || id <= 0 {
		return "", req, sdk.Invalidf("the recipient must be a user by Telegram's number")
	}
	req.ChatID = id
	c := out.Content
	parts := 0
	for _, has := range []bool{c.Media != nil, c.Location != nil, c.Contact != nil, c.Text != ""} {
		if has {
			parts++
		}
	}
	switch {
	case c.Template != nil || len(c.Cards) > 0 || c.Header+c.Footer != "":
		return "", req, sdk.Invalidf("Telegram has no templates, cards, headers or footers")
	case parts != 1:
		return "", req, sdk.Invalidf("a message is a text, media, a location or a contact")
	case c.Text == "" && (len(c.Choices) > 0 || c.Link != nil):
		return "", req, sdk.Invalidf("buttons belong to a text")
	case c.Media != nil:
		method, err = req.media(*c.Media)
	case c.Location != nil:
		method, err = req.location(*c.Location)
	case c.Contact != nil:
		method, err = req.contact(*c.Contact)
	default:
		method, err = req.text(c)
	}
	return method, req, err
}

func (r *request) text(c sdk.Content) (string, error) {
	if err := within("text", c.Text, channel.TextMax); err != nil {
		return "", err
	}
	r.Text, r.ParseMode = markup(c.Text), "HTML"
	var k keyboard
	if len(c.Choices) > channel.ButtonsMax {
		return "", sdk.Invalidf("%d choices are more than the channel carries", len(c.Choices))
	}
	for i, x := range c.Choices {
		if x.ID == "" || len(x.ID) > dataMax || x.Label == "" || x.Description != "" {
			return "", sdk.Invalidf("choices[%d]: an id of at most %d bytes and a label are needed, and no description", i, dataMax)
		}
		if err := within(fmt.Sprintf("choices[%d].label", i), x.Label, channel.ButtonLabelMax); err != nil {
			return "", err
		}
		k.Rows = append(k.Rows, []button{{Text: x.Label, Data: x.ID}})
	}
	if l := c.Link; l != nil {
		if l.Label == "" || !isWeb(l.URL) {
			return "", sdk.Invalidf("link needs a label and an http or https url")
		}
		if err := within("link.label", l.Label, channel.LinkLabelMax); err != nil {
			return "", err
		}
		k.Rows = append(k.Rows, []button{{Text: l.Label, URL: l.URL}})
	}
	if len(k.Rows) > 0 {
		r.ReplyMarkup = &k
	}
	return "sendMessage", nil
}

// media is sent by Telegram's own ID or fetched by Telegram from its address.
func (r *request) media(m sdk.Media) (string, error) {
	file := m.ID
	if file == "" {
		file = m.URL
		if !isWeb(file) {
			return "", sdk.Invalidf("media needs an id or an http or https url")
		}
	}
	if m.Caption != "" {
		if m.Kind == "sticker" {
			return "", sdk.Invalidf("media of kind sticker has no caption")
		}
		if err := within("media.caption", m.Caption, channel.CaptionMax); err != nil {
			return "", err
		}
		r.Caption, r.ParseMode = markup(m.Caption), "HTML"
	}
	switch m.Kind {
	case "image":
		r.Photo = file
		return "sendPhoto", nil
	case "video":
		r.Video = file
		return "sendVideo", nil
	case "audio":
		r.Audio = file
		return "sendAudio", nil
	case "document":
		r.Document = file
		return "sendDocument", nil
	case "sticker":
		r.Sticker = file
		return "sendSticker", nil
	}
	return "", sdk.Invalidf("media.kind is none that Telegram carries")
}

// location with a name is a venue, which needs an address.
func (r *request) location(l sdk.Location) (string, error) {
	if !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		return "", sdk.Invalidf("location: latitude or longitude is out of range")
	}
	r.Latitude, r.Longitude = &l.Latitude, &l.Longitude
	if l.Name == "" && l.Address == "" {
		return "sendLocation", nil
	}
	r.Title, r.Address = l.Name, l.Address
	if r.Title == "" {
		r.Title = l.Address
	}
	if r.Address == "" {
		r.Address = l.Name
	}
	return "sendVenue", nil
}

// contact sends the first number; the others and addresses travel in the vCard
// (RFC 2426, version 3.0), which may have 2048 bytes.
func (r *request) contact(c sdk.ContactCard) (string, error) {
	if c.Name == "" || len(c.Phones) == 0 {
		return "", sdk.Invalidf("contact: a name and a number are needed")
	}
	r.FirstName, r.PhoneNumber = c.Name, "+"+strings.TrimPrefix(c.Phones[0], "+")
	escape := strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`).Replace
	lines := []string{"BEGIN:VCARD", "VERSION:3.0", "FN:" + escape(c.Name), "N:;" + escape(c.Name) + ";;;"}
	if c.Organization != "" {
		lines = append(lines, "ORG:"+escape(c.Organization))
	}
	for _, p := range c.Phones {
		lines = append(lines, "TEL:+"+strings.TrimPrefix(p, "+"))
	}
	for _, e := range c.Emails {
		lines = append(lines, "EMAIL:"+escape(e))
	}
	card := strings.Join(append(lines, "END:VCARD", ""), "\r\n")
	if len(card) <= 2048 {
		r.VCard = card
	}
	return "sendContact", nil
}

// marks are *bold* and _italic_ as customers write them: closed on the same line,
// around text without spaces at its ends, and not within a word.
var marks = regexp.MustCompile(`(^|[^\pL\pN_*])(?:\*([^\s*](?:[^*\n]*[^\s*])?)\*|_([^\s_](?:[^_\n]*[^\s_])?)_)`)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// markup turns a text into Telegram's HTML (Bot API, "Formatting options").
func markup(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range marks.FindAllStringSubmatchIndex(s, -1) {
		if next, _ := utf8.DecodeRuneInString(s[m[1]:]); m[1] < len(s) && (next == '_' || next == '*' || isWord(next)) {
			continue
		}
		b.WriteString(escaper.Replace(s[at:m[3]]))
		if m[4] >= 0 {
			b.WriteString("<b>" + escaper.Replace(s[m[4]:m[5]]) + "</b>")
		} else {
			b.WriteString("<i>" + escaper.Replace(s[m[6]:m[7]]) + "</i>")
		}
		at = m[1]
	}
	b.WriteString(escaper.Replace(s[at:]))
	return b.String()
}

var wordForm = regexp.MustCompile(`^[\pL\pN]$`)

func isWord(r rune) bool { return wordForm.MatchString(string(r)) }

func isWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

func within(field, s string, max int) error {
	if n := utf8.RuneCountInString(s); n > max {
		return sdk.Invalidf("%s has %d characters; Telegram allows %d", field, n, max)
	}
	return nil
}
