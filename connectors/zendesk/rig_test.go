package zendesk_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/zendesk"
	"parley/connectors/zendesk/zendeskfake"

	"github.com/stretchr/testify/require"
)

const (
	token  = "tokentokentoken"
	secret = "hooksecretsecret"
	hook   = "https://parley.test/hooks/zendesk/demo"
)

// sent is a request that left the connection.
type sent struct {
	req  *http.Request
	body []byte
}

// recorder keeps what is sent.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []sent
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.sent = append(r.sent, sent{req.Clone(req.Context()), body})
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// rig is a connection to the fake, and what both have sent.
type rig struct {
	t        *testing.T
	env      *fake.Memory
	server   *httptest.Server
	recorder *recorder
	conn     any
	now      time.Time
	outputs  map[string]json.RawMessage
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, env: fake.NewMemory(""), now: time.Now().Truncate(time.Second).UTC(), outputs: map[string]json.RawMessage{}}
	r.env.Clock = func() time.Time { return r.now }
	r.server = httptest.NewServer(zendeskfake.Provider.New(r.env))
	t.Cleanup(r.server.Close)
	r.env.SetBase(r.server.URL)
	r.recorder = &recorder{next: r.server.Client().Transport}
	r.configure(config(r.server.URL))
	return r
}

// configure opens the connection with other settings, which the fake knows too.
func (r *rig) configure(c zendesk.Config) {
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: hook, Config: sdk.JSONBody(c)})
	r.conn = connect(r.t, sdk.JSONBody(c), &http.Client{Transport: r.recorder})
}

func config(base string) zendesk.Config {
	return zendesk.Config{BaseURL: base, Email: "parley@example.com", APIToken: token, WebhookSecret: secret}
}

func connect(t *testing.T, config json.RawMessage, client *http.Client) any {
	conn, err := zendesk.Connector.Open(config, sdk.Host{HTTP: client})
	require.NoError(t, err)
	return conn
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operation(t *testing.T, name string) sdk.Operation {
	for _, op := range zendesk.Connector.Operations {
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
	return run[zendesk.TicketOutput](r.t, r.conn, "ticket_create", key, opening).ID
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
