package probe_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/connectorcmd/probe"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/shopify"
	"parley/connectors/shopify/shopifyfake"
	"parley/connectors/stripe"
	"parley/connectors/stripe/stripefake"
)

// measure probes a connector against its fake.
func measure(t *testing.T, c sdk.Connector, p fake.Provider, prepare func(*fake.Memory)) (probe.Evidence, map[string]probe.Operation) {
	env := fake.NewMemory("")
	server := httptest.NewServer(p.New(env))
	t.Cleanup(server.Close)
	env.SetBase(server.URL)
	config := p.Account(server.URL, func(name string) string { return "secret" + name })
	env.SetAccounts(fake.Account{Account: "demo", Hook: "http://127.0.0.1:1/", Config: config})
	if prepare != nil {
		prepare(env)
	}
	e, err := probe.Run(t.Context(), c, config, sdk.Host{HTTP: &http.Client{Transport: http.DefaultTransport, Timeout: 5 * time.Second}})
	require.NoError(t, err)
	require.NotEmpty(t, e.Host)
	by := map[string]probe.Operation{}
	for _, o := range e.Operations {
		by[o.Name] = o
	}
	return e, by
}

// TestWhatHoldsIsAsClaimed: keys are recognised, lost answers are found again, and
// what cannot be tried says why.
func TestWhatHoldsIsAsClaimed(t *testing.T) {
	e, by := measure(t, stripe.Connector, stripefake.Provider, nil)
	link := by["payment_link_create"]
	require.Equal(t, "as claimed", link.Sample)
	require.Contains(t, link.Repeat, "as claimed")
	require.Contains(t, link.LostReply, "as claimed")
	require.Contains(t, by["refund_create"].Sample, "not measured", "nobody has paid")
	require.Contains(t, e.Markdown(), "| payment_link_create | keyed | as claimed |")

	_, by = measure(t, shopify.Connector, shopifyfake.Provider, nil)
	require.Contains(t, by["order_create"].SearchLag, "as claimed: found after")
	require.Contains(t, by["order_create"].LostReply, "as claimed")
	require.Contains(t, by["cart_create"].LostReply, "reported as perhaps done")
	require.Equal(t, "as claimed", by["order_status"].Sample)
}

// TestWhatDoesNotHoldIsSaid: a provider that forgets keys is found out.
func TestWhatDoesNotHoldIsSaid(t *testing.T) {
	_, by := measure(t, stripe.Connector, stripefake.Provider, func(env *fake.Memory) { env.SetFault(fake.FaultForgetKeys, 0) })
	require.Contains(t, by["payment_link_create"].Repeat, "not as claimed")
	require.Contains(t, by["payment_link_create"].LostReply, "not as claimed")
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	_, err := probe.Run(t.Context(), stripe.Connector, []byte(`{}`), sdk.Host{HTTP: &http.Client{Transport: http.DefaultTransport}})
	require.ErrorContains(t, err, "secret_key is missing")
}
