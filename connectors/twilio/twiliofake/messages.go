package twiliofake

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

var numberForm = regexp.MustCompile(`^(whatsapp:)?\+[0-9]{5,20}$`)

// customer is what the fake knows of a phone.
type customer struct {
	Stopped bool      `json:"stopped,omitempty"`
	Said    time.Time `json:"said"`
}

// send takes a message, shows it, and reports its fate.
func (s *server) send(w http.ResponseWriter, r *http.Request, c settings) {
	if r.ParseForm() != nil {
		fail(w, http.StatusBadRequest, 21601, "The request is not a form")
		return
	}
	f := r.PostForm
	to, body, content := f.Get("To"), f.Get("Body"), f.Get("ContentSid")
	from := digits(to)
	var known customer
	s.env.State().Get("people", from, &known)
	whatsApp := strings.HasPrefix(to, "whatsapp:")
	switch {
	case !numberForm.MatchString(to):
		fail(w, http.StatusBadRequest, 21211, "Invalid 'To' Phone Number")
	case f.Get("From") == "" && f.Get("MessagingServiceSid") == "":
		fail(w, http.StatusBadRequest, 21603, "A 'From' phone number is required")
	case f.Get("From") != "" && c.From != "" && strings.TrimPrefix(f.Get("From"), "whatsapp:") != c.From:
		fail(w, http.StatusBadRequest, 21606, "The 'From' phone number is not a valid one of this account")
	case whatsApp != strings.HasPrefix(f.Get("From"), "whatsapp:") && f.Get("From") != "":
		fail(w, http.StatusBadRequest, 21910, "Invalid From and To pair")
	case known.Stopped:
		fail(w, http.StatusBadRequest, 21610, "Attempt to send to unsubscribed recipient")
	case body == "" && f.Get("MediaUrl") == "" && content == "":
		fail(w, http.StatusBadRequest, 21619, "A text message body or media urls must be specified.")
	case utf8.RuneCountInString(body) > 1600:
		fail(w, http.StatusBadRequest, 21617, "The concatenated message body exceeds the 1600 character limit")
	case whatsApp && content == "" && s.env.Now().Sub(known.Said) > 24*time.Hour:
		fail(w, http.StatusBadRequest, 63016, "Failed to send freeform message because you are outside the allowed window.")
	default:
		s.accept(w, c, from, f)
	}
}

func (s *server) accept(w http.ResponseWriter, c settings, from string, f url.Values) {
	sid := s.sid("SM")
	shown := fake.Shown{ID: sid, From: "business", Text: f.Get("Body")}
	if u, err := url.Parse(f.Get("StatusCallback")); err == nil {
		shown.Key = u.Query().Get("key")
	}
	if m := f.Get("MediaUrl"); m != "" {
		shown.Media, shown.Text = &sdk.Media{Kind: "image", URL: m, Caption: f.Get("Body")}, ""
	}
	if t := f.Get("ContentSid"); t != "" {
		shown.Template = &sdk.Template{Name: t}
	}
	s.phones.Show(from, shown)
	s.env.State().Put("messages", sid, "delivered")
	if callback := f.Get("StatusCallback"); callback != "" {
		for _, status := range []string{"sent", "delivered"} {
			s.push(callback, c.AuthToken, "", url.Values{"AccountSid": {c.AccountSID}, "MessageSid": {sid}, "SmsSid": {sid},
				"MessageStatus": {status}, "SmsStatus": {status}, "To": {f.Get("To")}, "From": {f.Get("From")}, "ApiVersion": {"2010-04-01"}})
		}
	}
	write(w, http.StatusCreated, map[string]any{"sid": sid, "status": "queued", "account_sid": c.AccountSID, "num_segments": "1", "error_code": nil})
}

// sid is a new identifier: two letters and 32 hexadecimal digits.
func (s *server) sid(prefix string) string {
	var n int64
	s.env.State().Update("count", "sid", func(old json.RawMessage) any {
		_ = json.Unmarshal(old, &n) // none yet
		n++
		return n
	})
	return fmt.Sprintf("%s%032x", prefix, n+1)
}

func (s *server) message(w http.ResponseWriter, r *http.Request, _ settings) {
	sid, status := strings.TrimSuffix(r.PathValue("sid"), ".json"), "delivered"
	if sid != demoMessage && !s.env.State().Get("messages", sid, &status) {
		fail(w, http.StatusNotFound, 20404, "The requested resource was not found")
		return
	}
	write(w, http.StatusOK, map[string]any{"sid": sid, "status": status, "num_segments": "1", "price": "-0.00790", "price_unit": "USD", "error_code": nil})
}

// Say implements fake.Messaging. from is a phone number. A Raw of {"call":true} is
// a call; any other adds parameters to an empty message.
func (s *server) Say(_ context.Context, acc fake.Account, from string, u fake.Utterance) error {
	from = digits(from)
	c := settingsOf(acc)
	address, to := "+"+from, c.From
	if c.Channel == "whatsapp" {
		address, to = "whatsapp:"+address, "whatsapp:"+to
	}
	if !numberForm.MatchString(address) {
		return errors.New("from must be a phone number")
	}
	var raw map[string]any
	if u.Raw != nil && json.Unmarshal(u.Raw, &raw) != nil {
		return errors.New("raw must be an object of parameters")
	}
	form := url.Values{"AccountSid": {c.AccountSID}, "From": {address}, "To": {to}, "ApiVersion": {"2010-04-01"}}
	if raw["call"] == true {
		maps.Copy(form, url.Values{"CallSid": {s.sid("CA")}, "CallStatus": {"ringing"}, "Direction": {"inbound"}, "Caller": {address}, "Called": {to}})
		s.push(acc.Hook, c.AuthToken, from, form)
		return nil
	}
	shown, err := s.utter(from, u, form)
	if err != nil {
		return err
	}
	for k, v := range raw {
		form.Set(k, fmt.Sprint(v))
	}
	sid := s.sid("SM")
	shown.ID, shown.From = sid, "customer"
	s.heard(from, u.Text)
	s.phones.Show(from, shown)
	maps.Copy(form, url.Values{"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "SmsStatus": {"received"}, "NumSegments": {"1"}})
	s.push(acc.Hook, c.AuthToken, from, form)
	return nil
}

// utter fills in what is said, and gives what the phone itself shows.
func (s *server) utter(from string, u fake.Utterance, form url.Values) (fake.Shown, error) {
	form.Set("Body", u.Text)
	form.Set("NumMedia", "0")
	switch {
	case u.Tap != "":
		return fake.Shown{}, errors.New("short messages have no choices to tap: say the number or the label")
	case u.File != nil:
		m := *u.File
		if m.URL == "" {
			m.URL = s.env.BaseURL() + "/_media/" + s.env.NextID("ME")
		}
		if m.MIME == "" {
			m.MIME = map[string]string{"image": "image/png", "video": "video/mp4", "audio": "audio/ogg"}[m.Kind]
		}
		form.Set("Body", m.Caption)
		form.Set("NumMedia", "1")
		form.Set("MediaUrl0", m.URL)
		form.Set("MediaContentType0", m.MIME)
		return fake.Shown{Media: &m}, nil
	case u.Location != nil:
		form.Set("Latitude", strconv.FormatFloat(u.Location.Latitude, 'f', -1, 64))
		form.Set("Longitude", strconv.FormatFloat(u.Location.Longitude, 'f', -1, 64))
		form.Set("Label", u.Location.Name)
		form.Set("Address", u.Location.Address)
		return fake.Shown{Location: u.Location}, nil
	case u.Text == "" && u.Raw == nil:
		return fake.Shown{}, errors.New("say text, file, location or raw")
	}
	return fake.Shown{Text: u.Text}, nil
}

// heard does what carriers do with the words of consent.
func (s *server) heard(from, text string) {
	stops := []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}
	starts := []string{"START", "UNSTOP", "YES"}
	word := strings.ToUpper(strings.TrimSpace(text))
	s.env.State().Update("people", from, func(old json.RawMessage) any {
		var c customer
		_ = json.Unmarshal(old, &c) // none yet
		c.Said = s.env.Now()
		c.Stopped = (c.Stopped || slices.Contains(stops, word)) && !slices.Contains(starts, word)
		return c
	})
}

// Phone implements fake.Messaging.
func (s *server) Phone(from string) []fake.Shown { return s.phones.Shown(digits(from)) }

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// push signs a form with the account's token and queues it.
func (s *server) push(to, token, order string, form url.Values) {
	names := slices.Sorted(maps.Keys(form))
	text := to
	for _, n := range names {
		text += n + form.Get(n)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	s.env.Deliver(fake.Delivery{URL: to, Order: order, Body: []byte(form.Encode()), Header: http.Header{
		"Content-Type":       {"application/x-www-form-urlencoded; charset=UTF-8"},
		"User-Agent":         {"TwilioProxy/1.1"},
		"X-Twilio-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}})
}
