package roles

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/internal/access"
	"parley/internal/bus"
	"parley/internal/observe"
)

// TestTheAPIIsPutTogether asks each part of the API that needs no Temporal.
func TestTheAPIIsPutTogether(t *testing.T) {
	d := open(t)
	d.e.Registry, d.e.Log = observe.NewRegistry(), slog.New(slog.DiscardHandler)
	key, err := access.New(d.e.DB).CreateKey(t.Context(), d.ws, "test", []string{"*"})
	require.NoError(t, err)
	h, chat, err := d.e.handler(bus.NewDispatcher(nobody{}, 1, 10, d.e.Log, nil), APIOptions{TemporalUI: "http://127.0.0.1:8233/", Version: "v1"})
	require.NoError(t, err)
	t.Cleanup(chat.server.Close)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/healthz":               {200, `"ok"`},
		"/openapi.json":          {200, `"v1"`},
		"/metrics":               {200, "parley_"},
		"/chat":                  {200, "<html"},
		"/codec":                 {200, "Sign in"},
		"/v1/connections":        {200, `"chat"`},
		"/v1/connections/chat":   {200, `"webchat"`},
		"/v1/audit":              {200, "connection.put"},
		"/hooks/nothing/nowhere": {404, "unknown-account"},
		"/nowhere":               {404, "not-found"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Contains(t, string(body), want.text, path)
		require.Equal(t, want.status, resp.StatusCode, path)
		require.NotContains(t, string(body), "0123456789012345678901234567890123456789", "a connection's secret")
	}
	d.e.Registry = observe.NewRegistry()
	_, _, err = d.e.handler(nil, APIOptions{TemporalUI: "not an address"})
	require.Error(t, err)
}
