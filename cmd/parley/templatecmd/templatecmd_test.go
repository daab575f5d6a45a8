package templatecmd_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/exit"
	"parley/cmd/parley/templatecmd"
)

// run runs a command line against an API that gives one answer, and returns what was
// printed and asked.
func run(t *testing.T, answer, stdin string, args ...string) (printed string, asked []string, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(body))
		if answer == "" {
			w.WriteHeader(http.StatusNoContent)
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	t.Setenv("PARLEY_API_KEY", "key")
	t.Setenv("PARLEY_API_URL", server.URL)
	cmd := templatecmd.New()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), asked, err
}

func TestTemplates(t *testing.T) {
	printed, asked, err := run(t, `{"name":"parcel_left","language":"en_US","status":"pending","changed_at":"2026-01-01T00:00:00Z"}`,
		"name: parcel_left\nlanguage: en_US\ncategory: utility\nbody: It has left.\n", "submit", "whatsapp", "-")
	require.NoError(t, err)
	require.Equal(t, "parcel_left (en_US) is pending\n", printed)
	require.Len(t, asked, 1)
	require.True(t, strings.HasPrefix(asked[0], "POST /v1/connections/whatsapp/templates {"), asked[0])

	printed, _, err = run(t, `{"items":[{"name":"parcel_left","language":"en_US","status":"rejected","reason":"invalid_format","changed_at":"2026-01-01T00:00:00Z"}]}`, "", "list", "whatsapp")
	require.NoError(t, err)
	require.Contains(t, printed, "rejected  invalid_format")

	_, asked, err = run(t, "", "", "delete", "whatsapp", "parcel_left", "en_US")
	require.NoError(t, err)
	require.Equal(t, []string{"DELETE /v1/connections/whatsapp/templates/parcel_left/en_US "}, asked)

	_, asked, err = run(t, "", "name: [", "submit", "whatsapp", "-")
	require.Equal(t, exit.Usage, exit.Code(err))
	require.Empty(t, asked, "nothing is asked of the API")
}
