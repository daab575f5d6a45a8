package metafake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"parley/connectors/sdk/fake"
)

var scopedID = regexp.MustCompile(`^[0-9]{1,32}$`)

// Say implements fake.Messaging. from is a customer's scoped ID. A Raw is the part
// of a messaging event beside sender and recipient; {"blocked":true} blocks the
// account.
func (s *server) Say(_ context.Context, acc fake.Account, from string, u fake.Utterance) error {
	if !scopedID.MatchString(from) {
		return errors.New("from must be a customer's scoped ID, a number")
	}
	what, shown, err := s.utter(from, u)
	if err != nil {
		return err
	}
	_, blocks := what["blocked"]
	var c customer
	s.env.State().Get("people", from, &c)
	seen := c.Unread
	s.env.State().Put("people", from, customer{Said: s.env.Now(), Blocked: blocks})
	if blocks {
		return nil
	}
	s.read(acc, from, seen)
	if shown.ID != "" {
		shown.From = "customer"
		s.phones.Show(from, shown)
	}
	event := map[string]any{"sender": id(from), "recipient": id(setting(acc, s.IDSetting))}
	maps.Copy(event, what)
	s.push(acc, from, event)
	return nil
}

// Phone implements fake.Messaging.
func (s *server) Phone(from string) []fake.Shown { return s.phones.Shown(from) }

// read reports what who answers has read.
func (s *server) read(acc fake.Account, from string, mids []string) {
	if len(mids) == 0 {
		return
	}
	event := map[string]any{"sender": id(from), "recipient": id(setting(acc, s.IDSetting))}
	if !s.ReadIDs {
		event["read"] = map[string]any{"watermark": s.env.Now().UnixMilli()}
		s.push(acc, from, event)
		return
	}
	for _, mid := range mids {
		event["read"] = map[string]any{"mid": mid}
		s.push(acc, from, event)
	}
}

// utter gives the part of an event that depends on its kind, and what the
// customer's own device shows.
func (s *server) utter(from string, u fake.Utterance) (map[string]any, fake.Shown, error) {
	mid := s.env.NextID("m_")
	shown := fake.Shown{ID: mid}
	message := map[string]any{"mid": mid}
	switch {
	case u.Raw != nil:
		var raw map[string]any
		if err := json.Unmarshal(u.Raw, &raw); err != nil {
			return nil, shown, errors.New("raw must be a part of a messaging event")
		}
		return raw, fake.Shown{}, nil
	case u.Tap != "":
		return s.tap(from, mid, u.Tap)
	case u.File != nil:
		kind := u.File.Kind
		if kind == "document" {
			kind = "file"
		}
		payload := map[string]any{"url": u.File.URL}
		if u.File.URL == "" {
			payload["url"] = s.env.BaseURL() + "/_files/" + mid
		}
		message["attachments"], shown.Media = []any{map[string]any{"type": kind, "payload": payload}}, u.File
		if u.File.Caption != "" {
			message["text"] = u.File.Caption
		}
	case u.Location != nil:
		message["attachments"] = []any{map[string]any{"type": "location", "payload": map[string]any{
			"coordinates": map[string]any{"lat": u.Location.Latitude, "long": u.Location.Longitude}}}}
		shown.Location = u.Location
	case u.Text != "":
		message["text"], shown.Text = u.Text, u.Text
	default:
		return nil, shown, errors.New("say text, tap, file, location or raw")
	}
	return map[string]any{"message": message}, shown, nil
}

// tap answers with a quick reply where the choices are some, else with a postback.
func (s *server) tap(from, mid, choice string) (map[string]any, fake.Shown, error) {
	m, c, ok := s.phones.Offer(from, choice)
	if !ok {
		return nil, fake.Shown{}, errors.New("no message on this phone offers that choice")
	}
	shown := fake.Shown{ID: mid, Text: c.Label}
	if len(m.Choices) > 3 {
		return map[string]any{"message": map[string]any{"mid": mid, "text": c.Label, "quick_reply": map[string]any{"payload": c.ID}}}, shown, nil
	}
	return map[string]any{"postback": map[string]any{"mid": mid, "title": c.Label, "payload": c.ID}}, shown, nil
}

// push wraps an event, signs it with the first of the connection's secrets and
// queues it.
func (s *server) push(acc fake.Account, order string, event map[string]any) {
	now := s.env.Now().UnixMilli()
	event["timestamp"] = now
	body, err := json.Marshal(map[string]any{"object": s.Object, "entry": []any{
		map[string]any{"id": setting(acc, s.IDSetting), "time": now, "messaging": []any{event}}}})
	if err != nil {
		panic(err) // maps of JSON values
	}
	secret, _, _ := strings.Cut(setting(acc, "webhook_secret"), ",")
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(secret)))
	mac.Write(body)
	s.env.Deliver(fake.Delivery{URL: acc.Hook, Order: order, Body: body, Header: http.Header{
		"Content-Type":        {"application/json"},
		"User-Agent":          {"facebookexternalua"},
		"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}})
}
