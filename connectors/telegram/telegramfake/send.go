package telegramfake

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// sending is the body of any of the sending methods that the fake knows.
type sending struct {
	ChatID    int64  `json:"chat_id"`
	Text      string `json:"text"`
	ParseMode string `json:"parse_mode"`
	Markup    *struct {
		Rows [][]struct {
			Text string `json:"text"`
			Data string `json:"callback_data"`
			URL  string `json:"url"`
		} `json:"inline_keyboard"`
	} `json:"reply_markup"`
	Photo     string   `json:"photo"`
	Video     string   `json:"video"`
	Audio     string   `json:"audio"`
	Document  string   `json:"document"`
	Sticker   string   `json:"sticker"`
	Caption   string   `json:"caption"`
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
	Title     string   `json:"title"`
	Address   string   `json:"address"`
	Phone     string   `json:"phone_number"`
	FirstName string   `json:"first_name"`
	VCard     string   `json:"vcard"`
}

// customer is what the fake knows of a person.
type customer struct {
	Blocked bool `json:"blocked"`
}

func (s *server) send(w http.ResponseWriter, method string, dec *json.Decoder) {
	dec.DisallowUnknownFields()
	var in sending
	if err := dec.Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, "Bad Request: can't parse the request")
		return
	}
	from := strconv.FormatInt(in.ChatID, 10)
	var c customer
	switch known := s.env.State().Get("people", from, &c); {
	case !known:
		fail(w, http.StatusBadRequest, "Bad Request: chat not found")
		return
	case c.Blocked:
		fail(w, http.StatusForbidden, "Forbidden: bot was blocked by the user")
		return
	}
	shown, refusal := in.shown(method)
	if refusal != "" {
		fail(w, http.StatusBadRequest, "Bad Request: "+refusal)
		return
	}
	id := s.nextMessage()
	shown.ID, shown.From = messageID(in.ChatID, id), "business"
	s.phones.Show(from, shown)
	succeed(w, map[string]any{"message_id": id, "date": s.env.Now().Unix(), "chat": map[string]any{"id": in.ChatID, "type": "private"}})
}

func messageID(chat, id int64) string {
	return strconv.FormatInt(chat, 10) + ":" + strconv.FormatInt(id, 10)
}

// shown is what the customer sees, or what Telegram says against the message.
func (in sending) shown(method string) (fake.Shown, string) {
	text, ok := plain(in.Text, in.ParseMode)
	caption, captionOK := plain(in.Caption, in.ParseMode)
	switch {
	case !ok || !captionOK:
		return fake.Shown{}, "can't parse entities"
	case utf8.RuneCountInString(text) > 4096:
		return fake.Shown{}, "message is too long"
	case utf8.RuneCountInString(caption) > 1024:
		return fake.Shown{}, "message caption is too long"
	}
	files := map[string]sdk.Media{"sendPhoto": {Kind: "image", URL: in.Photo}, "sendVideo": {Kind: "video", URL: in.Video},
		"sendAudio": {Kind: "audio", URL: in.Audio}, "sendDocument": {Kind: "document", URL: in.Document}, "sendSticker": {Kind: "sticker", URL: in.Sticker}}
	if m, ok := files[method]; ok {
		if m.URL == "" {
			return fake.Shown{}, "there is no file in the request"
		}
		if m.Caption = caption; !strings.Contains(m.URL, "://") {
			m.ID, m.URL = m.URL, ""
		}
		return fake.Shown{Media: &m}, ""
	}
	switch {
	case method == "sendMessage" && text == "":
		return fake.Shown{}, "message text is empty"
	case method == "sendMessage":
		return in.keyboard(fake.Shown{Text: text})
	case method == "sendLocation" && in.Latitude != nil && in.Longitude != nil:
		return fake.Shown{Location: &sdk.Location{Latitude: *in.Latitude, Longitude: *in.Longitude}}, ""
	case method == "sendVenue" && in.Latitude != nil && in.Longitude != nil && in.Title != "" && in.Address != "":
		return fake.Shown{Location: &sdk.Location{Latitude: *in.Latitude, Longitude: *in.Longitude, Name: in.Title, Address: in.Address}}, ""
	case method == "sendContact" && in.Phone != "" && in.FirstName != "":
		return fake.Shown{Contact: &sdk.ContactCard{Name: in.FirstName, Phones: []string{strings.TrimPrefix(in.Phone, "+")}}}, ""
	}
	return fake.Shown{}, "a required parameter is missing"
}

// keyboard adds the buttons, each of which has exactly one use.
func (in sending) keyboard(m fake.Shown) (fake.Shown, string) {
	if in.Markup == nil {
		return m, ""
	}
	for _, row := range in.Markup.Rows {
		for _, b := range row {
			switch {
			case b.Text == "" || (b.Data == "") == (b.URL == ""):
				return m, "text buttons are unallowed in the inline keyboard"
			case len(b.Data) > 64:
				return m, "BUTTON_DATA_INVALID"
			case b.URL != "":
				m.Link = &sdk.Link{URL: b.URL, Label: b.Text}
			default:
				m.Choices = append(m.Choices, sdk.Choice{ID: b.Data, Label: b.Text})
			}
		}
	}
	return m, ""
}

var tag = regexp.MustCompile(`</?(b|i|u|s|code|pre|strong|em)>`)

// plain is the text that is shown; it reports false for HTML that Telegram does
// not parse.
func plain(s, mode string) (string, bool) {
	if mode != "HTML" {
		return s, mode == ""
	}
	s = strings.NewReplacer("<b>", "*", "</b>", "*", "<i>", "_", "</i>", "_").Replace(s)
	s = tag.ReplaceAllString(s, "")
	return html.UnescapeString(s), !strings.ContainsAny(s, "<>")
}
