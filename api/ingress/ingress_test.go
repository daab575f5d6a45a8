package ingress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"parley/api/ingress"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/observe"
)

// canary is planted in bodies, headers and secrets, and must never come back.
const canary = "canary-4111111111111111"

// provider is a connection whose webhooks are JSON lists of events, signed by a
// shared secret in a header.
type provider struct{ accounts []string }

func (provider) Verify(req sdk.WebhookRequest, _ time.Time) error {
	switch req.Header.Get("X-Signature") {
	case "":
		return &sdk.Error{Class: sdk.Auth, Message: "the header X-Signature is missing"}
	case "good " + req.URL:
		return nil
	}
	return errors.New("signature " + req.Header.Get("X-Signature") + " of " + string(req.Body))
}

func (provider) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var events []sdk.Event
	if err := json.Unmarshal(req.Body, &events); err != nil {
		return nil, errors.New("cannot parse " + string(req.Body))
	}
	return events, nil
}

func (provider) Handshake(req sdk.WebhookRequest) (string, error) {
	if !strings.Contains(req.URL, "token=right") {
		return "", errors.New("token is not " + canary)
	}
	return "<b>challenge</b>", nil
}

func (provider) Answer(req sdk.WebhookRequest) (string, []byte) {
	if req.Header.Get("X-Wants") == "" {
		return "", nil
	}
	return "text/xml", []byte("<Response/>")
}

func (p provider) AccountIDs() []string { return p.accounts }

// rotating verifies by one secret of its own.
type rotating struct {
	provider
	secret string
}

func (r rotating) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if req.Header.Get("X-Signature") != r.secret {
		return &sdk.Error{Class: sdk.Auth, Message: "the signature does not match"}
	}
	return nil
}

var rotated = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// mute receives nothing.
type mute struct{}

// store doubles the ports.
type store struct {
	mu       sync.Mutex
	fail     error
	seen     map[string]bool
	kept     map[string][]string // connection's account → event IDs
	unrouted []string
	hold     chan struct{}
	entered  chan struct{}
	trace    string
}

var own = ingress.Connection{Workspace: uuid.New(), ID: uuid.New(), Connector: "acme", Account: "demo", Conn: provider{accounts: []string{"1"}}}

func (s *store) Resolve(_ context.Context, connector, account string) (ingress.Connection, error) {
	switch connector + "/" + account {
	case "acme/demo":
		return own, nil
	case "acme/rotated":
		return ingress.Connection{Workspace: uuid.New(), ID: uuid.New(), Connector: "acme", Account: "rotated",
			Conn: rotating{secret: "new"}, Former: rotating{secret: "old"}, FormerUntil: rotated}, nil
	case "mute/demo":
		return ingress.Connection{Connector: "mute", Conn: mute{}}, nil
	case "acme/broken":
		return ingress.Connection{}, errors.New("connection refused")
	}
	return ingress.Connection{}, ingress.ErrUnknownAccount
}

func (s *store) Accept(ctx context.Context, c ingress.Connection, events []sdk.Event) (out ingress.Outcome, err error) {
	if s.hold != nil {
		s.entered <- struct{}{}
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = observe.TraceParent(ctx)
	if s.fail != nil {
		return out, s.fail
	}
	for _, e := range events {
		if s.seen[e.ID] {
			out.Duplicates++
			continue
		}
		s.seen[e.ID] = true
		s.kept[c.Account] = append(s.kept[c.Account], e.ID)
		out.Accepted++
	}
	return out, nil
}

func (s *store) Route(_ context.Context, c ingress.Connection, account string) (ingress.Connection, error) {
	if account == "2" {
		return ingress.Connection{Workspace: c.Workspace, Connector: "acme", Account: "second", Conn: provider{accounts: []string{"2"}}}, nil
	}
	return ingress.Connection{}, ingress.ErrUnknownAccount
}

func (s *store) Unrouted(_ context.Context, _ ingress.Connection, account string, events []sdk.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.unrouted = append(s.unrouted, account+":"+e.ID)
	}
	return s.fail
}

type edge struct {
	*store
	server *httptest.Server
	reg    *prometheus.Registry
	logs   *bytes.Buffer
}

const public = "https://parley.example"

func serve(t *testing.T, change func(*ingress.Options)) *edge {
	t.Helper()
	gin.SetMode(gin.TestMode)
	e := &edge{store: &store{seen: map[string]bool{}, kept: map[string][]string{}}, reg: prometheus.NewRegistry(), logs: &bytes.Buffer{}}
	o := ingress.Options{Resolver: e, Inbox: e, Router: e, Metrics: observe.NewIngress(e.reg), PublicURL: public + "/",
		Log: observe.NewLogger(e.logs, slog.LevelDebug), MaxBody: 1 << 10}
	if change != nil {
		change(&o)
	}
	h := ingress.New(o)
	r := gin.New()
	r.POST(ingress.Path, h.Receive)
	r.GET(ingress.Path, h.Shake)
	e.server = httptest.NewServer(r)
	t.Cleanup(e.server.Close)
	return e
}

func (e *edge) post(t *testing.T, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = header
	return e.do(t, req)
}

func (e *edge) do(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := e.server.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(answer)
}

func (e *edge) metrics() string {
	w := httptest.NewRecorder()
	observe.MetricsHandler(e.reg).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func signed(path string) http.Header { return http.Header{"X-Signature": {"good " + public + path}} }

func message(id, account string) sdk.Event {
	return sdk.Event{ID: id, Kind: sdk.EventMessage, Account: account,
		Message: &sdk.Incoming{From: []sdk.Address{{Kind: "phone", Value: canary}}, Text: canary}}
}

func body(t *testing.T, events ...sdk.Event) string {
	t.Helper()
	raw, err := json.Marshal(events)
	require.NoError(t, err)
	return string(raw)
}

const demo = "/hooks/acme/demo"

func TestRefusals(t *testing.T) {
	secretive := http.Header{"X-Signature": {canary}}
	cases := []struct {
		name, path, body string
		header           http.Header
		status           int
		kind, outcome    string
	}{
		{"unsigned", demo, canary, nil, 401, "bad-signature", `connector="acme",outcome="bad_signature"`},
		{"wrong signature", demo, canary, secretive, 401, "bad-signature", `connector="acme",outcome="bad_signature"`},
		{"signed for another address", demo, "[]", signed("/hooks/acme/other"), 401, "bad-signature", `connector="acme",outcome="bad_signature"`},
		{"unknown account", "/hooks/acme/" + canary, "[]", secretive, 404, "unknown-account", `connector="unknown",outcome="unknown_account"`},
		{"unknown connector", "/hooks/" + canary + "/demo", "[]", secretive, 404, "unknown-account", `connector="unknown",outcome="unknown_account"`},
		{"connector without webhooks", "/hooks/mute/demo", "[]", secretive, 404, "unknown-account", `connector="mute",outcome="unknown_account"`},
		{"too large", demo, strings.Repeat(canary, 100), signed(demo), 413, "too-large", `connector="acme",outcome="too_large"`},
		{"malformed", demo, `[{"ID": "` + canary, signed(demo), 400, "malformed", `connector="acme",outcome="malformed"`},
		{"resolver down", "/hooks/acme/broken", "[]", nil, 503, "unavailable", `connector="unknown",outcome="unavailable"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := serve(t, nil)
			resp, answer := e.post(t, c.path, c.body, c.header)
			require.Equal(t, c.status, resp.StatusCode, answer)
			require.Equal(t, problem.ContentType, resp.Header.Get("Content-Type"))
			var p problem.Problem
			require.NoError(t, json.Unmarshal([]byte(answer), &p))
			require.Equal(t, "urn:parley:problem:"+c.kind, p.Type)
			require.Equal(t, c.status, p.Status)
			require.NotEmpty(t, p.Detail)
			require.Contains(t, e.metrics(), "parley_ingress_requests_total{"+c.outcome+"} 1")
			for name, text := range map[string]string{"answer": answer, "metrics": e.metrics(), "log": e.logs.String()} {
				require.NotContains(t, text, canary, name)
			}
			require.Empty(t, e.kept)
		})
	}
}

func TestAProviderThatActsOnTheAnswerGetsOne(t *testing.T) {
	e := serve(t, nil)
	header := signed(demo)
	header.Set("X-Wants", "an answer")
	resp, answer := e.post(t, demo, body(t, sdk.Event{ID: "1", Kind: sdk.EventMessage}), header)
	require.Equal(t, []any{200, "text/xml", "<Response/>"}, []any{resp.StatusCode, resp.Header.Get("Content-Type"), answer})
	require.Equal(t, []string{"1"}, e.kept["demo"], "what was reported is kept first")
}

func TestBodyTooLargeWithoutLength(t *testing.T) {
	e := serve(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.server.URL+demo, io.MultiReader(strings.NewReader(strings.Repeat("x", 5000))))
	require.NoError(t, err)
	resp, _ := e.do(t, req)
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
}

func TestSlowBody(t *testing.T) {
	e := serve(t, func(o *ingress.Options) { o.ReadTimeout = 30 * time.Millisecond })
	r, w := io.Pipe()
	defer w.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.server.URL+demo, r)
	require.NoError(t, err)
	resp, answer := e.do(t, req)
	require.Equal(t, http.StatusRequestTimeout, resp.StatusCode, answer)
	require.Contains(t, e.metrics(), `outcome="timeout"} 1`)
}

func TestAcceptedInOrderAndOnce(t *testing.T) {
	e := serve(t, nil)
	hook := body(t, message("a", "1"), message("b", ""), sdk.Event{ID: "x", Kind: sdk.EventIgnored}, sdk.Event{ID: "y", Kind: "new kind"}, message("c", "1"))
	for range 3 {
		resp, answer := e.post(t, demo, hook, signed(demo))
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Empty(t, answer)
	}
	require.Equal(t, map[string][]string{"demo": {"a", "b", "c"}}, e.kept)
	m := e.metrics()
	require.Contains(t, m, `parley_ingress_events_total{connector="acme",kind="message",outcome="accepted"} 3`)
	require.Contains(t, m, `parley_ingress_events_total{connector="acme",kind="message",outcome="duplicate"} 6`)
	require.Contains(t, m, `parley_ingress_events_total{connector="acme",kind="ignored",outcome="ignored"} 6`)
	require.Contains(t, m, `parley_ingress_requests_total{connector="acme",outcome="accepted"} 3`)
	require.Contains(t, m, `parley_ingress_ack_seconds_count{connector="acme"} 3`)
	require.Contains(t, m, "parley_ingress_in_flight 0")
	require.NotContains(t, m, canary)
}

func TestEventsGoToTheAccountTheyName(t *testing.T) {
	e := serve(t, nil)
	resp, _ := e.post(t, demo, body(t, message("a", "1"), message("b", "2"), message("c", "9"), message("d", "1")), signed(demo))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, map[string][]string{"demo": {"a", "d"}, "second": {"b"}}, e.kept)
	require.Equal(t, []string{"9:c"}, e.unrouted)
	require.Contains(t, e.metrics(), `kind="message",outcome="unrouted"} 1`)
}

func TestWhatCannotBeKeptIsSentAgain(t *testing.T) {
	for name, account := range map[string]string{"kept": "1", "unrouted": "9"} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, nil)
			e.fail = errors.New(`insert failed for "` + canary + `"`)
			resp, answer := e.post(t, demo, body(t, message("a", account)), signed(demo))
			require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
			require.NotEmpty(t, resp.Header.Get("Retry-After"))
			require.NotContains(t, answer+e.logs.String(), canary)
			require.Contains(t, e.logs.String(), "insert failed")

			e.fail = nil
			resp, _ = e.post(t, demo, body(t, message("a", account)), signed(demo))
			require.Equal(t, http.StatusOK, resp.StatusCode)
		})
	}
}

// What a provider sends again it may sign with the secret of its first attempt.
func TestAFormerSecretVerifiesForATime(t *testing.T) {
	now := rotated.Add(-time.Second)
	e := serve(t, func(o *ingress.Options) { o.Now = func() time.Time { return now } })
	post := func(id, signature string) int {
		resp, _ := e.post(t, "/hooks/acme/rotated", body(t, message(id, "")), http.Header{"X-Signature": {signature}})
		return resp.StatusCode
	}
	require.Equal(t, []int{200, 200, 401}, []int{post("a", "new"), post("b", "old"), post("c", "older")})
	now = rotated
	require.Equal(t, []int{200, 401}, []int{post("d", "new"), post("e", "old")}, "its time is over")
	require.Equal(t, []string{"a", "b", "d"}, e.kept["rotated"])
}

func TestTooManyAtOnce(t *testing.T) {
	e := serve(t, func(o *ingress.Options) { o.MaxInFlight = 1 })
	e.hold, e.entered = make(chan struct{}), make(chan struct{})
	first := make(chan int)
	go func() {
		resp, err := e.server.Client().Do(mustRequest(t, e.server.URL+demo, body(t, message("a", "1"))))
		if err != nil {
			first <- 0
			return
		}
		resp.Body.Close()
		first <- resp.StatusCode
	}()
	<-e.entered
	resp, _ := e.post(t, demo, "[]", signed(demo))
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	close(e.hold)
	require.Equal(t, http.StatusOK, <-first)
}

func mustRequest(t *testing.T, url, body string) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = signed(demo)
	return req
}

func TestHandshake(t *testing.T) {
	cases := []struct {
		name, path string
		status     int
		answer     string
	}{
		{"right token", demo + "?token=right", 200, "<b>challenge</b>"},
		{"wrong token", demo + "?token=" + canary, 403, ""},
		{"unknown account", "/hooks/acme/nobody", 404, ""},
		{"none to do", "/hooks/mute/demo", 405, ""},
		{"resolver down", "/hooks/acme/broken", 503, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := serve(t, nil)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.server.URL+c.path, nil)
			require.NoError(t, err)
			resp, answer := e.do(t, req)
			require.Equal(t, c.status, resp.StatusCode)
			require.NotContains(t, answer, canary)
			if c.status == 200 {
				require.Equal(t, c.answer, answer)
				require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"), "a challenge is never run as a page")
				return
			}
			require.Equal(t, problem.ContentType, resp.Header.Get("Content-Type"))
			if c.status == 405 {
				require.Equal(t, "POST", resp.Header.Get("Allow"))
			}
		})
	}
}

func TestEventsCarryTheTrace(t *testing.T) {
	stop, err := observe.StartTracing(t.Context(), observe.TraceOptions{Service: "t"})
	require.NoError(t, err)
	defer stop(t.Context())
	e := serve(t, nil)
	e.post(t, demo, body(t, message("a", "1")), signed(demo))
	require.NotEmpty(t, e.trace)
}

func TestAddressWithoutPublicURL(t *testing.T) {
	e := serve(t, func(o *ingress.Options) { o.PublicURL = "" })
	resp, _ := e.post(t, demo, "[]", http.Header{"X-Signature": {"good " + e.server.URL + demo}})
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// FuzzReceive: whatever strangers send, the answer is one that a provider
// understands, and nothing unsigned is kept.
func FuzzReceive(f *testing.F) {
	f.Add("", "[]")
	f.Add("good "+public+demo, `[{"ID":"a","Kind":"message"}]`)
	f.Add("good "+public+demo, `[{"Kind":"status"},{"Kind":""},null]`)
	gin.SetMode(gin.TestMode)
	s := &store{seen: map[string]bool{}, kept: map[string][]string{}}
	h := ingress.New(ingress.Options{Resolver: s, Inbox: s, Router: s, Metrics: observe.NewIngress(prometheus.NewRegistry()), PublicURL: public})
	r := gin.New()
	r.POST(ingress.Path, h.Receive)
	f.Fuzz(func(t *testing.T, signature, text string) {
		clear(s.kept)
		clear(s.seen)
		req := httptest.NewRequest(http.MethodPost, demo, strings.NewReader(text))
		req.Header["X-Signature"] = []string{signature}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		require.Contains(t, []int{200, 400, 401}, w.Code)
		if signature != "good "+public+demo {
			require.Equal(t, 401, w.Code)
		}
		if w.Code != 200 {
			require.Empty(t, s.kept)
		}
	})
}
