package hubspot_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"parley/connectors/hubspot"
	"parley/connectors/hubspot/hubspotfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"

	"github.com/stretchr/testify/require"
)

const (
	accessToken = "pat-na1-0123456789abcdef"
	secret      = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
	hook        = "https://parley.test/hooks/hubspot/demo"
)

// rig is a connection to the fake, and what the fake has sent.
type rig struct {
	t      *testing.T
	env    *fake.Memory
	server *httptest.Server
	conn   any
	now    time.Time
}

func newRig(t *testing.T, change ...func(*hubspot.Config)) *rig {
	r := &rig{t: t, env: fake.NewMemory(""), now: time.Now().Truncate(time.Millisecond).UTC()}
	r.env.Clock = func() time.Time { return r.now }
	r.server = httptest.NewServer(hubspotfake.Provider.New(r.env))
	t.Cleanup(r.server.Close)
	r.env.SetBase(r.server.URL)
	c := hubspot.Config{BaseURL: r.server.URL, AccessToken: accessToken, WebhookSecret: secret}
	for _, do := range change {
		do(&c)
	}
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: hook, Config: sdk.JSONBody(c)})
	r.conn = connect(t, c, sdk.Host{HTTP: r.server.Client()})
	return r
}

func connect(t *testing.T, c hubspot.Config, host sdk.Host) any {
	conn, err := hubspot.Connector.Open(sdk.JSONBody(c), host)
	require.NoError(t, err)
	return conn
}

// answering is a connection to a server that answers as do says.
func answering(t *testing.T, do http.HandlerFunc) any {
	server := httptest.NewServer(do)
	t.Cleanup(server.Close)
	return connect(t, hubspot.Config{BaseURL: server.URL, AccessToken: accessToken}, sdk.Host{HTTP: server.Client()})
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operationNamed(t *testing.T, name string) sdk.Operation {
	for _, op := range hubspot.Connector.Operations {
		if op.Name == name {
			return op
		}
	}
	require.Fail(t, "no operation "+name)
	return sdk.Operation{}
}

// run performs an operation that must succeed.
func run[Out any](t *testing.T, conn any, name string, c sdk.Call, input string) Out {
	t.Helper()
	raw, err := operationNamed(t, name).Run(t.Context(), conn, c, json.RawMessage(input))
	require.NoError(t, err)
	var out Out
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

// fail performs an operation that must not succeed.
func fail(t *testing.T, conn any, name string, input string) *sdk.Error {
	t.Helper()
	_, err := operationNamed(t, name).Run(t.Context(), conn, call("key-fail"), json.RawMessage(input))
	require.Error(t, err)
	e, ok := errors.AsType[*sdk.Error](err)
	require.True(t, ok, "an operation fails with an *sdk.Error, not %T", err)
	return e
}

// stored is a record as the fake keeps it.
type stored struct {
	ID         string
	Properties map[string]string
	To         []string
}

func (r *rig) stored(kind, id string) (s stored) {
	r.t.Helper()
	require.True(r.t, r.env.State().Get(kind, id, &s), "there is no %s %s", kind, id)
	return s
}

func (r *rig) count(kind string) int { return r.env.Sizes()[kind] }

// happen presses a button of the dashboard.
func (r *rig) happen(id, action string) {
	r.t.Helper()
	resp, err := http.PostForm(r.server.URL+"/dashboard/"+id, url.Values{"action": {action}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
}

// send makes a request of the fake past the connector.
func (r *rig) send(method, path string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, http.NoBody)
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+accessToken)
	resp, err := r.server.Client().Do(req)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	return resp.StatusCode
}
