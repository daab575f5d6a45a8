package effectcmd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/api/problem"
	"parley/cmd/parley/effectcmd"
	"parley/cmd/parley/exit"
)

func run(t *testing.T, args ...string) (code int, stdout, message string) {
	t.Helper()
	cmd := effectcmd.New()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		message, code = err.Error(), exit.Code(err)
	}
	return code, out.String(), message
}

// desk is an API that gives its answers in turn, and records what it was asked.
func desk(t *testing.T, status int, answers ...string) (address string, asked *[]string) {
	t.Setenv("PARLEY_API_KEY", "key-1")
	asked = &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Parley-Workspace")+" "+string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answers[min(len(*asked), len(answers))-1])
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

const one = `{"key":"k-1","state":"uncertain","kind":"once","connector":"shop","operation":"mail","attempt":1,"error_class":"uncertain","created_at":"2026-11-24T10:00:00Z"}`

func TestListAsksPageByPage(t *testing.T) {
	api, asked := desk(t, 200, `{"items":[`+one+`],"next":"abc"}`, `{"items":[`+one+`]}`)
	code, out, message := run(t, "list", "--workspace", "acme", "--api", api, "--state", "uncertain", "--since", "2026-11-01T00:00:00Z", "--uncertain")
	require.Zero(t, code, message)
	require.Equal(t, "KEY  STATE      KIND  CONNECTOR  OPERATION  ATTEMPT  CREATED               WHY\n"+
		"k-1  uncertain  once  shop       mail       1        2026-11-24T10:00:00Z  uncertain\n"+
		"k-1  uncertain  once  shop       mail       1        2026-11-24T10:00:00Z  uncertain\n", out)
	require.Equal(t, []string{
		"GET /v1/effects?limit=100&since=2026-11-01T00%3A00%3A00Z&state=uncertain&uncertain=true Bearer key-1 acme ",
		"GET /v1/effects?after=abc&limit=99&since=2026-11-01T00%3A00%3A00Z&state=uncertain&uncertain=true Bearer key-1 acme ",
	}, *asked)
	code, out, _ = run(t, "list", "--workspace", "acme", "--api", api, "--json", "--limit", "1")
	require.Zero(t, code)
	require.True(t, json.Valid([]byte(out)))
}

func TestReconcile(t *testing.T) {
	api, asked := desk(t, 200, `{"key":"k-1","state":"done","reconciled_by":"operator"}`)
	code, out, message := run(t, "reconcile", "k-1", "--workspace", "acme", "--api", api, "--outcome", "done", "--note", "seen there", "--output", `{"id":"m-7"}`)
	require.Zero(t, code, message)
	require.Equal(t, "k-1 is done, by operator\n", out)
	require.Equal(t, []string{`POST /v1/effects/k-1/reconcile Bearer key-1 acme {"note":"seen there","outcome":"done","output":{"id":"m-7"}}`}, *asked)
	_, _, _ = run(t, "reconcile", "k-1", "--workspace", "acme", "--api", api)
	require.Equal(t, `POST /v1/effects/k-1/reconcile Bearer key-1 acme {}`, (*asked)[1], "the provider is asked")
}

func TestWhatTheAPIRefusesIsSaid(t *testing.T) {
	refused := problem.Conflict.New("There is nothing to settle.")
	refused.Errors = []problem.Field{{Pointer: "/outcome", Detail: "is late"}}
	raw, err := json.Marshal(refused)
	require.NoError(t, err)
	api, _ := desk(t, 409, string(raw))
	code, _, message := run(t, "reconcile", "k-1", "--workspace", "acme", "--api", api, "--outcome", "not_done")
	require.Equal(t, 1, code)
	require.Contains(t, message, "There is nothing to settle.; /outcome is late")
}

func TestWrongUsage(t *testing.T) {
	api, asked := desk(t, 200, `{}`)
	for _, args := range [][]string{
		{}, {"list"}, {"list", "--workspace", "w", "--since", "yesterday"}, {"list", "--workspace", "w", "--limit", "0"}, {"list", "x", "--workspace", "w"},
		{"reconcile", "--workspace", "w"}, {"reconcile", "k", "--workspace", "w", "--outcome", "maybe"},
		{"reconcile", "k", "--workspace", "w", "--output", "{}"}, {"reconcile", "k", "--workspace", "w", "--outcome", "done", "--output", "[]"},
	} {
		if len(args) > 0 {
			args = append(args, "--api", api)
		}
		code, _, message := run(t, args...)
		require.Equal(t, 2, code, "%v %s", args, message)
	}
	code, _, _ := run(t, "list", "--workspace", "w", "--api", "ftp://x")
	require.Equal(t, 2, code)
	t.Setenv("PARLEY_API_KEY", "")
	code, _, message := run(t, "list", "--workspace", "w", "--api", api)
	require.Equal(t, 2, code)
	require.Contains(t, message, "effects:read")
	require.Empty(t, *asked)
}
