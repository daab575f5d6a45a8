package proofs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"parley/internal/sandbox"
	"parley/proofs/judge"
	"parley/proofs/stack"
)

// TestWebhooksInTriplicateAndDisorderChangeNothing delivers every webhook three
// times at once, those of different customers and of no order shuffled.
func TestWebhooksInTriplicateAndDisorderChangeNothing(t *testing.T) {
	long(t)
	const copies = 3
	customers, seed := number(t, "PARLEY_DISORDER_CUSTOMERS", 20), seed(t)
	s := stack.Start(t)
	require.NoError(t, s.Sandbox().Chaos(t.Context(), sandbox.Chaos{Copies: copies, Shuffle: true}))
	crowd := shoppers(t, s, customers, seed)
	group, ctx := errgroup.WithContext(t.Context())
	for _, c := range crowd {
		c.Chatter, c.Decline, c.Patience = 0.5, 0.3, 3*time.Minute
		group.Go(func() error { return c.Buy(ctx) })
	}
	require.NoError(t, group.Wait())
	r := judge.Judge(t, s, crowd)
	counts, err := s.Sandbox().Deliveries(t.Context())
	require.NoError(t, err)
	for connector, c := range counts {
		attempts := 0
		for _, n := range c.Attempts {
			attempts += n
		}
		require.GreaterOrEqual(t, attempts, copies*c.Done, "webhooks of %s were not multiplied", connector)
	}
	r.Check(t)
	require.Zero(t, r.Uncertain, "nothing was killed")
}
