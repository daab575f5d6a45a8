package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Verify implements sdk.Receiver: X-Shopify-Hmac-Sha256 is the base64 HMAC-SHA256
// of the raw body under the app's client secret ("Verify webhooks"). Shopify signs
// no time, so there is no window against replays: the event's ID, by which the
// ingress drops repeats, takes its place.
func (c *conn) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if len(c.secrets) == 0 {
		return &sdk.Error{Class: sdk.Auth, Message: "webhook_secret is not set, so no webhook can be trusted"}
	}
	header := req.Header.Get("X-Shopify-Hmac-Sha256")
	if header == "" {
		return &sdk.Error{Class: sdk.Auth, Message: "the header X-Shopify-Hmac-Sha256 is missing"}
	}
	given, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(given) != sha256.Size {
		return &sdk.Error{Class: sdk.Auth, Message: "the header X-Shopify-Hmac-Sha256 is no base64 SHA-256"}
	}
	for _, secret := range c.secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(req.Body)
		if hmac.Equal(mac.Sum(nil), given) {
			return nil
		}
	}
	return &sdk.Error{Class: sdk.Auth, Message: "the signature does not match: check that webhook_secret is the client secret of the app that sends"}
}

// Parse implements sdk.Receiver. Each request holds one event, whose kind is its
// topic.
func (c *conn) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	topic := strings.ToLower(req.Header.Get("X-Shopify-Topic"))
	if topic == "" {
		return nil, sdk.Invalidf("the header X-Shopify-Topic is missing")
	}
	event := sdk.Event{Kind: sdk.EventIgnored, Type: topic}
	if at, err := time.Parse(time.RFC3339Nano, req.Header.Get("X-Shopify-Triggered-At")); err == nil {
		event.At = at
	}
	var object struct {
		ID ident `json:"id"`
	}
	if err := json.Unmarshal(req.Body, &object); err != nil {
		return nil, badBody(err)
	}
	event.ID = eventID(req, topic, string(object.ID))
	parse, ok := parsers[topic]
	if !ok {
		return []sdk.Event{event}, nil
	}
	provider, err := parse(topic, req.Body)
	if err != nil {
		return nil, err
	}
	event.Kind, event.Provider = sdk.EventProvider, provider
	return []sdk.Event{event}, nil
}

// eventID makes the ID by which repeats are known. Deliveries of one merchant's
// action share X-Shopify-Event-Id over topics (an order that is made and paid at
// once) and over objects (orders fulfilled in bulk), so both belong to it.
func eventID(req sdk.WebhookRequest, topic, object string) string {
	id := req.Header.Get("X-Shopify-Event-Id")
	if id == "" {
		id = req.Header.Get("X-Shopify-Webhook-Id")
	}
	if id == "" {
		sum := sha256.Sum256(req.Body)
		id = hex.EncodeToString(sum[:16])
	}
	if len(id) > 100 {
		id = id[:100]
	}
	return topic + ":" + id + ":" + object
}

func badBody(err error) error {
	return &sdk.Error{Class: sdk.Invalid, Message: "the body is not the JSON object that Shopify sends for this topic", Err: err}
}
