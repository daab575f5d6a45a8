package lex

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/lex/lexfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// exchange is a request with its answer.
type exchange struct {
	method, path string
	body         []byte
	status       int
	sent         []byte
}

// rig is a connection to the fake, and all that passed between them.
type rig struct {
	conn      *connection
	env       *fake.Memory
	config    map[string]any
	exchanges []exchange
	answer    func(w http.ResponseWriter) // in the fake's place, if set
}

func newRig(t *testing.T) *rig {
	r := &rig{env: fake.NewMemory(""), config: map[string]any{}}
	behind := lexfake.Provider.New(r.env)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		e := exchange{method: req.Method, path: req.URL.EscapedPath()}
		e.body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(e.body))
		rec := httptest.NewRecorder()
		if r.answer != nil {
			r.answer(rec)
		} else {
			behind.ServeHTTP(rec, req)
		}
		e.status, e.sent = rec.Code, rec.Body.Bytes()
		r.exchanges = append(r.exchanges, e)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(e.sent)
	}))
	t.Cleanup(server.Close)
	r.env.SetBase(server.URL)
	require.NoError(t, json.Unmarshal(lexfake.Provider.Account(server.URL, func(string) string { return "secret" }), &r.config))
	r.env.SetAccounts(fake.Account{Account: "demo", Config: sdk.JSONBody(r.config)})
	r.conn = r.open(t, nil)
	return r
}

// open opens a connection with some settings changed.
func (r *rig) open(t *testing.T, changed map[string]any) *connection {
	config := map[string]any{}
	for _, m := range []map[string]any{r.config, changed} {
		for k, v := range m {
			config[k] = v
		}
	}
	conn, err := Connector.Open(sdk.JSONBody(config), sdk.Host{})
	require.NoError(t, err)
	return conn.(*connection)
}

func (r *rig) last() exchange { return r.exchanges[len(r.exchanges)-1] }

var intents = []sdk.Intent{
	{Name: "order_status", Entities: map[string]string{"order_number": "text", "email": "email"}},
	{Name: "refund", Entities: map[string]string{"amount": "amount"}},
}

func TestUnderstand(t *testing.T) {
	r := newRig(t)
	for text, want := range map[string]sdk.Understanding{
		"Where is my order A1042": {Intent: "order_status", Confidence: 0.8, Margin: 0.8, Entities: map[string]any{"order_number": "A1042"}, Sentiment: sdk.Neutral},
		"a terrible day":          {Intent: sdk.OutOfScope, Sentiment: sdk.Negative},
		"hello":                   {Sentiment: sdk.Neutral},                               // the bot greets, the flow does not
		"order great, order bad":  {Intent: "order_status", Confidence: 0.5, Margin: 0.5}, // mixed is none of ours
	} {
		got, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: text, Intents: intents, Session: "s"})
		require.NoError(t, err)
		want.Engine = "lex"
		require.Equal(t, want, got, text)
	}
}

// TestAnUtteranceIsReadForItself: a question of the bot is not answered by the next
// thing that the customer says.
func TestAnUtteranceIsReadForItself(t *testing.T) {
	r := newRig(t)
	for range 2 {
		got, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: "Where is my order", Intents: intents, Session: "7f1c9a4e-1111-4111-8111-111111111111"})
		require.NoError(t, err)
		require.Equal(t, "order_status", got.Intent)
		require.Empty(t, got.Entities)
	}
	require.Contains(t, r.last().path, "/sessions/7f1c9a4e-1111-4111-8111-111111111111/")
}

func TestWhatLeaves(t *testing.T) {
	r := newRig(t)
	u := sdk.Utterance{Text: "Where is my order 48213, ann@example.com", Intents: intents, Session: "ann@example.com", Language: "es-MX",
		Facts: map[string]string{"plan": "gold", "x-amz-lex:channels": "x"}}
	_, err := r.conn.Understand(t.Context(), u)
	require.NoError(t, err)
	sent := r.last()
	require.Contains(t, sent.path, "/botLocales/es_US/")
	require.NotContains(t, sent.path, "ann")
	require.JSONEq(t, `{"text":"Where is my order 48213, [email 1]","sessionState":{"dialogAction":{"type":"ElicitIntent"}},"requestAttributes":{"plan":"gold"}}`, string(sent.body))
	_, err = r.open(t, map[string]any{"unmasked": true}).Understand(t.Context(), u)
	require.NoError(t, err)
	require.Contains(t, string(r.last().body), "ann@example.com", "the connection says so")
	require.NotContains(t, r.last().path, "ann")

	before := len(r.exchanges)
	for _, text := range []string{"", "  ", strings.Repeat("x", maxText+1)} {
		got, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: text, Intents: intents})
		require.NoError(t, err)
		require.Equal(t, sdk.Understanding{Engine: "lex"}, got)
	}
	require.Len(t, r.exchanges, before, "what Lex cannot read is not sent")
}

func TestAnswersAreRead(t *testing.T) {
	r := newRig(t)
	ask := func(conn *connection, interpretations string) sdk.Understanding {
		r.answer = func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"sessionId":"s1","interpretations":`+interpretations+`}`)
		}
		got, err := conn.Understand(t.Context(), sdk.Utterance{Text: "of ann@example.com", Intents: intents})
		require.NoError(t, err)
		return got
	}
	got := ask(r.conn, `[{"intent":{"name":"order_status","slots":{"email":{"shape":"Scalar","value":{"interpretedValue":"[email 1]"}},"order_number":null,"other":{"value":{"interpretedValue":"x"}}}},
		"nluConfidence":{"score":1.2}},{"intent":{"name":"refund"},"nluConfidence":{"score":0.3}}]`)
	require.Equal(t, sdk.Understanding{Engine: "lex", Intent: "order_status", Confidence: 1, Margin: 0.7, Entities: map[string]any{"email": "ann@example.com"}}, got,
		"what was masked comes back, what the flow does not have is left out")
	got = ask(r.open(t, map[string]any{"intents": map[string]string{"GiveMoneyBack": "refund"}}),
		`[{"intent":{"name":"GiveMoneyBack","slots":{"amount":{"value":{"interpretedValue":"20.5"}}}},"nluConfidence":{"score":0.9}},{"intent":{"name":"FallbackIntent"}}]`)
	require.Equal(t, sdk.Understanding{Engine: "lex", Intent: "refund", Confidence: 0.9, Margin: 0.9, Entities: map[string]any{"amount": 20.5}}, got)
	require.Equal(t, sdk.Understanding{Engine: "lex"}, ask(r.conn, `[{"intent":{"name":"sell_shares"},"nluConfidence":{"score":1}}]`), "what is not on offer is not understood")
	require.Equal(t, sdk.Understanding{Engine: "lex"}, ask(r.conn, `[{"intent":{"name":"refund"}}]`), "how sure it is must be told")
	require.Equal(t, sdk.Understanding{Engine: "lex"}, ask(r.conn, `[]`))
	many := `{"value":{"interpretedValue":"a"}},{"value":{"interpretedValue":"b"}},null`
	got = ask(r.conn, `[{"intent":{"name":"order_status","slots":{"order_number":{"shape":"List","values":[`+many+`]},"email":{"shape":"Composite","subSlots":{"x":null,"y":{"value":{"interpretedValue":"z"}}}}}},"nluConfidence":{"score":0.9}}]`)
	require.Equal(t, map[string]any{"order_number": []any{"a", "b"}, "email": map[string]any{"y": "z"}}, got.Entities)
}

func recognize(t *testing.T, r *rig, in TextInput) TextOutput {
	t.Helper()
	raw, err := Connector.Operations[0].Run(t.Context(), r.conn, sdk.Call{Key: "k"}, sdk.JSONBody(in))
	require.NoError(t, err)
	var out TextOutput
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func TestAConversationThatTheBotLeads(t *testing.T) {
	r := newRig(t)
	out := recognize(t, r, TextInput{Text: "Where is my order", Session: "c-1", Attributes: map[string]string{"plan": "gold"}})
	require.Equal(t, "ElicitSlot", out.Action)
	require.Equal(t, "order_number", out.Slot)
	require.Equal(t, []string{"What is the order's number?"}, out.Messages)
	require.InDelta(t, 0.95, out.Confidence, 1e-9)
	out = recognize(t, r, TextInput{Text: "A1042 thanks", Session: "c-1"})
	require.Equal(t, TextOutput{Session: "c-1", Messages: []string{"I look it up."}, Intent: "order_status", State: "ReadyForFulfillment",
		Slots: map[string]any{"order_number": "A1042 thanks"}, Action: "Close", Sentiment: sdk.Positive, Attributes: map[string]string{"plan": "gold"}}, out)

	forget := Connector.Operations[1]
	input := sdk.JSONBody(SessionInput{Session: "c-1"})
	_, gone, err := forget.Find(t.Context(), r.conn, sdk.Call{Key: "k"}, input)
	require.NoError(t, err)
	require.False(t, gone)
	_, err = forget.Run(t.Context(), r.conn, sdk.Call{Key: "k"}, input)
	require.NoError(t, err)
	_, gone, err = forget.Find(t.Context(), r.conn, sdk.Call{Key: "k"}, input)
	require.NoError(t, err)
	require.True(t, gone)
}

func TestInputIsChecked(t *testing.T) {
	r := newRig(t)
	for _, in := range []TextInput{
		{Session: "c-1"}, {Text: strings.Repeat("x", maxText+1), Session: "c-1"}, {Text: "hi", Session: "a b"}, {Text: "hi", Session: "x"},
		{Text: "hi", Session: "c-1", Attributes: map[string]string{"x-amz-lex:a": "b"}},
	} {
		_, err := Connector.Operations[0].Run(t.Context(), r.conn, sdk.Call{}, sdk.JSONBody(in))
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
	require.Empty(t, r.exchanges, "nothing was sent")
}

func TestErrorsHaveTheirClass(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		status        int
		header, body  string
		class         sdk.Class
		code, message string
		wrote         bool
	}{
		"permission": {403, "AccessDeniedException:http://x/", `{"message":"User arn:aws:iam::1:user/ann is not authorized"}`, sdk.Auth, "AccessDeniedException", "access key", true},
		"signature":  {403, "", `{"__type":"com.amazon.coral#InvalidSignatureException"}`, sdk.Auth, "InvalidSignatureException", "access key", true},
		"expired":    {400, "ExpiredTokenException", `{}`, sdk.Auth, "ExpiredTokenException", "access key", true},
		"no bot":     {404, "ResourceNotFoundException", `{}`, sdk.NotFound, "ResourceNotFoundException", "no such bot", true},
		"input":      {400, "ValidationException", `{"message":"ann@example.com"}`, sdk.Invalid, "ValidationException", "accept", true},
		"too fast":   {429, "ThrottlingException", `{}`, sdk.Throttled, "ThrottlingException", "fewer", false},
		"at once":    {409, "ConflictException", `{}`, sdk.Throttled, "ConflictException", "same session", false},
		"lambda":     {424, "DependencyFailedException", `{}`, sdk.Unavailable, "DependencyFailedException", "Lambda", true},
		"gateway":    {502, "BadGatewayException", `{}`, sdk.Unavailable, "BadGatewayException", "failed", true},
		"broken":     {500, "", `oops`, sdk.Unavailable, "500", "failed", true},
		"another":    {200, "", `<html>`, sdk.Unavailable, "", "base_url", true},
		"of no use":  {200, "", `{}`, sdk.Unavailable, "", "base_url", true},
		"strange":    {400, "Bad ann@example.com", `{}`, sdk.Invalid, "400", "accept", true},
	} {
		r.answer = func(w http.ResponseWriter) {
			if c.header != "" {
				w.Header().Set("X-Amzn-Errortype", c.header)
			}
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}
		_, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: "hi", Intents: intents})
		e := sdk.AsError(err)
		require.Equal(t, c.class, e.Class, name)
		require.Equal(t, c.code, e.Code, name)
		require.Equal(t, c.wrote, e.Wrote, name)
		require.Contains(t, e.Message, c.message, name)
		require.NotContains(t, e.Error(), "ann", name)
	}
}

func TestCheck(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.conn.Check(t.Context()))
	for name, c := range map[string]struct {
		changed map[string]any
		class   sdk.Class
	}{
		"the secret": {map[string]any{"secret_access_key": "other"}, sdk.Auth},
		"the bot":    {map[string]any{"bot_id": "ANOTHERBOT"}, sdk.NotFound},
		"the locale": {map[string]any{"locale": "de_DE"}, sdk.NotFound},
	} {
		require.Equal(t, c.class, sdk.AsError(r.open(t, c.changed).Check(t.Context())).Class, name)
	}
}

func TestConfig(t *testing.T) {
	r := newRig(t)
	for name, changed := range map[string]map[string]any{
		"region": {"region": "London"}, "bot": {"bot_id": "x"}, "alias": {"bot_alias_id": "live"}, "locale": {"locale": "en_US,english"},
		"key": {"access_key_id": ""}, "secret": {"secret_access_key": "a b"}, "token": {"session_token": "a\nb"}, "intents": {"intents": map[string]string{"a": ""}},
		"address": {"base_url": "ftp://x"}, "query": {"base_url": "https://x?a=b"}, "unknown": {"more": 1},
	} {
		config := map[string]any{}
		for _, m := range []map[string]any{r.config, changed} {
			for k, v := range m {
				config[k] = v
			}
		}
		_, err := Connector.Open(sdk.JSONBody(config), sdk.Host{})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
	for region, base := range map[string]string{"eu-west-2": "https://runtime-v2-lex.eu-west-2.amazonaws.com", "cn-north-1": "https://runtime-v2-lex.cn-north-1.amazonaws.com.cn"} {
		require.Equal(t, base, r.open(t, map[string]any{"region": region, "base_url": ""}).base)
	}
}
