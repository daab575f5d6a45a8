package razorpay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Verify checks X-Razorpay-Signature, the hexadecimal HMAC-SHA256 of the raw body,
// with every configured secret (https://razorpay.com/docs/webhooks/validate-test).
// Razorpay signs no time, and the time in a body may be that of the object's
// making: repeats are known by their ID alone. A GET is the callback of a payment
// link, see [VerifyCallback].
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if req.Method == http.MethodGet {
		u, err := url.Parse(req.URL)
		if err != nil {
			return refuse("the callback's address is not readable")
		}
		return VerifyCallback(c.KeySecret, u.Query())
	}
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	header := req.Header.Get("X-Razorpay-Signature")
	if header == "" {
		return refuse("the X-Razorpay-Signature header is missing")
	}
	got, err := hex.DecodeString(header)
	if err != nil {
		return refuse("the X-Razorpay-Signature header is not hexadecimal")
	}
	genuine := false
	for _, secret := range c.secrets {
		genuine = hmac.Equal(got, signature(secret, req.Body)) || genuine
	}
	if !genuine {
		return refuse("no signature matches: the body was altered or webhook_secret is another webhook's")
	}
	return nil
}

// VerifyCallback checks the query with which Razorpay sends a customer back from a
// payment link to its callback_url: razorpay_signature is the hexadecimal
// HMAC-SHA256, with the API key's secret, of the link's ID, its reference ID, its
// status and the payment's ID, joined by "|"
// (https://razorpay.com/docs/payments/payment-links/apis). A customer can come
// back with it any number of times. The error is an *sdk.Error of class Auth.
func VerifyCallback(keySecret string, query url.Values) error {
	if keySecret == "" {
		return refuse("key_secret is not configured")
	}
	got, err := hex.DecodeString(query.Get("razorpay_signature"))
	if err != nil || len(got) == 0 {
		return refuse("the callback has no readable razorpay_signature")
	}
	fields := []string{"razorpay_payment_link_id", "razorpay_payment_link_reference_id", "razorpay_payment_link_status", "razorpay_payment_id"}
	values := make([]string, len(fields))
	for i, f := range fields {
		if len(query[f]) > 1 {
			return refuse("the callback gives a field twice")
		}
		// A "|" in a value would let two callbacks have one signature.
		if values[i] = query.Get(f); strings.Contains(values[i], "|") && f != fields[1] {
			return refuse("the callback's fields are not readable")
		}
	}
	if !hmac.Equal(got, signature(keySecret, []byte(strings.Join(values, "|")))) {
		return refuse("the callback's signature does not match: it was altered, or key_secret is another key's")
	}
	return nil
}

func signature(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}
