package connectorcmd_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/connectorcmd"
	"parley/cmd/parley/exit"
	"parley/connectors"
	"parley/connectors/fakes"
	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
	"parley/internal/sandbox"
	"parley/internal/sandbox/sandboxclient"
)

// run runs the command in process as main would.
func run(list []sdk.Connector, args ...string) (code int, stdout, stderr string) {
	cmd := connectorcmd.New(list)
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		ended, ok := errors.AsType[*exit.Error](err)
		if !ok {
			return -1, out.String(), err.Error()
		}
		return ended.Code, out.String(), errs.String() + ended.Message
	}
	return 0, out.String(), errs.String()
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// shop is a connector with one operation of each kind that the command treats
// differently.
type shop struct{ orders map[string]string }

type orderInput struct {
	Item string `json:"item" doc:"What."`
}

type order struct {
	ID  string `json:"id"`
	Key string `json:"key,omitempty"`
}

func (s *shop) create(_ context.Context, call sdk.Call, in orderInput) (order, error) {
	if in.Item == "later" {
		return order{}, &sdk.Error{Class: sdk.Throttled, Code: "too_many", Message: "slow down", RetryAfter: 2 * time.Second}
	}
	if in.Item == "broken" {
		return order{}, errors.New("a bug that quotes a secret")
	}
	s.orders[call.Key] = fmt.Sprint("o", len(s.orders)+1)
	return order{s.orders[call.Key], call.Key}, nil
}

func (s *shop) find(_ context.Context, call sdk.Call, _ orderInput) (order, bool, error) {
	id, ok := s.orders[call.Key]
	return order{id, call.Key}, ok, nil
}

func (s *shop) Verify(req sdk.WebhookRequest, now time.Time) error {
	if req.Header.Get("X-Sum") != sum(req.URL, req.Body) {
		return sdk.Invalidf("the signature does not match")
	}
	if now.Year() != 2026 {
		return errors.New("the signature is stale")
	}
	return nil
}

func (s *shop) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	if len(req.Body) == 0 {
		return nil, sdk.Invalidf("the body is empty")
	}
	return []sdk.Event{{ID: "e1", Kind: sdk.EventProvider, Type: "Order", Provider: &sdk.ProviderEvent{Name: "order.created", EffectKey: "k"}}}, nil
}

func (s *shop) Handshake(sdk.WebhookRequest) (string, error) { return "challenge", nil }

func sum(url string, body []byte) string {
	m := hmac.New(sha256.New, []byte("s"))
	m.Write([]byte(url))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

type shopConfig struct {
	BaseURL string `json:"base_url,omitempty" doc:"Where."`
	Secret  string `json:"webhook_secret,omitempty" secret:"true" doc:"What signs."`
}

func shopList() []sdk.Connector {
	conn := &shop{orders: map[string]string{}}
	return []sdk.Connector{{
		Name: "shop", Title: "The Shop", Docs: "https://shop.test/docs", Config: &shopConfig{},
		Operations: []sdk.Operation{
			sdk.LookupOp("order_create", "Orders an item.", time.Minute, (*shop).create, (*shop).find),
			sdk.Op("order_get", "Reads.", sdk.Effect{Kind: sdk.Read}, (*shop).create),
			sdk.Op("order_ship", "Ships.", sdk.Effect{Kind: sdk.Once}, (*shop).create),
		},
		Triggers: []sdk.Trigger{{Name: "order.created", Source: []string{"Order"}, Summary: "An order.", Payload: order{}}},
		Channel:  &sdk.Channel{TextMax: 100, Window: 24 * time.Hour, Effect: sdk.Effect{Kind: sdk.Once}},
		Open: func(raw json.RawMessage, _ sdk.Host) (any, error) {
			return conn, sdk.DecodeStrict(raw, &shopConfig{})
		},
	}, {Name: "deaf", Title: "Deaf", Config: &shopConfig{}, Open: func(json.RawMessage, sdk.Host) (any, error) { return struct{}{}, nil }}}
}

func TestListAndShow(t *testing.T) {
	list := shopList()
	code, out, _ := run(list, "list")
	require.Equal(t, 0, code)
	require.Regexp(t, `(?m)^shop +The Shop +3 +1 +yes$`, out)

	code, out, _ = run(list, "list", "--json")
	require.Equal(t, 0, code)
	var all []manifest.Manifest
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.Len(t, all, 2)

	code, out, _ = run(list, "show", "shop", "--json")
	require.Equal(t, 0, code)
	var d manifest.Manifest
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.Equal(t, "1m0s", d.Operations[0].Effect.Settle)
	require.JSONEq(t, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,
		"required":["item"],"properties":{"item":{"type":"string","description":"What."}}}`, string(d.Operations[0].Input))
	require.Equal(t, "24h0m0s", d.Channel.Window)

	code, out, _ = run(list, "show", "shop")
	require.Equal(t, 0, code)
	for _, want := range []string{`webhook_secret +- +yes +What signs\.`, `order_create +lookup, settles in 1m0s +item +Orders`, `order.created +Order +An order`} {
		require.Regexp(t, want, out)
	}
	for _, c := range connectors.All() {
		code, _, stderr := run(connectors.All(), "show", c.Name)
		require.Equal(t, 0, code, stderr)
	}
}

func TestCall(t *testing.T) {
	list := shopList()
	config := file(t, "c.yaml", "# settings\nbase_url: http://shop.test\n")
	call := func(op, input string, more ...string) (int, string, string) {
		return run(list, append([]string{"call", "shop", op, "--config", config, "--input", input}, more...)...)
	}
	code, out, stderr := call("order_create", `{"item":"tea"}`, "--key", "k-1")
	require.Equal(t, 0, code, stderr)
	require.JSONEq(t, `{"id":"o1","key":"k-1"}`, out)
	_, out, _ = call("order_create", `{"item":"tea"}`, "--key", "k-1")
	require.JSONEq(t, `{"id":"o1","key":"k-1"}`, out, "found by its key")
	_, out, _ = call("order_create", "@"+file(t, "i.json", `{"item":"tea"}`))
	require.Contains(t, out, `"o2"`)
	require.Regexp(t, `"key":"[a-z0-9-]{36}"`, out, "a call without a key is a new one")

	code, out, stderr = call("order_create", `{"item":"later"}`)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.JSONEq(t, `{"class":"throttled","code":"too_many","message":"slow down","retry_after":"2s"}`, stderr)

	code, _, stderr = call("order_create", `{"item":"broken"}`)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, `"class":"unavailable"`)
	require.NotContains(t, stderr, "secret")

	_, _, stderr = call("order_ship", `{"item":"broken"}`)
	require.Contains(t, stderr, `"class":"uncertain"`, "it may have been done, and only once is right")

	code, _, stderr = call("order_create", `{"item":"tea","colour":"red"}`)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, `"class":"invalid"`)
	require.Contains(t, stderr, "colour")

	config = file(t, "c.json", `{"nonsense":1}`)
	code, _, stderr = call("order_create", `{"item":"tea"}`)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "nonsense")
}

func TestWrongUsage(t *testing.T) {
	list := shopList()
	config := file(t, "c.yaml", "base_url: http://shop.test")
	request := file(t, "r.http", "POST /h HTTP/1.1\n\n")
	bad := file(t, "bad.yaml", "webhook_secret: [s3cret\nbase_url: x")
	for _, tc := range []struct {
		want string
		args []string
	}{
		{"list, show", nil},
		{"unknown flag", []string{"list", "--yaml"}},
		{"no connector \"nope\"", []string{"show", "nope"}},
		{"accepts 1 arg", []string{"show"}},
		{"no operation", []string{"call", "shop", "fly", "--config", config}},
		{"--config FILE is missing", []string{"call", "shop", "order_get"}},
		{"no such file", []string{"call", "shop", "order_get", "--config", config + "x"}},
		{"neither JSON nor", []string{"call", "shop", "order_get", "--config", bad}},
		{"neither JSON nor", []string{"call", "shop", "order_get", "--config", file(t, "list.yaml", "- a")}},
		{"no such file", []string{"call", "shop", "order_get", "--config", config, "--input", "@nowhere"}},
		{"--key", []string{"call", "shop", "order_get", "--config", config, "--key", "a b"}},
		{"--request FILE is missing", []string{"verify", "shop", "--config", config}},
		{"first line", []string{"verify", "shop", "--config", config, "--request", file(t, "x", "hello")}},
		{"line 3", []string{"verify", "shop", "--config", config, "--request", file(t, "x", "POST / HTTP/1.1\nA: b\n{}")}},
		{"--now", []string{"verify", "shop", "--config", config, "--request", request, "--now", "today"}},
		{"no webhooks", []string{"verify", "deaf", "--config", config, "--request", request}},
	} {
		t.Run(tc.want, func(t *testing.T) {
			code, out, stderr := run(list, tc.args...)
			require.Equal(t, 2, code, out+stderr)
			require.Contains(t, stderr, tc.want)
			require.NotContains(t, stderr, "s3cret")
		})
	}
}

func TestVerify(t *testing.T) {
	list := shopList()
	config := file(t, "c.yaml", "webhook_secret: s")
	const url = "https://parley.test/hooks/shop/demo?a=1"
	body := "{\"a\": 1}\r\n\n "
	head := func(eol, sum string) string {
		return "POST /hooks/shop/demo?a=1 HTTP/1.1" + eol + "host: parley.test" + eol + "x-sum:\t" + sum + " " + eol + "Content-Length: 3" + eol + eol
	}
	good := sum(url, []byte(body))
	for name, tc := range map[string]struct {
		request string
		args    []string
		code    int
		out     string
	}{
		"CRLF":        {head("\r\n", good) + body, nil, 0, `{"valid":true,"events":[{"id":"e1","kind":"provider","type":"Order","provider":{"name":"order.created","effect_key":"k"}}]}`},
		"LF":          {head("\n", good) + body, nil, 0, `{"valid":true,"events":[{"id":"e1","kind":"provider","type":"Order","provider":{"name":"order.created","effect_key":"k"}}]}`},
		"altered":     {head("\r\n", good) + body + "\n", nil, 1, `{"valid":false,"reason":"the signature does not match"}`},
		"other URL":   {head("\r\n", good) + body, []string{"--url", "https://other.test/"}, 1, `{"valid":false,"reason":"the signature does not match"}`},
		"given URL":   {head("\r\n", sum("https://x.test/", []byte(body))) + body, []string{"--url", "https://x.test/"}, 0, `{"valid":true,"events":[{"id":"e1","kind":"provider","type":"Order","provider":{"name":"order.created","effect_key":"k"}}]}`},
		"stale":       {head("\r\n", good) + body, []string{"--now", "2027-01-01T00:00:00Z"}, 1, `{"valid":false,"reason":"the signature is stale"}`},
		"unparseable": {head("\r\n", sum(url, nil)), nil, 1, `{"valid":false,"reason":"the body is empty"}`},
		"handshake":   {"GET /hooks/shop/demo?hub.challenge=1 HTTP/1.1\r\nHost: parley.test\r\n\r\n", nil, 0, `{"valid":true,"events":[],"response":"challenge"}`},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"verify", "shop", "--config", config, "--request", file(t, "r.http", tc.request), "--now", "2026-07-01T12:00:00Z"}, tc.args...)
			code, out, stderr := run(list, args...)
			require.Equal(t, tc.code, code, stderr)
			require.JSONEq(t, tc.out, out)
		})
	}
}

// TestAgainstTheFakes calls a real connector at its fake in the sandbox, with a
// configuration that the fake made, and meets the faults as their classes.
func TestAgainstTheFakes(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	key := make([]byte, sandbox.KeySize)
	s, err := sandbox.New(sandbox.Config{Dir: t.TempDir(), Key: key, PublicURL: base, Providers: fakes.All()})
	require.NoError(t, err)
	server.Config.Handler = s.Handler()
	server.Start()
	t.Cleanup(func() { require.NoError(t, s.Close()); server.Close() })
	client := sandboxclient.Client{URL: base}

	var config string
	for _, p := range fakes.All() {
		raw := p.Account(base+"/"+p.Connector, sandbox.Secrets(key, p.Connector))
		c, ok := connectors.Get(p.Connector)
		require.True(t, ok)
		_, err := c.Open(raw, sdk.Host{HTTP: http.DefaultClient})
		require.NoError(t, err, "%s accepts what its fake suggests", p.Connector)
		if p.Connector == "stripe" {
			config = file(t, "stripe.json", string(raw))
		}
	}
	pay := func(key string) (int, string, string) {
		return run(connectors.All(), "call", "stripe", "payment_link_create", "--config", config, "--key", key,
			"--input", `{"amount":1999,"currency":"USD","description":"Tea"}`)
	}
	code, first, stderr := pay("k-1")
	require.Equal(t, 0, code, stderr)
	_, again, _ := pay("k-1")
	require.Equal(t, first, again)
	_, other, _ := pay("k-2")
	require.NotEqual(t, first, other)

	for fault, class := range map[string]string{"401": "auth", "429": "throttled", "500": "unavailable", "503": "unavailable", "cut_after_write": "unavailable"} {
		require.NoError(t, client.Fault(t.Context(), sandbox.Fault{Connector: "stripe", Fault: fault}))
		code, out, stderr := pay("k-" + fault)
		require.Equal(t, 1, code, fault)
		require.Empty(t, out)
		require.Contains(t, stderr, `"class":"`+class+`"`, fault)
	}
	require.NoError(t, client.Fault(t.Context(), sandbox.Fault{Connector: "stripe", Fault: "429", RetryAfter: sandbox.Duration(7 * time.Second)}))
	_, _, stderr = pay("k-3")
	require.Contains(t, stderr, `"retry_after":"7s"`)
}
