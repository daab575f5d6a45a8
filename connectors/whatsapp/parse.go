package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"parley/connectors/sdk"
)

// Parse implements [sdk.Receiver]. A message's event ID is its wamid, a status's
// the wamid and the status. Ignored, with their kind in Event.Type, are: system
// messages (a changed number is news of the platform, not of the customer's
// making), messages in groups, errors of the account, statuses that this package
// does not know, and all webhook fields but "messages" and those of templates.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var e envelope
	if err := json.Unmarshal(req.Body, &e); err != nil {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the body is not a webhook of WhatsApp", Err: err}
	}
	if e.Object != "whatsapp_business_account" {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the body's object is not whatsapp_business_account"}
	}
	var events []sdk.Event
	for i, entry := range e.Entry {
		for k, ch := range entry.Changes {
			more, err := parseChange(ch)
			if err != nil {
				return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Err: err,
					Message: fmt.Sprintf("entry[%d].changes[%d]: %s", i, k, err.Error())}
			}
			events = append(events, more...)
		}
	}
	return events, nil
}

// parseChange fails with a text that quotes nothing of the input.
func parseChange(ch change) ([]sdk.Event, error) {
	if slices.Contains(templateTriggers[0].Source, ch.Field) {
		return templateEvents(ch)
	}
	if ch.Field != "messages" {
		return []sdk.Event{ignored(ch, named(ch.Field), accountOf(ch.Value))}, nil
	}
	var v value
	if err := json.Unmarshal(ch.Value, &v); err != nil {
		return nil, fmt.Errorf("value is not of the documented shape")
	}
	account := v.Metadata.PhoneNumberID
	var events []sdk.Event
	for i, m := range v.Messages {
		if m.ID == "" {
			return nil, fmt.Errorf("messages[%d] has no id", i)
		}
		ev := sdk.Event{ID: m.ID, Type: "messages." + named(m.Type), Account: account, At: m.Timestamp.time()}
		if !m.isCustomers() {
			ev.Kind = sdk.EventIgnored
			events = append(events, ev)
			continue
		}
		msg := m.message(senderOf(m, v.Contacts))
		if len(msg.From) == 0 {
			return nil, fmt.Errorf("messages[%d] has no sender", i)
		}
		ev.Kind, ev.Message = sdk.EventMessage, &msg
		events = append(events, ev)
	}
	for i, s := range v.Statuses {
		if s.ID == "" || s.Status == "" {
			return nil, fmt.Errorf("statuses[%d] has no id or status", i)
		}
		events = append(events, s.event(account))
	}
	if len(v.Errors) > 0 {
		events = append(events, ignored(ch, "errors", account))
	}
	return events, nil
}

// isCustomers tells whether a customer wrote it to us alone. A reaction without an
// emoji takes one back.
func (m incoming) isCustomers() bool {
	return m.Type != "system" && m.GroupID == "" && !(m.Type == "reaction" && m.Reaction.Emoji == "")
}

func ignored(ch change, kind, account string) sdk.Event {
	sum := sha256.Sum256(append([]byte(ch.Field+"\x00"), ch.Value...))
	return sdk.Event{ID: "change-" + hex.EncodeToString(sum[:16]), Kind: sdk.EventIgnored, Type: kind, Account: account}
}

func accountOf(raw json.RawMessage) string {
	var v struct {
		Metadata struct {
			PhoneNumberID string `json:"phone_number_id"`
		} `json:"metadata"`
	}
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	return v.Metadata.PhoneNumberID
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// named keeps a provider's name for a kind if it is one, for it becomes a label
// of metrics.
func named(kind string) string {
	if nameForm.MatchString(kind) {
		return kind
	}
	return "unknown"
}

// message reads one message of a customer. A caption counts as text: it is what
// was written.
func (m incoming) message(from []sdk.Address, name string) sdk.Incoming {
	in := sdk.Incoming{ID: m.ID, From: from, Name: name, ReplyTo: m.Context.ID, Ref: m.Referral.SourceID}
	switch {
	case m.Type == "text":
		in.Text = m.Text.Body
	case m.Type == "button":
		in.Text, in.Tap = m.Button.Text, m.Button.Payload
	case m.Type == "interactive":
		m.interactive(&in)
	case m.Type == "location" && m.Location != nil:
		in.Location = &sdk.Location{Latitude: m.Location.Latitude, Longitude: m.Location.Longitude,
			Name: m.Location.Name, Address: m.Location.Address}
	case m.file() != nil:
		f := m.file()
		in.Text = f.Caption
		in.Media = &sdk.Media{Kind: m.Type, ID: f.ID, MIME: f.MIME, SHA256: hexDigest(f.SHA256),
			Filename: f.Filename, Caption: f.Caption}
	case m.Type == "reaction":
		in.Text, in.ReplyTo, in.Reaction = m.Reaction.Emoji, m.Reaction.MessageID, m.Reaction.Emoji
	case m.Type == "contacts" && len(m.Contacts) > 0:
		in.Contact = m.Contacts[0].card()
	default: // order, unsupported, unknown, and what Meta adds
		in.Unsupported = named(m.Type)
	}
	return in
}

func (m incoming) interactive(in *sdk.Incoming) {
	switch m.Interactive.Type {
	case "button_reply":
		in.Text, in.Tap = m.Interactive.ButtonReply.Title, m.Interactive.ButtonReply.ID
	case "list_reply":
		in.Text, in.Tap = m.Interactive.ListReply.Title, m.Interactive.ListReply.ID
	case "nfm_reply": // the answer to a WhatsApp Flow
		in.Text, in.Form = m.Interactive.FormReply.Body, formOf(m.Interactive.FormReply.Response)
	default:
		in.Unsupported = "interactive"
	}
}

// formOf reads the answers of a form, which stand in a string; nil if they are
// not the object that they should be.
func formOf(response string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(response), &fields) != nil {
		return nil
	}
	return json.RawMessage(response)
}

func (m incoming) file() *file {
	switch m.Type {
	case "image":
		return m.Image
	case "audio":
		return m.Audio
	case "video":
		return m.Video
	case "document":
		return m.Document
	case "sticker":
		return m.Sticker
	}
	return nil
}

// senderOf lists the identifiers of a message's sender, the phone first: Meta
// advises to answer to it while it is known, so that webhooks keep naming it.
func senderOf(m incoming, contacts []profile) ([]sdk.Address, string) {
	var out []sdk.Address
	add := func(kind, v string) {
		if kind == "phone" && !phoneForm.MatchString(v) {
			kind = "user" // Meta may put a business-scoped user ID where a phone stood
		}
		if a := (sdk.Address{Kind: kind, Value: v}); v != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	p := profileOf(m, contacts)
	add("phone", m.From)
	add("phone", p.WaID)
	add("user", m.FromUserID)
	add("user", p.UserID)
	add("user", m.FromParentUserID)
	add("user", p.ParentUserID)
	add("username", p.Profile.Username)
	return out, p.Profile.Name
}

// profileOf finds the sender among the contacts; a single one is the sender's.
func profileOf(m incoming, contacts []profile) profile {
	for _, p := range contacts {
		if m.From != "" && p.WaID == m.From || m.FromUserID != "" && p.UserID == m.FromUserID {
			return p
		}
	}
	if len(contacts) == 1 {
		return contacts[0]
	}
	return profile{}
}

func (s status) event(account string) sdk.Event {
	ev := sdk.Event{ID: s.ID + ":" + s.Status, Type: "statuses." + named(s.Status), Account: account, At: s.Timestamp.time()}
	switch st := sdk.MessageStatus(s.Status); st {
	case sdk.StatusSent, sdk.StatusDelivered, sdk.StatusRead, sdk.StatusFailed:
		ev.Kind = sdk.EventStatus
		ev.Status = &sdk.Status{MessageID: s.ID, Status: st, EffectKey: s.Callback}
		if st == sdk.StatusFailed {
			ev.Status.Error = &sdk.Error{Class: sdk.Rejected, Message: "WhatsApp did not deliver the message and gave no code", Wrote: true}
			if len(s.Errors) > 0 {
				ev.Status.Error = codeError(s.Errors[0].Code)
			}
		}
	default:
		ev.Kind = sdk.EventIgnored
	}
	return ev
}
