package whatsapp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

const (
	testNumber = "106540352242922"
	testSecret = "app-secret-one"
	testToken  = "EAAB-test-token"
)

func openWith(t testing.TB, c Config) *connection {
	t.Helper()
	raw, err := json.Marshal(c)
	require.NoError(t, err)
	conn, err := Connector.Open(raw, sdk.Host{})
	require.NoError(t, err)
	return conn.(*connection)
}

func connectTo(t testing.TB, base string) *connection {
	return openWith(t, Config{BaseURL: base, PhoneNumberID: testNumber, AccessToken: testToken,
		WebhookSecret: testSecret + ", app-secret-two", VerifyToken: "verify-me"})
}

// answering starts a server that gives one answer to everything and keeps the
// last request's body.
func answering(t testing.TB, status int, header http.Header, body string) (base string, last *[]byte) {
	last = new([]byte)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&raw)
		*last = raw
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, last
}

var readDocument = sync.OnceValues(func() ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(os.Getenv("PARLEY_SPECS"), "whatsapp", "business-messaging-api_v23.0.yaml"))
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(raw)
})

// metaDocument is Meta's OpenAPI document as JSON.
func metaDocument(t testing.TB) []byte {
	t.Helper()
	if os.Getenv("PARLEY_SPECS") == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Meta's OpenAPI document")
	}
	js, err := readDocument()
	require.NoError(t, err)
	return js
}
