package conversation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"parley/workflows/conversation"
)

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
	require.Equal(t, conversation.CallInput{Workspace: input.Workspace, Conversation: input.Conversation, Key: "a", Deadline: began.Add(20 * time.Second), Parks: true}, r.calls[0])
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
