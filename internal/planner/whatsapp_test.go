package planner

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/whatsapp"
	"parley/connectors/whatsapp/whatsappfake"
)

// inProcess is a transport that serves requests by a handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// Whatever is planned for WhatsApp is taken by its connector, and by a stand-in
// that checks requests as Meta does.
func TestEveryPlanForWhatsAppCanBeSent(t *testing.T) {
	const from = "919876543210"
	env := fake.NewMemory("https://graph.example")
	provider := whatsappfake.Provider.New(env)
	account := fake.Account{Account: "demo", Hook: "https://parley.example/hooks/whatsapp/demo",
		Config: whatsappfake.Provider.Account(env.BaseURL(), func(name string) string { return name })}
	env.SetAccounts(account)
	conn, err := whatsapp.Connector.Open(account.Config, sdk.Host{HTTP: &http.Client{Transport: inProcess{provider}}})
	require.NoError(t, err)
	require.NoError(t, provider.(fake.Messaging).Say(context.Background(), account, from, fake.Utterance{Text: "hi"}))

	rapid.Check(t, func(t *rapid.T) {
		r, err := Plan(contents().Draw(t, "content"), *whatsapp.Connector.Channel, Window{Open: true})
		if err != nil {
			require.Contains(t, []sdk.Class{sdk.Invalid, sdk.Rejected}, sdk.AsError(err).Class)
			return
		}
		for _, m := range r.Messages {
			_, err := conn.(sdk.Sender).Send(context.Background(), sdk.Outgoing{Key: "k", To: sdk.Address{Kind: "phone", Value: from}, Content: m})
			require.NoError(t, err)
		}
	})
}
