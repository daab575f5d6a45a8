package shopify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/shopify"
)

func receiver(t testing.TB, secrets string) sdk.Receiver {
	t.Helper()
	raw, err := json.Marshal(shopify.Config{BaseURL: "https://shop.example", AccessToken: "shpat_x", WebhookSecret: secrets})
	require.NoError(t, err)
	conn, err := shopify.Connector.Open(raw, sdk.Host{})
	require.NoError(t, err)
	return conn.(sdk.Receiver)
}

func signed(secret, topic, body string) sdk.WebhookRequest {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	h := http.Header{}
	h.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	h.Set("X-Shopify-Topic", topic)
	h.Set("X-Shopify-Event-Id", "98880550-7158-44d4-b7cd-2c97c8a091b5")
	h.Set("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
	h.Set("X-Shopify-Triggered-At", "2026-07-01T10:11:12.123456789Z")
	return sdk.WebhookRequest{Method: http.MethodPost, URL: "https://parley.example/hooks/shopify/demo", Header: h, Body: []byte(body)}
}

func TestVerify(t *testing.T) {
	const body = `{"id":1}`
	good := func() sdk.WebhookRequest { return signed("old", "orders/create", body) }
	with := func(change func(*sdk.WebhookRequest)) sdk.WebhookRequest { r := good(); change(&r); return r }
	for _, c := range []struct {
		name, secrets string
		req           sdk.WebhookRequest
		ok            bool
	}{
		{"the secret", "old", good(), true},
		{"the second of two secrets", "new, old", good(), true},
		{"another secret", "new", good(), false},
		{"no secret configured", "", good(), false},
		{"an altered body", "old", with(func(r *sdk.WebhookRequest) { r.Body = []byte(`{"id":2}`) }), false},
		{"no signature", "old", with(func(r *sdk.WebhookRequest) { r.Header.Del("X-Shopify-Hmac-Sha256") }), false},
		{"a signature cut short", "old", with(func(r *sdk.WebhookRequest) { r.Header.Set("X-Shopify-Hmac-Sha256", "AAAA") }), false},
		{"no base64", "old", with(func(r *sdk.WebhookRequest) { r.Header.Set("X-Shopify-Hmac-Sha256", "§") }), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := receiver(t, c.secrets).Verify(c.req, time.Now())
			require.Equal(t, c.ok, err == nil, "%v", err)
			if err != nil {
				require.NotContains(t, err.Error(), "old")
				require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
			}
		})
	}
}

// The signature of a known body, computed with openssl dgst -sha256 -hmac.
func TestVerifyKnownSignature(t *testing.T) {
	req := sdk.WebhookRequest{Header: http.Header{}, Body: []byte(`{"id":820982911946154508}`)}
	req.Header.Set("X-Shopify-Hmac-Sha256", "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=")
	require.NoError(t, receiver(t, "hush").Verify(req, time.Now()))
}

const orderBody = `{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508",
 "name":"#1001","email":"ada@example.com","phone":"+14155550100","currency":"USD","total_price":"24.9",
 "total_price_set":{"shop_money":{"amount":"24.90","currency_code":"USD"},"presentment_money":{"amount":"3400","currency_code":"JPY"}},
 "financial_status":"paid","fulfillment_status":null,"cancelled_at":null,"customer":{"first_name":"Ada"},
 "note_attributes":[{"name":"gift","value":"yes"},{"name":"parley_key","value":"key-1"}],"shipping_address":{"address1":"12 Elm Street"}}`

const fulfillmentBody = `{"id":255858046,"order_id":820982911946154508,"status":"success","shipment_status":%s,
 "tracking_company":"UPS","tracking_numbers":["1Z1","1Z2"],"tracking_urls":["https://u.example/1Z1"],
 "destination":{"first_name":"Ada"},"email":"ada@example.com"}`

func TestParse(t *testing.T) {
	shipped := strings.ReplaceAll(fulfillmentBody, "%s", "null")
	delivered := strings.ReplaceAll(fulfillmentBody, "%s", `"delivered"`)
	shipment := func(progress string) string {
		return `{"order_id":"gid://shopify/Order/820982911946154508","fulfillment_id":"gid://shopify/Fulfillment/255858046","status":"success"` +
			progress + `,"tracking":[{"number":"1Z1","url":"https://u.example/1Z1","company":"UPS"},{"number":"1Z2","company":"UPS"}]}`
	}
	order := `{"order_id":"gid://shopify/Order/820982911946154508","name":"#1001","total":{"amount":3400,"currency":"JPY"},
	  "financial_status":"paid","fulfillment_status":"unfulfilled","cancelled":false}`
	refund := `{"id":509562969,"order_id":820982911946154508,"note":"for Ada","transactions":[
	  {"kind":"refund","status":"success","amount":"10.5","currency":"USD"},{"kind":"refund","status":"failure","amount":"1.0","currency":"USD"},
	  {"kind":"refund","status":"success","amount":"1.25","currency":"USD"}]}`
	for _, c := range []struct{ topic, body, name, key, ref, data string }{
		{"orders/create", orderBody, "order.created", "key-1", "gid://shopify/Order/820982911946154508", order},
		{"orders/paid", orderBody, "order.paid", "key-1", "gid://shopify/Order/820982911946154508", order},
		{"orders/updated", orderBody, "order.updated", "key-1", "gid://shopify/Order/820982911946154508", order},
		{"orders/cancelled", strings.Replace(orderBody, `"cancelled_at":null`, `"cancelled_at":"2026-07-01T10:11:12Z","cancel_reason":"customer"`, 1),
			"order.cancelled", "key-1", "gid://shopify/Order/820982911946154508",
			strings.Replace(order, `"cancelled":false`, `"cancelled":true,"cancel_reason":"customer"`, 1)},
		{"fulfillments/create", shipped, "order.fulfilled", "", "gid://shopify/Fulfillment/255858046", shipment("")},
		{"fulfillments/update", shipped, "order.shipment_updated", "", "gid://shopify/Fulfillment/255858046", shipment("")},
		{"fulfillments/update", delivered, "order.delivered", "", "gid://shopify/Fulfillment/255858046", shipment(`,"progress":"delivered"`)},
		{"refunds/create", refund, "refund.created", "", "gid://shopify/Refund/509562969",
			`{"order_id":"gid://shopify/Order/820982911946154508","refund_id":"gid://shopify/Refund/509562969","amount":{"amount":1175,"currency":"USD"}}`},
	} {
		t.Run(c.topic+" "+c.name, func(t *testing.T) {
			events, err := receiver(t, "s").Parse(signed("s", c.topic, c.body))
			require.NoError(t, err)
			require.Len(t, events, 1)
			e := events[0]
			require.Equal(t, sdk.EventProvider, e.Kind)
			require.Equal(t, c.topic, e.Type)
			require.Equal(t, time.Date(2026, 7, 1, 10, 11, 12, 123456789, time.UTC), e.At.UTC())
			require.Equal(t, c.name, e.Provider.Name)
			require.Equal(t, c.key, e.Provider.EffectKey)
			require.Equal(t, c.ref, e.Provider.Refs[0])
			require.Contains(t, e.Provider.Refs, "gid://shopify/Order/820982911946154508")
			require.JSONEq(t, c.data, string(e.Provider.Data))
			for _, personal := range []string{"Ada", "ada@", "4155550100", "Elm"} {
				require.NotContains(t, string(e.Provider.Data), personal)
			}
			require.Contains(t, triggerNames(), c.name)
		})
	}
}

func triggerNames() (out []string) {
	for _, tr := range shopify.Connector.Triggers {
		out = append(out, tr.Name)
	}
	return out
}

// Deliveries of one event agree on its ID; those of another topic or object, which
// share Shopify's event ID, do not.
func TestEventIDs(t *testing.T) {
	id := func(req sdk.WebhookRequest) string {
		events, err := receiver(t, "s").Parse(req)
		require.NoError(t, err)
		return events[0].ID
	}
	first := id(signed("s", "orders/create", orderBody))
	retry := signed("s", "orders/create", orderBody)
	retry.Header.Set("X-Shopify-Webhook-Id", "another-delivery")
	retry.Header.Set("X-Shopify-Triggered-At", "2026-07-01T11:00:00Z")
	require.Equal(t, first, id(retry))
	require.NotEqual(t, first, id(signed("s", "orders/paid", orderBody)))
	require.NotEqual(t, first, id(signed("s", "orders/create", strings.Replace(orderBody, `"id":8`, `"id":9`, 1))))
	bare := signed("s", "orders/create", orderBody)
	bare.Header.Del("X-Shopify-Event-Id")
	bare.Header.Del("X-Shopify-Webhook-Id")
	require.Equal(t, id(bare), id(bare))
}

func TestParseOddities(t *testing.T) {
	r := receiver(t, "s")
	for _, topic := range []string{"shop/update", "orders/edited", "metaobjects/create"} {
		events, err := r.Parse(signed("s", topic, `{"id":"gid://shopify/X/1"}`))
		require.NoError(t, err)
		require.Equal(t, sdk.EventIgnored, events[0].Kind)
		require.Equal(t, topic, events[0].Type)
		require.NotEmpty(t, events[0].ID)
	}
	foreign := strings.Replace(orderBody, `"key-1"`, `"Not a key of ours!"`, 1)
	events, err := r.Parse(signed("s", "orders/create", foreign))
	require.NoError(t, err)
	require.Empty(t, events[0].Provider.EffectKey)

	for _, c := range []struct{ topic, body string }{
		{"", orderBody}, {"orders/create", ``}, {"orders/create", `[]`}, {"orders/create", `{}`}, {"orders/create", `{"id":1}`},
		{"orders/create", `{"id":1,"total_price":12,"currency":"USD"}`},
		{"fulfillments/create", `{"id":1}`}, {"refunds/create", `{"order_id":1}`},
		{"refunds/create", `{"id":1,"order_id":1,"transactions":[{"kind":"refund","amount":"1.005","currency":"USD"}]}`},
	} {
		_, err := r.Parse(signed("s", c.topic, c.body))
		require.Error(t, err, "%s %s", c.topic, c.body)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
}

func FuzzParse(f *testing.F) {
	for _, topic := range []string{"orders/create", "fulfillments/update", "refunds/create", "app/uninstalled"} {
		f.Add(topic, orderBody)
		f.Add(topic, strings.ReplaceAll(fulfillmentBody, "%s", `"delivered"`))
		f.Add(topic, `{"id":1,"order_id":2,"transactions":[{"kind":"refund","amount":"1","currency":"USD"}]}`)
	}
	r := receiver(f, "s")
	f.Fuzz(func(t *testing.T, topic, body string) {
		req := signed("s", topic, body)
		events, err := r.Parse(req)
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		require.Len(t, events, 1)
		require.NotEmpty(t, events[0].ID)
		if p := events[0].Provider; p != nil {
			require.NotEmpty(t, p.Refs)
			require.True(t, json.Valid(p.Data))
		}
		again, err := r.Parse(req)
		require.NoError(t, err)
		require.Equal(t, events, again)
	})
}
