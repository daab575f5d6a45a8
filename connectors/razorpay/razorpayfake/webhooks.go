package razorpayfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake"
)

type rawMessage = json.RawMessage

// part is one object of a webhook's payload.
type part struct {
	name   string
	object object
}

// announce sends one event to every webhook of the account that owns the object.
// Razorpay keeps no order, so none is asked for.
func (s *server) announce(owner, kind string, parts ...part) {
	payload, contains := object{}, []string{}
	for _, p := range parts {
		payload[p.name] = object{"entity": p.object}
		contains = append(contains, p.name)
	}
	body := encode(object{"entity": "event", "account_id": "acc_00000000000001", "event": kind, "contains": contains,
		"payload": payload, "created_at": s.env.Now().Unix()})
	id := s.newID("evt")[len("evt_"):]
	for _, a := range s.env.Accounts() {
		var c account
		if json.Unmarshal(a.Config, &c) != nil || c.KeyID != owner {
			continue
		}
		// While one secret replaces another Razorpay signs with the newest.
		secret, _, _ := strings.Cut(c.WebhookSecret, ",")
		s.env.Deliver(fake.Delivery{URL: a.Hook, Body: body, Header: http.Header{
			"Content-Type":         {"application/json"},
			"User-Agent":           {"Razorpay-Webhook/v1"},
			"X-Razorpay-Event-Id":  {id},
			"X-Razorpay-Signature": {sign(strings.TrimSpace(secret), body)},
		}})
	}
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the objects are ours
	}
	return body
}
