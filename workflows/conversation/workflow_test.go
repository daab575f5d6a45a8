package conversation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"parley/workflows/conversation"
	"pgregory.net/rapid"
)

const idle = 30 * time.Minute

var errFinal = temporal.NewNonRetryableApplicationError("out of order", "unavailable", nil)

// bot is a turn's result with which nothing is left to do.
func bot(handled int64) (conversation.TurnResult, error) {
	return conversation.TurnResult{Handled: handled, Owner: "bot"}, nil
}

func TestOneSignalIsOneTurn(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) { return bot(int64(n - 1)) }
	r.arrive(1*time.Minute, 1)
	r.arrive(2*time.Minute, 2)
	r.arrive(3*time.Minute, 3)
	require.Equal(t, 3*time.Minute+idle, r.closes())
	require.Equal(t, minutes(0, 1, 2, 3), r.turns, "one when the run begins, for what is in the inbox, and one for each signal")
}

func TestBurstIsOneTurn(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) { return bot(int64(n-1) * 50) }
	burst := make([]int64, 50)
	for i := range burst {
		burst[i] = int64(i + 1)
	}
	r.arrive(time.Minute, burst...)
	r.closes()
	require.Equal(t, minutes(0, 1), r.turns)
}

func TestOldNewsNeedsNoTurn(t *testing.T) {
	r := newRig(t)
	r.answer = func(int, conversation.TurnInput) (conversation.TurnResult, error) { return bot(10) }
	r.arrive(1*time.Minute, 3)
	r.arrive(2*time.Minute, 10)
	r.arrive(3*time.Minute, 11)
	r.arrive(4*time.Minute, 0) // look again in any case
	require.Equal(t, 4*time.Minute+idle, r.closes())
	require.Equal(t, minutes(0, 3, 4), r.turns)
}

func TestWhatArrivesDuringATurn(t *testing.T) {
	for name, c := range map[string]struct {
		handled int64
		turns   []time.Duration
	}{
		"is taken by the next turn":           {1, minutes(0, 0)},
		"needs no turn if this one has it":    {2, minutes(0)},
		"is taken even if the number is zero": {-1, minutes(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
				if n > 1 {
					return bot(2)
				}
				a := conversation.Arrived{Number: 2}
				if c.handled < 0 {
					a.Number = 0
				}
				r.env.SignalWorkflow(conversation.SignalArrived, a)
				return bot(c.handled)
			}
			r.closes()
			require.Equal(t, c.turns, r.turns)
		})
	}
}

func TestMoreIsTakenAtOnce(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		return conversation.TurnResult{Handled: int64(n), More: n < 3, Owner: "bot"}, nil
	}
	r.closes()
	require.Equal(t, minutes(0, 0, 0), r.turns)
}

func TestTurnThatFailsIsRunAgain(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n <= 4 {
			return conversation.TurnResult{}, errFinal
		}
		return bot(1)
	}
	r.closes()
	require.Equal(t, []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second, 75 * time.Second}, r.turns)
}

func TestArrivalDoesNotWaitForTheRepeat(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n == 1 {
			return conversation.TurnResult{}, errFinal
		}
		return bot(1)
	}
	r.arrive(time.Second, 1)
	r.closes()
	require.Equal(t, []time.Duration{0, time.Second}, r.turns)
}

func TestPauseBetweenFailuresIsBounded(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n <= 20 {
			return conversation.TurnResult{}, errFinal
		}
		return bot(1)
	}
	r.closes()
	require.Equal(t, 320*time.Second, r.turns[20]-r.turns[19])
}

// Stage costs an event and a visibility write each time.
func TestStageIsSetWhenItChanges(t *testing.T) {
	r := newRig(t)
	owners := []string{"bot", "bot", "human", "human", "bot"}
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		return conversation.TurnResult{Handled: int64(n - 1), Owner: owners[n-1]}, nil
	}
	for i := range len(owners) - 1 {
		r.arrive(time.Duration(i+1)*time.Minute, int64(i+1))
	}
	r.closes()
	require.Equal(t, []string{"human", "bot"}, r.stages, "a conversation is started as the bot's")
}

func TestTraceGoesWithTheTurn(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, in conversation.TurnInput) (conversation.TurnResult, error) {
		switch n {
		case 2:
			return conversation.TurnResult{}, errFinal // it is run again with the same trace
		case 3:
			return waits(10 * time.Minute)
		}
		return bot(0)
	}
	r.at(time.Minute, func() {
		r.env.SignalWorkflow(conversation.SignalArrived, conversation.Arrived{Number: 1, Trace: "00-aa-bb-01"})
	})
	r.closes()
	var traces []string
	for _, in := range r.inputs {
		traces = append(traces, in.Trace)
	}
	require.Equal(t, []string{"", "00-aa-bb-01", "00-aa-bb-01", ""}, traces, "a timer's turn belongs to no trace")
}

// Whatever arrives, whenever, in whatever order, with turns that fail at times:
// everything is taken by a turn that began after it had arrived, with no more
// turns than there are reasons for them.
func TestNothingIsLeftInTheInbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.IntRange(0, 90*60), 1, 30).Draw(t, "gaps in seconds")
		fails := rapid.SliceOfN(rapid.Bool(), 50, 50).Draw(t, "turn fails")
		r := newRig(t)
		var inbox, handled int64
		failed := 0
		r.answer = func(n int, in conversation.TurnInput) (conversation.TurnResult, error) {
			if n < len(fails) && fails[n] {
				failed++
				return conversation.TurnResult{}, errFinal
			}
			handled = inbox
			return bot(handled)
		}
		var at time.Duration
		for i, gap := range gaps {
			// A run that has closed is started again by the next signal; here the gaps
			// of one run are kept within it.
			at += min(time.Duration(gap)*time.Second, idle-time.Minute)
			number := int64(i + 1)
			r.at(at, func() {
				inbox = max(inbox, number)
				r.env.SignalWorkflow(conversation.SignalArrived, conversation.Arrived{Number: number})
			})
		}
		r.closes()
		require.Equal(t, int64(len(gaps)), handled)
		require.LessOrEqual(t, len(r.turns), 1+len(gaps)+failed)
	})
}
