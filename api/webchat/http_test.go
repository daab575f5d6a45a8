package webchat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"parley/api/webchat"
	"parley/connectors/sdk"
)

const id1, id2 = "message-000000001", "message-000000002"

// visitorOf reads a token's subject without checking it.
func visitorOf(t *testing.T, token string) string {
	t.Helper()
	var claims jwt.RegisteredClaims
	_, _, err := jwt.NewParser().ParseUnverified(token, &claims)
	require.NoError(t, err)
	return claims.Subject
}

func sign(t *testing.T, method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
	t.Helper()
	claims := jwt.RegisteredClaims{
		Issuer: "parley-webchat", Subject: "00112233445566778899aabbccddeeff", Audience: jwt.ClaimStrings{"demo"},
		IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}
	if change != nil {
		change(&claims)
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return token
}

func TestOnlyOwnTokensOpenAChat(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", `{"webhook_secret":"`+secretOf("new")+`,`+secretOf("demo")+`"}`)
	d.open(t, "other", `{"webhook_secret":"`+secretOf("demo")+`"}`)
	c := serve(t, d, nil, nil)
	key := []byte(secretOf("demo"))

	good := sign(t, jwt.SigningMethodHS256, key, nil)
	status, body, _ := c.call(t, "GET", "demo/messages", good, "")
	require.Equal(t, http.StatusOK, status, "a token signed with the older key is still good: %s", body)

	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"none":          "",
		"garbage":       "abc",
		"foreign key":   sign(t, jwt.SigningMethodHS256, []byte(secretOf("evil")), nil),
		"unsigned":      sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"other hash":    sign(t, jwt.SigningMethodHS512, key, nil),
		"cut signature": parts[0] + "." + parts[1] + ".",
		"new claims":    parts[0] + "." + strings.Split(sign(t, jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "victim" }), ".")[1] + "." + parts[2],
		"expired":       sign(t, jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }),
		"endless":       sign(t, jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }),
		"from later":    sign(t, jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.IssuedAt = jwt.NewNumericDate(time.Now().Add(time.Hour)) }),
		"other account": c.session(t, "other"),
		"other issuer":  sign(t, jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "shop" }),
		"nobody":        sign(t, jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range [][3]string{{"GET", "demo/messages", ""}, {"POST", "demo/messages", `{"id":"` + id1 + `","text":"hi"}`}, {"POST", "demo/read", `{"upto":1}`}} {
				status, body, h := c.call(t, r[0], r[1], token, r[2])
				require.Equal(t, http.StatusUnauthorized, status, "%s %s", r[0], r[1])
				require.Equal(t, "application/problem+json", h.Get("Content-Type"))
				require.Contains(t, body, "urn:parley:problem:session")
				if token != "" {
					require.NotContains(t, body, token)
				}
			}
		})
	}
	require.Empty(t, d.accepted())
}

func TestSessionIsRenewedForTheSameVisitor(t *testing.T) {
	d := newDesk()
	now := time.Now()
	d.now = func() time.Time { return now }
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)

	first := c.session(t, "demo")
	require.NotEqual(t, visitorOf(t, first), visitorOf(t, c.session(t, "demo")), "each new session is another visitor")
	require.Len(t, visitorOf(t, first), 32, "128 bits in hexadecimal")
	require.Empty(t, c.poll(t, "demo", first, "").Token, "a young token is kept")

	now = now.Add(179 * 24 * time.Hour)
	renewed := c.poll(t, "demo", first, "").Token
	require.NotEmpty(t, renewed)
	status, body, _ := c.call(t, "POST", "demo/session", first, "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, visitorOf(t, first), visitorOf(t, renewed))
	require.Contains(t, body, now.Add(180*24*time.Hour).UTC().Format(time.RFC3339))

	now = now.Add(2 * 24 * time.Hour)
	status, _, _ = c.call(t, "GET", "demo/messages", first, "")
	require.Equal(t, http.StatusUnauthorized, status, "the first one has expired")
	c.poll(t, "demo", renewed, "")
}

func TestVisitorsSeeOnlyTheirOwn(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	a, b := c.session(t, "demo"), c.session(t, "demo")
	status, body, _ := c.call(t, "POST", "demo/messages", a, `{"id":"`+id1+`","text":"my secret order"}`)
	require.Equal(t, http.StatusOK, status, body)
	d.say(visitorOf(t, a), sdk.Content{Text: "answer"})

	require.Empty(t, c.poll(t, "demo", b, "").Entries)
	require.Equal(t, []string{"my secret order", "answer"}, texts(c.poll(t, "demo", a, "").Entries))

	// B may use A's message ID: neither takes the other's for a repeat.
	status, _, _ = c.call(t, "POST", "demo/messages", b, `{"id":"`+id1+`","text":"mine"}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []string{"mine"}, texts(c.poll(t, "demo", b, "").Entries))

	// B cannot report A's messages as read: B's range covers B's own only.
	status, _, _ = c.call(t, "POST", "demo/read", b, `{"upto":99}`)
	require.Equal(t, http.StatusNoContent, status)
	for _, e := range d.accepted() {
		require.NotEqual(t, sdk.EventStatus, e.Kind)
	}
	status, _, _ = c.call(t, "POST", "demo/read", a, `{"upto":99}`)
	require.Equal(t, http.StatusNoContent, status)
	events := d.accepted()
	last := events[len(events)-1]
	require.Equal(t, sdk.StatusRead, last.Status.Status)
	require.Equal(t, d.thread(visitorOf(t, a))[1].ID, last.Status.MessageID)
}

func TestMessagesAreCheckedAndKeptOnce(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	for name, r := range map[string]struct {
		body   string
		status int
	}{
		"not JSON":    {`{"id":`, 400},
		"wrong type":  {`{"id":7}`, 400},
		"short id":    {`{"id":"1","text":"hi"}`, 422},
		"strange id":  {`{"id":"message 000000001","text":"hi"}`, 422},
		"no text":     {`{"id":"` + id1 + `","text":" \u0000\n"}`, 422},
		"too long":    {`{"id":"` + id1 + `","text":"` + strings.Repeat("é", 8001) + `"}`, 422},
		"long choice": {`{"id":"` + id1 + `","text":"a","tap":"` + strings.Repeat("x", 257) + `"}`, 422},
		"odd choice":  {`{"id":"` + id1 + `","text":"a","tap":"a\u0000"}`, 422},
		"long quote":  {`{"id":"` + id1 + `","text":"a","reply_to":"` + strings.Repeat("x", 129) + `"}`, 422},
		"oversized":   {`{"id":"` + id1 + `","text":"` + strings.Repeat("x", 70_000) + `"}`, 413},
	} {
		status, body, h := c.call(t, "POST", "demo/messages", token, r.body)
		require.Equal(t, r.status, status, "%s: %s", name, body)
		require.Equal(t, "application/problem+json", h.Get("Content-Type"), name)
	}
	require.Empty(t, d.accepted())

	longest := strings.Repeat("é", 8000)
	for range 3 {
		status, body, _ := c.call(t, "POST", "demo/messages", token, `{"id":"`+id1+`","text":"`+longest+`","from_the_future":1}`)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, `{"type":"ack","id":"`+id1+`"}`, body)
	}
	status, _, _ := c.call(t, "POST", "demo/messages", token, `{"id":"`+id2+`","text":"Es\u0000presso\n2","tap":"p:1","reply_to":"out-1"}`)
	require.Equal(t, http.StatusOK, status)
	events := d.accepted()
	require.Len(t, events, 2)
	require.Equal(t, longest, events[0].Message.Text)
	require.Equal(t, &sdk.Incoming{
		ID: id2, From: []sdk.Address{{Kind: "visitor", Value: visitorOf(t, token)}},
		Text: "Espresso\n2", Tap: "p:1", ReplyTo: "out-1"}, events[1].Message)
}

func TestOnlyWhatIsKeptIsAcknowledged(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	message := `{"id":"` + id1 + `","text":"planted-canary"}`

	d.fail = func(int) error { return errors.New("disk full") }
	status, body, h := c.call(t, "POST", "demo/messages", token, message)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotEmpty(t, h.Get("Retry-After"))
	require.NotContains(t, body, "disk")

	d.fail = func(int) error { return &sdk.Error{Class: sdk.Throttled, Message: "busy"} }
	status, _, _ = c.call(t, "POST", "demo/messages", token, message)
	require.Equal(t, http.StatusServiceUnavailable, status)

	d.fail = func(int) error {
		return &sdk.Error{Class: sdk.Rejected, Message: "for operators", Customer: "This chat is closed."}
	}
	status, body, _ = c.call(t, "POST", "demo/messages", token, message)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "This chat is closed.")
	require.NotContains(t, body, "operators")
	require.NotContains(t, c.log.String(), "planted-canary")
	require.NotContains(t, c.log.String(), visitorOf(t, token))
}

func TestOrigins(t *testing.T) {
	d := newDesk()
	d.open(t, "own", "")
	d.open(t, "listed", `{"webhook_secret":"`+secretOf("listed")+`","allowed_origins":["https://shop.example"]}`)
	d.open(t, "any", `{"webhook_secret":"`+secretOf("any")+`","allowed_origins":["*"]}`)
	c := serve(t, d, nil, nil)
	for _, r := range []struct {
		account, origin string
		ok              bool
	}{
		{"own", "", true}, {"own", c.URL, true}, {"own", "https://shop.example", false}, {"own", "null", false},
		{"listed", "https://shop.example", true}, {"listed", "https://evil.example", false}, {"listed", c.URL, true},
		{"any", "https://evil.example", true},
	} {
		for _, what := range []string{"POST session", "OPTIONS session", "GET settings", "GET socket", "OPTIONS messages"} {
			method, path, _ := strings.Cut(what, " ")
			header := []string{}
			if r.origin != "" {
				header = []string{"Origin", r.origin}
			}
			status, body, h := c.call(t, method, r.account+"/"+path, "", "", header...)
			name := fmt.Sprintf("%s of %s from %q", what, r.account, r.origin)
			if !r.ok {
				require.Equal(t, http.StatusForbidden, status, name)
				require.Empty(t, h.Get("Access-Control-Allow-Origin"), name)
				require.Contains(t, body, "allowed_origins", name)
				continue
			}
			require.NotEqual(t, http.StatusForbidden, status, name)
			require.Equal(t, r.origin, h.Get("Access-Control-Allow-Origin"), name)
			require.Equal(t, "Origin", h.Get("Vary"), name)
			require.Empty(t, h.Get("Access-Control-Allow-Credentials"), name)
			if method == "OPTIONS" {
				require.Equal(t, http.StatusNoContent, status, name)
				require.Contains(t, h.Get("Access-Control-Allow-Headers"), "Authorization", name)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, func(o *webchat.Options) {
		o.Sessions = webchat.Rate{PerSecond: 0.0001, Burst: 2}
		o.Messages = webchat.Rate{PerSecond: 0.0001, Burst: 1}
	}, nil)
	token := c.session(t, "demo")
	for _, r := range []struct {
		method, path, body, kind string
		status                   int
	}{
		{"POST", "nowhere/session", "", "unknown-account", 404},
		{"POST", "broken/session", "", "unavailable", 503},
		{"GET", "demo/messages?after=-1", "", "malformed", 400},
		{"GET", "demo/messages?after=x", "", "malformed", 400},
		{"GET", "demo/messages?wait=soon", "", "malformed", 400},
		{"GET", "demo/socket", "", "upgrade-required", 426},
	} {
		status, body, _ := c.call(t, r.method, r.path, token, r.body)
		require.Equal(t, r.status, status, r.path)
		require.Contains(t, body, "urn:parley:problem:"+r.kind, r.path)
	}

	c.session(t, "demo")
	status, body, h := c.call(t, "POST", "demo/session", "", "", "X-Forwarded-For", "203.0.113.9")
	require.Equal(t, http.StatusTooManyRequests, status, "the limit is per caller, whatever a header says")
	require.Contains(t, body, "too-many-requests")
	require.NotEmpty(t, h.Get("Retry-After"))

	status, _, _ = c.call(t, "POST", "demo/messages", token, `{"id":"`+id1+`","text":"a"}`)
	require.Equal(t, http.StatusOK, status)
	status, _, _ = c.call(t, "POST", "demo/messages", token, `{"id":"`+id2+`","text":"b"}`)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Len(t, d.accepted(), 1)
}

func TestHistoryIsTheLast200AndThenPages(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	var all []sdk.Content
	for i := range 500 {
		all = append(all, sdk.Content{Text: fmt.Sprint(i)})
	}
	d.say(visitorOf(t, token), all...)
	b := c.poll(t, "demo", token, "after=0")
	require.Len(t, b.Entries, 200)
	require.Equal(t, "300", b.Entries[0].Content.Text)
	require.EqualValues(t, 500, b.Cursor)
	b = c.poll(t, "demo", token, "after=100&wait=25s")
	require.Equal(t, "100", b.Entries[0].Content.Text)
	require.EqualValues(t, 300, b.Cursor)
	b = c.poll(t, "demo", token, "after=500")
	require.Empty(t, b.Entries)
	require.EqualValues(t, 500, b.Cursor, "the cursor stays where it was")
}

func TestTypingIsShownWhileAnAnswerIsDue(t *testing.T) {
	d := newDesk()
	now := time.Now()
	d.now = func() time.Time { return now }
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	require.Zero(t, c.poll(t, "demo", token, "").TypingMS)
	status, _, _ := c.call(t, "POST", "demo/messages", token, `{"id":"`+id1+`","text":"hi"}`)
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 20_000, c.poll(t, "demo", token, "").TypingMS)
	now = now.Add(15 * time.Second)
	require.EqualValues(t, 5_000, c.poll(t, "demo", token, "").TypingMS)
	now = now.Add(time.Hour)
	require.Zero(t, c.poll(t, "demo", token, "").TypingMS, "not for ever")
	now = now.Add(-time.Hour)
	d.say(visitorOf(t, token), sdk.Content{Text: "hello"})
	require.Zero(t, c.poll(t, "demo", token, "").TypingMS, "the answer ends it")
}

func TestAssets(t *testing.T) {
	c := serve(t, newDesk(), nil, nil)
	for path, mime := range map[string]string{
		"/chat": "text/html", "/chat?account=shop-2": "text/html",
		"/chat/widget.js": "text/javascript", "/chat/demo.css": "text/css",
	} {
		resp, err := http.Get(c.URL + path)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
		require.Contains(t, resp.Header.Get("Content-Type"), mime)
		if tag := resp.Header.Get("ETag"); tag != "" {
			req, _ := http.NewRequest("GET", c.URL+path, nil)
			req.Header.Set("If-None-Match", tag)
			again, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			again.Body.Close()
			require.Equal(t, http.StatusNotModified, again.StatusCode)
		}
	}
	resp, err := http.Get(c.URL + `/chat?account="><script>`)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

func TestSettingsHoldNoSecret(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", `{"webhook_secret":"`+secretOf("demo")+`","title":"Corner Coffee"}`)
	c := serve(t, d, nil, nil)
	status, body, _ := c.call(t, "GET", "demo/settings", "", "")
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, body, secretOf("demo"))
	var s map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &s))
	require.Equal(t, "Corner Coffee", s["title"])
}
