package razorpay_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/connectors/razorpay"
	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func receiver(t *testing.T, settings string) sdk.Receiver {
	return connect(t, json.RawMessage(settings), refusingClient(t)).(sdk.Receiver)
}

func hookRequest(signature, body string) sdk.WebhookRequest {
	h := http.Header{"X-Razorpay-Event-Id": {"evt1"}}
	if signature != "" {
		h.Set("X-Razorpay-Signature", signature)
	}
	return sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Header: h, Body: []byte(body)}
}

func TestVerify(t *testing.T) {
	const body = `{"event":"payment.captured"}`
	good := sign(webhookSecret, body)
	cases := map[string]struct {
		signature, body string
		valid           bool
	}{
		"genuine":                   {good, body, true},
		"in capitals":               {strings.ToUpper(good), body, true},
		"with the older secret":     {sign("older", body), body, true},
		"altered body":              {good, body + " ", false},
		"altered signature":         {"00" + good[2:], body, false},
		"shortened signature":       {good[:62], body, false},
		"another secret":            {sign("other", body), body, false},
		"signed with an empty text": {sign("", body), body, false},
		"not hexadecimal":           {"zz", body, false},
		"unsigned":                  {"", body, false},
	}
	r := receiver(t, `{"webhook_secret":"`+webhookSecret+`, older,"}`)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := r.Verify(hookRequest(c.signature, c.body), time.Now())
			if c.valid {
				require.NoError(t, err)
				return
			}
			require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			require.NotContains(t, err.Error(), webhookSecret)
		})
	}
	require.ErrorContains(t, receiver(t, `{"key_id":"rzp_x","key_secret":"y"}`).Verify(hookRequest(sign("", body), body), time.Now()), "webhook_secret")
}

func TestRazorpaysOwnVectors(t *testing.T) {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Razorpay's own signatures")
	}
	raw, err := os.ReadFile(filepath.Join(specs, "webhook-vectors.json"))
	require.NoError(t, err)
	var vectors []struct{ Provider, Secret, Body, Message, Signature, Header_value string }
	require.NoError(t, json.Unmarshal(raw, &vectors))
	seen := 0
	for _, v := range vectors {
		if v.Provider != "razorpay" || v.Body == "" {
			continue
		}
		seen++
		r := receiver(t, `{"webhook_secret":"`+v.Secret+`"}`)
		require.NoError(t, r.Verify(hookRequest(v.Header_value, v.Body), time.Now()))
		events, err := r.Parse(hookRequest(v.Header_value, v.Body))
		require.NoError(t, err)
		require.Equal(t, "payment.authorized", events[0].Provider.Name)
	}
	require.NotZero(t, seen)
}

func TestThePageSendsBackASignedCallback(t *testing.T) {
	r := newRig(t)
	in := linkInput()
	in.CallbackURL = "https://shop.test/thanks?order=7"
	l := run[razorpay.LinkOutput](t, r.conn, "payment_link_create", call("k1"), in)
	status, back := r.press(l.URL, "pay")
	require.Equal(t, http.StatusSeeOther, status)
	u, err := url.Parse(back)
	require.NoError(t, err)
	require.Equal(t, "7", u.Query().Get("order"))
	require.NoError(t, razorpay.VerifyCallback(keySecret, u.Query()))
	require.NoError(t, r.conn.(sdk.Receiver).Verify(sdk.WebhookRequest{Method: http.MethodGet, URL: back}, r.now))
	events, err := r.conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Method: http.MethodGet, URL: back})
	require.NoError(t, err)
	require.Equal(t, sdk.EventIgnored, events[0].Kind)

	for _, field := range []string{"razorpay_payment_id", "razorpay_payment_link_id", "razorpay_payment_link_reference_id", "razorpay_payment_link_status", "razorpay_signature"} {
		altered := u.Query()
		altered.Set(field, altered.Get(field)+"0")
		require.Error(t, razorpay.VerifyCallback(keySecret, altered), field)
		altered.Del(field)
		require.Error(t, razorpay.VerifyCallback(keySecret, altered), field)
		require.Error(t, razorpay.VerifyCallback(keySecret, url.Values{field: {"a", "b"}}), field)
	}
	require.Error(t, razorpay.VerifyCallback("other", u.Query()))
	require.Error(t, razorpay.VerifyCallback("", u.Query()))
}

func TestParse(t *testing.T) {
	payment := func(more string) string {
		return `"payment":{"entity":{"id":"pay_1","amount":500,"currency":"INR","order_id":"order_1","description":"#AAAAAAAAAAAAAA","contact":"+919000090000","captured":"1"` + more + `}}`
	}
	link := func(status, notes string) string {
		return `"payment_link":{"entity":{"id":"plink_AAAAAAAAAAAAAA","amount":500,"currency":"INR","order_id":"order_1","status":"` + status + `","notes":` + notes + `}}`
	}
	const key = `{"parley_effect":"k"}`
	cases := map[string]struct {
		event, payload string
		name, key      string // name "" means ignored
		refs           []string
		data           razorpay.Payment
	}{
		"paid": {"payment_link.paid", link("paid", key) + "," + payment(""), "payment.paid", "k", []string{"pay_1", "plink_AAAAAAAAAAAAAA", "order_1"},
			razorpay.Payment{Status: "paid", Amount: 500, Currency: "INR", PaymentIntent: "pay_1", PaymentLink: "plink_AAAAAAAAAAAAAA", Order: "order_1"}},
		"paid, the key with the payment": {"payment_link.paid", link("paid", "null") + "," + payment(`,"notes":`+key), "payment.paid", "k", []string{"pay_1", "plink_AAAAAAAAAAAAAA", "order_1"},
			razorpay.Payment{Status: "paid", Amount: 500, Currency: "INR", PaymentIntent: "pay_1", PaymentLink: "plink_AAAAAAAAAAAAAA", Order: "order_1"}},
		"expired": {"payment_link.expired", link("expired", "[]"), "payment.expired", "", []string{"plink_AAAAAAAAAAAAAA", "order_1"},
			razorpay.Payment{Status: "expired", Amount: 500, Currency: "INR", PaymentLink: "plink_AAAAAAAAAAAAAA", Order: "order_1"}},
		"failed, known by its link": {"payment.failed", payment(`,"status":"failed","notes":[],"error_code":"BAD_REQUEST_ERROR","error_reason":"payment_cancelled"`),
			"payment.failed", "", []string{"pay_1", "plink_AAAAAAAAAAAAAA", "order_1"},
			razorpay.Payment{Status: "failed", Amount: 500, Currency: "INR", PaymentIntent: "pay_1", PaymentLink: "plink_AAAAAAAAAAAAAA", Order: "order_1", Reason: "payment_cancelled"}},
		"a refund that failed": {"refund.failed", `"refund":{"entity":{"id":"rfnd_1","amount":200,"currency":"INR","notes":{"parley_effect":"r"}}},` + payment(""),
			"refund.failed", "r", []string{"rfnd_1", "pay_1"},
			razorpay.Payment{Currency: "INR", PaymentIntent: "pay_1", PaymentLink: "plink_AAAAAAAAAAAAAA", Refunded: 200, Refund: "rfnd_1"}},
		"the order of a payment": {event: "order.paid", payload: payment("")},
		"a kind of tomorrow":     {event: "payment.teleported", payload: `"payment":7`},
	}
	r := receiver(t, `{"webhook_secret":"x"}`)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			body := `{"entity":"event","event":"` + c.event + `","payload":{` + c.payload + `},"created_at":1780000000}`
			if c.event == "payment.teleported" {
				body = `{"event":"payment.teleported","created_at":1780000000}`
			}
			events, err := r.Parse(hookRequest("", body))
			require.NoError(t, err)
			require.Len(t, events, 1)
			e := events[0]
			require.Equal(t, "evt1", e.ID)
			require.Equal(t, c.event, e.Type)
			require.Equal(t, time.Unix(1780000000, 0).UTC(), e.At)
			if c.name == "" {
				require.Equal(t, sdk.EventIgnored, e.Kind)
				return
			}
			require.Equal(t, c.key, e.Provider.EffectKey)
			require.Equal(t, c.refs, e.Provider.Refs)
			_, data := named[razorpay.Payment](t, events, c.name)
			require.Equal(t, []razorpay.Payment{c.data}, data)
			require.NotContains(t, string(e.Provider.Data), "9000090000")
		})
	}
}

func TestAnEventWithoutAnIDIsKnownByItsBody(t *testing.T) {
	r := receiver(t, `{"webhook_secret":"x"}`)
	id := func(body string) string {
		events, err := r.Parse(sdk.WebhookRequest{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)})
		require.NoError(t, err)
		return events[0].ID
	}
	require.Equal(t, id(`{"event":"order.paid"}`), id(`{"event":"order.paid"}`))
	require.NotEqual(t, id(`{"event":"order.paid"}`), id(`{"event":"order.paid","created_at":1}`))
}

func TestMalformedWebhooksAreInvalid(t *testing.T) {
	for _, body := range []string{"", "{", "[]", "7", "null", `{}`, `{"event":"payment.failed"}`, `{"event":"payment.failed","payload":{"payment":[]}}`,
		`{"event":"payment.failed","payload":{"payment":{"entity":{"amount":"five"}}}}`, `{"event":"refund.processed","payload":{"refund":{"entity":{}}}}`} {
		_, err := receiver(t, `{"webhook_secret":"x"}`).Parse(hookRequest("", body))
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, body)
	}
}

func FuzzParse(f *testing.F) {
	for _, event := range []string{"payment_link.paid", "payment.failed", "refund.processed", "payout.processed", "invoice.paid", "subscription.charged"} {
		f.Add([]byte(`{"event":"` + event + `","created_at":1,"payload":{"payment_link":{"entity":{"id":"plink_1","notes":[]}},"payment":{"entity":{"id":"pay_1","notes":{"parley_effect":"k"}}},"refund":{"entity":{"id":"rfnd_1"}},"payout":{"entity":{"id":"pout_1"}},"invoice":{"entity":{"id":"inv_1"}},"subscription":{"entity":{"id":"sub_1"}}}}`))
	}
	conn, err := razorpay.Connector.Open(json.RawMessage(`{"webhook_secret":"x"}`), sdk.Host{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Method: http.MethodPost, Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		ids := map[string]bool{}
		for _, e := range events {
			require.NotEmpty(t, e.ID)
			require.False(t, ids[e.ID])
			ids[e.ID] = true
			require.Equal(t, e.Kind == sdk.EventProvider, e.Provider != nil)
			if e.Provider != nil {
				require.True(t, json.Valid(e.Provider.Data))
				require.LessOrEqual(t, len(e.Provider.EffectKey), 64)
				require.NotContains(t, e.Provider.Refs, "")
			}
		}
	})
}
