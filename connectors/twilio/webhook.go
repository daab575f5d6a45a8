package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

const signatureHeader = "X-Twilio-Signature"

// Verify implements [sdk.Receiver]: Twilio, "Validating requests are coming from
// Twilio". The signature covers the full address and the form's parameters, sorted
// by name; of a body of another type the address carries the SHA-256. Twilio signs
// no time; repeats are known by the events' IDs.
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is not set: nothing can be verified")
	}
	given, err := base64.StdEncoding.DecodeString(req.Header.Get(signatureHeader))
	if err != nil || len(given) != sha1.Size {
		return refused("signature_missing", "the header "+signatureHeader+" is missing or malformed")
	}
	u, err := url.Parse(req.URL)
	if err != nil {
		return refused("signature_wrong", "the address of the request is not valid")
	}
	params := ""
	if sum := u.Query().Get("bodySHA256"); sum != "" {
		actual := sha256.Sum256(req.Body)
		if subtle.ConstantTimeCompare([]byte(strings.ToLower(sum)), []byte(hex.EncodeToString(actual[:]))) != 1 {
			return refused("body_wrong", "the body is not the one whose bodySHA256 stands in the address")
		}
	} else {
		form, err := url.ParseQuery(string(req.Body))
		if err != nil {
			return refused("signature_wrong", "the body is not a form")
		}
		params = joined(form)
	}
	match := false
	for _, address := range []string{req.URL, withPort(*u), withoutPort(*u)} {
		for _, secret := range c.secrets {
			if hmac.Equal(given, sign(secret, address+params)) {
				match = true
			}
		}
	}
	if !match {
		return refused("signature_wrong", "the signature does not match address and parameters under webhook_secret, the auth token; is the public address right?")
	}
	return nil
}

// joined puts the parameters of a form one behind the other, names and values, in
// the order of names; a name's values count once each.
func joined(form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			b.WriteString(name)
			b.WriteString(v)
		}
	}
	return b.String()
}

// withPort and withoutPort are the address as Twilio may have signed it: its own
// libraries try both.
func withPort(u url.URL) string {
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), map[string]string{"https": "443", "http": "80"}[u.Scheme])
	}
	return u.String()
}

func withoutPort(u url.URL) string {
	u.Host = u.Hostname()
	return u.String()
}

func sign(secret, text string) []byte {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func refused(code, message string) error {
	return &sdk.Error{Class: sdk.Auth, Code: code, Message: message}
}

// form reads a webhook's parameters.
func form(req sdk.WebhookRequest) (url.Values, error) {
	f, err := url.ParseQuery(string(req.Body))
	if err != nil || f.Get("AccountSid") == "" {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the body is not a form of Twilio"}
	}
	return f, nil
}

// Parse implements [sdk.Receiver]. A message's event ID is its SID, a status's the
// SID and the status, a call's its SID.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	f, err := form(req)
	if err != nil {
		return nil, err
	}
	sid := f.Get("MessageSid")
	switch {
	case f.Get("CallSid") != "":
		return []sdk.Event{c.missedCall(f)}, nil
	case sid == "":
		return []sdk.Event{{ID: "unknown-" + hex.EncodeToString(sign("", joined(f))), Kind: sdk.EventIgnored, Type: "unknown"}}, nil
	case f.Get("MessageStatus") != "":
		return []sdk.Event{status(f, sid, keyOf(req.URL))}, nil
	}
	in := incoming(f, sid)
	if len(in.From) == 0 {
		return nil, &sdk.Error{Class: sdk.Invalid, Code: "malformed", Message: "the message has no sender"}
	}
	events := []sdk.Event{{ID: sid, Kind: sdk.EventMessage, Type: "message", Message: &in}}
	for i := 1; f.Get("MediaUrl"+strconv.Itoa(i)) != ""; i++ { // the first stands with the text
		more := sdk.Incoming{ID: sid, From: in.From, Name: in.Name, Media: media(f, i)}
		events = append(events, sdk.Event{ID: sid + ":" + strconv.Itoa(i), Kind: sdk.EventMessage, Type: "message", Message: &more})
	}
	return events, nil
}

func media(f url.Values, i int) *sdk.Media {
	mime := f.Get("MediaContentType" + strconv.Itoa(i))
	return &sdk.Media{Kind: kindOf(mime), URL: f.Get("MediaUrl" + strconv.Itoa(i)), MIME: mime}
}

func keyOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(keyParam)
}

func status(f url.Values, sid, key string) sdk.Event {
	said := f.Get("MessageStatus")
	ev := sdk.Event{ID: sid + ":" + said, Kind: sdk.EventStatus, Type: "status"}
	st := map[string]sdk.MessageStatus{"sent": sdk.StatusSent, "delivered": sdk.StatusDelivered, "read": sdk.StatusRead,
		"failed": sdk.StatusFailed, "undelivered": sdk.StatusFailed}[said]
	if st == "" { // queued, sending, accepted, and what Twilio adds
		ev.Kind = sdk.EventIgnored
		return ev
	}
	ev.Status = &sdk.Status{MessageID: sid, Status: st, EffectKey: key}
	if st == sdk.StatusFailed {
		ev.Status.Error = codeError(f.Get("ErrorCode"))
	}
	return ev
}

// sender is the address of who wrote or called. Anonymous callers have none.
func sender(f url.Values) []sdk.Address {
	from := strings.TrimPrefix(f.Get("From"), "whatsapp:")
	if !numberForm.MatchString(from) {
		return nil
	}
	return []sdk.Address{{Kind: "phone", Value: strings.TrimPrefix(from, "+")}}
}

func incoming(f url.Values, sid string) sdk.Incoming {
	in := sdk.Incoming{ID: sid, From: sender(f), Name: f.Get("ProfileName"), Text: f.Get("Body"),
		ReplyTo: f.Get("OriginalRepliedMessageSid"), Ref: f.Get("ReferralSourceId")}
	if payload := f.Get("ButtonPayload"); payload != "" {
		in.Tap = payload
		if text := f.Get("ButtonText"); text != "" {
			in.Text = text
		}
	}
	// Advanced opt-out knows the words of other languages.
	if kind := f.Get("OptOutType"); kind == "STOP" || kind == "START" {
		in.Text = kind
	}
	lat, latErr := strconv.ParseFloat(f.Get("Latitude"), 64)
	long, longErr := strconv.ParseFloat(f.Get("Longitude"), 64)
	if latErr == nil && longErr == nil {
		in.Location = &sdk.Location{Latitude: lat, Longitude: long, Name: f.Get("Label"), Address: f.Get("Address")}
	}
	if f.Get("MediaUrl0") != "" {
		in.Media = media(f, 0)
		in.Media.Caption = in.Text
	}
	if in.Text == "" && in.Media == nil && in.Location == nil {
		in.Unsupported = "message"
	}
	return in
}

func kindOf(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	switch kind {
	case "image", "video", "audio":
		return kind
	}
	return "document"
}

// missedCall is a call that comes in: nobody takes it, and its caller is sent the
// connection's text.
func (c *connection) missedCall(f url.Values) sdk.Event {
	ev := sdk.Event{ID: f.Get("CallSid"), Kind: sdk.EventIgnored, Type: "call"}
	from := sender(f)
	if c.config.MissedCallText == "" || len(from) == 0 || f.Get("Direction") != "inbound" || f.Get("CallStatus") != "ringing" {
		return ev
	}
	ev.Kind = sdk.EventMessage
	ev.Message = &sdk.Incoming{ID: ev.ID, From: from, Reply: &sdk.Content{Text: c.config.MissedCallText}}
	return ev
}

// TwiML answers: a call is declined, which costs nothing; a message is answered by
// the engine and not here.
const (
	decline = `<?xml version="1.0" encoding="UTF-8"?><Response><Reject reason="busy"/></Response>`
	nothing = `<?xml version="1.0" encoding="UTF-8"?><Response/>`
)

// Answer implements [sdk.Answerer].
func (c *connection) Answer(req sdk.WebhookRequest) (string, []byte) {
	f, err := form(req)
	switch {
	case err != nil || f.Get("MessageStatus") != "":
		return "", nil
	case f.Get("CallSid") != "":
		return "text/xml", []byte(decline)
	}
	return "text/xml", []byte(nothing)
}
