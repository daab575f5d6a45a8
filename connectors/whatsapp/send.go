package whatsapp

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// message is the body of a send (schema Message and its variants).
type message struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	// To is a phone number. Recipient is a business-scoped user ID; Meta,
	// "Business-scoped user IDs" (2026): such an ID in "to" is accepted, and
	// silently never delivered.
	To        string `json:"to,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	Type      string `json:"type"`

	Text        *textPart     `json:"text,omitempty"`
	Image       *mediaPart    `json:"image,omitempty"`
	Audio       *mediaPart    `json:"audio,omitempty"`
	Video       *mediaPart    `json:"video,omitempty"`
	Document    *mediaPart    `json:"document,omitempty"`
	Sticker     *mediaPart    `json:"sticker,omitempty"`
	Location    *locationPart `json:"location,omitempty"`
	Interactive *interactive  `json:"interactive,omitempty"`
	Template    *templatePart `json:"template,omitempty"`
	Contacts    []contactPart `json:"contacts,omitempty"`

	// Callback comes back in the status webhooks of this message.
	Callback string `json:"biz_opaque_callback_data,omitempty"`
}

type textPart struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url,omitempty"`
}

type mediaPart struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
}

// locationPart has its degrees as strings: so says the schema LocationMessage.
type locationPart struct {
	Latitude  string `json:"latitude"`
	Longitude string `json:"longitude"`
	Name      string `json:"name,omitempty"`
	Address   string `json:"address,omitempty"`
}

type templatePart struct {
	Name       string              `json:"name"`
	Language   templateLanguage    `json:"language"`
	Components []templateComponent `json:"components,omitempty"`
}

type templateLanguage struct {
	Policy string `json:"policy"`
	Code   string `json:"code"`
}

type templateComponent struct {
	Type       string              `json:"type"`
	Parameters []templateParameter `json:"parameters"`
}

type templateParameter struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// accepted is the answer to a send (schema MessageResponsePayload).
type accepted struct {
	Messages []struct {
		ID string `json:"id"`
	} `json:"messages"`
}

// Send implements [sdk.Sender]. It refuses what WhatsApp would refuse before
// anything leaves.
func (c *connection) Send(ctx context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	m, err := encode(out)
	if err != nil {
		return sdk.Receipt{}, err
	}
	resp, err := c.post(ctx, "send", m)
	if err != nil {
		return sdk.Receipt{}, err
	}
	var a accepted
	if json.Unmarshal(resp.Body, &a) != nil || len(a.Messages) == 0 || a.Messages[0].ID == "" {
		return sdk.Receipt{}, &sdk.Error{Class: sdk.Unavailable, Wrote: true,
			Message: "WhatsApp answered the send without a message ID"}
	}
	return sdk.Receipt{MessageID: a.Messages[0].ID}, nil
}

func encode(out sdk.Outgoing) (message, error) {
	m := message{MessagingProduct: "whatsapp", RecipientType: "individual", Callback: out.Key}
	if utf8.RuneCountInString(out.Key) > callbackMax {
		return m, sdk.Invalidf("the key is longer than the %d characters that WhatsApp carries", callbackMax)
	}
	if err := m.address(out.To); err != nil {
		return m, err
	}
	return m, m.fill(out.Content)
}

var (
	phoneForm = regexp.MustCompile(`^\+?[0-9]{5,20}$`)
	// bsuidForm: Meta, "Business-scoped user IDs": country code, "ENT." for a
	// parent's, and up to 128 letters and digits.
	bsuidForm = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$`)
)

func (m *message) address(to sdk.Address) error {
	switch {
	case to.Kind == "phone" && phoneForm.MatchString(to.Value):
		m.To = strings.TrimPrefix(to.Value, "+")
	case to.Kind == "user" && bsuidForm.MatchString(to.Value):
		m.Recipient = to.Value
	case to.Kind == "phone" || to.Kind == "user":
		return sdk.Invalidf("the recipient's address is not a valid one of its kind (%s)", to.Kind)
	default:
		return sdk.Invalidf("the recipient must be a phone or a user")
	}
	return nil
}

// fill sets the one part that the content has. A content with several is one
// that was not planned for this channel.
func (m *message) fill(c sdk.Content) error {
	if c.Template != nil {
		return m.fillTemplate(*c.Template)
	}
	parts := 0
	for _, has := range []bool{c.Media != nil, c.Location != nil, c.Contact != nil, c.Text != ""} {
		if has {
			parts++
		}
	}
	buttons := len(c.Choices) > 0 || c.Link != nil
	switch {
	case len(c.Cards) > 0:
		return sdk.Invalidf("WhatsApp shows no cards outside templates")
	case parts == 0:
		return sdk.Invalidf("the message has no text, media, location, contact or template")
	case parts > 1 || buttons && c.Text == "":
		return sdk.Invalidf("text, media, location and contact are messages of their own, and buttons belong to a text")
	case !buttons && c.Header+c.Footer != "":
		return sdk.Invalidf("only messages with choices or a link have a header or footer")
	case c.Media != nil:
		return m.fillMedia(*c.Media)
	case c.Location != nil:
		return m.fillLocation(*c.Location)
	case c.Contact != nil:
		return m.fillContact(*c.Contact)
	case buttons:
		return m.fillInteractive(c)
	}
	m.Type = "text"
	m.Text = &textPart{Body: c.Text, PreviewURL: strings.Contains(c.Text, "https://")}
	return within("text", c.Text, channel.TextMax)
}

func (m *message) fillMedia(f sdk.Media) error {
	part := &mediaPart{ID: f.ID, Caption: f.Caption}
	if f.ID == "" {
		part.Link = f.URL
	}
	m.Type = f.Kind
	switch f.Kind {
	case "image":
		m.Image = part
	case "audio":
		m.Audio = part
	case "video":
		m.Video = part
	case "document":
		m.Document, part.Filename = part, f.Filename
	case "sticker":
		m.Sticker = part
	default:
		return sdk.Invalidf("media.kind is none that WhatsApp carries")
	}
	switch {
	case f.ID == "" && !isWeb(f.URL):
		return sdk.Invalidf("media needs an id or an http or https url")
	case f.Caption != "" && !captioned[f.Kind]:
		return sdk.Invalidf("media of kind %s has no caption", f.Kind)
	}
	return within("media.caption", f.Caption, channel.CaptionMax)
}

func (m *message) fillLocation(l sdk.Location) error {
	m.Type = "location"
	m.Location = &locationPart{Latitude: degrees(l.Latitude), Longitude: degrees(l.Longitude), Name: l.Name, Address: l.Address}
	if !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		return sdk.Invalidf("location: latitude or longitude is out of range")
	}
	return nil
}

func degrees(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

// fillTemplate puts each parameter on one line: Meta refuses line breaks, tabs
// and runs of spaces in them.
func (m *message) fillTemplate(t sdk.Template) error {
	m.Type = "template"
	m.Template = &templatePart{Name: t.Name, Language: templateLanguage{Policy: "deterministic", Code: t.Language}}
	if t.Name == "" || t.Language == "" {
		return sdk.Invalidf("template: name and language are needed")
	}
	if len(t.Params) == 0 {
		return nil
	}
	body := templateComponent{Type: "body"}
	for i, p := range t.Params {
		p = strings.Join(strings.Fields(p), " ")
		if p == "" {
			return sdk.Invalidf("template.params[%d] is empty", i)
		}
		body.Parameters = append(body.Parameters, templateParameter{Type: "text", Text: p})
	}
	m.Template.Components = []templateComponent{body}
	return nil
}

func isWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

func within(field, s string, max int) error {
	if n := utf8.RuneCountInString(s); n > max {
		return sdk.Invalidf("%s has %d characters; WhatsApp allows %d", field, n, max)
	}
	return nil
}
