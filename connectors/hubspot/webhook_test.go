package hubspot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"parley/connectors/hubspot"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/require"
)

func receiver(t *testing.T, config string) sdk.Receiver {
	conn, err := hubspot.Connector.Open(json.RawMessage(config), sdk.Host{})
	require.NoError(t, err)
	return conn.(sdk.Receiver)
}

// signed is a request whose signature covers the address as HubSpot writes it.
func signed(key, method, address, signedAddress, body string, at time.Time) sdk.WebhookRequest {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(method + signedAddress + body + stamp))
	h := http.Header{}
	h.Set("X-HubSpot-Request-Timestamp", stamp)
	h.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return sdk.WebhookRequest{Method: method, URL: address, Header: h, Body: []byte(body)}
}

func TestSignatures(t *testing.T) {
	now := time.Now()
	r := receiver(t, `{"access_token":"x","webhook_secret":"new, old"}`)
	good := func() sdk.WebhookRequest { return signed("new", "POST", hook, hook, "[]", now) }
	require.NoError(t, r.Verify(good(), now))
	require.NoError(t, r.Verify(signed("old", "POST", hook, hook, "[]", now), now), "while one secret replaces another")
	require.NoError(t, r.Verify(good(), now.Add(5*time.Minute-time.Millisecond)))
	for name, change := range map[string]func(*sdk.WebhookRequest){
		"another method":  func(q *sdk.WebhookRequest) { q.Method = "PUT" },
		"another address": func(q *sdk.WebhookRequest) { q.URL += "x" },
		"another body":    func(q *sdk.WebhookRequest) { q.Body = []byte("[ ]") },
		"another time":    func(q *sdk.WebhookRequest) { q.Header.Set("X-HubSpot-Request-Timestamp", "1") },
		"no time":         func(q *sdk.WebhookRequest) { q.Header.Del("X-HubSpot-Request-Timestamp") },
		"no signature":    func(q *sdk.WebhookRequest) { q.Header.Del("X-HubSpot-Signature-v3") },
		"not base64":      func(q *sdk.WebhookRequest) { q.Header.Set("X-HubSpot-Signature-v3", "§") },
		"an old signature": func(q *sdk.WebhookRequest) {
			q.Header.Set("X-HubSpot-Signature", q.Header.Get("X-HubSpot-Signature-v3"))
			q.Header.Del("X-HubSpot-Signature-v3")
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := good()
			change(&q)
			require.Equal(t, sdk.Auth, sdk.AsError(r.Verify(q, now)).Class)
		})
	}
	require.Error(t, r.Verify(good(), now.Add(5*time.Minute+time.Second)), "stale")
	require.Error(t, r.Verify(good(), now.Add(-6*time.Minute)), "from the future")
	require.Error(t, receiver(t, `{"access_token":"x"}`).Verify(good(), now), "nothing is configured")
	app := receiver(t, `{"client_id":"x","client_secret":"new"}`)
	require.NoError(t, app.Verify(good(), now), "an app's own secret signs")
}

// HubSpot undoes some escapes of an address before it signs it, and leaves others.
func TestAddressesAreDecodedAsHubSpotDoes(t *testing.T) {
	now := time.Now()
	r := receiver(t, `{"access_token":"x","webhook_secret":"s"}`)
	const asked, signedAs = hook + "?to=a%40b.example%2Fc%3a1%2C2%20x%25&q=%c3%a9", hook + "?to=a@b.example/c:1,2%20x%25&q=%c3%a9"
	require.NoError(t, r.Verify(signed("s", "POST", asked, signedAs, "[]", now), now))
	require.Error(t, r.Verify(signed("s", "POST", asked, asked, "[]", now), now))
}

func TestWhatWebhooksTell(t *testing.T) {
	r := receiver(t, `{"access_token":"x","webhook_secret":"s"}`)
	const base = `"eventId":100,"subscriptionId":7,"portalId":1,"appId":2,"occurredAt":1780000000123,"attemptNumber":%,"changeSource":"CRM_UI","objectId":123`
	cases := map[string]struct {
		event string
		name  string
		key   string
		data  hubspot.Change
	}{
		"a stage":            {`"subscriptionType":"deal.propertyChange","propertyName":"dealstage","propertyValue":"closedwon"`, "deal.changed", "", hubspot.Change{ID: "123", Property: "dealstage", Value: "closedwon", Source: "CRM_UI"}},
		"a deal of ours":     {`"subscriptionType":"deal.propertyChange","propertyName":"parley_key","propertyValue":"key-1"`, "deal.changed", "key-1", hubspot.Change{ID: "123", Property: "parley_key", Source: "CRM_UI"}},
		"an address":         {`"subscriptionType":"contact.propertyChange","propertyName":"email","propertyValue":"jenny@example.com"`, "contact.changed", "", hubspot.Change{ID: "123", Property: "email", Source: "CRM_UI"}},
		"a newer kind":       {`"subscriptionType":"object.propertyChange","objectTypeId":"0-1","propertyName":"lifecyclestage","propertyValue":"customer"`, "contact.changed", "", hubspot.Change{ID: "123", Property: "lifecyclestage", Value: "customer", Source: "CRM_UI"}},
		"an erasure":         {`"subscriptionType":"contact.privacyDeletion"`, "contact.deleted", "", hubspot.Change{ID: "123", Source: "CRM_UI"}},
		"no text":            {`"subscriptionType":"deal.propertyChange","propertyName":"amount","propertyValue":12`, "deal.changed", "", hubspot.Change{ID: "123", Property: "amount", Source: "CRM_UI"}},
		"a kind of tomorrow": {event: `"subscriptionType":"deal.teleport"`},
		"another object":     {event: `"subscriptionType":"object.creation","objectTypeId":"0-5"`},
		"an association":     {event: `"subscriptionType":"contact.associationChange","fromObjectId":1`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var ids []string
			for _, attempt := range []string{"0", "3"} {
				body := `[{` + replace(base, attempt) + `,` + c.event + `}]`
				events, err := r.Parse(sdk.WebhookRequest{Method: "POST", Body: []byte(body)})
				require.NoError(t, err)
				require.Len(t, events, 1)
				e := events[0]
				ids = append(ids, e.ID)
				require.Equal(t, time.UnixMilli(1780000000123).UTC(), e.At)
				if c.name == "" {
					require.Equal(t, sdk.EventIgnored, e.Kind)
					continue
				}
				require.Equal(t, []any{c.name, c.key, []string{"123"}}, []any{e.Provider.Name, e.Provider.EffectKey, e.Provider.Refs})
				require.JSONEq(t, string(sdk.JSONBody(c.data)), string(e.Provider.Data))
				require.NotContains(t, string(e.Provider.Data), "jenny")
			}
			require.Equal(t, ids[0], ids[1], "every attempt has the same ID")
		})
	}
}

func replace(base, attempt string) string {
	for i := range base {
		if base[i] == '%' {
			return base[:i] + attempt + base[i+1:]
		}
	}
	return base
}

func TestEventsOfOneListDiffer(t *testing.T) {
	r := receiver(t, `{"access_token":"x","webhook_secret":"s"}`)
	events, err := r.Parse(sdk.WebhookRequest{Body: []byte(`[
		{"eventId":1,"subscriptionId":7,"occurredAt":5,"subscriptionType":"contact.creation","objectId":1},
		{"eventId":1,"subscriptionId":8,"occurredAt":5,"subscriptionType":"contact.propertyChange","objectId":1,"propertyName":"email"},
		{"eventId":1,"subscriptionId":7,"occurredAt":6,"subscriptionType":"contact.creation","objectId":1},
		{"eventId":2,"subscriptionId":9,"occurredAt":6,"subscriptionType":"contact.merge","objectId":3,"primaryObjectId":1,"mergedObjectIds":[2,3],"newObjectId":4}]`)})
	require.NoError(t, err)
	require.Len(t, events, 5)
	seen := map[string]bool{}
	for _, e := range events {
		require.False(t, seen[e.ID], e.ID)
		seen[e.ID] = true
	}
	require.Equal(t, []string{"3", "4"}, events[4].Provider.Refs)
}

func TestADealsOwnWebhookLeadsBackToItsEffect(t *testing.T) {
	r := newRig(t)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), `{"title":"Tea"}`)
	var keys []string
	for _, d := range r.env.Deliveries() {
		req := sdk.WebhookRequest{Method: "POST", URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(t, r.conn.(sdk.Receiver).Verify(req, r.now))
		events, err := r.conn.(sdk.Receiver).Parse(req)
		require.NoError(t, err)
		for _, e := range events {
			require.Equal(t, []string{deal.ID}, e.Provider.Refs)
			if e.Provider.EffectKey != "" {
				keys = append(keys, e.Provider.EffectKey)
			}
		}
	}
	require.Equal(t, []string{"key-1"}, keys)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"eventId":1,"subscriptionId":2,"occurredAt":3,"subscriptionType":"deal.propertyChange","objectId":4,"propertyName":"parley_key","propertyValue":"k"}]`))
	f.Add([]byte(`[{"eventId":1,"subscriptionType":"contact.merge","mergedObjectIds":[1,2],"primaryObjectId":3}]`))
	f.Add([]byte(`[{"subscriptionType":"object.creation","objectTypeId":"0-3","objectId":9}]`))
	conn, err := hubspot.Connector.Open(json.RawMessage(`{"access_token":"x"}`), sdk.Host{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := conn.(sdk.Receiver).Parse(sdk.WebhookRequest{Method: http.MethodPost, Body: body})
		if err != nil {
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
			return
		}
		for _, e := range events {
			require.NotEmpty(t, e.ID)
			require.Equal(t, e.Kind == sdk.EventProvider, e.Provider != nil)
			if e.Provider != nil {
				require.True(t, json.Valid(e.Provider.Data))
				require.LessOrEqual(t, len(e.Provider.EffectKey), 64)
				require.NotContains(t, e.Provider.Refs, "")
			}
		}
	})
}
