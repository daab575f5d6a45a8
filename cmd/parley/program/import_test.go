package program

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheExampleOfTheDocumentationWorks runs docs/import.md: its documents, in
// its order, against a stand-in for its provider.
func TestTheExampleOfTheDocumentationWorks(t *testing.T) {
	page, err := os.ReadFile("../../../docs/import.md")
	require.NoError(t, err)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, m := range regexp.MustCompile("(?s)```yaml\n# ([a-z.]+)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		require.NoError(t, os.WriteFile(path(m[1]), []byte(m[2]), 0o600))
	}
	folder := path("connectors/helpdesk")
	importIt := func() string {
		code, stdout, stderr := runWith(t, "connector", "import", "--openapi", path("helpdesk.yaml"), "--name", "helpdesk", "--out", folder)
		require.Equal(t, 0, code, stderr)
		return stdout
	}
	require.Contains(t, importIt(), "imported 1 operations, skipped 0")
	overrides, err := os.ReadFile(path("overrides.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "overrides.yaml"), overrides, 0o600))
	importIt()

	code, stdout, stderr := runWith(t, "flow", "check", "--connectors", path("connectors"), path("support.yaml"))
	require.Equal(t, 0, code, stdout+stderr)
	text, err := os.ReadFile(path("support.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path("wrong.yaml"), []byte(strings.Replace(string(text), "priority:", "urgency:", 1)), 0o600))
	code, stdout, _ = runWith(t, "flow", "check", "--connectors", path("connectors"), path("wrong.yaml"))
	require.Equal(t, 1, code)
	require.Contains(t, stdout, `takes no "urgency"`)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("X-Api-Key") != "secret" || r.Header.Get("Idempotency-Key") != "k-1" || string(body) != `{"subject":"Where is it?"}` {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id":"T1"}`)
	}))
	t.Cleanup(server.Close)
	config := path("helpdesk-config.yaml")
	require.NoError(t, os.WriteFile(config, []byte("base_url: "+server.URL+"\nx_api_key: secret\nwebhook_secret: s\n"), 0o600))
	call := func(input string) (int, string, string) {
		return runWith(t, "connector", "call", "helpdesk", "create_ticket", "--connectors", path("connectors"), "--config", config, "--key", "k-1", "--input", input)
	}
	code, stdout, stderr = call(`{"subject": "Where is it?"}`)
	require.Equal(t, 0, code, stderr)
	require.JSONEq(t, `{"id":"T1"}`, stdout)
	code, _, stderr = call(`{"subject": "x"}`)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, `"class":"invalid"`)
	require.Contains(t, stderr, `field \"subject\"`)

	const body = `{"id":"e1","event":"ticket.replied","ticket":{"id":"T1"}}`
	m := hmac.New(sha256.New, []byte("s"))
	m.Write([]byte("1780000000." + body))
	request := "POST /hooks/helpdesk/x HTTP/1.1\r\nHost: h.test\r\nX-Time: 1780000000\r\nX-Signature: t=" + hex.EncodeToString(m.Sum(nil)) +
		fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(t, os.WriteFile(path("webhook.http"), []byte(request), 0o600))
	verify := func(now string) (int, string, string) {
		return runWith(t, "connector", "verify", "helpdesk", "--connectors", path("connectors"), "--config", config, "--request", path("webhook.http"), "--now", now)
	}
	code, stdout, stderr = verify("2026-05-28T20:27:00Z")
	require.Equal(t, 0, code, stdout+stderr)
	require.Contains(t, stdout, `"name":"ticket.answered"`)
	code, stdout, _ = verify("2026-05-29T20:27:00Z")
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "too far from now")
}
