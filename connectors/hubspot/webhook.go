package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// tolerance is how old a request may be ("Validating requests", v3).
const tolerance = 5 * time.Minute

// Verify checks X-HubSpot-Signature-v3: the base64 HMAC-SHA256, with the app's client
// secret, of method, address, body and X-HubSpot-Request-Timestamp, which is in
// milliseconds ("Validating requests", v3). The older signatures, which sign no time,
// come along with it and are not looked at.
func (c *connection) Verify(req sdk.WebhookRequest, now time.Time) error {
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	stamp := req.Header.Get("X-HubSpot-Request-Timestamp")
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || ms < 0 {
		return refuse("the X-HubSpot-Request-Timestamp header is missing or no number")
	}
	got, err := base64.StdEncoding.DecodeString(req.Header.Get("X-HubSpot-Signature-v3"))
	if err != nil || len(got) == 0 {
		return refuse("the X-HubSpot-Signature-v3 header is missing or not base64")
	}
	genuine := false
	for _, secret := range c.secrets {
		genuine = hmac.Equal(got, signature(secret, req, stamp)) || genuine
	}
	if !genuine {
		return refuse("no signature matches: the body was altered, webhook_secret is another app's, or HubSpot was given another address")
	}
	if age := now.Sub(time.UnixMilli(ms)); age > tolerance || age < -tolerance {
		return refuse("the request is older than five minutes, or a clock is wrong")
	}
	return nil
}

func signature(secret string, req sdk.WebhookRequest, stamp string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(req.Method + decoded.Replace(req.URL)))
	mac.Write(req.Body)
	mac.Write([]byte(stamp))
	return mac.Sum(nil)
}

// decoded are the escapes that HubSpot undoes in an address before it signs it, and
// no others ("Validating requests", v3).
var decoded = func() *strings.Replacer {
	var pairs []string
	for _, c := range ":/?@!$'()*,;" {
		hex := strconv.FormatInt(int64(c), 16)
		pairs = append(pairs, "%"+strings.ToUpper(hex), string(c))
		if lower := strings.ToLower(hex); lower != strings.ToUpper(hex) {
			pairs = append(pairs, "%"+lower, string(c))
		}
	}
	return strings.NewReplacer(pairs...)
}()

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}
