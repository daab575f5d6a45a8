package salesforce_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"parley/connectors/salesforce"
	"parley/connectors/salesforce/salesforcefake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"

	"github.com/stretchr/testify/require"
)

// rig is a connection to the fake.
type rig struct {
	t      *testing.T
	env    *fake.Memory
	server *httptest.Server
	conn   any
	now    time.Time
	tokens *sessions
}

func newRig(t *testing.T, change ...func(*salesforce.Config)) *rig {
	r := &rig{t: t, env: fake.NewMemory(""), now: time.Now(), tokens: &sessions{list: []string{"00D!first-session", "00D!second-session"}}}
	r.env.Clock = func() time.Time { return r.now }
	r.server = httptest.NewServer(salesforcefake.Provider.New(r.env))
	t.Cleanup(r.server.Close)
	r.env.SetBase(r.server.URL)
	c := salesforce.Config{BaseURL: r.server.URL, ClientID: "id", ClientSecret: "secret", Currency: "USD", Score: "Parley_Score__c"}
	for _, do := range change {
		do(&c)
	}
	r.conn = connect(t, c, sdk.Host{HTTP: r.server.Client(), Tokens: r.tokens})
	return r
}

// sessions hands out tokens in turn.
type sessions struct {
	list    []string
	refused []string
}

func (s *sessions) Token(context.Context) (string, error) {
	return s.list[min(len(s.refused), len(s.list)-1)], nil
}
func (s *sessions) Refused(token string) { s.refused = append(s.refused, token) }

func connect(t *testing.T, c salesforce.Config, host sdk.Host) any {
	conn, err := salesforce.Connector.Open(sdk.JSONBody(c), host)
	require.NoError(t, err)
	return conn
}

// answering is a connection to a server that answers as do says.
func answering(t *testing.T, do http.HandlerFunc) any {
	server := httptest.NewServer(do)
	t.Cleanup(server.Close)
	return connect(t, salesforce.Config{BaseURL: server.URL, ClientID: "id", ClientSecret: "secret"},
		sdk.Host{HTTP: server.Client(), Tokens: &sessions{list: []string{"00D!first-session"}}})
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operationNamed(t *testing.T, name string) sdk.Operation {
	for _, op := range salesforce.Connector.Operations {
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
func (r *rig) stored(object, id string) (fields map[string]any) {
	r.t.Helper()
	require.True(r.t, r.env.State().Get(object, id, &fields), "there is no %s %s", object, id)
	return fields
}

func (r *rig) count(object string) int { return r.env.Sizes()[object] }

// put keeps a record as if people had made it.
func (r *rig) put(object, id string, fields map[string]any) {
	all := map[string]any{"Id": id, "IsDeleted": false, "CreatedDate": "2026-01-01T00:00:00.000+0000", "SystemModstamp": "2026-01-01T00:00:00.000+0000"}
	for k, v := range fields {
		all[k] = v
	}
	r.env.State().Put(object, id, all)
}

// happen presses a button of the dashboard.
func (r *rig) happen(id, action string) {
	r.t.Helper()
	resp, err := http.PostForm(r.server.URL+"/dashboard/"+id, url.Values{"action": {action}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
}
