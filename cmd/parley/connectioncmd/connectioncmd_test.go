package connectioncmd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/connectioncmd"
	"parley/cmd/parley/exit"
)

// run runs one command line against an API that answers by path, and returns what
// was printed and what was asked.
func run(t *testing.T, answers map[string]string, args ...string) (printed string, asked []string, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "Bearer key", r.Header.Get("Authorization"))
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(body))
		answer, ok := answers[r.URL.Path+"?"+r.URL.Query().Get("after")]
		switch {
		case ok:
			io.WriteString(w, answer)
		case r.Method != http.MethodGet && answers == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"type":"urn:parley:problem:not-found","title":"There is no such thing here","status":404,"detail":"There is no connection of this name."}`)
		}
	}))
	defer server.Close()
	t.Setenv("PARLEY_API_KEY", "key")
	t.Setenv("PARLEY_API_URL", server.URL)
	cmd := connectioncmd.New()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), asked, err
}

func TestChangesAreAskedOfTheAPI(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"pause", "stripe"}, "POST /v1/connections/stripe/pause "},
		{[]string{"resume", "stripe"}, "POST /v1/connections/stripe/resume "},
		{[]string{"drain-rate", "stripe", "2.5"}, `PUT /v1/connections/stripe/drain-rate {"per_second":2.5}`},
	} {
		printed, asked, err := run(t, nil, c.args...)
		require.NoError(t, err)
		require.Empty(t, printed)
		require.Equal(t, []string{c.want}, asked)
	}
}

func TestListAndReport(t *testing.T) {
	answers := map[string]string{
		"/v1/connections?":                `{"items":[{"name":"stripe","connector":"stripe"}],"next":"b"}`,
		"/v1/connections?b":               `{"items":[{"name":"shop","connector":"shopify"}]}`,
		"/v1/connections/stripe/outages?": `{"items":[{"cause":"circuit","state":"open","parked":3,"not_sent":3,"waiting":3}]}`,
		"/v1/connections/shop/outages?":   `{"items":[{"cause":"operator","state":"over"}]}`,
	}
	printed, _, err := run(t, answers, "list")
	require.NoError(t, err)
	var listed []struct{ Name, State string }
	require.NoError(t, json.Unmarshal([]byte(printed), &listed))
	require.Equal(t, []struct{ Name, State string }{{"stripe", "open"}, {"shop", "working"}}, listed)

	printed, _, err = run(t, answers, "report", "stripe")
	require.NoError(t, err)
	var outages []map[string]any
	require.NoError(t, json.Unmarshal([]byte(printed), &outages))
	require.EqualValues(t, 3, outages[0]["parked"])
}

func TestWhatIsWrongIsTold(t *testing.T) {
	_, _, err := run(t, map[string]string{}, "report", "none")
	require.ErrorContains(t, err, "There is no connection of this name.")
	require.Equal(t, exit.Failure, exit.Code(err))
	for _, args := range [][]string{{"pause"}, {"drain-rate", "stripe"}, {"drain-rate", "stripe", "fast"}, {"stop", "stripe"}} {
		_, asked, err := run(t, nil, args...)
		require.Equal(t, exit.Usage, exit.Code(err), "%v", args)
		require.Empty(t, asked)
	}
}
