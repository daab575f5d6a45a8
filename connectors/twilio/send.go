package twilio

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// keyParam carries our key in the status callback's address.
const keyParam = "key"

// Send implements [sdk.Sender].
func (c *connection) Send(ctx context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	form, err := c.encode(out)
	if err != nil {
		return sdk.Receipt{}, err
	}
	var sent struct {
		SID string `json:"sid"`
	}
	if err := c.call(ctx, "send", http.MethodPost, "/Messages.json", form, &sent); err != nil {
		return sdk.Receipt{}, err
	}
	if sent.SID == "" {
		return sdk.Receipt{}, &sdk.Error{Class: sdk.Unavailable, Wrote: true, Message: "Twilio answered the send without a message's SID"}
	}
	return sdk.Receipt{MessageID: sent.SID}, nil
}

// encode makes the form of the messages resource (CreateMessage).
func (c *connection) encode(out sdk.Outgoing) (url.Values, error) {
	if out.To.Kind != "phone" || !numberForm.MatchString(out.To.Value) {
		return nil, sdk.Invalidf("the recipient must be a phone number")
	}
	form := url.Values{"To": {c.address(out.To.Value)}}
	if c.config.MessagingServiceSID != "" {
		form.Set("MessagingServiceSid", c.config.MessagingServiceSID)
	}
	if c.config.From != "" {
		form.Set("From", c.address(c.config.From))
	}
	if c.hook != "" && out.Key != "" {
		form.Set("StatusCallback", c.hook+"?"+url.Values{keyParam: {out.Key}}.Encode())
	}
	return form, c.fill(form, out.Content)
}

// address writes a number for the connection's channel.
func (c *connection) address(number string) string {
	if c.config.Channel == "whatsapp" {
		return "whatsapp:" + plus(number)
	}
	return plus(number)
}

var contentForm = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

func (c *connection) fill(form url.Values, content sdk.Content) error {
	ch := c.Channel()
	switch {
	case content.Template != nil && ch.Templates && content.OnlyTemplate():
		return fillTemplate(form, *content.Template)
	case content.Template != nil || len(content.Choices)+len(content.Cards) > 0 || content.Link != nil || content.Location != nil ||
		content.Contact != nil || content.Header+content.Footer != "":
		return sdk.Invalidf("the channel carries text and media only")
	case (content.Media == nil) == (content.Text == ""):
		return sdk.Invalidf("a message is a text or media")
	case content.Media == nil:
		form.Set("Body", content.Text)
		return within("text", content.Text, ch.TextMax)
	}
	m := content.Media
	switch _, carried := ch.Media[m.Kind]; {
	case !carried:
		return sdk.Invalidf("media.kind is none that the channel carries")
	case !strings.HasPrefix(m.URL, "https://") && !strings.HasPrefix(m.URL, "http://"):
		return sdk.Invalidf("media needs an http or https url that Twilio can fetch")
	}
	form.Set("MediaUrl", m.URL)
	if m.Caption != "" {
		form.Set("Body", m.Caption)
	}
	return within("media.caption", m.Caption, ch.CaptionMax)
}

// fillTemplate sends approved content: the template's name is its SID, and the
// parameters are its variables "1", "2" and so on (Twilio, "Content variables").
func fillTemplate(form url.Values, t sdk.Template) error {
	if !contentForm.MatchString(t.Name) {
		return sdk.Invalidf("template.name must be the content's SID (HX…)")
	}
	form.Set("ContentSid", t.Name)
	if len(t.Params) == 0 {
		return nil
	}
	variables := map[string]string{}
	for i, p := range t.Params {
		variables[strconv.Itoa(i+1)] = p
	}
	form.Set("ContentVariables", string(sdk.JSONBody(variables)))
	return nil
}

func within(field, s string, max int) error {
	if n := utf8.RuneCountInString(s); n > max {
		return sdk.Invalidf("%s has %d characters; Twilio allows %d", field, n, max)
	}
	return nil
}
