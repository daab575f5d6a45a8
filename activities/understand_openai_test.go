package activities

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"parley/connectors/openai"
	"parley/connectors/openai/openaifake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// TestALanguageModelUnderstands asks the connector itself, over HTTP, through what
// bounds and breaks a connection's calls.
func TestALanguageModelUnderstands(t *testing.T) {
	var body atomic.Value
	var slow, broken atomic.Bool
	memory := fake.NewMemory("")
	behind := openaifake.Provider.New(memory)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		body.Store(string(raw))
		switch {
		case slow.Load() && r.Method == http.MethodPost:
			<-r.Context().Done()
			return
		case broken.Load():
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		behind.ServeHTTP(w, r)
	}))
	defer server.Close()
	k := setUp(t, strings.Replace(engines("[{engine: openai, threshold: 0.1, margin: 0}]"), "budget: 200ms", "budget: 3s", 1), openai.Connector).talk()
	config := openaifake.Provider.Account(server.URL, func(string) string { return "secret" })
	memory.SetAccounts(fake.Account{Account: "demo", Config: config})
	conn, err := k.Connections.Put(t.Context(), k.ws, "openai", "openai", "demo", "", config, "test")
	require.NoError(t, err)

	require.Equal(t, []string{"Order ? is on its way."}, k.hearsBack("where is my order, ana@example.org?"))
	sent := body.Load().(string)
	require.Contains(t, sent, "[email 1]")
	require.Contains(t, sent, "gold")
	for _, personal := range []string{"ana@example.org", "Planted-Name", k.from.Value, k.ID.String()} {
		require.NotContains(t, sent, personal)
	}

	// That it has little time is not its fault: its circuit stays closed, and only
	// the flow leaves it alone for a while.
	slow.Store(true)
	k = short(k)
	for range 6 {
		k.hearsBack("quo vadis")
		k.hearsBack("start over")
	}
	require.Contains(t, k.metrics(), `parley_understanding_failures_total{engine="openai",reason="too_slow"} 5`)
	require.Contains(t, k.metrics(), `parley_understanding_failures_total{engine="openai",reason="circuit_open"} 1`)
	require.NoError(t, conn.Conn.(sdk.Checker).Check(t.Context()))

	// What it does wrong is.
	slow.Store(false)
	broken.Store(true)
	k.bots.Purge() // its own breaker too
	for range 5 {
		k.hearsBack("quo vadis")
		k.hearsBack("start over")
	}
	require.Equal(t, "circuit_open", sdk.AsError(conn.Conn.(sdk.Checker).Check(t.Context())).Code)
}

// short gives the flow's services a budget of 100 ms.
func short(k *talk) *talk {
	document := strings.Replace(engines("[{engine: openai, threshold: 0.1, margin: 0}]"), "budget: 200ms", "budget: 100ms", 1)
	program, err := compile("test", document)
	require.NoError(k.t, err)
	require.NoError(k.t, k.Flows.Publish(k.t.Context(), k.ws, "test", program.Hash(), document, "test"))
	k.live.Purge()
	return k
}
