package razorpay_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"parley/connectors/razorpay"
	"parley/connectors/razorpay/razorpayfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"

	"github.com/stretchr/testify/require"
)

const (
	keyID         = "rzp_test_0123456789"
	keySecret     = "keysecretsecret"
	webhookSecret = "hooksecretsecret"
	hook          = "https://parley.test/hooks/razorpay/demo"
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
	r.server = httptest.NewServer(razorpayfake.Provider.New(r.env))
	t.Cleanup(r.server.Close)
	r.env.SetBase(r.server.URL)
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: hook, Config: config(r.server.URL)})
	r.conn = connect(t, config(r.server.URL), r.server.Client())
	return r
}

func config(base string) json.RawMessage {
	return sdk.JSONBody(razorpay.Config{BaseURL: base, KeyID: keyID, KeySecret: keySecret, WebhookSecret: webhookSecret, AccountNumber: "7878780080316316"})
}

func connect(t *testing.T, config json.RawMessage, client *http.Client) any {
	conn, err := razorpay.Connector.Open(config, sdk.Host{HTTP: client})
	require.NoError(t, err)
	return conn
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operationNamed(t *testing.T, name string) sdk.Operation {
	for _, op := range razorpay.Connector.Operations {
		if op.Name == name {
			return op
		}
	}
	require.Fail(t, "no operation "+name)
	return sdk.Operation{}
}

// run performs an operation that must succeed.
func run[Out any](t *testing.T, conn any, name string, c sdk.Call, input any) Out {
	t.Helper()
	raw, err := operationNamed(t, name).Run(t.Context(), conn, c, sdk.JSONBody(input))
	require.NoError(t, err)
	var out Out
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

// fail performs an operation that must not succeed.
func fail(t *testing.T, conn any, name string, c sdk.Call, input any) *sdk.Error {
	t.Helper()
	_, err := operationNamed(t, name).Run(t.Context(), conn, c, sdk.JSONBody(input))
	require.Error(t, err)
	e, ok := err.(*sdk.Error)
	require.True(t, ok, "an operation fails with an *sdk.Error, not %T", err)
	return e
}

func linkInput() razorpay.LinkInput {
	return razorpay.LinkInput{Description: "Two mugs and a pot", Amount: 590000, Currency: "INR",
		Lines:    []razorpay.Line{{Title: "Mug", Quantity: 2, Amount: 145000}, {Title: "Pot", Quantity: 1, Amount: 300000}},
		Metadata: map[string]string{"order": "1042"}, SuccessMessage: "Thank you!"}
}

func (r *rig) link(key string) razorpay.LinkOutput {
	r.t.Helper()
	return run[razorpay.LinkOutput](r.t, r.conn, "payment_link_create", call(key), linkInput())
}

// press posts a page's form and returns the answer's status. Redirects are not followed.
func (r *rig) press(page, action string) (int, string) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(page, url.Values{"action": {action}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	return resp.StatusCode, resp.Header.Get("Location")
}

// happen presses a button of the dashboard.
func (r *rig) happen(id, event string) {
	r.t.Helper()
	status, _ := r.press(r.server.URL+"/dashboard/"+id, event)
	require.Equal(r.t, http.StatusSeeOther, status)
}

// news verifies and parses everything the fake has delivered.
func (r *rig) news() (all []sdk.Event) {
	r.t.Helper()
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
func named[T any](t *testing.T, events []sdk.Event, name string) (found []sdk.Event, data []T) {
	t.Helper()
	for _, e := range events {
		if e.Provider != nil && e.Provider.Name == name {
			var p T
			require.NoError(t, sdk.DecodeStrict(e.Provider.Data, &p))
			found, data = append(found, e), append(data, p)
		}
	}
	return found, data
}

// answering is a connection to a server that gives every request one answer.
func answering(t *testing.T, status int, body string) any {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return connect(t, config(server.URL), server.Client())
}

// refusingClient fails the test if anything is sent.
func refusingClient(t *testing.T) *http.Client {
	return &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no request is expected")
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
