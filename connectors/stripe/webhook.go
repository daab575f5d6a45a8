package stripe

import (
	"crypto/hmac"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"

	"github.com/stripe/stripe-go/v85/webhook"
)

// Verify checks Stripe-Signature ("t=…,v1=…[,v1=…]") over the raw body with
// every configured secret, and that its time is within the tolerance of now, in
// either direction. Schemes other than v1 are ignored, as Stripe asks
// (https://docs.stripe.com/webhooks#verify-manually).
func (c *connection) Verify(req sdk.WebhookRequest, now time.Time) error {
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	at, signatures, err := parseSignature(req.Header.Get("Stripe-Signature"))
	if err != nil {
		return err
	}
	genuine := false
	for _, secret := range c.secrets {
		want := webhook.ComputeSignature(at, req.Body, secret)
		for _, got := range signatures {
			genuine = hmac.Equal(want, got) || genuine
		}
	}
	if !genuine {
		return refuse("no signature matches: the body was altered or webhook_secret is another endpoint's")
	}
	if age := now.Sub(at); age > c.tolerance || age < -c.tolerance {
		return refuse("the signature's time is too far from now: a replay, or a wrong clock")
	}
	return nil
}

func parseSignature(header string) (at time.Time, signatures [][]byte, err error) {
	if header == "" {
		return at, nil, refuse("the Stripe-Signature header is missing")
	}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			secs, err := strconv.ParseInt(value, 10, 64)
			if err != nil || secs < 0 || !at.IsZero() {
				return at, nil, refuse("the Stripe-Signature header has no readable time")
			}
			at = time.Unix(secs, 0)
		case "v1":
			if sig, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, sig)
			}
		}
	}
	if at.IsZero() {
		return at, nil, refuse("the Stripe-Signature header has no readable time")
	}
	if len(signatures) == 0 {
		return at, nil, refuse("the Stripe-Signature header has no v1 signature")
	}
	return at, signatures, nil
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}
