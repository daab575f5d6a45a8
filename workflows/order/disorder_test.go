package order_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var newsNames = []string{"payment.paid", "payment.failed", "payment.refunded", "payment.expired", "order.fulfilled",
	"order.shipment_updated", "order.delivered", "order.cancelled", "order.created", "cancel", "something.else"}

// News is heard by its number: whatever the order in which it comes and however
// often, the order does the same things with the same keys and ends the same way.
func TestDisorder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom(newsNames), 0, 7).Draw(t, "news")
		inOrder := story{news: hear(names...)}
		for i := range inOrder.news {
			inOrder.news[i].after = time.Minute
		}
		shuffled := story{}
		times := rapid.SliceOfN(rapid.IntRange(1, 3), len(names), len(names)).Draw(t, "times")
		for i, n := range inOrder.news {
			for range times[i] {
				n.after = time.Duration(rapid.IntRange(1, 25*60).Draw(t, "second")) * time.Second
				shuffled.news = append(shuffled.news, n)
			}
		}
		shuffled.news = rapid.Permutation(shuffled.news).Draw(t, "order")
		want, got := run(t, inOrder), run(t, shuffled)
		require.Equal(t, want.Err, got.Err)
		require.Equal(t, want.Inputs, got.Inputs)
		require.Equal(t, want.Told, got.Told)
		require.Equal(t, want.Texts, got.Texts)
		require.Equal(t, want.Progress, got.Progress)
	})
}
