package whatsappfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// request is a body of the messages endpoint: a message, or a read receipt.
type request struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	To               string `json:"to"`
	Recipient        string `json:"recipient"`
	Type             string `json:"type"`
	Callback         string `json:"biz_opaque_callback_data"`
	Context          *struct {
		MessageID string `json:"message_id"`
	} `json:"context"`

	Text *struct {
		Body    string `json:"body"`
		Preview bool   `json:"preview_url"`
	} `json:"text"`
	Image       *media          `json:"image"`
	Audio       *media          `json:"audio"`
	Video       *media          `json:"video"`
	Document    *media          `json:"document"`
	Sticker     *media          `json:"sticker"`
	Location    *place          `json:"location"`
	Interactive *interactive    `json:"interactive"`
	Template    *templateSend   `json:"template"`
	Contacts    []contact       `json:"contacts"`
	Status      string          `json:"status"`
	MessageID   string          `json:"message_id"`
	Typing      json.RawMessage `json:"typing_indicator"`
}

type contact struct {
	Name struct {
		FormattedName string `json:"formatted_name"`
		FirstName     string `json:"first_name"`
	} `json:"name"`
	Org struct {
		Company string `json:"company"`
	} `json:"org"`
	Phones []struct {
		Phone string `json:"phone"`
		WaID  string `json:"wa_id"`
		Type  string `json:"type"`
	} `json:"phones"`
	Emails []struct {
		Email string `json:"email"`
		Type  string `json:"type"`
	} `json:"emails"`
}

func (c contact) card() *sdk.ContactCard {
	out := &sdk.ContactCard{Name: c.Name.FormattedName, Organization: c.Org.Company}
	for _, p := range c.Phones {
		out.Phones = append(out.Phones, phoneDigits(p.Phone))
	}
	for _, e := range c.Emails {
		out.Emails = append(out.Emails, e.Email)
	}
	return out
}

type media struct {
	ID       string `json:"id"`
	Link     string `json:"link"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
}

type place struct {
	Latitude  degrees `json:"latitude"`
	Longitude degrees `json:"longitude"`
	Name      string  `json:"name"`
	Address   string  `json:"address"`
}

// degrees may be a string or a number.
type degrees float64

func (d *degrees) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	*d = degrees(f)
	return err
}

type interactive struct {
	Type   string  `json:"type"`
	Header *titled `json:"header"`
	Body   *titled `json:"body"`
	Footer *titled `json:"footer"`
	Action struct {
		Buttons []struct {
			Type  string `json:"type"`
			Reply row    `json:"reply"`
		} `json:"buttons"`
		Button   string `json:"button"`
		Sections []struct {
			Title string `json:"title"`
			Rows  []row  `json:"rows"`
		} `json:"sections"`
		Name       string `json:"name"`
		Parameters struct {
			DisplayText string `json:"display_text"`
			URL         string `json:"url"`
		} `json:"parameters"`
	} `json:"action"`
}

type titled struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type row struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type templateSend struct {
	Name     string `json:"name"`
	Language struct {
		Policy string `json:"policy"`
		Code   string `json:"code"`
	} `json:"language"`
	Components []component `json:"components"`
}

type component struct {
	Type       string `json:"type"`
	Parameters []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"parameters"`
}

// UnmarshalJSON lets parameters of other types (currency, date, media) pass.
func (c *component) UnmarshalJSON(raw []byte) error {
	type plain component
	return json.Unmarshal(raw, (*plain)(c))
}

// decodeRequest refuses unknown fields, as Meta does ("Unexpected key").
func decodeRequest(body []byte) (request, *problem) {
	var req request
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		return req, &problem{100, "Invalid parameter: " + err.Error()}
	}
	if req.MessagingProduct != "whatsapp" {
		return req, &problem{100, "The parameter messaging_product is required."}
	}
	return req, nil
}

var (
	digits       = regexp.MustCompile(`^[0-9]{5,20}$`)
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
)

// check finds the first thing that Meta would refuse a message for: a missing
// parameter (131008), a wrong value (131009), or one that is too long (100).
func check(r request) *problem {
	switch {
	case r.To == "" && r.Recipient == "":
		return &problem{131008, "The parameter to is required."}
	case r.To != "" && !digits.MatchString(phoneDigits(r.To)):
		return &problem{131009, "Parameter value is not valid: to"}
	case r.RecipientType != "" && r.RecipientType != "individual":
		return &problem{131009, "Parameter value is not valid: recipient_type"}
	}
	if p := limit("biz_opaque_callback_data", r.Callback, 0, 512); p != nil {
		return p
	}
	switch r.Type {
	case "text", "":
		if r.Text == nil {
			return missing("text")
		}
		return limit("text.body", r.Text.Body, 1, 4096)
	case "image", "audio", "video", "document", "sticker":
		return checkMedia(r.Type, r.media())
	case "location":
		if r.Location == nil {
			return missing("location")
		}
		return nil
	case "contacts":
		if len(r.Contacts) == 0 || r.Contacts[0].Name.FormattedName == "" || r.Contacts[0].Name.FirstName == "" {
			return missing("contacts.name")
		}
		return nil
	case "interactive":
		return checkInteractive(r.Interactive)
	case "template":
		return checkTemplate(r.Template)
	}
	return &problem{131051, "Message type is currently not supported."}
}

// phoneDigits strips what people write into numbers.
func phoneDigits(s string) string {
	return strings.NewReplacer("+", "", " ", "", "-", "", "(", "", ")", "").Replace(s)
}

func missing(field string) *problem {
	return &problem{131008, "Required parameter is missing: " + field}
}

func limit(field, s string, least, most int) *problem {
	switch n := utf8.RuneCountInString(s); {
	case n < least:
		return missing(field)
	case n > most:
		return &problem{100, fmt.Sprintf("Param %s must be at most %d characters long.", field, most)}
	}
	return nil
}

func (r request) media() *media {
	return map[string]*media{"image": r.Image, "audio": r.Audio, "video": r.Video, "document": r.Document, "sticker": r.Sticker}[r.Type]
}

func checkMedia(kind string, m *media) *problem {
	switch {
	case m == nil:
		return missing(kind)
	case (m.ID == "") == (m.Link == ""):
		return &problem{131009, "Either id or link is required: " + kind}
	case m.Link != "" && !strings.HasPrefix(m.Link, "http"):
		return &problem{131009, "Parameter value is not valid: link"}
	case m.Caption != "" && (kind == "audio" || kind == "sticker"):
		return &problem{100, "Unexpected key \"caption\" on param " + kind}
	case m.Filename != "" && kind != "document":
		return &problem{100, "Unexpected key \"filename\" on param " + kind}
	}
	return limit(kind+".caption", m.Caption, 0, 1024)
}

func checkTemplate(t *templateSend) *problem {
	switch {
	case t == nil || t.Name == "":
		return missing("template.name")
	case t.Language.Code == "":
		return missing("template.language.code")
	case !templateName.MatchString(t.Name):
		return &problem{132001, "Template name does not exist in the translation"}
	}
	for _, c := range t.Components {
		for _, p := range c.Parameters {
			if p.Type == "text" && (p.Text == "" || strings.ContainsAny(p.Text, "\n\t") || strings.Contains(p.Text, "     ")) {
				return &problem{132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"}
			}
		}
	}
	return nil
}

func first(ps ...*problem) *problem {
	for _, p := range ps {
		if p != nil {
			return p
		}
	}
	return nil
}

func checkInteractive(i *interactive) *problem {
	if i == nil {
		return missing("interactive")
	}
	if i.Body == nil {
		return missing("interactive.body")
	}
	p := limit("interactive.body.text", i.Body.Text, 1, 1024)
	if i.Header != nil && i.Header.Type == "text" {
		p = first(p, limit("interactive.header.text", i.Header.Text, 1, 60))
	}
	if i.Footer != nil {
		p = first(p, limit("interactive.footer.text", i.Footer.Text, 1, 60))
	}
	if p != nil {
		return p
	}
	switch i.Type {
	case "button":
		if n := len(i.Action.Buttons); n < 1 || n > 3 {
			return &problem{131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"}
		}
		rows := make([]row, 0, 3)
		for _, b := range i.Action.Buttons {
			rows = append(rows, b.Reply)
		}
		return checkRows("button", rows, 256, 20)
	case "list":
		return checkList(i)
	case "cta_url":
		if i.Action.Name != "cta_url" || !strings.HasPrefix(i.Action.Parameters.URL, "http") {
			return &problem{131009, "Parameter value is not valid: action.parameters.url"}
		}
		return limit("action.parameters.display_text", i.Action.Parameters.DisplayText, 1, 20)
	}
	return &problem{131009, "Parameter value is not valid: interactive.type"}
}

func checkList(i *interactive) *problem {
	var rows []row
	for _, s := range i.Action.Sections {
		if len(i.Action.Sections) > 1 && s.Title == "" {
			return missing("section.title")
		}
		rows = append(rows, s.Rows...)
	}
	if len(i.Action.Sections) > 10 || len(rows) < 1 || len(rows) > 10 {
		return &problem{131009, "Total row count exceed max allowed count: 10"}
	}
	for _, r := range rows {
		if p := limit("row.description", r.Description, 0, 72); p != nil {
			return p
		}
	}
	return first(limit("action.button", i.Action.Button, 1, 20), checkRows("row", rows, 200, 24))
}

func checkRows(kind string, rows []row, idMax, titleMax int) *problem {
	ids, titles := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if p := first(limit(kind+".id", r.ID, 1, idMax), limit(kind+".title", r.Title, 1, titleMax)); p != nil {
			return p
		}
		if ids[r.ID] || titles[r.Title] && kind == "button" {
			return &problem{131009, "Duplicated id or title: " + kind}
		}
		ids[r.ID], titles[r.Title] = true, true
	}
	return nil
}
