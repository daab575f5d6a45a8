package order_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/workflows/order"
	"parley/workflows/process"
)

// An order that needs a payment link while nobody makes any waits for as long as
// it takes, says so once, and gives the customer the whole time afterwards.
func TestAnOrderOutlastsAnOutage(t *testing.T) {
	out := run(t, story{outage: &outage{0, 3 * 24 * time.Hour},
		news: []told{{3*24*time.Hour + 23*time.Hour, process.News{Number: 1, Name: "payment.paid", Data: newsData["payment.paid"]}},
			{4 * 24 * time.Hour, process.News{Number: 2, Name: "order.delivered"}}}})
	require.NoError(t, out.Err)
	require.Empty(t, out.Bare)
	require.Equal(t, order.OutcomeDelivered, out.Outcome)
	require.Equal(t, []string{"tell-outage", "tell-pay", "tell-reminder", "tell-confirmed", "tell-delivered"}, out.Told)
	var waits []string
	for _, p := range out.Progress {
		waits = append(waits, p.WaitingFor)
	}
	require.Equal(t, []string{"the shop", "outage of stripe", "the shop", "payment", "the shop", "fulfilment", ""}, waits)
}

// While nobody can pay, the time to pay stands still, and nobody is reminded.
func TestAPaymentDoesNotExpireInAnOutage(t *testing.T) {
	const out, back = 23 * time.Hour, 25 * time.Hour
	paid := func(at time.Duration) []told {
		return []told{{at, process.News{Number: 1, Name: "payment.paid", Data: newsData["payment.paid"]}},
			{at + time.Hour, process.News{Number: 2, Name: "order.delivered"}}}
	}
	got := run(t, story{outage: &outage{out, back}, news: paid(back + 59*time.Minute)})
	require.NoError(t, got.Err)
	require.Empty(t, got.Bare)
	require.Equal(t, order.OutcomeDelivered, got.Outcome)

	late := run(t, story{outage: &outage{out, back}})
	require.Equal(t, order.OutcomeExpired, late.Outcome, "after that it does expire")
	require.GreaterOrEqual(t, late.Took, 26*time.Hour+order24h)

	reminded := run(t, story{outage: &outage{10 * time.Minute, 40 * time.Minute}, news: paid(2 * time.Hour)})
	require.Contains(t, reminded.Told, "tell-reminder")
	for _, p := range reminded.Progress {
		if p.WaitingFor == "outage of stripe" {
			return
		}
	}
	require.Fail(t, "operators are not told what the order waits for")
}

// order24h is how long late payments are given back.
const order24h = 24 * time.Hour
