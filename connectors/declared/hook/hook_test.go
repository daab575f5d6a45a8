package hook_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"parley/connectors/declared/hook"
	"parley/connectors/sdk"
	"parley/connectors/shopify"
	"parley/connectors/stripe"
	"parley/connectors/whatsapp"
)

func recipes(t testing.TB) map[string]hook.Recipe {
	raw, err := os.ReadFile("testdata/recipes.yaml")
	require.NoError(t, err)
	var out map[string]hook.Recipe
	require.NoError(t, yaml.UnmarshalWithOptions(raw, &out, yaml.Strict()))
	return out
}

func compiled(t testing.TB, name string, triggers map[string]string) *hook.Hook {
	r, ok := recipes(t)[name]
	require.True(t, ok, name)
	h, err := hook.Compile(r, triggers)
	require.NoError(t, err, name)
	return h
}

func secret(s string) hook.Settings {
	return func(name string) string {
		if name == "webhook_secret" {
			return s
		}
		return ""
	}
}

func request(url, body string, header ...string) sdk.WebhookRequest {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return sdk.WebhookRequest{Method: http.MethodPost, URL: url, Header: h, Body: []byte(body)}
}

func mac(key, message string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(message))
	return m.Sum(nil)
}

const form = "application/x-www-form-urlencoded"

// accepted is a request that a recipe must take, and none like it.
type accepted struct {
	recipe, secret string
	req            sdk.WebhookRequest
	now            time.Time
	// unsigned says that the body is no part of what is compared.
	unsigned bool
}

// published are vectors of the providers' own documentation and libraries.
func published(t testing.TB) []accepted {
	slack := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	at := time.Unix(1_780_000_000, 0).UTC()
	unix, iso := strconv.FormatInt(at.Unix(), 10), at.Format(time.RFC3339)
	b64 := base64.StdEncoding.EncodeToString
	public, private, err := ed25519.GenerateKey(zero{})
	require.NoError(t, err)
	return []accepted{
		{recipe: "slack", secret: "8f742231b10e8888abcd99yyyzzz85a5", now: time.Unix(1531420618, 0),
			req: request("https://h.test/x", slack, "X-Slack-Request-Timestamp", "1531420618",
				"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")},
		{recipe: "standard", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now: time.Unix(1614265330, 0),
			req: request("https://h.test/x", `{"test": 2432232314}`, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
				"webhook-signature", "v2,zzz v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")},
		{recipe: "standard_asymmetric", secret: "whpk_" + b64(public), now: at,
			req: request("https://h.test/x", `{"type":"a"}`, "webhook-id", "m1", "webhook-timestamp", unix,
				"webhook-signature", "v1a,"+b64(ed25519.Sign(private, []byte("m1."+unix+`.{"type":"a"}`))))},
		{recipe: "stripe", secret: "whsec_s", now: at, req: request("https://h.test/x", `{"id":"evt_1"}`,
			"Stripe-Signature", "t="+unix+",v1=00ff,v1="+hex.EncodeToString(mac("whsec_s", unix+`.{"id":"evt_1"}`))+",v0=aa")},
		{recipe: "shopify", secret: "s", now: at, req: request("https://h.test/x", `{"a":1}`, "X-Shopify-Hmac-Sha256", b64(mac("s", `{"a":1}`)))},
		{recipe: "whatsapp", secret: "s", now: at, req: request("https://h.test/x", `{"entry":[]}`, "X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac("s", `{"entry":[]}`)))},
		{recipe: "hubspot", secret: "s", now: at, req: request("https://h.test/x?q=a%20b", `[{"eventId":1}]`, "X-HubSpot-Request-Timestamp", unix+"000",
			"X-HubSpot-Signature-v3", b64(mac("s", `POSThttps://h.test/x?q=a b[{"eventId":1}]`+unix+"000")))},
		{recipe: "zendesk", secret: "s", now: at, req: request("https://h.test/x", `{}`, "X-Zendesk-Webhook-Signature-Timestamp", iso,
			"X-Zendesk-Webhook-Signature", b64(mac("s", iso+`{}`)))},
		{recipe: "sumsub", secret: "s", now: at, req: request("https://h.test/x", `{}`, "x-payload-digest-alg", "HMAC_SHA256_HEX",
			"x-payload-digest", hex.EncodeToString(mac("s", `{}`)))},
		{recipe: "telegram", secret: "s", now: at, unsigned: true, req: request("https://h.test/x", `{}`, "X-Telegram-Bot-Api-Secret-Token", "s")},
		{recipe: "livechat", secret: "s", now: at, unsigned: true, req: request("https://h.test/x", `{"secret_key":"s"}`)},
	}
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRecipesTakeGenuineRequestsOnly(t *testing.T) {
	for _, c := range published(t) {
		t.Run(c.recipe, func(t *testing.T) { judge(t, c) })
	}
}

func judge(t *testing.T, c accepted) {
	h := compiled(t, c.recipe, nil)
	require.NoError(t, h.Verify(c.req, c.now, secret(c.secret)))

	for _, wrong := range []string{"", c.secret + "A", "another"} {
		err := h.Verify(c.req, c.now, secret(wrong))
		require.Error(t, err, "another secret")
		require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
	}
	bare := c.req
	bare.Header, bare.Body = http.Header{}, nil
	require.Error(t, h.Verify(bare, c.now, secret(c.secret)), "no signature")
	if !c.unsigned {
		altered := c.req
		altered.Body = append(append([]byte{}, c.req.Body...), ' ')
		if len(c.req.Body) == 0 {
			altered.URL += "&x=1"
		}
		require.Error(t, h.Verify(altered, c.now, secret(c.secret)), "an altered body")
	}
	if recipes(t)[c.recipe].Time != nil {
		for _, late := range []time.Duration{time.Hour, -time.Hour} {
			require.Error(t, h.Verify(c.req, c.now.Add(late), secret(c.secret)), "stale")
		}
	}
	rotated := secret("bmV3ZXI=, " + c.secret)
	require.NoError(t, h.Verify(c.req, c.now, rotated), "several secrets, while it is changed")
}

// TestProvidersVectors runs the vectors of the providers' own libraries.
func TestProvidersVectors(t *testing.T) {
	dir := os.Getenv("PARLEY_SPECS")
	if dir == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder of the providers' specifications")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "webhook-vectors.json"))
	require.NoError(t, err)
	var vectors []struct {
		Provider, Name, Header, Secret, Body, URL, Method, Signature string
		HeaderValue                                                  string `json:"header_value"`
		Params                                                       map[string]string
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	names := map[string]string{"hubspot v1": "hubspot_v1", "hubspot v2 POST": "hubspot_v2", "payu-emea notify md5": "payu_emea", "payu-emea notify sha1": "payu_emea"}
	ran := 0
	for _, v := range vectors {
		recipe := v.Provider
		if n, ok := names[v.Provider+" "+v.Name]; ok {
			recipe = n
		}
		c := accepted{recipe: recipe, secret: v.Secret, now: time.Now()}
		switch {
		case v.HeaderValue == "" && recipe == "payu_emea":
			algorithm := map[string]string{"notify md5": "MD5", "notify sha1": "SHA-1"}[v.Name]
			c.req = request("https://h.test/x", v.Body, "OpenPayu-Signature", "sender=checkout;signature="+v.Signature+";algorithm="+algorithm)
		case v.HeaderValue == "":
			continue // no webhook: a signature over the query of a redirect
		case v.Params != nil:
			params := url.Values{}
			for k, p := range v.Params {
				params.Set(k, p)
			}
			c.req = request(v.URL, params.Encode(), v.Header, v.HeaderValue, "Content-Type", form)
			c.unsigned = true // the space after it changes nothing in the last parameter's name
		default:
			header := map[string]string{"hubspot_v2": "X-HubSpot-Signature"}[recipe]
			if header == "" {
				header = v.Header
			}
			c.req = request(v.URL, v.Body, header, v.HeaderValue)
		}
		if c.req.URL == "" {
			c.req.URL = "https://h.test/x"
		}
		ran++
		t.Run(v.Provider+" "+v.Name, func(t *testing.T) { judge(t, c) })
	}
	require.GreaterOrEqual(t, ran, 8)
}

// TestRecipesAgreeWithConnectors compares recipes with the connectors written in
// Go, on genuine and on altered requests.
func TestRecipesAgreeWithConnectors(t *testing.T) {
	configs := map[string]struct {
		c      sdk.Connector
		config string
	}{
		"stripe":   {stripe.Connector, `{"secret_key":"sk_test_x","webhook_secret":"whsec_s"}`},
		"shopify":  {shopify.Connector, `{"base_url":"https://x.myshopify.com","access_token":"a","webhook_secret":"s"}`},
		"whatsapp": {whatsapp.Connector, `{"phone_number_id":"1","access_token":"a","webhook_secret":"s","verify_token":"v"}`},
	}
	compared := 0
	for _, v := range published(t) {
		other, ok := configs[v.recipe]
		if !ok {
			continue
		}
		conn, err := other.c.Open(json.RawMessage(other.config), sdk.Host{})
		require.NoError(t, err, v.recipe)
		receiver, h := conn.(sdk.Receiver), compiled(t, v.recipe, nil)
		altered := v.req
		altered.Body = []byte(`{"id":"evt_2"}`)
		for _, req := range []sdk.WebhookRequest{v.req, altered} {
			require.Equal(t, receiver.Verify(req, v.now) == nil, h.Verify(req, v.now, secret(v.secret)) == nil, v.recipe)
			compared++
		}
	}
	require.Equal(t, 6, compared)
}

func TestEvents(t *testing.T) {
	h := compiled(t, "stripe", map[string]string{"checkout.session.completed": "payment.paid"})
	events, err := h.Parse(request("https://h.test/x", `{"id":"evt_1","type":"checkout.session.completed","created":1780000000,
		"data":{"object":{"id":"cs_1","payment_intent":"pi_1","amount_total":9007199254740993,"currency":"eur","metadata":{"parley_key":"k-1"},"email":"a@b.test"}}}`))
	require.NoError(t, err)
	require.Equal(t, []sdk.Event{{ID: "evt_1", Kind: sdk.EventProvider, Type: "checkout.session.completed", At: time.Unix(1780000000, 0).UTC(),
		Provider: &sdk.ProviderEvent{Name: "payment.paid", EffectKey: "k-1", Refs: []string{"cs_1", "pi_1"},
			Data: json.RawMessage(`{"amount":9007199254740993,"currency":"eur"}`)}}}, events)

	h = compiled(t, "hubspot", map[string]string{"contact.creation": "contact.created"})
	events, err = h.Parse(request("https://h.test/x", `[{"eventId":1,"attemptNumber":0,"subscriptionType":"contact.creation","objectId":7,"portalId":9},
		{"eventId":2,"attemptNumber":0,"subscriptionType":"contact.future"}]`))
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, []string{"7"}, events[0].Provider.Refs)
	require.Equal(t, "9", events[0].Account)
	require.Equal(t, sdk.EventIgnored, events[1].Kind, "a kind without a trigger")
	require.Equal(t, "contact.future", events[1].Type)

	h = compiled(t, "whatsapp", nil)
	one := request("https://h.test/x", `{"entry":[{"changes":[{"field":"messages"}]},{"changes":[{"field":"other"}]}]}`)
	events, err = h.Parse(one)
	require.NoError(t, err)
	again, err := h.Parse(one)
	require.NoError(t, err)
	require.Equal(t, events, again, "the ID of an event without one is the same in every delivery")
	require.NotEqual(t, events[0].ID, events[1].ID)

	for _, body := range []string{"", "{", "{} {}", "[1]"} {
		_, err := h.Parse(request("https://h.test/x", body))
		require.Error(t, err, body)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
}

func TestHandshake(t *testing.T) {
	h := compiled(t, "whatsapp", nil)
	settings := func(name string) string { return map[string]string{"verify_token": "v"}[name] }
	answer, err := h.Handshake(sdk.WebhookRequest{Method: http.MethodGet, URL: "https://h.test/x?hub.challenge=42&hub.verify_token=v"}, settings)
	require.NoError(t, err)
	require.Equal(t, "42", answer)
	_, err = h.Handshake(sdk.WebhookRequest{Method: http.MethodGet, URL: "https://h.test/x?hub.challenge=42&hub.verify_token=w"}, settings)
	require.Error(t, err)
	_, err = h.Handshake(sdk.WebhookRequest{Method: http.MethodGet, URL: "https://h.test/x?hub.challenge=42"}, secret(""))
	require.Error(t, err, "nothing is configured")
}

// TestUnsafeRecipesAreRefused: a recipe that anyone could satisfy is none.
func TestUnsafeRecipesAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`signature: {algorithm: hmac-sha256}`:                                       "say where it is",
		`signature: {header: X, query: y}`:                                          "say where it is",
		`signature: {header: X, algorithm: sha256}`:                                 "must have {secret}",
		`signature: {header: X, sign: "{time}"}`:                                    "must name {body}",
		`signature: {header: X, algorithm: rot13}`:                                  "there is no",
		`signature: {header: X, encoding: rot13}`:                                   "must be one of",
		`{signature: {header: X}, time: {unit: s}}`:                                 "say where it is",
		`{signature: {header: X}, time: {header: Y, window: soon}}`:                 "must be a duration",
		`{signature: {header: X}, time: {header: Y, unit: h}}`:                      "must be one of",
		`{signature: {header: X, sign: "{body"}}`:                                   "without its }",
		`{signature: {header: X}, handshake: {challenge: a}}`:                       "all needed",
		`{signature: {header: X}, events: {id: "{"}}`:                               "events.id",
		`{signature: {header: X, pairs: {time: t}}}`:                                "which key",
		`{signature: {header: X, algorithm_from: {header: Y, names: {A: plain}}}}`:  "there is no",
		`{signature: {header: X, algorithm_from: {header: Y, names: {A: sha256}}}}`: "must have {secret}",
	} {
		var r hook.Recipe
		require.NoError(t, yaml.Unmarshal([]byte(text), &r), text)
		_, err := hook.Compile(r, nil)
		require.ErrorContains(t, err, want, text)
	}
}

// FuzzRecipes feeds requests of any form to every recipe: none panics, and none
// takes what it did not sign.
func FuzzRecipes(f *testing.F) {
	hooks, all := map[string]*hook.Hook{}, recipes(f)
	for name := range all {
		hooks[name] = compiled(f, name, map[string]string{"*": "thing.happened"})
	}
	for _, c := range published(f) {
		f.Add(c.recipe, c.req.URL, c.req.Header.Get(all[c.recipe].Signature.Header), string(c.req.Body))
	}
	f.Fuzz(func(t *testing.T, name, address, signature, body string) {
		h, ok := hooks[name]
		if !ok {
			return
		}
		r := all[name]
		req := request(address, body, "Content-Type", form)
		if r.Signature.Header != "" {
			req.Header.Set(r.Signature.Header, signature)
		}
		if h.Verify(req, time.Unix(0, 0), secret("a secret that the fuzzer does not know")) == nil {
			t.Fatal("a request without the secret was taken")
		}
		events, err := h.Parse(req)
		for _, e := range events {
			if err != nil || e.ID == "" || len(e.Provider.EffectKey) > 64 {
				t.Fatal("an event without an ID, or with a key that is none")
			}
		}
	})
}
