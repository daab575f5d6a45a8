package declared_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/declared"
	"parley/connectors/sdk"
)

// provider answers one request after the other and remembers them.
type provider struct {
	answers  []answer
	requests []seen
}

type answer struct {
	status int
	body   string
	header http.Header
}

type seen struct {
	method, uri, body string
	header            http.Header
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.requests = append(p.requests, seen{r.Method, r.RequestURI, string(body), r.Header})
	a := p.answers[0]
	p.answers = p.answers[1:]
	w.Header().Set("Content-Type", "application/json")
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func shop(t *testing.T) sdk.Connector {
	t.Helper()
	list, err := declared.Load("testdata")
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}

func connect(t *testing.T, c sdk.Connector, p *provider, more string) any {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	conn, err := c.Open(json.RawMessage(`{"base_url":"`+server.URL+`/api/","shop":"x","token":"t0p","webhook_secret":"s"`+more+`}`), sdk.Host{})
	require.NoError(t, err)
	return conn
}

func run(t *testing.T, c sdk.Connector, conn any, name string, call sdk.Call, input string) (string, error) {
	t.Helper()
	for _, o := range c.Operations {
		if o.Name == name {
			out, err := o.Run(t.Context(), conn, call, json.RawMessage(input))
			return string(out), err
		}
	}
	t.Fatalf("no operation %s", name)
	return "", nil
}

func TestRequestsAreMadeAsDeclared(t *testing.T) {
	c := shop(t)
	p := &provider{answers: []answer{
		{201, `{"order":{"id":"o1","amount":{"value":12345678901234567890}}}`, http.Header{"X-Request-Id": {"r1"}}},
		{200, `{"data":{"orders":[1]}}`, nil},
		{200, `{"ok":true}`, nil},
	}}
	conn := connect(t, c, p, `,"app_key":"k&y"`)
	out, err := run(t, c, conn, "order_create", sdk.Call{Key: "key-1", Attempt: 1}, `{"customer_id":"a/b c","lines":[{"sku":"oolong"}],"gift":true}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"o1","total":12345678901234567890,"request":"r1"}`, out)
	r := p.requests[0]
	require.Equal(t, "POST /api/customers/a%2Fb%20c/orders?app=k%26y", r.method+" "+r.uri)
	require.JSONEq(t, `{"lines":[{"sku":"oolong"}],"gift":true}`, r.body)
	for name, want := range map[string]string{"Authorization": "Bearer t0p", "Idempotency-Key": "key-1", "X-Version": "2026-07",
		"Content-Type": "application/json", "Accept": "application/json"} {
		require.Equal(t, want, r.header.Get(name), name)
	}
	_, err = run(t, c, conn, "order_list", sdk.Call{Attempt: 1}, `{"status":["new","paid"],"tags":["a","b"],"filter":{"x":{"y":1}}}`)
	require.NoError(t, err)
	require.Equal(t, "/api/orders?app=k%26y&filter%5Bx%5D%5By%5D=1&status=new%2Cpaid&tag=a&tag=b", p.requests[1].uri)

	_, err = run(t, c, conn, "photo_add", sdk.Call{Attempt: 1}, `{"photo":"aGk=","title":"x"}`)
	require.NoError(t, err)
	require.Contains(t, p.requests[2].body, "filename=\"photo\"")
	require.Contains(t, p.requests[2].body, "\r\n\r\nhi\r\n")
}

func TestWrongInputIsRefusedBeforeAnyRequest(t *testing.T) {
	c := shop(t)
	p := &provider{}
	conn := connect(t, c, p, "")
	for input, want := range map[string]string{
		`{`:                                  "not one JSON value",
		`[]`:                                 "must be a JSON object",
		`{"lines":[{"sku":"x"}]}`:            `field "customer_id" is missing`,
		`{"customer_id":"canary","lines":1}`: `field "lines" must be array`,
		`{"customer_id":"c","lines":[{"sku":"CANARY"}]}`:                   `field "lines.0.sku" does not meet pattern`,
		`{"customer_id":"c","lines":[{"sku":"x"}],"colour":"canary"}`:      `field "colour" is not known`,
		`{"customer_id":"..","lines":[{"sku":"x"}]}`:                       "must not be a dot",
		`{"customer_id":"c","lines":[{"sku":"x","count":"canary"}],"g":1}`: `field "g" is not known; field "lines.0.count" must be integer`,
	} {
		_, err := run(t, c, conn, "order_create", sdk.Call{Key: "k", Attempt: 1}, input)
		e := sdk.AsError(err)
		require.Equal(t, sdk.Invalid, e.Class, input)
		require.Contains(t, e.Message, want)
		require.NotContains(t, strings.ToLower(e.Message), "canary")
	}
	require.Empty(t, p.requests)
}

func TestErrorsAreClassed(t *testing.T) {
	c := shop(t)
	for name, k := range map[string]struct {
		answer
		class sdk.Class
		code  string
		wrote bool
		after time.Duration
	}{
		"rule":             {answer{409, `{"error":{"code":"sold_out"}}`, nil}, sdk.Rejected, "sold_out", true, 0},
		"code alone":       {answer{400, `{"error":{"code":"busy"}}`, http.Header{"X-Wait-Ms": {"1500"}}}, sdk.Throttled, "busy", false, 1500 * time.Millisecond},
		"status":           {answer{404, `{}`, nil}, sdk.NotFound, "404", true, 0},
		"a sentence":       {answer{422, `{"error":{"code":"Ann Example is not known"}}`, nil}, sdk.Invalid, "422", true, 0},
		"429":              {answer{429, ``, http.Header{"Retry-After": {"2"}}}, sdk.Throttled, "429", false, 2 * time.Second},
		"503":              {answer{503, `<html>`, nil}, sdk.Unavailable, "503", true, 0},
		"unexpected":       {answer{200, `{"order":{}}`, nil}, sdk.Rejected, "200", true, 0},
		"not as described": {answer{201, `{"else":1}`, nil}, sdk.Unavailable, "", true, 0},
		"not JSON":         {answer{201, `{`, nil}, sdk.Unavailable, "", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, c, &provider{answers: []answer{k.answer}}, "")
			_, err := run(t, c, conn, "order_create", sdk.Call{Key: "k", Attempt: 1}, `{"customer_id":"c","lines":[{"sku":"x"}]}`)
			e := sdk.AsError(err)
			require.Equal(t, []any{k.class, k.code, k.wrote, k.after}, []any{e.Class, e.Code, e.Wrote, e.RetryAfter})
			require.NotContains(t, e.Error(), "Ann")
		})
	}
	conn := connect(t, c, &provider{answers: []answer{{200, `{"ok":false,"reason":"too_dark"}`, nil}}}, "")
	_, err := run(t, c, conn, "photo_add", sdk.Call{Attempt: 1}, `{"photo":"aGk="}`)
	require.Equal(t, "too_dark", sdk.AsError(err).Code, "what must hold does not")
}

func TestPagesAreReadUntilThereAreEnough(t *testing.T) {
	c := shop(t)
	pages := []answer{{200, `{"data":{"orders":[1,2],"next":"p2"},"total":5}`, nil}, {200, `{"data":{"orders":[3,4],"next":"p3"}}`, nil}, {200, `{"data":{"orders":[5]}}`, nil}}
	p := &provider{answers: pages}
	conn := connect(t, c, p, "")
	out, err := run(t, c, conn, "order_list", sdk.Call{Attempt: 1}, `{"max_items":3,"tags":["a"]}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"data":{"orders":[1,2,3],"next":"p2"},"total":5}`, out)
	require.Equal(t, "/api/orders?after=p2&tag=a", p.requests[1].uri)
	require.Len(t, p.requests, 2)

	p = &provider{answers: pages}
	out, err = run(t, c, connect(t, c, p, ""), "order_list", sdk.Call{Attempt: 1}, `{"max_items":100}`)
	require.NoError(t, err)
	require.Contains(t, out, "[1,2,3,4,5]")

	p = &provider{answers: pages}
	out, err = run(t, c, connect(t, c, p, ""), "order_list", sdk.Call{Attempt: 1}, `{}`)
	require.NoError(t, err)
	require.Contains(t, out, "[1,2]", "one page unless asked")
}

func TestLinkHeadersAreFollowedOnTheSameHostOnly(t *testing.T) {
	c := one(t, `{summary: Lists., effect: {kind: read}, method: GET, path: /things, pages: {kind: link}}`)
	own := http.Header{"Link": {`<https://x.test/first>; rel="first", </api/things?page=2>; rel="next"`}}
	p := &provider{answers: []answer{{200, `[1]`, own}, {200, `[2]`, nil}}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	conn, err := c.Open(json.RawMessage(`{"base_url":"`+server.URL+`/api"}`), sdk.Host{})
	require.NoError(t, err)
	out, err := run(t, c, conn, "op", sdk.Call{Attempt: 1}, `{"max_items":9}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"items":[1,2]}`, out)
	require.Equal(t, "/api/things?page=2", p.requests[1].uri)

	p.answers = []answer{{200, `[1]`, http.Header{"Link": {`<https://evil.test/things>; rel=next`}}}}
	_, err = run(t, c, conn, "op", sdk.Call{Attempt: 1}, `{"max_items":9}`)
	require.Equal(t, "foreign_page", sdk.AsError(err).Code)
}

func TestLookupFindsByKey(t *testing.T) {
	c := shop(t)
	p := &provider{answers: []answer{{200, `{"notes":[{"ref":"other"},{"ref":"k 1","id":7}]}`, nil}, {200, `{"notes":[]}`, nil}}}
	conn := connect(t, c, p, "")
	op := c.Operations[0]
	require.Equal(t, sdk.Effect{Kind: sdk.Lookup, Settle: time.Minute}, op.Effect)
	out, found, err := op.Find(t.Context(), conn, sdk.Call{Key: "k 1", Attempt: 2}, json.RawMessage(`{"text":"x"}`))
	require.NoError(t, err)
	require.True(t, found)
	require.JSONEq(t, `{"ref":"k 1","id":7}`, string(out))
	require.Equal(t, "/api/notes?ref=k+1", p.requests[0].uri)
	_, found, err = op.Find(t.Context(), conn, sdk.Call{Key: "k 1", Attempt: 2}, json.RawMessage(`{"text":"x"}`))
	require.NoError(t, err)
	require.False(t, found)
}

func TestARepeatedDeletionIsDone(t *testing.T) {
	c := shop(t)
	conn := connect(t, c, &provider{answers: []answer{{404, `{}`, nil}, {404, `{}`, nil}}}, "")
	_, err := run(t, c, conn, "order_delete", sdk.Call{Key: "k", Attempt: 1}, `{"id":"1"}`)
	require.Equal(t, sdk.NotFound, sdk.AsError(err).Class)
	out, err := run(t, c, conn, "order_delete", sdk.Call{Key: "k", Attempt: 2}, `{"id":"1"}`)
	require.NoError(t, err)
	require.Equal(t, "{}", out)
}

type tokens struct{ given, refused []string }

func (s *tokens) Token(context.Context) (string, error) {
	s.given = append(s.given, "t"+string(rune('1'+len(s.given))))
	return s.given[len(s.given)-1], nil
}
func (s *tokens) Refused(token string) { s.refused = append(s.refused, token) }

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	c := read(t, "name: x\ntitle: X\nauth: [{type: oauth2, token_url: \"{base_url}/token\", scopes: [a]}]\noperations:\n  op: {summary: S., effect: {kind: once}, method: POST, path: /x}\n")
	require.Equal(t, "{base_url}/token", c.OAuth.TokenURL)
	p := &provider{answers: []answer{{401, ``, nil}, {200, `{}`, nil}, {401, ``, nil}, {401, ``, nil}}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	source := &tokens{}
	conn, err := c.Open(json.RawMessage(`{"base_url":"`+server.URL+`"}`), sdk.Host{Tokens: source})
	require.NoError(t, err)
	_, err = run(t, c, conn, "op", sdk.Call{Attempt: 1}, `{}`)
	require.NoError(t, err)
	require.Equal(t, "Bearer t2", p.requests[1].header.Get("Authorization"))
	_, err = run(t, c, conn, "op", sdk.Call{Attempt: 1}, `{}`)
	require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
	require.Len(t, p.requests, 4)
	require.Equal(t, []string{"t1", "t3"}, source.refused)
}

func TestWebhooks(t *testing.T) {
	c := shop(t)
	conn := connect(t, c, &provider{}, "").(sdk.Receiver)
	body := `{"id":"e1","type":"order_paid","ref":"key-1","order":"o1","total":5}`
	m := hmac.New(sha256.New, []byte("s"))
	m.Write([]byte(body))
	req := sdk.WebhookRequest{Method: "POST", URL: "https://h.test/x", Header: http.Header{"X-Signature": {"sha256=" + hex.EncodeToString(m.Sum(nil))}}, Body: []byte(body)}
	require.NoError(t, conn.Verify(req, time.Now()))
	events, err := conn.Parse(req)
	require.NoError(t, err)
	require.Equal(t, &sdk.ProviderEvent{Name: "order.paid", EffectKey: "key-1", Refs: []string{"o1"}, Data: json.RawMessage(`{"total":5}`)}, events[0].Provider)
	req.Body = append(req.Body, ' ')
	require.Error(t, conn.Verify(req, time.Now()))
}

func TestConfigurationIsChecked(t *testing.T) {
	c := shop(t)
	for config, want := range map[string]string{
		`{"shop":"x"}`:                          `"token" is missing`,
		`{"token":"x"}`:                         `"shop" is missing`,
		`{"shop":"x","token":"x","colour":"x"}`: `"colour" is not known`,
		`{"shop":"x","token":"x","base_url":"ftp://canary"}`: "base_url must be",
	} {
		_, err := c.Open(json.RawMessage(config), sdk.Host{})
		require.ErrorContains(t, err, want)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		require.NotContains(t, err.Error(), "canary")
	}
	_, err := c.Open(json.RawMessage(`{"shop":"x","token":"x"}`), sdk.Host{})
	require.NoError(t, err, "base_url is made of settings")
}

func read(t *testing.T, text string) sdk.Connector {
	t.Helper()
	c, err := declared.Read(fstest.MapFS{declared.File: {Data: []byte(text)}})
	require.NoError(t, err)
	return c
}

func one(t *testing.T, operation string) sdk.Connector {
	return read(t, "name: x\ntitle: X\noperations:\n  op: "+operation+"\n")
}

func TestOverridesAreLaidOver(t *testing.T) {
	base, err := os.ReadFile(filepath.Join("testdata", "shop", declared.File))
	require.NoError(t, err)
	c, err := declared.Read(fstest.MapFS{declared.File: {Data: base}, declared.OverridesFile: {Data: []byte(
		"title: Other\noperations:\n  photo_add: null\n  order_create: {effect: {kind: once, key_lifetime: null}}\n")}})
	require.NoError(t, err)
	require.Equal(t, "Other", c.Title)
	require.Len(t, c.Operations, 4)
	require.Equal(t, sdk.Once, c.Operations[1].Effect.Kind)
}

func TestWhatIsWrongInADefinition(t *testing.T) {
	op := func(s string) string { return "name: x\ntitle: X\noperations:\n  op: {summary: S., " + s + "}\n" }
	for text, want := range map[string]string{
		"name: X":                                           "name: must be",
		"name: x":                                           "title: is missing",
		"name: x\ntitle: X\ncolour: red\n":                  `unknown field "colour"`,
		op("effect: {kind: twice}"):                         "effect.kind",
		op("effect: {kind: read}, path: /x"):                "method: must be",
		op("effect: {kind: read}, method: G"):               "method: must be",
		op("effect: {kind: read}, method: GET, path: x"):    "path: must begin",
		op("effect: {kind: keyed}, method: POST, path: /x"): "key_lifetime",
		op("effect: {kind: keyed, key_lifetime: 1h}, method: POST, path: /x"):       "needs key_header",
		op("effect: {kind: lookup}, method: POST, path: /x"):                        "find: a lookup has one",
		op("effect: {kind: read}, method: GET, path: '/{x'"):                        "without its }",
		op("effect: {kind: read}, method: GET, path: /x, input: other.json#/x"):     "other.json",
		op("effect: {kind: read}, method: GET, path: /x, input: ../x.json"):         "does not name a file",
		op("effect: {kind: read}, method: GET, path: /x, pages: {kind: cursor}"):    "pages.param",
		op("effect: {kind: read}, method: GET, path: /x, body: {type: json}"):       "rest: true",
		op("effect: {kind: read}, method: GET, path: /x, errors: [{class: wrong}]"): "classes of errors",
		"name: x\ntitle: X\nauth: [{type: magic}]\noperations: {}\n":                "auth.type",
		"name: x\ntitle: X\ntriggers: [{name: a.b, from: [c]}]\noperations: {}\n":   "webhook",
	} {
		_, err := declared.Read(fstest.MapFS{declared.File: {Data: []byte(text)}})
		require.ErrorContains(t, err, want, text)
	}
	_, err := declared.Add([]sdk.Connector{{Name: "teashop"}}, "testdata")
	require.ErrorContains(t, err, "already a connector")
	_, err = declared.Load(t.TempDir())
	require.ErrorContains(t, err, "has a connector.yaml")
}
