package shopify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/shopify"
	"parley/connectors/shopify/shopifyfake"
)

// testShop is a fake shop and a connection to it.
type testShop struct {
	t      *testing.T
	env    *fake.Memory
	server *httptest.Server
	conn   any
	now    time.Time
	config json.RawMessage
	cutAt  atomic.Int32 // the number of the call whose answer is cut off after the work is done
	calls  atomic.Int32
}

func newShop(t *testing.T) *testShop {
	t.Helper()
	s := &testShop{t: t, env: fake.NewMemory(""), now: time.Now()}
	s.env.Clock = func() time.Time { return s.now }
	handler := shopifyfake.New(s.env)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := s.calls.Add(1)
		recorded := httptest.NewRecorder()
		handler.ServeHTTP(recorded, r)
		if call == s.cutAt.Load() {
			panic(http.ErrAbortHandler)
		}
		for k, v := range recorded.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	}))
	t.Cleanup(s.server.Close)
	s.env.SetBase(s.server.URL)
	s.config = shopifyfake.Provider.Account(s.server.URL, func(name string) string { return "secret-" + name })
	s.env.SetAccounts(fake.Account{Account: "demo", Hook: "http://127.0.0.1/hooks/shopify/demo", Config: s.config})
	s.conn = s.open(s.config)
	return s
}

func (s *testShop) open(config json.RawMessage) any {
	s.t.Helper()
	conn, err := shopify.Connector.Open(config, sdk.Host{HTTP: http.DefaultClient})
	require.NoError(s.t, err)
	return conn
}

func op(t *testing.T, name string) sdk.Operation {
	t.Helper()
	for _, o := range shopify.Connector.Operations {
		if o.Name == name {
			return o
		}
	}
	t.Fatalf("no operation %s", name)
	return sdk.Operation{}
}

// try runs an operation.
func (s *testShop) try(name, key, input string) (map[string]any, error) {
	s.t.Helper()
	raw, err := op(s.t, name).Run(context.Background(), s.conn, sdk.Call{Key: key, Attempt: 1, Workspace: "w1"}, json.RawMessage(input))
	if err != nil {
		return nil, err
	}
	var out map[string]any
	require.NoError(s.t, json.Unmarshal(raw, &out))
	return out, nil
}

func (s *testShop) run(name, key, input string) map[string]any {
	s.t.Helper()
	out, err := s.try(name, key, input)
	require.NoError(s.t, err)
	return out
}

// find asks for the effect of an earlier attempt.
func (s *testShop) find(name, key, input string) (map[string]any, bool) {
	s.t.Helper()
	raw, found, err := op(s.t, name).Find(context.Background(), s.conn, sdk.Call{Key: key, Attempt: 2, Workspace: "w1"}, json.RawMessage(input))
	require.NoError(s.t, err)
	var out map[string]any
	if found {
		require.NoError(s.t, json.Unmarshal(raw, &out))
	}
	return out, found
}

func (s *testShop) fails(class sdk.Class, name, key, input string) *sdk.Error {
	s.t.Helper()
	_, err := s.try(name, key, input)
	require.Error(s.t, err)
	e := sdk.AsError(err)
	require.Equal(s.t, class, e.Class, "%v", err)
	return e
}

type listed struct {
	ID, Name, Key, Draft string
	Amount, Refunded     int64
	Cancelled            bool
	Financial            string `json:"financial_status"`
	Fulfillment          string `json:"fulfillment_status"`
}

// orders is what the shop itself says it has.
func (s *testShop) orders() []listed {
	s.t.Helper()
	resp, err := http.Get(s.server.URL + "/_orders")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var out []listed
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&out))
	return out
}

const (
	espresso = "gid://shopify/ProductVariant/105" // 11.90
	biscotti = "gid://shopify/ProductVariant/118" // 6.50
	sage     = "gid://shopify/ProductVariant/116" // three left
	teapot   = "gid://shopify/ProductVariant/117" // sold out
)

func lines(of ...any) string {
	out := ""
	for i := 0; i < len(of); i += 2 {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprintf(`{"variant_id":%q,"quantity":%d}`, of[i], of[i+1])
	}
	return `"lines":[` + out + `]`
}

// events verifies and parses every webhook that the shop has sent.
func (s *testShop) events() []sdk.Event {
	s.t.Helper()
	receiver := s.conn.(sdk.Receiver)
	var out []sdk.Event
	for _, d := range s.env.Deliveries() {
		req := sdk.WebhookRequest{Method: http.MethodPost, URL: d.URL, Header: d.Header, Body: d.Body}
		require.NoError(s.t, receiver.Verify(req, s.now))
		events, err := receiver.Parse(req)
		require.NoError(s.t, err)
		out = append(out, events...)
	}
	return out
}

func names(events []sdk.Event) []string {
	out := []string{}
	for _, e := range events {
		if e.Provider != nil {
			out = append(out, e.Provider.Name)
		}
	}
	return out
}
