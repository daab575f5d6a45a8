package planner

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/connectors"
	"parley/connectors/fakes"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// inProcess is a transport that serves requests by a handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// Whatever is planned for a channel is taken by its connector, and by a stand-in
// that checks requests as the provider does.
func TestEveryPlanCanBeSent(t *testing.T) {
	for _, p := range fakes.All() {
		connector, ok := connectors.Get(p.Connector)
		require.True(t, ok)
		if connector.Channel != nil {
			t.Run(p.Connector, func(t *testing.T) { everyPlanCanBeSent(t, connector, p) })
		}
	}
}

func everyPlanCanBeSent(t *testing.T, connector sdk.Connector, p fake.Provider) {
	const from = "919876543210"
	env := fake.NewMemory("https://provider.example")
	provider := p.New(env)
	account := fake.Account{Account: "demo", Hook: "https://parley.example/hooks/demo",
		Config: p.Account(env.BaseURL(), func(name string) string { return "secret-of-" + name })}
	env.SetAccounts(account)
	conn, err := connector.Open(account.Config, sdk.Host{HTTP: &http.Client{Transport: inProcess{provider}}})
	require.NoError(t, err)
	require.NoError(t, provider.(fake.Messaging).Say(context.Background(), account, from, fake.Utterance{Text: "hi"}))
	delivery := env.Deliveries()[0]
	heard, err := conn.(sdk.Receiver).Parse(sdk.WebhookRequest{URL: delivery.URL, Header: delivery.Header, Body: delivery.Body})
	require.NoError(t, err)
	to, channel := heard[0].Message.From[0], connector.Channel
	if own, ok := conn.(sdk.Channeler); ok {
		channel = own.Channel()
	}
	rapid.Check(t, func(t *rapid.T) {
		r, err := Plan(contents().Draw(t, "content"), *channel, Window{Open: true})
		if err != nil {
			require.Contains(t, []sdk.Class{sdk.Invalid, sdk.Rejected}, sdk.AsError(err).Class)
			return
		}
		for _, m := range r.Messages {
			_, err := conn.(sdk.Sender).Send(context.Background(), sdk.Outgoing{Key: "k", To: to, Content: m})
			require.NoError(t, err)
		}
	})
}
