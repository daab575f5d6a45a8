package meta

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// envelope is a webhook's body: several entries, each with events of one account.
// Entries of a thread that another app has stand in standby, and are not ours.
type envelope struct {
	Object string `json:"object"`
	Entry  []struct {
		ID        string            `json:"id"`
		Messaging []json.RawMessage `json:"messaging"`
		Standby   []json.RawMessage `json:"standby"`
		Changes   []json.RawMessage `json:"changes"`
	} `json:"entry"`
}

// event is one of the messaging events (Meta, Messenger Platform, "Webhook events").
type event struct {
	Sender    person `json:"sender"`
	Timestamp int64  `json:"timestamp"`

	Message *struct {
		MID         string `json:"mid"`
		Text        string `json:"text"`
		Metadata    string `json:"metadata"`
		IsEcho      bool   `json:"is_echo"`
		IsDeleted   bool   `json:"is_deleted"`
		Unsupported bool   `json:"is_unsupported"`
		QuickReply  struct {
			Payload string `json:"payload"`
		} `json:"quick_reply"`
		ReplyTo struct {
			MID string `json:"mid"`
		} `json:"reply_to"`
		Attachments []received `json:"attachments"`
		Referral    referral   `json:"referral"`
	} `json:"message"`
	Postback *struct {
		MID      string   `json:"mid"`
		Title    string   `json:"title"`
		Payload  string   `json:"payload"`
		Referral referral `json:"referral"`
	} `json:"postback"`
	Referral *referral `json:"referral"`
	Reaction *struct {
		MID    string `json:"mid"`
		Action string `json:"action"`
		Emoji  string `json:"emoji"`
	} `json:"reaction"`
	Delivery *struct {
		MIDs []string `json:"mids"`
	} `json:"delivery"`
	Read *struct {
		MID string `json:"mid"`
	} `json:"read"`
}

// referral says what link or advertisement led here.
type referral struct {
	Ref  string `json:"ref"`
	AdID string `json:"ad_id"`
}

func (r referral) ref() string {
	if r.Ref == "" {
		return r.AdID
	}
	return r.Ref
}

type received struct {
	Type    string `json:"type"`
	Payload struct {
		URL         string      `json:"url"`
		StickerID   json.Number `json:"sticker_id"`
		Coordinates *struct {
			Latitude  float64 `json:"lat"`
			Longitude float64 `json:"long"`
		} `json:"coordinates"`
	} `json:"payload"`
}

// Parse implements [sdk.Receiver]. A message's event ID is its mid. Ignored are
// echoes of what others send for the account, threads in standby, messages that
// were deleted, and every kind that is not listed here. A read receipt counts where
// it names a message; Messenger's names only a time.
func (c *Connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var e envelope
	if err := json.Unmarshal(req.Body, &e); err != nil {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the body is not a webhook of " + c.product.Name, Err: err}
	}
	if e.Object != c.product.Object {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the body's object is not " + c.product.Object}
	}
	var out []sdk.Event
	for i, entry := range e.Entry {
		for k, raw := range entry.Messaging {
			more, err := c.event(entry.ID, raw)
			if err != nil {
				return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Err: err, Message: fmt.Sprintf("entry[%d].messaging[%d]: %s", i, k, err)}
			}
			out = append(out, more...)
		}
		for _, raw := range entry.Standby {
			out = append(out, ignored("standby", entry.ID, raw))
		}
		for _, raw := range entry.Changes {
			out = append(out, ignored("changes", entry.ID, raw))
		}
	}
	return out, nil
}

func ignored(kind, account string, raw []byte) sdk.Event {
	return sdk.Event{ID: digest(raw), Kind: sdk.EventIgnored, Type: kind, Account: account}
}

// digest identifies what has no ID of its own.
func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "event-" + hex.EncodeToString(sum[:16])
}

// event fails with a text that quotes nothing of the input.
func (c *Connection) event(account string, raw json.RawMessage) ([]sdk.Event, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("it is not of the documented shape")
	}
	at := time.Time{}
	if e.Timestamp > 0 {
		at = time.UnixMilli(e.Timestamp).UTC()
	}
	base := sdk.Event{ID: digest(raw), Kind: sdk.EventIgnored, Account: account, At: at, Type: "unknown"}
	switch {
	case e.Message != nil && e.Message.IsEcho:
		return c.echo(base, e)
	case e.Delivery != nil:
		return statuses(base, sdk.StatusDelivered, e.Delivery.MIDs), nil
	case e.Read != nil && e.Read.MID != "":
		return statuses(base, sdk.StatusRead, []string{e.Read.MID}), nil
	case e.Read != nil:
		base.Type = "read"
		return []sdk.Event{base}, nil
	}
	messages := e.said()
	if len(messages) == 0 {
		return []sdk.Event{base}, nil
	}
	if e.Sender.ID == "" {
		return nil, fmt.Errorf("it has no sender")
	}
	var out []sdk.Event
	for i, m := range messages {
		ev := base
		m.From = []sdk.Address{{Kind: "user", Value: e.Sender.ID}}
		if m.ID == "" {
			m.ID = base.ID
		}
		ev.ID, ev.Kind, ev.Type, ev.Message = m.ID, sdk.EventMessage, "messages", &m
		if m.Reaction != "" { // it names the message that it was put to
			ev.ID = base.ID
		}
		if i > 0 {
			ev.ID += ":" + strconv.Itoa(i)
		}
		out = append(out, ev)
	}
	return out, nil
}

// echo settles a send whose answer was lost: it carries our key.
func (c *Connection) echo(base sdk.Event, e event) ([]sdk.Event, error) {
	base.Type = "message_echoes"
	key, ours := strings.CutPrefix(e.Message.Metadata, metadataPrefix)
	if !ours || !c.product.Metadata || e.Message.MID == "" {
		return []sdk.Event{base}, nil
	}
	base.ID, base.Kind = e.Message.MID+":sent", sdk.EventStatus
	base.Status = &sdk.Status{MessageID: e.Message.MID, Status: sdk.StatusSent, EffectKey: key}
	return []sdk.Event{base}, nil
}

func statuses(base sdk.Event, s sdk.MessageStatus, mids []string) []sdk.Event {
	base.Type = string(s)
	if len(mids) == 0 {
		return []sdk.Event{base}
	}
	var out []sdk.Event
	for _, mid := range mids {
		ev := base
		ev.ID, ev.Kind = mid+":"+string(s), sdk.EventStatus
		ev.Status = &sdk.Status{MessageID: mid, Status: s}
		out = append(out, ev)
	}
	return out
}

// said is what the customer said or did: one message for each attachment.
func (e event) said() []sdk.Incoming {
	switch {
	case e.Message != nil && !e.Message.IsDeleted:
		return e.message()
	case e.Postback != nil:
		return []sdk.Incoming{{ID: e.Postback.MID, Text: e.Postback.Title, Tap: e.Postback.Payload, Ref: e.Postback.Referral.ref()}}
	case e.Reaction != nil && e.Reaction.Action == "react" && e.Reaction.Emoji != "":
		return []sdk.Incoming{{Text: e.Reaction.Emoji, Reaction: e.Reaction.Emoji, ReplyTo: e.Reaction.MID}}
	case e.Referral != nil && e.Referral.ref() != "": // a link into a thread that is there
		return []sdk.Incoming{{Ref: e.Referral.ref()}}
	}
	return nil
}

func (e event) message() []sdk.Incoming {
	m := e.Message
	first := sdk.Incoming{ID: m.MID, Text: m.Text, Tap: m.QuickReply.Payload, ReplyTo: m.ReplyTo.MID, Ref: m.Referral.ref()}
	if m.Unsupported || len(m.Attachments) == 0 {
		if m.Unsupported || m.Text == "" {
			first.Unsupported = "message"
		}
		return []sdk.Incoming{first}
	}
	var out []sdk.Incoming
	for i, a := range m.Attachments {
		in := sdk.Incoming{ID: m.MID}
		if i == 0 {
			in = first
		}
		a.read(&in)
		out = append(out, in)
	}
	return out
}

func (a received) read(in *sdk.Incoming) {
	kinds := map[string]string{"image": "image", "video": "video", "audio": "audio", "file": "document"}
	switch {
	case a.Type == "location" && a.Payload.Coordinates != nil:
		in.Location = &sdk.Location{Latitude: a.Payload.Coordinates.Latitude, Longitude: a.Payload.Coordinates.Longitude}
	case a.Payload.StickerID != "":
		in.Media = &sdk.Media{Kind: "sticker", URL: a.Payload.URL, ID: a.Payload.StickerID.String()}
	case kinds[a.Type] != "":
		in.Media = &sdk.Media{Kind: kinds[a.Type], URL: a.Payload.URL}
	case in.Text == "": // a shared post, a story, a template
		in.Unsupported = "attachment"
	}
}
