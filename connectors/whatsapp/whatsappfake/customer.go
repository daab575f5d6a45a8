package whatsappfake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake"
)

// Say implements fake.Messaging. A from that is not a number is a business-scoped
// user ID: a customer who shows no phone number.
func (s *server) Say(_ context.Context, acc fake.Account, from string, u fake.Utterance) error {
	if isPhone(from) {
		from = phoneDigits(from)
	}
	if from == "" {
		return errors.New("from is empty: give a phone number or a user ID")
	}
	number := settingsOf(acc).PhoneNumberID
	kind, shown, err := s.utter(number, from, u)
	if err != nil {
		return err
	}
	id := s.env.NextID("wamid.")
	message := map[string]any{"id": id, "timestamp": s.unix(), "from_user_id": s.userID(from)}
	if isPhone(from) {
		message["from"] = from
	}
	maps.Copy(message, kind)
	if given, ok := message["id"].(string); ok {
		id = given
	}
	st := s.env.State()
	st.Put("inbound", id, from)
	st.Put("people", s.userID(from), from)
	var name string
	s.updateChat(number, from, func(c *customer) {
		c.Said = s.env.Now()
		if u.Name != "" {
			c.Name = u.Name
		}
		name = c.Name
	})
	shown.ID, shown.From = id, "customer"
	s.show(number, from, shown)
	s.read(acc, from) // who answers has read
	s.deliver(acc, map[string]any{"contacts": []any{s.profile(from, name)}, "messages": []any{message}}, chatKey(number, from))
	return nil
}

func (s *server) profile(from, name string) map[string]any {
	if name == "" {
		name = "Sandbox Customer"
	}
	p := map[string]any{"profile": map[string]any{"name": name}, "user_id": s.userID(from)}
	if isPhone(from) {
		p["wa_id"] = from
	}
	return p
}

// utter gives the part of a message that depends on its kind, and what the
// customer's own phone shows.
func (s *server) utter(number, from string, u fake.Utterance) (map[string]any, fake.Shown, error) {
	switch {
	case u.Raw != nil:
		var m map[string]any
		if err := json.Unmarshal(u.Raw, &m); err != nil || m["type"] == nil {
			return nil, fake.Shown{}, errors.New("raw must be one of WhatsApp's message objects with a type")
		}
		return m, fake.Shown{Text: fmt.Sprintf("[%v]", m["type"])}, nil
	case u.Tap != "":
		return s.tap(number, from, u.Tap)
	case u.File != nil:
		return s.sendFile(*u.File)
	case u.Location != nil:
		l := u.Location
		return map[string]any{"type": "location", "location": map[string]any{"latitude": l.Latitude, "longitude": l.Longitude,
			"name": l.Name, "address": l.Address}}, fake.Shown{Location: l}, nil
	case u.Text != "":
		return map[string]any{"type": "text", "text": map[string]any{"body": u.Text}}, fake.Shown{Text: u.Text}, nil
	}
	return nil, fake.Shown{}, errors.New("say text, tap, file, location or raw")
}

// tap answers the newest message of the number that offers the choice.
func (s *server) tap(number, from, choice string) (map[string]any, fake.Shown, error) {
	var reply, context map[string]any
	var label string
	s.each(from, func(m stored) {
		if m.From != "business" || m.Number != number {
			return
		}
		for _, c := range m.Choices {
			if c.ID != choice {
				continue
			}
			label = c.Label
			context = map[string]any{"from": displayNumber, "id": m.ID}
			if m.ListButton != "" {
				reply = map[string]any{"type": "list_reply", "list_reply": map[string]any{"id": c.ID, "title": c.Label, "description": c.Description}}
			} else {
				reply = map[string]any{"type": "button_reply", "button_reply": map[string]any{"id": c.ID, "title": c.Label}}
			}
		}
	})
	if reply == nil {
		return nil, fake.Shown{}, errors.New("no message on this phone offers that choice")
	}
	return map[string]any{"type": "interactive", "context": context, "interactive": reply}, fake.Shown{Text: label}, nil
}

// Phone implements fake.Messaging.
func (s *server) Phone(from string) []fake.Shown {
	if isPhone(from) {
		from = phoneDigits(from)
	}
	out := []fake.Shown{}
	s.each(from, func(m stored) { out = append(out, m.Shown) })
	return out
}

// each visits a phone's messages, oldest first.
func (s *server) each(from string, visit func(stored)) {
	s.env.State().Each("phone/"+from, func(_ string, raw json.RawMessage) bool {
		var m stored
		if json.Unmarshal(raw, &m) == nil {
			visit(m)
		}
		return true
	})
}

func isPhone(from string) bool { return digits.MatchString(phoneDigits(from)) }

// userID is a customer's business-scoped user ID: made from the number, always
// the same.
func (s *server) userID(from string) string {
	if !isPhone(from) {
		return from
	}
	sum := sha256.Sum256([]byte("user " + from))
	return fmt.Sprintf("US.%d", binary.BigEndian.Uint64(sum[:8])>>4)
}

// deliver wraps a value of the field "messages" (schema WebhookPayload), signs it
// with the first of the connection's secrets and queues it.
func (s *server) deliver(acc fake.Account, value map[string]any, order string) {
	c := settingsOf(acc)
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]any{"display_phone_number": displayNumber, "phone_number_id": c.PhoneNumberID}
	s.deliverField(acc, "messages", value, order)
}

// deliverField does so for any field.
func (s *server) deliverField(acc fake.Account, field string, value map[string]any, order string) {
	c := settingsOf(acc)
	body, err := json.Marshal(map[string]any{"object": "whatsapp_business_account", "entry": []any{
		map[string]any{"id": c.WABAID, "changes": []any{map[string]any{"field": field, "value": value}}}}})
	if err != nil {
		panic(err) // maps of JSON values
	}
	secret, _, _ := strings.Cut(c.WebhookSecret, ",")
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(secret)))
	mac.Write(body)
	s.env.Deliver(fake.Delivery{URL: acc.Hook, Order: order, Body: body, Header: http.Header{
		"Content-Type":        {"application/json"},
		"User-Agent":          {"facebookexternalua"},
		"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}})
}
