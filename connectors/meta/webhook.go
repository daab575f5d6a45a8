// Package meta is what the connectors of Meta's products share: the signature and
// handshake of webhooks, which WhatsApp has too, and the Messenger Platform, on
// which Messenger and Instagram exchange messages.
package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

// SignatureHeader: Meta, Graph API, "Webhooks, getting started": "sha256=" and
// the hexadecimal HMAC-SHA256 of the raw body under the app secret.
const SignatureHeader = "X-Hub-Signature-256"

// Secrets reads app secrets that are separated by commas.
func Secrets(setting string) []string {
	var out []string
	for s := range strings.SplitSeq(setting, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Verify checks the signature of a webhook under any of the app secrets. Meta
// signs no time; repeats are known by the events' IDs.
func Verify(secrets []string, req sdk.WebhookRequest) error {
	if len(secrets) == 0 {
		return sdk.Invalidf("webhook_secret is not set: nothing can be verified")
	}
	signature, ok := strings.CutPrefix(req.Header.Get(SignatureHeader), "sha256=")
	if !ok {
		return refused("signature_missing", "the header "+SignatureHeader+" is missing or not of the form sha256=…")
	}
	given, err := hex.DecodeString(signature)
	if err != nil {
		return refused("signature_malformed", "the signature is not hexadecimal")
	}
	match := false
	for _, secret := range secrets {
		if hmac.Equal(given, Sign(secret, req.Body)) {
			match = true
		}
	}
	if !match {
		return refused("signature_wrong", "the signature does not match the body under webhook_secret, the app secret")
	}
	return nil
}

// Sign is the HMAC of a body.
func Sign(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

func refused(code, message string) error {
	return &sdk.Error{Class: sdk.Auth, Code: code, Message: message}
}

// Handshake answers Meta's verification request with its challenge: Meta, Graph
// API, "Webhooks, verification requests".
func Handshake(verifyToken string, req sdk.WebhookRequest) (string, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return "", sdk.Invalidf("the address of the request is not valid")
	}
	q := u.Query()
	switch {
	case verifyToken == "":
		return "", sdk.Invalidf("verify_token is not set: the address cannot be verified")
	case q.Get("hub.mode") != "subscribe":
		return "", sdk.Invalidf("hub.mode must be subscribe")
	case subtle.ConstantTimeCompare([]byte(q.Get("hub.verify_token")), []byte(verifyToken)) != 1:
		return "", refused("verify_token_wrong", "hub.verify_token is not the connection's verify_token")
	case q.Get("hub.challenge") == "":
		return "", sdk.Invalidf("hub.challenge is missing")
	}
	return q.Get("hub.challenge"), nil
}
