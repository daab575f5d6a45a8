package onfido

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/onfido/onfidofake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

const hook = "https://parley.test/hooks/onfido/demo"

// exchange is a request with its answer.
type exchange struct {
	request *http.Request
	body    []byte
	answer  *http.Response
	sent    []byte
}

// rig is a connection to the fake, and all that passed between them.
type rig struct {
	t         *testing.T
	env       *fake.Memory
	conn      *connection
	url       string
	exchanges []exchange
	// answer stands in the fake's place, if set.
	answer func(w http.ResponseWriter)
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, env: fake.NewMemory("")}
	behind := onfidofake.Provider.New(r.env)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		e := exchange{request: req}
		e.body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(e.body))
		rec := httptest.NewRecorder()
		if r.answer != nil {
			r.answer(rec)
		} else {
			behind.ServeHTTP(rec, req)
		}
		e.answer, e.sent = rec.Result(), rec.Body.Bytes()
		r.exchanges = append(r.exchanges, e)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(e.sent)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	r.env.SetBase(server.URL)
	config := onfidofake.Provider.Account(server.URL, func(name string) string { return "secret-" + name })
	r.env.SetAccounts(fake.Account{Account: "demo", Hook: hook, Config: config})
	conn, err := Connector.Open(config, sdk.Host{Hook: hook})
	require.NoError(t, err)
	r.conn = conn.(*connection)
	return r
}

func call(key string) sdk.Call { return sdk.Call{Key: key, Attempt: 1, Workspace: "w1"} }

func operationNamed(t *testing.T, name string) sdk.Operation {
	for _, op := range Connector.Operations {
		if op.Name == name {
			return op
		}
	}
	require.Fail(t, "no operation "+name)
	return sdk.Operation{}
}

// run performs an operation that must succeed.
func do[Out any](r *rig, name, key string, input any) Out {
	r.t.Helper()
	raw, err := operationNamed(r.t, name).Run(r.t.Context(), r.conn, call(key), sdk.JSONBody(input))
	require.NoError(r.t, err, name)
	var out Out
	require.NoError(r.t, json.Unmarshal(raw, &out))
	return out
}

// fail performs an operation that must not succeed.
func (r *rig) fail(name string, input any) *sdk.Error {
	r.t.Helper()
	_, err := operationNamed(r.t, name).Run(r.t.Context(), r.conn, call("k"), sdk.JSONBody(input))
	e, ok := err.(*sdk.Error)
	require.True(r.t, ok, "%s fails with %T", name, err)
	return e
}

// press does what somebody does on the fake's dashboard.
func (r *rig) press(kind, id, action string) {
	r.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(r.url+"/dashboard/"+kind+"/"+id, url.Values{"action": {action}})
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	require.Equal(r.t, http.StatusSeeOther, resp.StatusCode)
}

// news verifies and parses everything that the fake has delivered.
func (r *rig) news() (all []sdk.Event) {
	r.t.Helper()
	for _, d := range r.env.Deliveries() {
		all = append(all, r.parse(d.Header, d.Body)...)
	}
	return all
}

func (r *rig) parse(header http.Header, body []byte) []sdk.Event {
	r.t.Helper()
	req := sdk.WebhookRequest{Method: http.MethodPost, URL: hook, Header: header, Body: body}
	require.NoError(r.t, r.conn.Verify(req, r.env.Now()))
	events, err := r.conn.Parse(req)
	require.NoError(r.t, err)
	return events
}

func person() ApplicantInput {
	return ApplicantInput{FirstName: "Ines", LastName: "Moreau", Details: Details{Email: "ines@example.com", DOB: "1990-04-17", PhoneNumber: "+33600000000",
		Address: &Address{Country: "FRA", Postcode: "69001", Town: "Lyon"}, Consents: []Consent{{Name: "privacy_notices_read", Granted: true}}}}
}
