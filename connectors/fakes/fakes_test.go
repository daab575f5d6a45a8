package fakes_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/connectors/fakes"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/internal/connections"
	"parley/internal/oauth"
	"parley/internal/sandbox"
	"parley/internal/sandbox/sandboxclient"
)

// TestEveryFakeFitsItsConnector opens each connector with the configuration
// that its fake suggests, lets it check itself against the fake in the sandbox,
// and has every channel's webhook verified and understood.
func TestEveryFakeFitsItsConnector(t *testing.T) {
	received := make(chan sdk.WebhookRequest, 10)
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- sdk.WebhookRequest{Method: r.Method, URL: "http://" + r.Host + r.URL.String(), Header: r.Header, Body: body}
	}))
	t.Cleanup(hooks.Close)

	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	key := make([]byte, sandbox.KeySize)
	accounts := map[string][]fake.Account{}
	for _, p := range fakes.All() {
		config := p.Account(base+"/"+p.Connector, sandbox.Secrets(key, p.Connector))
		accounts[p.Connector] = []fake.Account{{Account: "demo", Hook: hooks.URL + "/hooks/" + p.Connector + "/demo", Config: config}}
	}
	s, err := sandbox.New(sandbox.Config{Dir: t.TempDir(), Key: key, PublicURL: base, Providers: fakes.All(), Accounts: accounts})
	require.NoError(t, err)
	server.Config.Handler = s.Handler()
	server.Start()
	t.Cleanup(func() { require.NoError(t, s.Close()); server.Close() })

	for _, p := range fakes.All() {
		t.Run(p.Connector, func(t *testing.T) {
			conn := open(t, p.Connector, accounts[p.Connector][0].Config)
			if checker, ok := conn.(sdk.Checker); ok {
				require.NoError(t, checker.Check(t.Context()))
			}
			if c, _ := connectors.Get(p.Connector); c.Channel != nil {
				hears(t, sandboxclient.Client{URL: base}, p.Connector, conn.(sdk.Receiver), received)
			}
		})
	}
}

func open(t *testing.T, name string, config json.RawMessage) any {
	c, ok := connectors.Get(name)
	require.True(t, ok)
	host := sdk.Host{HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: "127.0.0.1"})}
	if c.OAuth != nil { // the fake gives out tokens, as the provider does
		host.Tokens = oauth.Direct(connections.TokenFor{Connector: c, Config: config, HTTP: host.HTTP})
	}
	conn, err := c.Open(config, host)
	require.NoError(t, err)
	return conn
}

// hears lets a customer speak and reads what arrives.
func hears(t *testing.T, client sandboxclient.Client, connector string, receiver sdk.Receiver, received <-chan sdk.WebhookRequest) {
	const from = "15550001111"
	require.NoError(t, client.Say(t.Context(), sandbox.Say{Connector: connector, From: from, Utterance: fake.Utterance{Text: "hello"}}))
	req := <-received
	require.NoError(t, receiver.Verify(req, time.Now()))
	events, err := receiver.Parse(req)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, "hello", events[0].Message.Text)
	require.Equal(t, from, events[0].Message.From[0].Value)
	req.Header = http.Header{}
	require.Error(t, receiver.Verify(req, time.Now()), "a stranger's request is refused")

	shown, err := client.Phone(t.Context(), connector, from)
	require.NoError(t, err)
	require.Len(t, shown, 1)
}
