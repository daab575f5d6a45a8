package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// signatureHeader: Meta, Graph API, "Webhooks, getting started": "sha256=" and
// the hexadecimal HMAC-SHA256 of the raw body under the app secret.
const signatureHeader = "X-Hub-Signature-256"

// Verify implements [sdk.Receiver]. Meta signs no time; repeats are known by the
// events' IDs.
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is not set: nothing can be verified")
	}
	signature, ok := strings.CutPrefix(req.Header.Get(signatureHeader), "sha256=")
	if !ok {
		return refused("signature_missing", "the header "+signatureHeader+" is missing or not of the form sha256=…")
	}
	given, err := hex.DecodeString(signature)
	if err != nil {
		return refused("signature_malformed", "the signature is not hexadecimal")
	}
	match := false
	for _, secret := range c.secrets {
		if hmac.Equal(given, sign(secret, req.Body)) {
			match = true
		}
	}
	if !match {
		return refused("signature_wrong", "the signature does not match the body under webhook_secret, the app secret")
	}
	return nil
}

func sign(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

func refused(code, message string) error {
	return &sdk.Error{Class: sdk.Auth, Code: code, Message: message}
}

// Handshake implements [sdk.Handshaker]: Meta, Graph API, "Webhooks, verification
// requests".
func (c *connection) Handshake(req sdk.WebhookRequest) (string, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return "", sdk.Invalidf("the address of the request is not valid")
	}
	q := u.Query()
	switch {
	case c.config.VerifyToken == "":
		return "", sdk.Invalidf("verify_token is not set: the address cannot be verified")
	case q.Get("hub.mode") != "subscribe":
		return "", sdk.Invalidf("hub.mode must be subscribe")
	case subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(c.config.VerifyToken)) != 1:
		return "", refused("verify_token_wrong", "hub.verify_token is not the connection's verify_token")
	case q.Get("hub.challenge") == "":
		return "", sdk.Invalidf("hub.challenge is missing")
	}
	return q.Get("hub.challenge"), nil
}
