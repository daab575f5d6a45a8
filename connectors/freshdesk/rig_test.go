package freshdesk_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"parley/connectors/freshdesk"
	"parley/connectors/freshdesk/freshdeskfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"

	"github.com/stretchr/testify/require"
)

const (
	apiKey = "keykeykeykey"
	secret = "hooksecrethooksecret"
	hook   = "https://parley.test/hooks/freshdesk/demo"
)

// rig is a connection to the fake, and what the fake has sent.
type rig struct {
	t      *testing.T
	env    *fake.Memory
	server *httptest.Server
	conn   any
	now    time.Time
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, env: fake.NewMemory(""), now: time.Now().Truncate(time.Second).UTC()}
	r.env.Clock = func() time.Time { return r.now }
	r.server = httptest.NewServer(freshdeskfake.Provider.New(r.env))
	t.Cleanup(r.server.Close)
	r.env.SetBase(r.server.URL)
	c := sdk.JSONBody(config(r.server.URL))
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: hook, Config: c})
	r.conn = connect(t, c, r.server.Client())
	return r
}

func config(base string) freshdesk.Config {
	return freshdesk.Config{BaseURL: base, APIKey: apiKey, WebhookSecret: secret}
}

func connect(t *testing.T, config json.RawMessage, client *http.Client) any {
	conn, err := freshdesk.Connector.Open(config, sdk.Host{HTTP: client})
	require.NoError(t, err)
	return conn
}

// receiver is a connection that only receives.
func receiver(t *testing.T) sdk.Receiver {
	return connect(t, json.RawMessage(`{"webhook_secret":"`+secret+`, older-older-older"}`), http.DefaultClient).(sdk.Receiver)
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operation(t *testing.T, name string) sdk.Operation {
	for _, op := range freshdesk.Connector.Operations {
		if op.Name == name {
			return op
		}
	}
	require.Fail(t, "there is no operation "+name)
	return sdk.Operation{}
}

// run performs an operation that must work.
func run[Out any](t *testing.T, conn any, name, key, input string) Out {
	raw, err := operation(t, name).Run(t.Context(), conn, call(key), json.RawMessage(input))
	require.NoError(t, err)
	var out Out
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

const opening = `{"subject":"A broken mug","text":"It broke.","customer":{"external_id":"contact-17","name":"Jenny Rosen"}}`

func (r *rig) opened(key string) string {
	return run[freshdesk.TicketOutput](r.t, r.conn, "ticket_create", key, opening).ID
}

func (r *rig) page(ticket string) string {
	resp, err := r.server.Client().Get(r.server.URL + "/a/tickets/" + ticket)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return string(raw)
}

// staff does something on the page of the staff.
func (r *rig) staff(ticket, action, text string) {
	resp, err := r.server.Client().PostForm(r.server.URL+"/agent/tickets/"+ticket, url.Values{"action": {action}, "text": {text}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	require.Equal(r.t, http.StatusOK, resp.StatusCode)
}

// news is what was pushed so far, verified and parsed, without what is ignored.
func (r *rig) news() (events []sdk.Event) {
	receiver := r.conn.(sdk.Receiver)
	for _, d := range r.env.Deliveries() {
		req := sdk.WebhookRequest{Method: http.MethodPost, URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(r.t, receiver.Verify(req, r.now))
		parsed, err := receiver.Parse(req)
		require.NoError(r.t, err)
		for _, e := range parsed {
			if e.Kind != sdk.EventIgnored {
				events = append(events, e)
			}
		}
	}
	return events
}

// answering is a connection to a provider that always gives one answer.
func answering(t *testing.T, status int, body string) any {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return connect(t, sdk.JSONBody(config(server.URL)), server.Client())
}
