package whatsapp

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// envelope is a webhook's body (schema WebhookPayload). Values are decoded by
// their field, so that a kind that we do not use can have any shape.
type envelope struct {
	Object string `json:"object"`
	Entry  []struct {
		ID      string   `json:"id"`
		Changes []change `json:"changes"`
	} `json:"entry"`
}

type change struct {
	Field string          `json:"field"`
	Value json.RawMessage `json:"value"`
}

// value of the field "messages": messages, statuses or errors.
type value struct {
	Metadata struct {
		PhoneNumberID string `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []profile         `json:"contacts"`
	Messages []incoming        `json:"messages"`
	Statuses []status          `json:"statuses"`
	Errors   []json.RawMessage `json:"errors"`
}

// profile describes a sender. UserID, ParentUserID and Username: Meta,
// "Business-scoped user IDs" (2026); WaID may then be absent.
type profile struct {
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
	WaID         string `json:"wa_id"`
	UserID       string `json:"user_id"`
	ParentUserID string `json:"parent_user_id"`
}

type incoming struct {
	From             string   `json:"from"`
	FromUserID       string   `json:"from_user_id"`
	FromParentUserID string   `json:"from_parent_user_id"`
	GroupID          string   `json:"group_id"`
	ID               string   `json:"id"`
	Timestamp        flexible `json:"timestamp"`
	Type             string   `json:"type"`
	Context          struct {
		ID string `json:"id"`
	} `json:"context"`

	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Button struct {
		Payload string `json:"payload"`
		Text    string `json:"text"`
	} `json:"button"`
	Interactive struct {
		Type        string `json:"type"`
		ButtonReply reply  `json:"button_reply"`
		ListReply   reply  `json:"list_reply"`
		FormReply   struct {
			Body string `json:"body"`
			// Response is a JSON object, written as a string.
			Response string `json:"response_json"`
		} `json:"nfm_reply"`
	} `json:"interactive"`
	Image    *file `json:"image"`
	Audio    *file `json:"audio"`
	Video    *file `json:"video"`
	Document *file `json:"document"`
	Sticker  *file `json:"sticker"`
	Location *struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name"`
		Address   string  `json:"address"`
	} `json:"location"`
	Reaction struct {
		MessageID string `json:"message_id"`
		Emoji     string `json:"emoji"`
	} `json:"reaction"`
	Contacts []contactPart `json:"contacts"`
	// Referral is the advertisement that led to this message.
	Referral struct {
		SourceID string `json:"source_id"`
	} `json:"referral"`
	System struct {
		Type string `json:"type"`
	} `json:"system"`
}

type file struct {
	ID       string `json:"id"`
	MIME     string `json:"mime_type"`
	SHA256   string `json:"sha256"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
}

type status struct {
	ID        string   `json:"id"`
	Status    string   `json:"status"`
	Timestamp flexible `json:"timestamp"`
	Callback  string   `json:"biz_opaque_callback_data"`
	Errors    []struct {
		Code int `json:"code"`
	} `json:"errors"`
}

// flexible is a whole number that Meta writes now as a number, now as a string.
type flexible int64

func (f *flexible) UnmarshalJSON(raw []byte) error {
	s := strings.Trim(string(raw), `"`)
	if s == "" || s == "null" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return errors.New("a whole number is expected")
	}
	*f = flexible(n)
	return nil
}

// flexibleID is an ID that Meta writes now as a number, now as a string.
type flexibleID string

func (f *flexibleID) UnmarshalJSON(raw []byte) error {
	*f = flexibleID(strings.Trim(string(raw), `"`))
	return nil
}

// time reads it as Unix seconds; zero is no time.
func (f flexible) time() time.Time {
	if f <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(f), 0).UTC()
}

// hexDigest turns a SHA-256 in base64, as webhooks have it, into hexadecimal.
func hexDigest(s string) string {
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil && len(raw) == 32 {
		return hex.EncodeToString(raw)
	}
	return s
}
