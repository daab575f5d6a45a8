package stripe_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/stripe"
	"parley/connectors/stripe/stripefake"

	"github.com/stretchr/testify/require"
)

const (
	secretKey     = "sk_test_secretsecret"
	webhookSecret = "whsec_secretsecret"
	hook          = "https://parley.test/hooks/stripe/demo"
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
	r := &rig{t: t, env: fake.NewMemory(""), now: time.Date(2026, 5, 12, 9, 0, 0, 0, time.UTC)}
	r.env.Clock = func() time.Time { return r.now }
	r.server = httptest.NewServer(stripefake.Provider.New(r.env))
	t.Cleanup(r.server.Close)
	r.env.SetBase(r.server.URL)
	config := config(t, r.server.URL)
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: hook, Config: config})
	r.conn = connect(t, config, r.server.Client())
	return r
}

func config(t *testing.T, base string) json.RawMessage {
	raw, err := json.Marshal(map[string]string{"base_url": base, "secret_key": secretKey, "webhook_secret": webhookSecret})
	require.NoError(t, err)
	return raw
}

func connect(t *testing.T, config json.RawMessage, client *http.Client) any {
	conn, err := stripe.Connector.Open(config, sdk.Host{HTTP: client})
	require.NoError(t, err)
	return conn
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operationNamed(t *testing.T, name string) sdk.Operation {
	for _, op := range stripe.Connector.Operations {
		if op.Name == name {
			return op
		}
	}
	require.Fail(t, "no operation "+name)
	return sdk.Operation{}
}

// run performs an operation that must succeed.
func run[Out any](t *testing.T, conn any, name string, c sdk.Call, input any) Out {
	raw, err := operationNamed(t, name).Run(t.Context(), conn, c, sdk.JSONBody(input))
	require.NoError(t, err)
	var out Out
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

// fail performs an operation that must not succeed.
func fail(t *testing.T, conn any, name string, c sdk.Call, input any) *sdk.Error {
	_, err := operationNamed(t, name).Run(t.Context(), conn, c, sdk.JSONBody(input))
	require.Error(t, err)
	e, ok := err.(*sdk.Error)
	require.True(t, ok, "an operation fails with an *sdk.Error, not %T", err)
	return e
}

func (r *rig) link(key string) stripe.LinkOutput {
	return run[stripe.LinkOutput](r.t, r.conn, "payment_link_create", call(key), linkInput())
}

func linkInput() stripe.LinkInput {
	return stripe.LinkInput{Description: "Two mugs and a pot", Amount: 5900, Currency: "EUR",
		Lines:    []stripe.Line{{Title: "Mug", Quantity: 2, Amount: 1450}, {Title: "Pot", Quantity: 1, Amount: 3000}},
		Metadata: map[string]string{"order": "1042"}, SuccessMessage: "Thank you!"}
}

// press posts the payment page's form and returns the answer's status.
func (r *rig) press(l stripe.LinkOutput, action string) int {
	require.True(r.t, strings.HasPrefix(l.URL, r.server.URL+"/pay/"))
	resp, err := r.server.Client().PostForm(l.URL, url.Values{"action": {action}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	return resp.StatusCode
}

// news verifies and parses everything the fake has delivered.
func (r *rig) news() (all []sdk.Event) {
	receiver := r.conn.(sdk.Receiver)
	for _, d := range r.env.Deliveries() {
		req := sdk.WebhookRequest{Method: http.MethodPost, URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(r.t, receiver.Verify(req, r.now))
		events, err := receiver.Parse(req)
		require.NoError(r.t, err)
		all = append(all, events...)
	}
	return all
}

// named returns the provider events of one name, and their payloads.
func named(t *testing.T, events []sdk.Event, name string) (found []sdk.Event, data []stripe.Payment) {
	for _, e := range events {
		if e.Provider != nil && e.Provider.Name == name {
			var p stripe.Payment
			require.NoError(t, sdk.DecodeStrict(e.Provider.Data, &p))
			found, data = append(found, e), append(data, p)
		}
	}
	return found, data
}

// answering is a connection to a server that gives every request one answer.
func answering(t *testing.T, status int, header map[string]string, body string) any {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return connect(t, config(t, server.URL), server.Client())
}
