package telegram

import (
	"crypto/subtle"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// secretHeader: Bot API, setWebhook, secret_token.
const secretHeader = "X-Telegram-Bot-Api-Secret-Token"

// Verify implements [sdk.Receiver]. Telegram signs neither body nor time: who
// knows the secret is Telegram, and repeats are known by update_id.
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is not set: nothing can be verified")
	}
	given := req.Header.Get(secretHeader)
	if given == "" {
		return &sdk.Error{Class: sdk.Auth, Code: "secret_missing", Message: "the header " + secretHeader + " is missing"}
	}
	match := 0
	for _, s := range c.secrets {
		match |= subtle.ConstantTimeCompare([]byte(given), []byte(s))
	}
	if match != 1 {
		return &sdk.Error{Class: sdk.Auth, Code: "secret_wrong", Message: "the secret token is not the connection's webhook_secret"}
	}
	return nil
}

// update is the type Update, as far as it is read.
type update struct {
	ID       *int64   `json:"update_id"`
	Message  *message `json:"message"`
	Callback *struct {
		ID      string   `json:"id"`
		From    user     `json:"from"`
		Message *message `json:"message"`
		Data    string   `json:"data"`
	} `json:"callback_query"`
	Reaction *struct {
		Chat      chat  `json:"chat"`
		MessageID int64 `json:"message_id"`
		User      *user `json:"user"`
		Date      int64 `json:"date"`
		New       []struct {
			Emoji string `json:"emoji"`
		} `json:"new_reaction"`
	} `json:"message_reaction"`
}

type chat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

type user struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Username  string `json:"username"`
}

type message struct {
	ID      int64    `json:"message_id"`
	Chat    chat     `json:"chat"`
	From    *user    `json:"from"`
	Date    int64    `json:"date"`
	Text    string   `json:"text"`
	Caption string   `json:"caption"`
	ReplyTo *message `json:"reply_to_message"`

	Photo     []file `json:"photo"`
	Video     *file  `json:"video"`
	VideoNote *file  `json:"video_note"`
	Animation *file  `json:"animation"`
	Audio     *file  `json:"audio"`
	Voice     *file  `json:"voice"`
	Document  *file  `json:"document"`
	Sticker   *file  `json:"sticker"`
	Location  *place `json:"location"`
	Venue     *struct {
		Location place  `json:"location"`
		Title    string `json:"title"`
		Address  string `json:"address"`
	} `json:"venue"`
	Contact *struct {
		Phone     string `json:"phone_number"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		UserID    int64  `json:"user_id"`
	} `json:"contact"`
	Markup *keyboard `json:"reply_markup"`
}

type file struct {
	ID   string `json:"file_id"`
	MIME string `json:"mime_type"`
	Name string `json:"file_name"`
	Size int64  `json:"file_size"`
}

type place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Parse implements [sdk.Receiver]. An update is one event, whose ID is update_id.
// Ignored are edits, groups, other bots, and every kind that is not listed here.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var u update
	if err := json.Unmarshal(req.Body, &u); err != nil || u.ID == nil {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the body is not an update of Telegram", Err: err}
	}
	ev := sdk.Event{ID: strconv.FormatInt(*u.ID, 10), Kind: sdk.EventIgnored, Type: kindOf(req.Body)}
	switch {
	case u.Message != nil && u.Message.Chat.Type == "private" && u.Message.From != nil && !u.Message.From.IsBot:
		ev.Kind, ev.At = sdk.EventMessage, unix(u.Message.Date)
		ev.Message = u.Message.incoming()
	case u.Callback != nil && u.Callback.Data != "" && u.Callback.Message != nil && u.Callback.Message.Chat.Type == "private":
		from, name := u.Callback.From.addresses()
		m := u.Callback.Message
		ev.Kind = sdk.EventMessage
		ev.Message = &sdk.Incoming{ID: "tap:" + ev.ID, From: from, Name: name, Tap: u.Callback.Data,
			Text: m.label(u.Callback.Data), ReplyTo: messageID(m.Chat.ID, m.ID)}
	case u.Reaction != nil && u.Reaction.Chat.Type == "private" && u.Reaction.User != nil && len(u.Reaction.New) > 0 && u.Reaction.New[0].Emoji != "":
		from, name := u.Reaction.User.addresses()
		emoji := u.Reaction.New[0].Emoji
		ev.Kind, ev.At = sdk.EventMessage, unix(u.Reaction.Date)
		ev.Message = &sdk.Incoming{ID: "reaction:" + ev.ID, From: from, Name: name, Text: emoji, Reaction: emoji,
			ReplyTo: messageID(u.Reaction.Chat.ID, u.Reaction.MessageID)}
	}
	return []sdk.Event{ev}, nil
}

// Answer implements [sdk.Answerer]: a tapped button waits until its query is
// answered, and a webhook may be answered with a method to run (Bot API, "Making
// requests when getting updates").
func (c *connection) Answer(req sdk.WebhookRequest) (string, []byte) {
	var u update
	if json.Unmarshal(req.Body, &u) != nil || u.Callback == nil || u.Callback.ID == "" {
		return "", nil
	}
	return "application/json", sdk.JSONBody(answerCallback{"answerCallbackQuery", u.Callback.ID})
}

type answerCallback struct {
	Method string `json:"method"`
	ID     string `json:"callback_query_id"`
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// kindOf names the one field of an update beside its ID.
func kindOf(body []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) == nil {
		for name := range fields {
			if name != "update_id" && len(fields) == 2 && nameForm.MatchString(name) {
				return name
			}
		}
	}
	return "unknown"
}

func unix(s int64) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func (u user) addresses() ([]sdk.Address, string) {
	out := []sdk.Address{{Kind: "user", Value: strconv.FormatInt(u.ID, 10)}}
	if u.Username != "" {
		out = append(out, sdk.Address{Kind: "username", Value: u.Username})
	}
	return out, strings.TrimSpace(u.FirstName + " " + u.LastName)
}

// label is what stands on the button that was tapped.
func (m message) label(data string) string {
	if m.Markup != nil {
		for _, row := range m.Markup.Rows {
			for _, b := range row {
				if b.Data == data {
					return b.Text
				}
			}
		}
	}
	return ""
}

func (m message) incoming() *sdk.Incoming {
	in := &sdk.Incoming{ID: messageID(m.Chat.ID, m.ID), Text: m.Text}
	in.From, in.Name = m.From.addresses()
	if m.ReplyTo != nil {
		in.ReplyTo = messageID(m.Chat.ID, m.ReplyTo.ID)
	}
	if ref, ok := strings.CutPrefix(m.Text, "/start "); ok { // t.me/<bot>?start=<payload>
		in.Text, in.Ref = "/start", strings.TrimSpace(ref)
	}
	kind, f := m.file()
	switch {
	case f != nil:
		in.Text = m.Caption
		in.Media = &sdk.Media{Kind: kind, ID: f.ID, MIME: f.MIME, Filename: f.Name, Caption: m.Caption, Size: f.Size}
	case m.Venue != nil:
		in.Location = &sdk.Location{Latitude: m.Venue.Location.Latitude, Longitude: m.Venue.Location.Longitude,
			Name: m.Venue.Title, Address: m.Venue.Address}
	case m.Location != nil:
		in.Location = &sdk.Location{Latitude: m.Location.Latitude, Longitude: m.Location.Longitude}
	case m.Contact != nil:
		phone := digits(m.Contact.Phone)
		in.Contact = &sdk.ContactCard{Name: strings.TrimSpace(m.Contact.FirstName + " " + m.Contact.LastName)}
		if phone != "" {
			in.Contact.Phones = []string{phone}
		}
		if phone != "" && m.Contact.UserID == m.From.ID { // their own number
			in.From = append(in.From, sdk.Address{Kind: "phone", Value: phone})
		}
	case m.Text == "":
		in.Unsupported = "message"
	}
	return in
}

// file is the one that a message holds; of a photo's sizes the largest, which is last.
func (m message) file() (kind string, f *file) {
	switch {
	case len(m.Photo) > 0:
		return "image", &m.Photo[len(m.Photo)-1]
	case m.Video != nil:
		return "video", m.Video
	case m.VideoNote != nil:
		return "video", m.VideoNote
	case m.Animation != nil: // before document, which it sets too
		return "video", m.Animation
	case m.Audio != nil:
		return "audio", m.Audio
	case m.Voice != nil:
		return "audio", m.Voice
	case m.Sticker != nil:
		return "sticker", m.Sticker
	case m.Document != nil:
		return "document", m.Document
	}
	return "", nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
