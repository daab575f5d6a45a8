package shopify_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

const hook = "http://127.0.0.1/hooks/shopify/demo"

func (s *testShop) subscribe(hook string) {
	s.t.Helper()
	require.NoError(s.t, s.conn.(sdk.Subscriber).Subscribe(s.t.Context(), hook))
}

// sell makes an order and returns the topics that were pushed for it.
func (s *testShop) sell(key string) (topics []string) {
	s.t.Helper()
	before := len(s.env.Deliveries())
	s.run("order_create", key, `{`+lines(espresso, 1)+`}`)
	for _, d := range s.env.Deliveries()[before:] {
		topics = append(topics, d.Header.Get("X-Shopify-Topic"))
	}
	return topics
}

func TestSubscriptionsAreMadeOnceAndMended(t *testing.T) {
	s := newShop(t)
	before := s.sell("k-1")
	require.NotEmpty(t, before)
	s.subscribe(hook)
	require.EqualValues(t, 11, s.subscriptions(), "one for each topic of our triggers")
	s.subscribe(hook)
	require.EqualValues(t, 11, s.subscriptions(), "what is right is left alone")
	require.Equal(t, before, s.sell("k-2"))

	s.env.SetFault("stop_pushing", 0)
	require.Empty(t, s.sell("k-3"))
	s.env.SetFault("stop_pushing", -1)
	require.Zero(t, s.subscriptions(), "the shop has ended them")
	require.Empty(t, s.sell("k-4"), "and pushes nothing any more")
	s.subscribe(hook)
	require.Equal(t, before, s.sell("k-5"))

	s.subscribe(hook + "2")
	require.EqualValues(t, 22, s.subscriptions(), "another address's are its own")
	err := s.conn.(sdk.Subscriber).Subscribe(t.Context(), "ftp://x")
	require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
}

func (s *testShop) subscriptions() (n int) {
	s.env.State().Each("subscriptions", func(string, json.RawMessage) bool { n++; return true })
	return n
}
