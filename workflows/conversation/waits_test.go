package conversation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/workflows/conversation"
)

// waits is a turn's result whose flow waits until a time.
func waits(until time.Duration) (conversation.TurnResult, error) {
	return conversation.TurnResult{Handled: 1, Owner: "bot", WakeAt: began.Add(until)}, nil
}

func TestFlowWaitsForWeeks(t *testing.T) {
	const weeks = 21 * 24 * time.Hour
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n == 1 {
			return waits(weeks)
		}
		return bot(1)
	}
	require.Equal(t, weeks+idle, r.closes(), "a run stays open while its flow waits")
	require.Equal(t, []time.Duration{0, weeks}, r.turns)
	require.Equal(t, []timer{{0, weeks, "the flow waits until then"}, {weeks, idle, "close the run if nobody has written"}}, r.timers)
}

func TestWaitMovedEarlier(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		switch n {
		case 1:
			return waits(2 * time.Hour)
		case 2:
			return waits(70 * time.Minute)
		}
		return bot(2)
	}
	r.arrive(time.Hour, 2)
	r.closes()
	require.Equal(t, minutes(0, 60, 70), r.turns)
}

// A timer that is cancelled and set anew costs two events: one that is set for
// too early rings for nothing instead, once.
func TestWaitMovedLater(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		switch n {
		case 1:
			return waits(10 * time.Minute)
		case 2, 3, 4:
			return waits(time.Hour)
		}
		return bot(4)
	}
	r.arrive(5*time.Minute, 2)
	r.arrive(6*time.Minute, 3)
	r.arrive(7*time.Minute, 4)
	r.closes()
	require.Equal(t, minutes(0, 5, 6, 7, 60), r.turns)
	require.Equal(t, []timer{
		{0, 10 * time.Minute, "the flow waits until then"},
		{10 * time.Minute, 50 * time.Minute, "the flow waits until then"},
		{time.Hour, idle, "close the run if nobody has written"},
	}, r.timers)
}

func TestIdleTimerIsSetLazily(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) { return bot(int64(n - 1)) }
	for i := range 20 {
		r.arrive(time.Duration(i+1)*time.Minute, int64(i+1))
	}
	require.Equal(t, 20*time.Minute+idle, r.closes())
	require.Len(t, r.timers, 2)
}

func TestUnsettledSendsAreLookedAtAgain(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, in conversation.TurnInput) (conversation.TurnResult, error) {
		if n > 3 {
			return bot(1)
		}
		res, _ := bot(1)
		res.RetryAt = in.Now.Add(time.Minute)
		return res, nil
	}
	r.closes()
	require.Equal(t, minutes(0, 1, 2, 3), r.turns)
	require.Equal(t, "look again at what was not settled", r.timers[0].why)
}

// Times come from the worker's clock: one that is slow must not make a busy loop.
func TestTimesThatArePast(t *testing.T) {
	t.Run("of unsettled sends are a second away", func(t *testing.T) {
		r := newRig(t)
		r.answer = func(n int, in conversation.TurnInput) (conversation.TurnResult, error) {
			res, _ := bot(1)
			if n <= 3 {
				res.RetryAt = in.Now.Add(-time.Hour)
			}
			return res, nil
		}
		r.closes()
		require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, r.turns)
	})
	t.Run("of a wait that a turn leaves alone are not waited for", func(t *testing.T) {
		r := newRig(t)
		r.answer = func(n int, in conversation.TurnInput) (conversation.TurnResult, error) {
			res, _ := waits(time.Minute) // a person has the conversation: the flow does not hear its timer
			res.Owner = "human"
			return res, nil
		}
		require.Equal(t, time.Minute+idle, r.closes())
		require.Equal(t, minutes(0, 1), r.turns)
	})
	t.Run("of a wait behind an unsettled send", func(t *testing.T) {
		r := newRig(t)
		r.answer = func(n int, in conversation.TurnInput) (conversation.TurnResult, error) {
			if n == 4 {
				return bot(1)
			}
			res, _ := waits(time.Minute)
			res.RetryAt = in.Now.Add(2 * time.Minute)
			return res, nil
		}
		r.closes()
		require.Equal(t, minutes(0, 1, 3, 5), r.turns)
	})
}
