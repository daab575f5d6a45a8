package rolecmd

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"parley/cmd/parley/exit"
	"parley/internal/config"
	"parley/internal/observe"
)

func TestKeyEncryptionKeyFromFileOrURL(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	raw := []byte("0123456789abcdef0123456789abcdef")
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	fromFile, err := openKEK(t.Context(), &config.Config{MasterKeyFile: file})
	require.NoError(t, err)
	fromURL, err := openKEK(t.Context(), &config.Config{MasterKeyURL: config.Secret("base64key://" + base64.URLEncoding.EncodeToString(raw))})
	require.NoError(t, err)

	sealed, err := fromFile.Encrypt(t.Context(), []byte("data key"))
	require.NoError(t, err)
	plain, err := fromURL.Decrypt(t.Context(), sealed)
	require.NoError(t, err)
	require.Equal(t, "data key", string(plain))
}

func TestKeyEncryptionKeyThatCannotBe(t *testing.T) {
	cases := map[string]struct{ url, want string }{
		"no scheme":     {"canary", "must be a URL"},
		"not compiled":  {"nosuchkms://canary", "support for nosuchkms:// is not compiled into this program, only for awskms://, azurekeyvault://, base64key://, gcpkms://, hashivault://"},
		"made-up key":   {"base64key://", "must be followed by the key"},
		"short key":     {"base64key://Y2FuYXJ5", "must be 32 bytes"},
		"not base64":    {"base64key://canary!", "must be 32 bytes"},
		"with a query":  {"base64key://canary?x=canary", "must be 32 bytes"},
		"not even that": {"://canary", "must be a URL"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := openKEK(t.Context(), &config.Config{MasterKeyURL: config.Secret(c.url)})
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "canary")
			require.Equal(t, exit.Usage, exit.Code(err))
		})
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestWorkerTellsItsHealth(t *testing.T) {
	ready := errors.New("temporal: refused")
	registry := observe.NewRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_test_total"}))
	h := healthHandler(registry, func(context.Context) error { return ready })

	code, _ := get(t, h, "/healthz")
	require.Equal(t, http.StatusOK, code, "alive, although not ready")
	code, body := get(t, h, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "temporal: refused")
	ready = nil
	code, _ = get(t, h, "/readyz")
	require.Equal(t, http.StatusOK, code)
	_, body = get(t, h, "/metrics")
	require.Contains(t, body, "parley_test_total 0")
	code, _ = get(t, h, "/")
	require.Equal(t, http.StatusNotFound, code)
}

func TestHealthIsServedUntilTheEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- serveHealth(ctx, l, http.NotFoundHandler()) }()
	resp, err := http.Get("http://" + l.Addr().String())
	require.NoError(t, err)
	resp.Body.Close()
	end()
	require.NoError(t, <-done)
}

func TestWorkerRefusesAnAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	p := process{config: &config.Config{WorkerAddr: l.Addr().String()}}
	require.ErrorContains(t, p.work(t.Context(), nil), "choose another worker.addr")
}
