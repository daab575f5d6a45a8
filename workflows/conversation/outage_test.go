package conversation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"parley/workflows/conversation"
	"parley/workflows/process"
)

// A call that meets an outage goes on when it is told, with the time it had left;
// what the customer writes meanwhile is answered and does not disturb it.
func TestACallWaitsForTheEndOfAnOutage(t *testing.T) {
	r := newRig(t)
	const over = 2 * time.Hour
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		res := conversation.TurnResult{Handled: int64(n - 1), Owner: "bot"}
		if r.since() < over {
			res.Calls = []conversation.Call{{Key: "a", Connector: "stripe", Operation: "charge", TimeoutS: 20}}
		}
		return res, nil
	}
	r.perform = func(int, context.Context, conversation.CallInput) error {
		if r.since() < over {
			return temporal.NewNonRetryableApplicationError("out", process.ErrorParked, nil, process.Outage{Connector: "stripe", Since: began})
		}
		return nil
	}
	r.arrive(time.Minute, 1)
	r.arrive(2*time.Minute, 2)
	r.at(over, func() { r.env.SignalWorkflow(process.SignalReleased, process.Released{Key: "a"}) })
	require.Equal(t, over+idle, r.closes())
	require.Equal(t, minutes(0, 1, 2, 120), r.turns)
	last := r.calls[len(r.calls)-1]
	require.Equal(t, began.Add(over+20*time.Second), last.Deadline)
	require.Len(t, r.calls, 5, "tried at once, after 10, 30 and 70 minutes, and when it was told")
}

// A message that waited is the turn's to send.
func TestAReleasedMessageIsATurn(t *testing.T) {
	r := newRig(t)
	r.at(time.Minute, func() { r.env.SignalWorkflow(process.SignalReleased, process.Released{Key: "m"}) })
	r.closes()
	require.Equal(t, minutes(0, 1), r.turns)
}
