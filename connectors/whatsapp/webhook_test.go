package whatsapp

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/meta"
	"parley/connectors/sdk"
)

func signed(body, secret string) sdk.WebhookRequest {
	return sdk.WebhookRequest{Method: "POST", Body: []byte(body),
		Header: http.Header{meta.SignatureHeader: {"sha256=" + hex.EncodeToString(meta.Sign(secret, []byte(body)))}}}
}

// The digest of this pair was computed with OpenSSL, not with this package.
func TestSignatureIsMetas(t *testing.T) {
	conn := openWith(t, Config{WebhookSecret: "key"})
	req := sdk.WebhookRequest{Body: []byte("The quick brown fox jumps over the lazy dog"), Header: http.Header{
		meta.SignatureHeader: {"sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}}}
	require.NoError(t, conn.Verify(req, time.Now()))
}

func TestOnlySignedWebhooksAreAccepted(t *testing.T) {
	conn := connectTo(t, "https://graph.example")
	body := `{"object":"whatsapp_business_account","entry":[]}`
	good := signed(body, testSecret)
	require.NoError(t, conn.Verify(good, time.Now()))
	require.NoError(t, conn.Verify(signed(body, "app-secret-two"), time.Now()), "the second secret of a rotation")

	altered := signed(body, testSecret)
	altered.Body = append([]byte(" "), altered.Body...)
	for name, tc := range map[string]struct {
		req  sdk.WebhookRequest
		code string
	}{
		"altered":      {altered, "signature_wrong"},
		"other secret": {signed(body, "app-secret"), "signature_wrong"},
		"missing":      {sdk.WebhookRequest{Body: []byte(body), Header: http.Header{}}, "signature_missing"},
		"only sha1":    {sdk.WebhookRequest{Body: []byte(body), Header: http.Header{"X-Hub-Signature": {"sha1=aa"}}}, "signature_missing"},
		"not hex":      {sdk.WebhookRequest{Body: []byte(body), Header: http.Header{meta.SignatureHeader: {"sha256=zz"}}}, "signature_malformed"},
		"empty":        {sdk.WebhookRequest{Body: []byte(body), Header: http.Header{meta.SignatureHeader: {"sha256="}}}, "signature_wrong"},
		"cut short":    {sdk.WebhookRequest{Body: []byte(body), Header: http.Header{meta.SignatureHeader: {good.Header.Get(meta.SignatureHeader)[:40]}}}, "signature_malformed"},
		"half of it":   {sdk.WebhookRequest{Body: []byte(body), Header: http.Header{meta.SignatureHeader: {good.Header.Get(meta.SignatureHeader)[:39]}}}, "signature_wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			err := conn.Verify(tc.req, time.Now())
			require.Error(t, err)
			require.Equal(t, tc.code, sdk.AsError(err).Code)
			require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), testSecret)
		})
	}
	sending := openWith(t, Config{PhoneNumberID: "1", AccessToken: "t"})
	require.Error(t, sending.Verify(good, time.Now()), "no secret: nothing is accepted")
}

func TestHandshake(t *testing.T) {
	conn := connectTo(t, "https://graph.example")
	ask := func(q url.Values) (string, error) {
		return conn.Handshake(sdk.WebhookRequest{Method: "GET", URL: "https://parley.example/hooks/whatsapp/demo?" + q.Encode()})
	}
	good := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {"verify-me"}, "hub.challenge": {"1158201444"}}
	body, err := ask(good)
	require.NoError(t, err)
	require.Equal(t, "1158201444", body)

	for name, change := range map[string][2]string{
		"wrong token":  {"hub.verify_token", "verify-you"},
		"no token":     {"hub.verify_token", ""},
		"wrong mode":   {"hub.mode", "unsubscribe"},
		"no challenge": {"hub.challenge", ""},
	} {
		t.Run(name, func(t *testing.T) {
			q := url.Values{}
			for k, v := range good {
				q[k] = v
			}
			q.Set(change[0], change[1])
			body, err := ask(q)
			require.Error(t, err)
			require.Empty(t, body)
			require.NotContains(t, err.Error(), "verify-me")
		})
	}
	unset := openWith(t, Config{WebhookSecret: "s"})
	_, err = unset.Handshake(sdk.WebhookRequest{URL: "https://p.example/?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"})
	require.Error(t, err, "an empty token is no token")
}

func TestConfigIsChecked(t *testing.T) {
	for name, tc := range map[string]struct{ raw, names string }{
		"nothing":         {`{}`, "webhook_secret"},
		"no token":        {`{"phone_number_id":"1"}`, "access_token"},
		"no number":       {`{"access_token":"EAAB-secret"}`, "phone_number_id"},
		"bad base":        {`{"base_url":"graph.facebook.com","webhook_secret":"s"}`, "base_url"},
		"bad version":     {`{"api_version":"23","webhook_secret":"s"}`, "api_version"},
		"bad number":      {`{"phone_number_id":"../1","access_token":"t"}`, "phone_number_id"},
		"unknown setting": {`{"webhook_secrets":"s"}`, "webhook_secrets"},
		"token in lines":  {`{"phone_number_id":"1","access_token":"EAAB-secret\n"}`, "access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connector.Open([]byte(tc.raw), sdk.Host{})
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			require.Contains(t, err.Error(), tc.names)
			require.NotContains(t, err.Error(), "EAAB-secret")
		})
	}
	conn := openWith(t, Config{PhoneNumberID: "1", AccessToken: "t"})
	require.Equal(t, "https://graph.facebook.com/v23.0/1/messages", conn.url("1", "messages"))
	require.Equal(t, []string{"1"}, conn.AccountIDs())
}
