package livechat_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/livechat"
	"parley/connectors/livechat/livechatfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/role"
)

const organization = "390e44e6-f1e6-4368-a6dd-74a14508c2e0"

// rig is a connection to a fake of its own.
type rig struct {
	t    *testing.T
	env  *fake.Memory
	url  string
	conn any
}

func setUp(t *testing.T) *rig {
	r := &rig{t: t, env: fake.NewMemory("")}
	server := httptest.NewServer(livechatfake.Provider.New(r.env))
	t.Cleanup(server.Close)
	r.url = server.URL
	r.env.SetBase(server.URL)
	config := livechatfake.Provider.Account(server.URL, func(name string) string { return "secret-of-" + name })
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: "https://parley.test/hooks/livechat/demo", Config: config})
	r.conn = open(t, config)
	return r
}

func open(t *testing.T, config json.RawMessage) any {
	t.Helper()
	conn, err := livechat.Connector.Open(config, sdk.Host{})
	require.NoError(t, err)
	return conn
}

func (r *rig) run(name, key string, in, out any) error {
	r.t.Helper()
	for _, op := range livechat.Connector.Operations {
		if op.Name != name {
			continue
		}
		raw, err := op.Run(r.t.Context(), r.conn, sdk.Call{Key: key, Attempt: 1}, sdk.JSONBody(in))
		if err == nil && out != nil {
			require.NoError(r.t, json.Unmarshal(raw, out))
		}
		return err
	}
	r.t.Fatalf("there is no operation %s", name)
	return nil
}

func (r *rig) start(lines ...role.Line) string {
	r.t.Helper()
	var out role.ChatStarted
	require.NoError(r.t, r.run("chat_start", "key-1", role.Chat{Customer: role.Person{Name: "Ana", Phone: "+15550001111"}, Transcript: lines}, &out))
	return out.ID
}

func (r *rig) work(chat string, form url.Values) {
	r.t.Helper()
	resp, err := http.PostForm(r.url+"/desk/"+chat, form)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	require.Less(r.t, resp.StatusCode, 400)
}

// told are the events of all webhooks so far that are news.
func (r *rig) told() (out []sdk.Event) {
	r.t.Helper()
	for _, d := range r.env.Deliveries() {
		events, err := parse(r.conn, d.Body)
		require.NoError(r.t, err)
		for _, e := range events {
			if e.Kind == sdk.EventProvider {
				out = append(out, e)
			}
		}
	}
	return out
}

func parse(conn any, body []byte) ([]sdk.Event, error) {
	receiver := conn.(sdk.Receiver)
	req := sdk.WebhookRequest{Method: http.MethodPost, URL: "https://parley.test/hooks/livechat/demo", Body: body}
	if err := receiver.Verify(req, time.Now()); err != nil {
		return nil, err
	}
	return receiver.Parse(req)
}

// What we pass on does not come back as what an agent said; what an agent notes for
// colleagues does not either.
func TestOnlyWhatAnAgentSaysToTheCustomerIsSaid(t *testing.T) {
	r := setUp(t)
	chat := r.start(role.Line{From: "customer", Text: "Hello"}, role.Line{From: "bot", Text: "Hi."})
	require.NoError(t, r.run("chat_say", "key-2", role.ChatMessage{ID: chat, Text: "Anybody?"}, nil))
	require.NoError(t, r.run("chat_typing", "key-3", role.ChatTyping{ID: chat, Typing: true}, nil))
	require.Empty(t, r.told())

	r.work(chat, url.Values{"action": {"note"}, "text": {"a difficult one"}})
	r.work(chat, url.Values{"action": {"say"}, "text": {"Smith here."}})
	r.work(chat, url.Values{"action": {"file"}, "url": {"https://cdn.livechat-files.com/api/file/a.png"}})
	r.work(chat, url.Values{"action": {"close"}})
	told := r.told()
	require.Len(t, told, 3)
	var names, data []string
	for _, e := range told {
		require.Equal(t, []string{chat}, e.Provider.Refs)
		require.Equal(t, "key-1", e.Provider.EffectKey, "webhooks repeat our key")
		names, data = append(names, e.Provider.Name), append(data, string(e.Provider.Data))
	}
	require.Equal(t, []string{role.AgentSaid, role.AgentSaid, role.ChatClosed}, names)
	require.JSONEq(t, `{"text":"Smith here.","chat":"`+chat+`"}`, data[0])
	require.JSONEq(t, `{"files":["https://cdn.livechat-files.com/api/file/a.png"],"chat":"`+chat+`"}`, data[1])
}

func TestAChatThatIsOverTakesNothing(t *testing.T) {
	r := setUp(t)
	chat := r.start()
	require.NoError(t, r.run("chat_close", "key-2", role.ID{ID: chat}, nil))
	require.NoError(t, r.run("chat_close", "key-3", role.ID{ID: chat}, nil), "it is over, as was asked for")
	err := r.run("chat_say", "key-4", role.ChatMessage{ID: chat, Text: "Hello?"}, nil)
	require.Equal(t, []any{sdk.NotFound, "chat_inactive"}, []any{sdk.AsError(err).Class, sdk.AsError(err).Code})
}

// Another process, or this one after a restart, has no token of the customer.
func TestACustomersTokenIsIssuedAnew(t *testing.T) {
	r := setUp(t)
	chat := r.start()
	r.conn = open(t, r.env.Accounts()[0].Config)
	require.NoError(t, r.run("chat_say", "key-2", role.ChatMessage{ID: chat, Text: "Hello?"}, nil))
	require.NoError(t, r.run("chat_say", "key-3", role.ChatMessage{ID: chat, Text: "Hello?"}, nil))
	err := r.run("chat_say", "key-4", role.ChatMessage{ID: "unknown", Text: "Hello?"}, nil)
	require.Equal(t, sdk.NotFound, sdk.AsError(err).Class)
}

func TestSomebodyIsThereOrNot(t *testing.T) {
	r := setUp(t)
	var out role.Available
	require.NoError(t, r.run("agents_available", "", role.Group{}, &out))
	require.True(t, out.Available)
	resp, err := http.PostForm(r.url+"/desk", url.Values{"action": {"leave"}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, r.run("agents_available", "", role.Group{Group: "0"}, &out))
	require.False(t, out.Available)
	err = r.run("chat_start", "key-1", role.Chat{}, nil)
	require.Equal(t, []any{sdk.Rejected, "groups_offline"}, []any{sdk.AsError(err).Class, sdk.AsError(err).Code})
	require.Equal(t, sdk.Invalid, sdk.AsError(r.run("agents_available", "", role.Group{Group: "sales"}, nil)).Class)
}

// The newest lines of a long talk are what the agent reads.
func TestATranscriptFits(t *testing.T) {
	r := setUp(t)
	lines := []role.Line{{From: "customer", Text: "the first"}}
	for range 20 {
		lines = append(lines, role.Line{From: "bot", Text: strings.Repeat("x", 1000)})
	}
	chat := r.start(append(lines, role.Line{From: "customer", Text: "the last"})...)
	var stored struct {
		Events []struct{ Text string } `json:"events"`
	}
	require.True(t, r.env.State().Get("chats", chat, &stored))
	require.Len(t, stored.Events, 1)
	text := stored.Events[0].Text
	require.LessOrEqual(t, len(text), 16<<10)
	require.Contains(t, text, "customer: the last")
	require.NotContains(t, text, "the first")
}

func TestSubscribingAgainChangesNothing(t *testing.T) {
	r := setUp(t)
	for range 2 {
		require.NoError(t, r.conn.(sdk.Subscriber).Subscribe(t.Context(), "https://parley.test/hooks/livechat/demo"))
		require.Equal(t, map[string]int{"webhooks": 3, "properties": 1}, r.env.Sizes())
	}
}

// LiveChat does not show secrets: a webhook that has the former one is replaced.
func TestANewSecretIsTold(t *testing.T) {
	r := setUp(t)
	const hook = "https://parley.test/hooks/livechat/demo"
	require.NoError(t, r.conn.(sdk.Subscriber).Subscribe(t.Context(), hook))
	config := strings.Replace(string(r.env.Accounts()[0].Config), "secret-of-webhook_secret", "another-secret", 1)
	r.conn = open(t, json.RawMessage(config))
	for range 2 {
		require.NoError(t, r.conn.(sdk.Subscriber).Subscribe(t.Context(), hook))
	}
	n := 0
	r.env.State().Each("webhooks", func(_ string, raw json.RawMessage) bool {
		n++
		require.Contains(t, string(raw), `"secret_key":"another-secret"`)
		return true
	})
	require.Equal(t, 3, n)
}

func TestWebhooksOfOthersAreRefused(t *testing.T) {
	r := setUp(t)
	body := func(secret, organization string) []byte {
		return sdk.JSONBody(map[string]any{"secret_key": secret, "organization_id": organization, "action": "chat_deactivated",
			"payload": map[string]string{"chat_id": "c", "thread_id": "t"}})
	}
	for name, b := range map[string][]byte{"another secret": body("secret-of-somebody", organization), "no secret": body("", organization),
		"another organisation": body("secret-of-webhook_secret", "x"), "garbage": []byte("{")} {
		_, err := parse(r.conn, b)
		require.Equal(t, sdk.Auth, sdk.AsError(err).Class, name)
	}
	events, err := parse(r.conn, body("secret-of-webhook_secret", organization))
	require.NoError(t, err)
	require.Equal(t, role.ChatClosed, events[0].Provider.Name)
}

// The events of LiveChat's own documentation are read as they are.
func TestEventsOfTheDocumentation(t *testing.T) {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: the provider's payloads are not at hand")
	}
	r := setUp(t)
	files, err := filepath.Glob(filepath.Join(specs, "livechat/payloads/payloads/messaging/v3.6/agent-chat-api/events/*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		var event map[string]any
		if json.Unmarshal(raw, &event) != nil {
			continue // some samples hold comments
		}
		event["author_id"] = "smith@example.com"
		events, err := parse(r.conn, sdk.JSONBody(map[string]any{"secret_key": "secret-of-webhook_secret", "organization_id": organization,
			"action": "incoming_event", "payload": map[string]any{"chat_id": "c", "thread_id": "t", "event": event}}))
		require.NoError(t, err, f)
		switch filepath.Base(f) {
		case "message.json", "file.json", "richMessage.json":
			require.Equal(t, sdk.EventProvider, events[0].Kind, f)
		default:
			require.Equal(t, sdk.EventIgnored, events[0].Kind, f)
		}
	}
}
