package meta

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// sending is a request of the Send API: Meta, Messenger Platform, "Send API".
type sending struct {
	Recipient person `json:"recipient"`
	// MessagingType is RESPONSE, or MESSAGE_TAG with the tag of a person who
	// answers within 7 days.
	MessagingType string    `json:"messaging_type,omitempty"`
	Tag           string    `json:"tag,omitempty"`
	Message       *outgoing `json:"message,omitempty"`
	SenderAction  string    `json:"sender_action,omitempty"`
}

type person struct {
	ID string `json:"id"`
}

type outgoing struct {
	Text         string       `json:"text,omitempty"`
	QuickReplies []quickReply `json:"quick_replies,omitempty"`
	Attachment   *attachment  `json:"attachment,omitempty"`
	// Metadata comes back in the message's echo.
	Metadata string `json:"metadata,omitempty"`
}

type quickReply struct {
	ContentType string `json:"content_type"`
	Title       string `json:"title"`
	Payload     string `json:"payload"`
}

type attachment struct {
	Type    string  `json:"type"`
	Payload payload `json:"payload"`
}

type payload struct {
	URL          string    `json:"url,omitempty"`
	AttachmentID string    `json:"attachment_id,omitempty"`
	TemplateType string    `json:"template_type,omitempty"`
	Text         string    `json:"text,omitempty"`
	Buttons      []button  `json:"buttons,omitempty"`
	Elements     []element `json:"elements,omitempty"`
}

type button struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Payload string `json:"payload,omitempty"`
	URL     string `json:"url,omitempty"`
}

type element struct {
	Title    string   `json:"title"`
	Subtitle string   `json:"subtitle,omitempty"`
	ImageURL string   `json:"image_url,omitempty"`
	Buttons  []button `json:"buttons,omitempty"`
}

// The templates' own limits: Meta, "Button template", "Generic template".
const (
	templateButtons = 3
	templateText    = 640
	// metadataPrefix tells our echoes from those of other apps.
	metadataPrefix = "parley:"
)

// Send implements [sdk.Sender].
func (c *Connection) Send(ctx context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	req, err := c.encode(out)
	if err != nil {
		return sdk.Receipt{}, err
	}
	var got struct {
		MessageID string `json:"message_id"`
	}
	if err := c.call(ctx, http.MethodPost, "send", "/messages", req, &got); err != nil {
		return sdk.Receipt{}, err
	}
	if got.MessageID == "" {
		return sdk.Receipt{}, &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: c.product.Name + " answered the send without a message ID"}
	}
	return sdk.Receipt{MessageID: got.MessageID}, nil
}

func (c *Connection) encode(out sdk.Outgoing) (sending, error) {
	req := sending{Recipient: person{out.To.Value}, MessagingType: "RESPONSE", Message: &outgoing{}}
	if out.To.Kind != "user" || !idForm.MatchString(out.To.Value) {
		return req, sdk.Invalidf("the recipient must be a user by Meta's scoped ID")
	}
	if out.Agent {
		req.MessagingType, req.Tag = "MESSAGE_TAG", "HUMAN_AGENT"
	}
	if c.product.Metadata && out.Key != "" {
		req.Message.Metadata = metadataPrefix + out.Key
	}
	return req, c.fill(req.Message, out.Content)
}

// fill sets the one part that the content has.
func (c *Connection) fill(m *outgoing, content sdk.Content) error {
	ch := c.product.Channel
	parts := 0
	for _, has := range []bool{content.Media != nil, len(content.Cards) > 0, content.Text != ""} {
		if has {
			parts++
		}
	}
	buttons := len(content.Choices) > 0 || content.Link != nil
	switch {
	case content.Template != nil || content.Location != nil || content.Contact != nil || content.Header+content.Footer != "":
		return sdk.Invalidf("%s has no templates approved beforehand, locations, contact cards, headers or footers", c.product.Name)
	case parts != 1:
		return sdk.Invalidf("a message is a text, media or cards")
	case buttons && content.Text == "" || content.Link != nil && len(content.Choices) > 0:
		return sdk.Invalidf("choices or a link belong to a text")
	case content.Media != nil:
		return c.media(m, *content.Media)
	case len(content.Cards) > 0:
		return c.cards(m, content.Cards)
	case buttons:
		return c.buttons(m, content)
	}
	m.Text = content.Text
	return within("text", content.Text, ch.TextMax)
}

func (c *Connection) media(m *outgoing, f sdk.Media) error {
	typ, ok := c.product.Attachments[f.Kind]
	switch {
	case !ok:
		return sdk.Invalidf("media.kind is none that %s carries", c.product.Name)
	case f.Caption != "":
		return sdk.Invalidf("media has no caption on %s", c.product.Name)
	case f.ID == "" && !isWeb(f.URL):
		return sdk.Invalidf("media needs an id or an http or https url")
	}
	m.Attachment = &attachment{Type: typ, Payload: payload{AttachmentID: f.ID}}
	if f.ID == "" {
		m.Attachment.Payload.URL = f.URL
	}
	return nil
}

// buttons makes a button template of up to three choices or a link, which stays in
// the thread, and quick replies of more.
func (c *Connection) buttons(m *outgoing, content sdk.Content) error {
	ch := c.product.Channel
	if err := within("text", content.Text, templateText); err != nil {
		return err
	}
	if len(content.Choices) > ch.ButtonsMax {
		return sdk.Invalidf("%d choices are more than %s carries", len(content.Choices), c.product.Name)
	}
	made, err := c.postbacks("choices", content.Choices, content.Link)
	if err != nil {
		return err
	}
	if len(made) <= templateButtons {
		m.Attachment = &attachment{Type: "template", Payload: payload{TemplateType: "button", Text: content.Text, Buttons: made}}
		return nil
	}
	m.Text = content.Text
	for _, b := range made {
		m.QuickReplies = append(m.QuickReplies, quickReply{"text", b.Title, b.Payload})
	}
	return nil
}

// postbacks makes buttons of choices and of a link after them.
func (c *Connection) postbacks(at string, choices []sdk.Choice, link *sdk.Link) ([]button, error) {
	ch := c.product.Channel
	var out []button
	for i, x := range choices {
		if x.ID == "" || x.Label == "" || x.Description != "" {
			return nil, sdk.Invalidf("%s[%d]: an id and a label are needed, and no description", at, i)
		}
		if err := within(fmt.Sprintf("%s[%d].label", at, i), x.Label, ch.ButtonLabelMax); err != nil {
			return nil, err
		}
		if err := within(fmt.Sprintf("%s[%d].id", at, i), x.ID, ch.ChoiceIDMax); err != nil {
			return nil, err
		}
		out = append(out, button{Type: "postback", Title: x.Label, Payload: x.ID})
	}
	if link != nil {
		if link.Label == "" || !isWeb(link.URL) {
			return nil, sdk.Invalidf("link needs a label and an http or https url")
		}
		if err := within("link.label", link.Label, ch.LinkLabelMax); err != nil {
			return nil, err
		}
		out = append(out, button{Type: "web_url", Title: link.Label, URL: link.URL})
	}
	return out, nil
}

func (c *Connection) cards(m *outgoing, cards []sdk.Card) error {
	ch := c.product.Channel
	if len(cards) > ch.CardsMax {
		return sdk.Invalidf("%d cards are more than %s carries", len(cards), c.product.Name)
	}
	p := payload{TemplateType: "generic"}
	for i, x := range cards {
		at := fmt.Sprintf("cards[%d]", i)
		buttons, err := c.postbacks(at+".choices", x.Choices, x.Link)
		switch {
		case err != nil:
			return err
		case len(buttons) > ch.CardChoicesMax:
			return sdk.Invalidf("%s has more than %d buttons", at, ch.CardChoicesMax)
		case x.Title == "" || x.Subtitle == "" && x.ImageURL == "" && len(buttons) == 0:
			return sdk.Invalidf("%s needs a title and something beside it", at)
		}
		if err := within(at+".title", x.Title, ch.CardTitleMax); err != nil {
			return err
		}
		if err := within(at+".subtitle", x.Subtitle, ch.CardSubtitleMax); err != nil {
			return err
		}
		p.Elements = append(p.Elements, element{x.Title, x.Subtitle, x.ImageURL, buttons})
	}
	m.Attachment = &attachment{Type: "template", Payload: p}
	return nil
}

func isWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

func within(field, s string, max int) error {
	if n := utf8.RuneCountInString(s); n > max {
		return sdk.Invalidf("%s has %d characters; Meta allows %d", field, n, max)
	}
	return nil
}
