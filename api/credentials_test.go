package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/api"
)

const shopConnection = `{"connector":"stripe","account":"main","config":{}`

func TestHowLongAFormerSecretVerifies(t *testing.T) {
	e := start(t, nil)
	for given, want := range map[string]*time.Duration{`}`: nil, `,"overlap":"0s"}`: new(time.Duration), `,"overlap":"1h30m"}`: ptr(90 * time.Minute)} {
		status, answer := e.call(t, http.MethodPut, "/v1/connections/till", shopConnection+given)
		require.Equal(t, http.StatusOK, status, answer)
		require.Equal(t, want, e.put["till"].Overlap, given)
	}
	for _, bad := range []string{"-1h", "1", "1d", "h", "", "forever"} {
		status, answer := e.call(t, http.MethodPut, "/v1/connections/till", shopConnection+`,"overlap":"`+bad+`"}`)
		if bad == "" {
			require.Equal(t, http.StatusUnprocessableEntity, status, "an empty one says nothing")
			continue
		}
		require.Equal(t, http.StatusUnprocessableEntity, status, bad+answer)
		require.Equal(t, "/overlap", refusal(t, answer).Errors[0].Pointer)
	}
}

func ptr[T any](v T) *T { return &v }

func TestAConnectionIsCheckedAndAuthorised(t *testing.T) {
	e := start(t, nil)
	for _, path := range []string{"/v1/connections/none/check", "/v1/connections/none/authorize"} {
		status, _ := e.call(t, http.MethodPost, path, "")
		require.Equal(t, http.StatusNotFound, status)
	}
	e.put["till"] = api.NewConnection{}
	status, answer := e.call(t, http.MethodPost, "/v1/connections/till/check", "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"ok":false,"findings":[{"what":"credentials","state":"failed","code":"401","detail":"refused"}]}`, answer)
	status, answer = e.call(t, http.MethodPost, "/v1/connections/till/authorize", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, answer, "https://login.example/authorize?by=key/")
	resp, _ := e.send(t, http.MethodPost, "/v1/connections/till/check", "", http.Header{"Authorization": {"Bearer read-key"}})
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
}

// A browser that comes back has no key: the state authenticates it.
func TestThePageAfterAnAuthorisation(t *testing.T) {
	e := start(t, nil)
	cases := []struct {
		query  string
		status int
		says   string
	}{
		{"?state=good&code=abc", 200, "The connection is authorised"},
		{"?state=bad&code=abc", 400, "The state is not valid."},
		{"", 400, "The state is not valid."},
		{"?state=good&error=access_denied&error_description=" + canary, 400, "&lt;b&gt;consent&lt;/b&gt; was refused"},
		{"?state=good&code=broken", 400, "Something failed on our side."},
	}
	for _, c := range cases {
		resp, page := e.send(t, http.MethodGet, "/oauth/callback"+c.query, "", http.Header{})
		require.Equal(t, c.status, resp.StatusCode, c.query)
		require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		require.Contains(t, page, c.says)
		require.NotContains(t, page, canary)
	}
	require.Equal(t, []string{"abc"}, e.seen)
}

func TestAnOperatorSettlesAnEffect(t *testing.T) {
	e := start(t, nil)
	post := func(key, body string) (int, string) {
		return e.call(t, http.MethodPost, "/v1/effects/"+key+"/reconcile", body)
	}
	status, answer := post("k-1", `{"outcome":"done","note":"seen in the dashboard","output":{"id":"re_1"}}`)
	require.Equal(t, http.StatusOK, status, answer)
	require.Contains(t, answer, `"reconciled_by":"operator"`)
	status, _ = post("k-1", `{}`)
	require.Equal(t, http.StatusOK, status, "the provider is asked")
	require.Equal(t, []any{
		api.Reconciliation{Outcome: "done", Note: "seen in the dashboard", Output: json.RawMessage(`{"id":"re_1"}`), Actor: e.filters[0].(api.Reconciliation).Actor},
		api.Reconciliation{Actor: e.filters[0].(api.Reconciliation).Actor},
	}, e.filters)
	status, _ = post("settled", `{"outcome":"done"}`)
	require.Equal(t, http.StatusConflict, status)
	for _, bad := range []string{`{"outcome":"maybe"}`, `{"outcome":"not_done","output":{"id":"x"}}`, `{"done":true}`} {
		status, _ = post("k-1", bad)
		require.Equal(t, http.StatusUnprocessableEntity, status, bad)
	}
}
