package flowcmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/workflows/flow"
)

// recordedAPI is the API of an engine with one conversation, held by the bakery.
func recordedAPI(t *testing.T, conv api.Conversation, hash string, bodies ...string) *httptest.Server {
	answer := func(w http.ResponseWriter, v any) { require.NoError(t, json.NewEncoder(w).Encode(v)) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/conversations/"+conv.ID.String(), func(w http.ResponseWriter, _ *http.Request) { answer(w, conv) })
	mux.HandleFunc("GET /v1/contacts/"+conv.Contact.String(), func(w http.ResponseWriter, _ *http.Request) {
		answer(w, api.Contact{ID: conv.Contact, Name: "María García", Language: "en"})
	})
	mux.HandleFunc("GET /v1/flows/bakery", func(w http.ResponseWriter, _ *http.Request) { answer(w, api.Flow{Name: "bakery", Document: bakery}) })
	mux.HandleFunc("GET /v1/conversations/"+conv.ID.String()+"/events", func(w http.ResponseWriter, r *http.Request) {
		var page api.Page[api.Heard] // one event on each page
		i := len(r.URL.Query().Get("after"))
		at := time.Date(2026, 11, 2, 10, i, 0, 0, time.UTC)
		kind := "message"
		if strings.Contains(bodies[i], "ref") {
			kind = "call_result"
		}
		page.Items = []api.Heard{{Number: int64(i + 1), Turn: int64(i + 1), Kind: kind, At: at, TurnAt: at, FlowHash: hash, Body: json.RawMessage(bodies[i])}}
		if i < len(bodies)-1 {
			page.Next = strings.Repeat("x", i+1)
		}
		answer(w, page)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestAConversationIsRecorded(t *testing.T) {
	t.Setenv(apiclient.EnvKey, "key")
	doc, _ := flow.Parse("bakery.yaml", []byte(bakery))
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	conv := api.Conversation{ID: uuid.New(), Contact: uuid.New(), Channel: "whatsapp", Flow: "bakery"}
	server := recordedAPI(t, conv, program.Hash(), `{"message":{"text":"hi, María here, +34600112233"}}`, `{"message":{"text":"3"}}`, `{"ref":"e2","output":{"products":[]}}`)

	dir := t.TempDir()
	out := filepath.Join(dir, "bakery_test.yaml")
	printed, code := call(t, "", "record", conv.ID.String(), "--api", server.URL, "--out", out)
	require.Zero(t, code, printed)
	written, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotContains(t, string(written), "María")
	require.NotContains(t, string(written), "600112233")
	require.Contains(t, string(written), "customer: hi, Alex here")
	printed, code = call(t, "", "test", dir)
	require.Zero(t, code, printed)

	printed, code = call(t, "", "record", conv.ID.String(), "--api", server.URL, "--out", out)
	require.NotZero(t, code)
	require.Contains(t, printed, "is there already")
	other := filepath.Join(folder(t, map[string]string{"other.yaml": strings.Replace(bakery, "Closed.", "Shut.", 1)}), "other.yaml")
	printed, code = call(t, "", "record", conv.ID.String(), "--api", server.URL, "--out", filepath.Join(dir, "two_test.yaml"), "--flow", other)
	require.NotZero(t, code)
	require.Contains(t, printed, "name that document with --flow")
	_, code = call(t, "", "record", "x", "--out", out)
	require.Equal(t, 2, code)
	printed, code = call(t, "", "record", uuid.NewString(), "--api", server.URL, "--out", filepath.Join(dir, "three_test.yaml"))
	require.Equal(t, 1, code, printed)
}
