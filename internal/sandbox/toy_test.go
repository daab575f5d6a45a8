package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
	"parley/internal/sandbox"
	"parley/internal/sandbox/sandboxclient"
)

// toy is the smallest fake that uses everything: things that are created and
// found, keys, webhooks, a customer's phone.
type toy struct{ env fake.Env }

type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func toyProvider() fake.Provider {
	return fake.Provider{
		Connector: "toy",
		Page:      "things",
		New:       func(env fake.Env) http.Handler { return &toy{env} },
		Operation: func(r *http.Request, _ []byte) string {
			if r.URL.Path == "/v1/things" {
				return map[string]string{http.MethodPost: "thing_create", http.MethodGet: "thing_list"}[r.Method]
			}
			if r.URL.Path == "/v1/news" {
				return fake.Poll
			}
			return ""
		},
	}
}

func (f *toy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/things":
		key := r.Header.Get("Idempotency-Key")
		_, forgotten := f.env.Fault("forget_keys", "thing_create")
		var t thing
		if key != "" && !forgotten && f.env.State().Get("keys", key, &t) {
			return
		}
		_ = json.NewDecoder(r.Body).Decode(&t)
		t.ID = f.env.NextID("th_")
		f.env.State().Put("things", t.ID, t)
		f.env.State().Put("keys", key, t)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(t)
		return
	case "GET /v1/things":
		out := []thing{}
		if _, lag := f.env.Fault("search_lag", "thing_list"); !lag {
			f.env.State().Each("things", func(_ string, raw json.RawMessage) bool {
				var t thing
				_ = json.Unmarshal(raw, &t)
				out = append(out, t)
				return true
			})
		}
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	_, _ = io.WriteString(w, f.env.BaseURL()+r.URL.Path)
}

func (f *toy) Say(_ context.Context, a fake.Account, from string, u fake.Utterance) error {
	if u.Tap != "" {
		return errors.New("no message offers that choice")
	}
	f.env.State().Put("phone/"+from, f.env.NextID(""), fake.Shown{From: "customer", Text: u.Text})
	f.env.Deliver(fake.Delivery{URL: a.Hook, Header: http.Header{"X-Signature": {"s"}}, Body: []byte(from + ":" + u.Text), Order: from})
	return nil
}

func (f *toy) Phone(from string) (out []fake.Shown) {
	f.env.State().Each("phone/"+from, func(_ string, raw json.RawMessage) bool {
		var s fake.Shown
		_ = json.Unmarshal(raw, &s)
		out = append(out, s)
		return true
	})
	return out
}

// mute is a fake that carries no messages.
func mute() fake.Provider {
	return fake.Provider{Connector: "mute", New: func(fake.Env) http.Handler { return http.NotFoundHandler() }}
}

var key = bytes.Repeat([]byte{7}, sandbox.KeySize)

type running struct {
	*sandbox.Sandbox
	sandboxclient.Client
	t *testing.T
}

// start serves a sandbox in dir until the test ends. hook is where the account
// "demo" of toy is called.
func start(t *testing.T, dir, hook string) running {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	cfg := sandbox.Config{Dir: dir, Key: key, PublicURL: url, Providers: []fake.Provider{toyProvider(), mute()},
		Log: slog.New(slog.DiscardHandler)}
	if hook != "" {
		cfg.Accounts = map[string][]fake.Account{"toy": {{Account: "demo", Hook: hook, Config: json.RawMessage(`{"secret":"canary-secret"}`)}}}
	}
	s, err := sandbox.New(cfg)
	require.NoError(t, err)
	server.Config.Handler = s.Handler()
	server.Start()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		server.Close()
	})
	return running{s, sandboxclient.Client{URL: url, HTTP: server.Client()}, t}
}

// send makes one request to a fake; status 0 stands for no answer.
func (r running) send(method, path, body string, header ...string) (status int, answer string, h http.Header) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.Client.URL+path, bytes.NewReader([]byte(body)))
	require.NoError(r.t, err)
	req.GetBody = nil
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.HTTP.Do(req)
	if err != nil {
		return 0, "", nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(raw), resp.Header
}
