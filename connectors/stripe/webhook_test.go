package stripe_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85/webhook"
)

const ping = `{"id":"evt_1","object":"event","type":"ping"}`

var signedAt = time.Unix(1_780_000_000, 0)

func v1(body, secret string, at time.Time) string {
	return hex.EncodeToString(webhook.ComputeSignature(at, []byte(body), secret))
}

func receiver(t *testing.T, settings string) sdk.Receiver {
	return connect(t, json.RawMessage(settings), refusingClient(t)).(sdk.Receiver)
}

func signedRequest(header, body string) sdk.WebhookRequest {
	h := http.Header{}
	if header != "" {
		h.Set("Stripe-Signature", header)
	}
	return sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Header: h, Body: []byte(body)}
}

func TestVerify(t *testing.T) {
	at := fmt.Sprintf("t=%d", signedAt.Unix())
	good := v1(ping, webhookSecret, signedAt)
	cases := map[string]struct {
		header, body string
		after        time.Duration // from the signature to its arrival
		valid        bool
	}{
		"genuine":                   {at + ",v1=" + good, ping, 0, true},
		"one of several":            {at + ",v1=" + v1(ping, "whsec_other", signedAt) + ",v1=" + good, ping, 0, true},
		"spaces between":            {at + ", v1=" + good, ping, 0, true},
		"beside v0":                 {at + ",v0=00,v1=" + good, ping, 0, true},
		"with the rotated secret":   {at + ",v1=" + v1(ping, "whsec_old", signedAt), ping, 0, true},
		"as late as allowed":        {at + ",v1=" + good, ping, 300 * time.Second, true},
		"as early as allowed":       {at + ",v1=" + good, ping, -300 * time.Second, true},
		"stale":                     {at + ",v1=" + good, ping, 301 * time.Second, false},
		"from the future":           {at + ",v1=" + good, ping, -301 * time.Second, false},
		"altered body":              {at + ",v1=" + good, ping + " ", 0, false},
		"altered time":              {fmt.Sprintf("t=%d,v1=%s", signedAt.Unix()+1, good), ping, 0, false},
		"altered signature":         {at + ",v1=00" + good[2:], ping, 0, false},
		"shortened signature":       {at + ",v1=" + good[:62], ping, 0, false},
		"another secret":            {at + ",v1=" + v1(ping, "whsec_other", signedAt), ping, 0, false},
		"only v0":                   {at + ",v0=" + good, ping, 0, false},
		"empty signature":           {at + ",v1=", ping, 0, false},
		"not hexadecimal":           {at + ",v1=zz", ping, 0, false},
		"no time":                   {"v1=" + good, ping, 0, false},
		"two times":                 {at + "," + at + ",v1=" + good, ping, 0, false},
		"time out of range":         {"t=99999999999999999999,v1=" + good, ping, 0, false},
		"distant time":              {"t=9223372036854775807,v1=" + v1(ping, webhookSecret, time.Unix(9223372036854775807, 0)), ping, 0, false},
		"unsigned":                  {"", ping, 0, false},
		"signed with an empty text": {at + ",v1=" + v1(ping, "", signedAt), ping, 0, false},
	}
	r := receiver(t, `{"webhook_secret":"`+webhookSecret+`, whsec_old,"}`)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := r.Verify(signedRequest(c.header, c.body), signedAt.Add(c.after))
			if c.valid {
				require.NoError(t, err)
				return
			}
			require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), webhookSecret)
			require.NotContains(t, err.Error(), good)
		})
	}
}

func TestVerifyWithAToleranceOfItsOwn(t *testing.T) {
	r := receiver(t, `{"webhook_secret":"`+webhookSecret+`","webhook_tolerance":"10s"}`)
	req := signedRequest(fmt.Sprintf("t=%d,v1=%s", signedAt.Unix(), v1(ping, webhookSecret, signedAt)), ping)
	require.NoError(t, r.Verify(req, signedAt.Add(10*time.Second)))
	require.Error(t, r.Verify(req, signedAt.Add(11*time.Second)))
}

func TestWithoutASecretNothingIsGenuine(t *testing.T) {
	r := receiver(t, `{"secret_key":"sk_x"}`)
	req := signedRequest(fmt.Sprintf("t=%d,v1=%s", signedAt.Unix(), v1(ping, "", signedAt)), ping)
	require.ErrorContains(t, r.Verify(req, signedAt), "webhook_secret")
}
