package dialogflow

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/dialogflow/cx/apiv3/cxpb"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"parley/connectors/dialogflow/dialogflowfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// exchange is a request with its answer.
type exchange struct {
	path       string
	body, sent []byte
}

// rig is a connection to the fake, and all that passed between them.
type rig struct {
	conn      *connection
	config    map[string]any
	exchanges []exchange
	answer    func(w http.ResponseWriter) // in the fake's place, if set
}

func newRig(t *testing.T) *rig {
	r := &rig{config: map[string]any{}}
	env := fake.NewMemory("")
	behind := dialogflowfake.Provider.New(env)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		e := exchange{path: req.URL.Path}
		e.body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(e.body))
		rec := httptest.NewRecorder()
		if r.answer != nil {
			r.answer(rec)
		} else {
			behind.ServeHTTP(rec, req)
		}
		e.sent = rec.Body.Bytes()
		r.exchanges = append(r.exchanges, e)
		w.WriteHeader(rec.Code)
		_, _ = w.Write(e.sent)
	}))
	t.Cleanup(server.Close)
	require.NoError(t, json.Unmarshal(dialogflowfake.Provider.Account(server.URL, func(string) string { return "secret" }), &r.config))
	env.SetAccounts(fake.Account{Account: "demo", Config: sdk.JSONBody(r.config)})
	r.conn = r.open(t, nil)
	return r
}

// with is the fake's configuration with some settings changed.
func (r *rig) with(changed map[string]any) json.RawMessage {
	config := map[string]any{}
	for _, m := range []map[string]any{r.config, changed} {
		for k, v := range m {
			config[k] = v
		}
	}
	return sdk.JSONBody(config)
}

func (r *rig) open(t *testing.T, changed map[string]any) *connection {
	conn, err := Connector.Open(r.with(changed), sdk.Host{})
	require.NoError(t, err)
	return conn.(*connection)
}

func (r *rig) last() exchange { return r.exchanges[len(r.exchanges)-1] }

var intents = []sdk.Intent{
	{Name: "order_status", Entities: map[string]string{"order_number": "text", "email": "email", "day": "date"}},
	{Name: "refund", Entities: map[string]string{"amount": "amount"}},
}

func TestUnderstand(t *testing.T) {
	r := newRig(t)
	for text, want := range map[string]sdk.Understanding{
		"Where is my order A1042": {Intent: "order_status", Confidence: 0.8, Margin: 0.8, Entities: map[string]any{"order_number": "A1042"}},
		"I want my order back":    {Intent: "refund", Confidence: 0.6, Margin: 0.2},
		"colourless green ideas":  {Intent: sdk.OutOfScope},
		"hello":                   {}, // the agent greets, the flow does not
	} {
		for range 2 { // nothing is remembered
			got, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: text, Intents: intents, Session: "s"})
			require.NoError(t, err)
			want.Engine = "dialogflow"
			require.Equal(t, want, got, text)
		}
	}
}

func TestWhatLeaves(t *testing.T) {
	r := newRig(t)
	u := sdk.Utterance{Text: "Where is my order 48213, ann@example.com", Intents: intents, Session: "ann@example.com", Language: "es-MX", Facts: map[string]string{"plan": "gold"}}
	_, err := r.conn.Understand(t.Context(), u)
	require.NoError(t, err)
	sent := r.last()
	require.NotContains(t, sent.path+string(sent.body), "ann")
	var request cxpb.MatchIntentRequest
	require.NoError(t, protojson.Unmarshal(sent.body, &request), "what is sent is one of Google's messages, and nothing else")
	require.Equal(t, "Where is my order 48213, [email 1]", request.GetQueryInput().GetText().GetText())
	require.Equal(t, "es", request.GetQueryInput().GetLanguageCode())
	require.Equal(t, map[string]any{"plan": "gold"}, request.GetQueryParams().GetParameters().AsMap())
	require.False(t, request.GetPersistParameterChanges(), "facts are not kept")

	_, err = r.open(t, map[string]any{"unmasked": true, "environment": "prod-1"}).Understand(t.Context(), u)
	require.NoError(t, err)
	require.Contains(t, string(r.last().body), "ann@example.com", "the connection says so")
	require.Contains(t, r.last().path, "/environments/prod-1/sessions/p-")
	_, err = r.conn.Understand(t.Context(), sdk.Utterance{Text: "hi", Session: "7f1c9a4e-1111-4111-8111-111111111111"})
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(r.last().path, "/sessions/7f1c9a4e-1111-4111-8111-111111111111:matchIntent"))

	before := len(r.exchanges)
	for _, text := range []string{"", "  ", strings.Repeat("x", maxText+1)} {
		got, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: text, Intents: intents})
		require.NoError(t, err)
		require.Equal(t, sdk.Understanding{Engine: "dialogflow"}, got)
	}
	require.Len(t, r.exchanges, before)
}

func TestAnswersAreRead(t *testing.T) {
	r := newRig(t)
	ask := func(conn *connection, matches string) sdk.Understanding {
		r.answer = func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"matches":`+matches+`,"newer":{"a":1}}`) }
		got, err := conn.Understand(t.Context(), sdk.Utterance{Text: "of ann@example.com", Intents: intents})
		require.NoError(t, err)
		return got
	}
	got := ask(r.conn, `[{"intent":{"displayName":"order_status"},"matchType":"INTENT","confidence":1,"parameters":{"email":"[email 1]","other":"x","order_number":"",
		"day":{"year":2026,"month":11,"day":24}}},{"intent":{"displayName":"refund"},"matchType":1,"confidence":0.3}]`)
	require.Equal(t, sdk.Understanding{Engine: "dialogflow", Intent: "order_status", Confidence: 1, Margin: 0.7,
		Entities: map[string]any{"email": "ann@example.com", "day": "2026-11-24"}}, got, "what was masked comes back, what the flow does not have is left out")
	mapped := r.open(t, map[string]any{"intents": map[string]string{"Give money back": "refund"}})
	for parameter, want := range map[string]any{`{"amount":20.5,"currency":"EUR"}`: 20.5, `"20.5"`: 20.5, `20.5`: 20.5, `"some"`: "some"} {
		got = ask(mapped, `[{"intent":{"displayName":"Give money back"},"matchType":"INTENT","confidence":0.9,"parameters":{"amount":`+parameter+`}}]`)
		require.Equal(t, sdk.Understanding{Engine: "dialogflow", Intent: "refund", Confidence: 0.9, Margin: 0.9, Entities: map[string]any{"amount": want}}, got)
	}
	for _, none := range []string{`[{"intent":{"displayName":"sell_shares"},"matchType":"INTENT","confidence":1}]`, `[{"matchType":"PARAMETER_FILLING","confidence":1}]`,
		`[{"matchType":"NO_INPUT"}]`, `[{"intent":{"displayName":"refund"},"matchType":"EVENT","confidence":1}]`} {
		require.Equal(t, sdk.Understanding{Engine: "dialogflow"}, ask(r.conn, none))
	}
}

func run[Out any](t *testing.T, r *rig, name string, in TextInput) (out Out) {
	t.Helper()
	for _, op := range Connector.Operations {
		if op.Name == name {
			raw, err := op.Run(t.Context(), r.conn, sdk.Call{Key: "k"}, sdk.JSONBody(in))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(raw, &out))
		}
	}
	return out
}

func TestAConversationThatTheAgentLeads(t *testing.T) {
	r := newRig(t)
	out := run[TextOutput](t, r, "detect_intent", TextInput{Text: "Where is my order", Session: "c-1", Parameters: map[string]any{"plan": "gold"}})
	require.Equal(t, TextOutput{Session: "c-1", Messages: []string{"What is the order's number?"}, Intent: "order_status", Confidence: 0.95, Match: "INTENT",
		Parameters: map[string]any{"plan": "gold"}, Flow: "Default Start Flow", Page: "order_status", Language: "en"}, out)
	likely := run[MatchOutput](t, r, "match_intent", TextInput{Text: "A1042", Session: "c-1"})
	require.Equal(t, []Match{{Match: "PARAMETER_FILLING", Confidence: 1, Parameters: map[string]any{"order_number": "A1042"}}}, likely.Matches)
	out = run[TextOutput](t, r, "detect_intent", TextInput{Text: "A1042 great", Session: "c-1", Sentiment: true})
	require.Equal(t, []string{"I look it up."}, out.Messages)
	require.Equal(t, map[string]any{"plan": "gold", "order_number": "A1042 great"}, out.Parameters)
	require.Equal(t, sdk.Positive, out.Sentiment)
	require.InDelta(t, 0.6, out.Score, 1e-6)
	require.True(t, run[TextOutput](t, r, "detect_intent", TextInput{Text: "hello, a person", Session: "c-2"}).Handoff)
	require.True(t, run[TextOutput](t, r, "detect_intent", TextInput{Text: "hello bye", Session: "c-2"}).Ended)
	for _, e := range r.exchanges {
		if strings.HasSuffix(e.path, ":detectIntent") {
			require.NoError(t, protojson.Unmarshal(e.body, &cxpb.DetectIntentRequest{}))
			require.NoError(t, protojson.Unmarshal(e.sent, &cxpb.DetectIntentResponse{}))
		}
	}
}

func TestInputIsChecked(t *testing.T) {
	r := newRig(t)
	for _, in := range []TextInput{
		{Session: "c-1"}, {Text: strings.Repeat("x", maxText+1), Session: "c-1"}, {Text: "hi", Session: "a/b"}, {Text: "hi", Session: strings.Repeat("x", 37)},
		{Text: "hi", Session: "c-1", Language: "en_US"},
	} {
		for _, op := range Connector.Operations {
			_, err := op.Run(t.Context(), r.conn, sdk.Call{}, sdk.JSONBody(in))
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		}
	}
	require.Empty(t, r.exchanges, "nothing was sent")
}

func TestErrorsHaveTheirClass(t *testing.T) {
	r := newRig(t)
	var calls atomic.Int64
	for name, c := range map[string]struct {
		status        int
		body          string
		class         sdk.Class
		code, message string
	}{
		"wrong key":   {401, `{"error":{"code":401,"status":"UNAUTHENTICATED","message":"secret"}}`, sdk.Auth, "UNAUTHENTICATED", "service account"},
		"permission":  {403, `{"error":{"status":"PERMISSION_DENIED"}}`, sdk.Auth, "PERMISSION_DENIED", "may not ask"},
		"no agent":    {404, `{"error":{"status":"NOT_FOUND"}}`, sdk.NotFound, "NOT_FOUND", "no such agent"},
		"input":       {400, `{"error":{"status":"INVALID_ARGUMENT","message":"ann@example.com"}}`, sdk.Invalid, "INVALID_ARGUMENT", "agent and language"},
		"not trained": {400, `{"error":{"status":"FAILED_PRECONDITION"}}`, sdk.Rejected, "FAILED_PRECONDITION", "present state"},
		"aborted":     {409, `{"error":{"status":"ABORTED"}}`, sdk.Unavailable, "ABORTED", "failed"},
		"quota":       {429, `{"error":{"status":"RESOURCE_EXHAUSTED"}}`, sdk.Throttled, "RESOURCE_EXHAUSTED", "quota"},
		"broken":      {500, `oops`, sdk.Unavailable, "500", "failed"},
		"away":        {503, `{"error":{"status":"UNAVAILABLE"}}`, sdk.Unavailable, "UNAVAILABLE", "failed"},
		"late":        {504, `{"error":{"status":"DEADLINE_EXCEEDED"}}`, sdk.Unavailable, "DEADLINE_EXCEEDED", "failed"},
		"another":     {200, `<html>ann@example.com`, sdk.Unavailable, "", "base_url"},
		"of no use":   {200, `{}`, sdk.Unavailable, "", "base_url"},
		"strange":     {400, `{"error":{"status":"Bad ann@example.com"}}`, sdk.Invalid, "400", "agent and language"},
	} {
		calls.Store(0)
		r.answer = func(w http.ResponseWriter) {
			calls.Add(1)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}
		_, err := r.conn.Understand(t.Context(), sdk.Utterance{Text: "hi", Intents: intents})
		e, ok := err.(*sdk.Error)
		require.True(t, ok, "%s: %T", name, err)
		require.Equal(t, c.class, e.Class, name)
		require.Equal(t, c.code, e.Code, name)
		require.Equal(t, c.class != sdk.Throttled, e.Wrote, name)
		require.Contains(t, e.Message, c.message, name)
		require.NotContains(t, e.Error(), "ann", name)
		require.EqualValues(t, 1, calls.Load(), "%s: repeating is the engine's", name)
	}
}

func TestCheck(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.conn.Check(t.Context()))
	other := dialogflowfake.Provider.Account("http://x", func(string) string { return "another secret" })
	var config map[string]any
	require.NoError(t, json.Unmarshal(other, &config))
	require.Equal(t, sdk.Auth, sdk.AsError(r.open(t, map[string]any{"credentials": config["credentials"]}).Check(t.Context())).Class)
	require.Equal(t, sdk.NotFound, sdk.AsError(r.open(t, map[string]any{"agent": "projects/p/locations/us-central1/agents/a-1"}).Check(t.Context())).Class)
	require.Equal(t, sdk.Invalid, sdk.AsError(r.open(t, map[string]any{"language": "de"}).Check(t.Context())).Class)
}

func TestConfig(t *testing.T) {
	r := newRig(t)
	key := r.config["credentials"].(string)
	for name, changed := range map[string]map[string]any{
		"agent": {"agent": "my agent"}, "path": {"agent": "projects/p/locations/l/agents/../x"}, "environment": {"environment": "a/b"}, "language": {"language": "en,english!"},
		"no key": {"credentials": "{}"}, "user's key": {"credentials": `{"type":"authorized_user"}`}, "spoiled": {"credentials": strings.ReplaceAll(key, "BEGIN", "BEGUN")},
		"other cloud": {"credentials": strings.ReplaceAll(key, `"universe_domain":"googleapis.com"`, `"universe_domain":"cloud.example"`)},
		"intents":     {"intents": map[string]string{"a": ""}}, "address": {"base_url": "ftp://x"}, "query": {"base_url": "https://x?a=b"}, "unknown": {"more": 1},
	} {
		_, err := Connector.Open(r.with(changed), sdk.Host{})
		e := sdk.AsError(err)
		require.Equal(t, sdk.Invalid, e.Class, name)
		require.NotContains(t, e.Error(), "PRIVATE", name)
	}
	for location, base := range map[string]string{"global": "https://dialogflow.googleapis.com", "europe-west2": "https://europe-west2-dialogflow.googleapis.com"} {
		require.Equal(t, base, r.open(t, map[string]any{"agent": "projects/p-1/locations/" + location + "/agents/a-1", "base_url": ""}).base)
	}
	c := r.open(t, map[string]any{"language": "en,pt-BR,pt"})
	for asked, want := range map[string]string{"": "en", "pt": "pt", "pt-PT": "pt-BR", "PT-br": "pt-BR", "hi": "en"} {
		require.Equal(t, want, c.languageOf(asked), asked)
	}
}
