package openai

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// tolerance is the one of OpenAI's own libraries.
const tolerance = 5 * time.Minute

// Verify checks the signature by Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md,
// "Verifying webhook authenticity"): HMAC-SHA256 over id.timestamp.body.
func (c *connection) Verify(req sdk.WebhookRequest, now time.Time) error {
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	id, stamp := req.Header.Get("Webhook-Id"), req.Header.Get("Webhook-Timestamp")
	secs, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return refuse("the Webhook-Id or Webhook-Timestamp header is missing or not readable")
	}
	genuine := false
	for _, secret := range c.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(req.Body)
		want := mac.Sum(nil)
		for part := range strings.FieldsSeq(req.Header.Get("Webhook-Signature")) {
			if text, ok := strings.CutPrefix(part, "v1,"); ok {
				got, err := base64.StdEncoding.DecodeString(text)
				genuine = err == nil && hmac.Equal(want, got) || genuine
			}
		}
	}
	if !genuine {
		return refuse("no signature matches: the body was altered or webhook_secret is another endpoint's")
	}
	if age := now.Sub(time.Unix(secs, 0)); age > tolerance || age < -tolerance {
		return refuse("the signature's time is too far from now: a replay, or a wrong clock")
	}
	return nil
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}

// Parse names the event and ignores it: nothing that this connector does ends
// after its answer.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var body struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	if json.Unmarshal(req.Body, &body) != nil || body.Type == "" {
		return nil, sdk.Invalidf("the body is no event")
	}
	id := req.Header.Get("Webhook-Id")
	if id == "" {
		id = body.ID
	}
	return []sdk.Event{{ID: id, Kind: sdk.EventIgnored, Type: body.Type}}, nil
}
