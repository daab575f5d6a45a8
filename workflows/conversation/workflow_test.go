package conversation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
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

// calling is a turn's result that awaits calls.
func calling(keys ...string) (conversation.TurnResult, error) {
	res := conversation.TurnResult{Handled: 1, Owner: "bot"}
	for _, k := range keys {
		res.Calls = append(res.Calls, conversation.Call{Key: k, Connector: "shopify", Operation: "products_search", Block: "browse", TimeoutS: 20})
	}
	return res, nil
}

func (r *rig) keys() []string {
	var out []string
	for _, c := range r.calls {
		out = append(out, c.Key)
	}
	return out
}

func TestCallsAreStartedOnce(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		switch n {
		case 1:
			return calling("a")
		case 2:
			return calling("a", "b")
		case 3:
			return calling("b")
		}
		return bot(2)
	}
	tokens := map[string][]byte{}
	r.perform = func(_ int, ctx context.Context, in conversation.CallInput) error {
		tokens[in.Key] = activity.GetInfo(ctx).TaskToken
		return activity.ErrResultPending
	}
	r.arrive(time.Minute, 2)
	r.at(2*time.Minute, func() { require.NoError(t, r.env.CompleteActivity(tokens["a"], nil, nil)) })
	r.at(3*time.Minute, func() { require.NoError(t, r.env.CompleteActivity(tokens["b"], nil, nil)) })
	r.closes()
	require.Equal(t, []string{"a", "b"}, r.keys())
	require.Equal(t, minutes(0, 1, 2, 3), r.turns, "the end of a call is a turn")
	require.Equal(t, conversation.CallInput{Workspace: input.Workspace, Conversation: input.Conversation, Key: "a", Deadline: began.Add(20 * time.Second)}, r.calls[0])
}

// A call whose activity fails altogether is still awaited by the flow: it is
// started again, but not in a busy loop.
func TestCallThatFailsIsStartedAgain(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n <= 3 {
			return calling("a")
		}
		return bot(2)
	}
	r.perform = func(n int, _ context.Context, _ conversation.CallInput) error {
		if n <= 2 {
			return errFinal
		}
		return nil
	}
	r.closes()
	require.Equal(t, []string{"a", "a", "a"}, r.keys())
	require.Equal(t, []time.Duration{0, 5 * time.Second, 10 * time.Second, 10 * time.Second}, r.turns)
}

func TestRunStaysOpenForACall(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n == 1 {
			return calling("a")
		}
		return bot(2)
	}
	var token []byte
	r.perform = func(_ int, ctx context.Context, _ conversation.CallInput) error {
		token = activity.GetInfo(ctx).TaskToken
		return activity.ErrResultPending
	}
	r.at(3*time.Hour, func() { require.NoError(t, r.env.CompleteActivity(token, nil, nil)) })
	require.Equal(t, 3*time.Hour+idle, r.closes())
	require.Equal(t, minutes(0, 180), r.turns)
}

// A turn may take a call's result from the inbox before its activity has ended,
// or drop the call because the customer went elsewhere. The run must notice its
// end all the same, or it would never close again.
func TestCallThatIsNotAwaitedAnyMore(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		if n == 1 {
			return calling("a")
		}
		return bot(2)
	}
	var token []byte
	r.perform = func(_ int, ctx context.Context, _ conversation.CallInput) error {
		token = activity.GetInfo(ctx).TaskToken
		return activity.ErrResultPending
	}
	r.arrive(time.Minute, 2)
	r.at(5*time.Minute, func() { require.NoError(t, r.env.CompleteActivity(token, nil, nil)) })
	require.Equal(t, 5*time.Minute+idle, r.closes())
}

// requireContinues checks that the run goes on in a new one of the same type and
// with the same input.
func requireContinues(t *testing.T, err error) {
	t.Helper()
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &next)
	require.Equal(t, conversation.WorkflowType, next.WorkflowType.Name)
	var in conversation.Input
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Equal(t, input, in)
}

// If a signal comes in while a run continues as new, its last task is run again:
// so that is never a task in which a turn ran. What arrives then is left to the
// first turn of the new run.
func TestContinuesAsNew(t *testing.T) {
	for name, outgrow := range map[string]func(r *rig){
		"when Temporal suggests it": func(r *rig) { r.env.SetContinueAsNewSuggested(true) },
		"when the history is long":  func(r *rig) { r.length = 4001; r.env.SetCurrentHistoryLength(r.length) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.at(time.Minute, func() {
				outgrow(r)
				r.env.SignalWorkflow(conversation.SignalArrived, conversation.Arrived{Number: 1})
			})
			r.answer = func(int, conversation.TurnInput) (conversation.TurnResult, error) { return bot(0) }
			took, err := r.run()
			requireContinues(t, err)
			require.Equal(t, time.Minute, took)
			require.Equal(t, minutes(0), r.turns, "the new run begins with a turn")
		})
	}
}

func TestNeverContinuesInATaskWithATurn(t *testing.T) {
	r := newRig(t)
	r.answer = func(int, conversation.TurnInput) (conversation.TurnResult, error) {
		r.env.SetContinueAsNewSuggested(true) // while the turn runs
		return bot(1)
	}
	took, err := r.run()
	requireContinues(t, err)
	require.Equal(t, minutes(0), r.turns)
	require.Equal(t, idle, took, "the next task is that of the idle timer")
}

func TestContinuesAsNewAfterItsCalls(t *testing.T) {
	r := newRig(t)
	r.answer = func(n int, _ conversation.TurnInput) (conversation.TurnResult, error) {
		r.env.SetContinueAsNewSuggested(true)
		return calling("a")
	}
	var token []byte
	r.perform = func(_ int, ctx context.Context, _ conversation.CallInput) error {
		token = activity.GetInfo(ctx).TaskToken
		return activity.ErrResultPending
	}
	r.arrive(time.Minute, 2)
	r.at(2*time.Minute, func() { require.NoError(t, r.env.CompleteActivity(token, nil, nil)) })
	took, err := r.run()
	requireContinues(t, err)
	require.Equal(t, 2*time.Minute, took)
	require.Equal(t, minutes(0, 1), r.turns, "messages are answered meanwhile")
}

func TestCancelled(t *testing.T) {
	r := newRig(t)
	r.at(time.Minute, r.env.CancelWorkflow)
	took, err := r.run()
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Equal(t, time.Minute, took)
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
