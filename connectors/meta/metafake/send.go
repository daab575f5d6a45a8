package metafake

import (
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// sending is a request of the Send API.
type sending struct {
	Recipient struct {
		ID string `json:"id"`
	} `json:"recipient"`
	Type    string `json:"messaging_type"`
	Tag     string `json:"tag"`
	Action  string `json:"sender_action"`
	Message *struct {
		Text         string `json:"text"`
		Metadata     string `json:"metadata"`
		QuickReplies []struct {
			ContentType string `json:"content_type"`
			Title       string `json:"title"`
			Payload     string `json:"payload"`
		} `json:"quick_replies"`
		Attachment *struct {
			Type    string `json:"type"`
			Payload struct {
				URL          string   `json:"url"`
				AttachmentID string   `json:"attachment_id"`
				TemplateType string   `json:"template_type"`
				Text         string   `json:"text"`
				Buttons      []button `json:"buttons"`
				Elements     []struct {
					Title    string   `json:"title"`
					Subtitle string   `json:"subtitle"`
					ImageURL string   `json:"image_url"`
					Buttons  []button `json:"buttons"`
				} `json:"elements"`
			} `json:"payload"`
		} `json:"attachment"`
	} `json:"message"`
}

type button struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Payload string `json:"payload"`
	URL     string `json:"url"`
}

// customer is what the fake knows of a person.
type customer struct {
	Said    time.Time `json:"said"`
	Blocked bool      `json:"blocked,omitempty"`
	Unread  []string  `json:"unread,omitempty"`
}

const maxBody = 1 << 20

func (s *server) messages(w http.ResponseWriter, r *http.Request, acc *fake.Account) {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	var in sending
	if err := dec.Decode(&in); err != nil {
		fail(w, 100, 0, "Invalid parameter")
		return
	}
	from := in.Recipient.ID
	if in.Action != "" {
		write(w, http.StatusOK, map[string]any{"recipient_id": from})
		return
	}
	var c customer
	known := s.env.State().Get("people", from, &c)
	age := s.env.Now().Sub(c.Said)
	agent := in.Type == "MESSAGE_TAG" && in.Tag == "HUMAN_AGENT"
	switch {
	case !known:
		fail(w, 100, 2018001, "No matching user found")
		return
	case c.Blocked:
		fail(w, 551, 1545041, "This person isn't available right now.")
		return
	case age > 24*time.Hour && !(agent && age <= 7*24*time.Hour):
		fail(w, 10, 2018278, "This message is sent outside of allowed window.")
		return
	}
	shown, refusal := s.shown(in)
	if refusal != "" {
		fail(w, 100, 0, "(#100) "+refusal)
		return
	}
	shown.ID, shown.From = s.env.NextID("m_"), "business"
	if s.Metadata {
		shown.Key = in.Message.Metadata
	}
	s.phones.Show(from, shown)
	c.Unread = append(c.Unread, shown.ID)
	s.env.State().Put("people", from, c)
	if acc != nil {
		s.accepted(*acc, from, shown.ID, in.Message.Metadata)
	}
	write(w, http.StatusOK, map[string]any{"recipient_id": from, "message_id": shown.ID})
}

// accepted reports the echo and the delivery of a message.
func (s *server) accepted(acc fake.Account, from, mid, metadata string) {
	account := setting(acc, s.IDSetting)
	echo := map[string]any{"mid": mid, "is_echo": true, "app_id": 1517776481860111}
	if s.Metadata && metadata != "" {
		echo["metadata"] = metadata
	}
	s.push(acc, "", map[string]any{"sender": id(account), "recipient": id(from), "message": echo})
	s.push(acc, "", map[string]any{"sender": id(from), "recipient": id(account),
		"delivery": map[string]any{"mids": []string{mid}, "watermark": s.env.Now().UnixMilli()}})
}

func id(of string) map[string]any { return map[string]any{"id": of} }

// shown is what the customer sees, or what is wrong with the message.
func (s *server) shown(in sending) (fake.Shown, string) {
	m := in.Message
	switch {
	case m == nil || (m.Text == "") == (m.Attachment == nil):
		return fake.Shown{}, "Param message must have either text or attachment"
	case utf8.RuneCountInString(m.Text) > s.TextMax:
		return fake.Shown{}, "Length of param message[text] must be less than or equal to the limit"
	case len(m.QuickReplies) > 13:
		return fake.Shown{}, "Too many quick replies"
	}
	out := fake.Shown{Text: m.Text}
	for _, q := range m.QuickReplies {
		if q.ContentType != "text" || q.Title == "" || q.Payload == "" || utf8.RuneCountInString(q.Title) > 20 {
			return out, "Invalid quick reply"
		}
		out.Choices = append(out.Choices, sdk.Choice{ID: q.Payload, Label: q.Title})
	}
	if m.Attachment == nil {
		return out, ""
	}
	p := m.Attachment.Payload
	switch m.Attachment.Type {
	case "image", "video", "audio", "file":
		if p.URL == "" && p.AttachmentID == "" {
			return out, "An attachment needs a url or an attachment_id"
		}
		kind := m.Attachment.Type
		if kind == "file" {
			kind = "document"
		}
		return fake.Shown{Media: &sdk.Media{Kind: kind, URL: p.URL, ID: p.AttachmentID}}, ""
	case "template":
		return in.template()
	}
	return out, "Invalid attachment type"
}

func (in sending) template() (out fake.Shown, refusal string) {
	p := in.Message.Attachment.Payload
	switch p.TemplateType {
	case "button":
		if p.Text == "" || utf8.RuneCountInString(p.Text) > 640 || len(p.Buttons) == 0 {
			return out, "Invalid button template"
		}
		out.Text = p.Text
		out.Choices, out.Link, refusal = buttons(p.Buttons)
		return out, refusal
	case "generic":
		if len(p.Elements) == 0 || len(p.Elements) > 10 {
			return out, "Invalid number of elements"
		}
		for _, e := range p.Elements {
			if e.Title == "" || utf8.RuneCountInString(e.Title) > 80 || utf8.RuneCountInString(e.Subtitle) > 80 ||
				e.Subtitle == "" && e.ImageURL == "" && len(e.Buttons) == 0 {
				return out, "Invalid element"
			}
			card := sdk.Card{Title: e.Title, Subtitle: e.Subtitle, ImageURL: e.ImageURL}
			if card.Choices, card.Link, refusal = buttons(e.Buttons); refusal != "" {
				return out, refusal
			}
			out.Cards = append(out.Cards, card)
		}
		return out, ""
	}
	return out, "Invalid template type"
}

func buttons(list []button) (choices []sdk.Choice, link *sdk.Link, refusal string) {
	if len(list) > 3 {
		return nil, nil, "Too many buttons"
	}
	for _, b := range list {
		switch {
		case b.Title == "" || utf8.RuneCountInString(b.Title) > 20:
			return nil, nil, "Invalid button title"
		case b.Type == "postback" && b.Payload != "" && len(b.Payload) <= 1000:
			choices = append(choices, sdk.Choice{ID: b.Payload, Label: b.Title})
		case b.Type == "web_url" && b.URL != "":
			link = &sdk.Link{URL: b.URL, Label: b.Title}
		default:
			return nil, nil, "Invalid button"
		}
	}
	return choices, link, ""
}
