package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/conversations"
	"parley/internal/vault"
)

var (
	throttled = &sdk.Error{Class: sdk.Throttled, Code: "130429", Message: "slow down", RetryAfter: 30 * time.Second}
	timedOut  = &sdk.Error{Class: sdk.Unavailable, Message: "no answer", Wrote: true}
	refused   = &sdk.Error{Class: sdk.Rejected, Code: "131026", Message: "cannot be delivered"}
)

// A worker dies while it sends. What it was sending is uncertain, and nothing
// goes out before that is settled.
func TestALostSendIsUncertainUntilItsEcho(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(k.phone.diesAfter)
	k.says("hi")
	k.crash()
	require.Equal(t, []string{"attempting", "planned", "planned"}, k.states(), "committed before it left")

	k.says("Ann") // and the customer goes on
	res := k.turn()
	require.WithinDuration(t, time.Now().Add(settle), res.RetryAt, 20*time.Second)
	require.EqualValues(t, 1, res.Handled)
	require.False(t, res.More, "there is nothing to do before the send is settled")
	require.Equal(t, []string{"uncertain", "planned", "planned"}, k.states())
	require.Equal(t, res.RetryAt, k.turn().RetryAt, "another look changes nothing")
	require.Equal(t, []string{"one"}, k.phone.texts())

	k.echo(k.effectKey("1", "0"), sdk.StatusSent)
	res = k.turn()
	require.Zero(t, res.RetryAt)
	require.Equal(t, []string{"one", "two", "who?", "hello Ann"}, k.phone.texts(), "each once, in order")
	require.Equal(t, []string{"done", "done", "done", "done"}, k.states())
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM effects WHERE was_uncertain`))
}

func TestALostSendIsSentAgainWhenNoEchoComes(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(dies)
	k.says("hi")
	k.crash()
	k.turn()
	require.Empty(t, k.phone.shown)
	k.age(settle - 20*time.Second)
	require.NotZero(t, k.turn().RetryAt)
	require.Empty(t, k.phone.shown, "the echo may still come")
	k.age(20 * time.Second)
	require.Zero(t, k.turn().RetryAt)
	require.Equal(t, []string{"one", "two", "who?"}, k.phone.texts())
	require.Equal(t, k.effectKey("1", "0"), k.phone.shown[0].Key, "under the same key")
	require.Equal(t, 2, one[int](k.engine, `SELECT attempt FROM effects WHERE idx = 0`))
}

// The worker died, and the echo had come before another takes over.
func TestAnEchoThatCameFirstSettlesALostSend(t *testing.T) {
	for status, want := range map[sdk.MessageStatus]string{sdk.StatusDelivered: "done", sdk.StatusFailed: "failed"} {
		k := setUp(t, greeting).talk()
		k.phone.next(k.phone.diesAfter)
		k.says("hi")
		k.crash()
		k.echo(k.effectKey("1", "0"), status)
		require.Zero(t, k.turn().RetryAt, "nothing is waited for")
		require.Equal(t, []string{"one", "two", "who?"}, k.phone.texts())
		require.Equal(t, []string{want, "done", "done"}, k.states())
	}
}

// Without echoes nothing can settle an uncertain send: it is given up, never
// repeated, and the conversation goes on.
func TestWithoutEchoesALostSendIsGivenUp(t *testing.T) {
	for name, texts := range map[string]struct {
		flow  string
		shown []string
	}{
		"of several": {greeting, []string{"two", "who?"}},
		"the only":   {parrot, []string{}},
	} {
		k := setUp(t, texts.flow).talk()
		k.channel.Echoes, k.channel.SettleAfter = false, 0
		k.phone.next(dies)
		k.says("hi")
		k.crash()
		require.NotZero(t, k.turn().RetryAt, name)
		k.age(defaultSettle + time.Second)
		require.Zero(t, k.turn().RetryAt, name)
		require.Equal(t, texts.shown, k.phone.texts(), name)
		require.Equal(t, "failed uncertain", one[string](k.engine, `SELECT state || ' ' || error_class FROM effects WHERE idx = 0`), name)
		require.False(t, k.pending(), name)
	}
}

// A channel that knows our key can be asked again without harm.
func TestAKeyedChannelIsAskedAgain(t *testing.T) {
	k := setUp(t, parrot).talk()
	k.channel.Effect, k.channel.Echoes = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: time.Hour}, false
	for _, step := range []func(context.Context, sdk.Outgoing) (sdk.Receipt, error){dies, fails(timedOut)} {
		shown := len(k.phone.shown)
		k.phone.next(step)
		k.says("hi")
		func() {
			defer func() { recover() }()
			k.runAt(t.Context(), time.Now())
		}()
		require.NotZero(t, k.turn().RetryAt, "after a pause")
		k.age(10 * time.Second)
		require.Zero(t, k.turn().RetryAt)
		require.Len(t, k.phone.shown, shown+1)
	}
	require.Equal(t, []string{"done", "done"}, k.states())
}

func TestThrottlingKeepsTheOrder(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(k.phone.deliver, fails(throttled))
	k.says("hi")
	res := k.turn()
	require.WithinDuration(t, time.Now().Add(30*time.Second), res.RetryAt, 10*time.Second, "the provider's wish")
	require.Equal(t, []string{"done", "not_sent", "planned"}, k.states())
	k.says("Ann")
	require.NotZero(t, k.turn().RetryAt, "whatever wakes it, the pause is kept")
	require.Equal(t, []string{"one"}, k.phone.texts())

	k.age(time.Minute)
	k.phone.next(fails(throttled))
	require.NotZero(t, k.turn().RetryAt)
	require.Equal(t, 2, one[int](k.engine, `SELECT attempt FROM effects WHERE idx = 1`))
	k.age(time.Minute)
	require.Zero(t, k.turn().RetryAt)
	require.Equal(t, []string{"one", "two", "who?", "hello Ann"}, k.phone.texts())
	require.False(t, one[bool](k.engine, `SELECT bool_or(was_uncertain) FROM effects`))
}

func (p *phone) deliver(_ context.Context, out sdk.Outgoing) (sdk.Receipt, error) { return p.show(out) }

func TestAMessageThatIsRefusedHoldsUpNoOther(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(fails(refused), k.phone.deliver, fails(&sdk.Error{Class: sdk.Invalid}))
	k.says("hi")
	require.Zero(t, k.turn().RetryAt)
	require.Equal(t, []string{"two"}, k.phone.texts())
	require.Equal(t, []string{"failed", "done", "failed"}, k.states())
	require.Equal(t, "rejected 131026 failed", one[string](k.engine, `SELECT error_class || ' ' || error_code || ' ' || delivery FROM effects WHERE idx = 0`))
	require.False(t, k.pending())
}

func TestASendWithoutAnswerIsUncertain(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(fails(timedOut))
	k.says("hi")
	res := k.turn()
	require.WithinDuration(t, time.Now().Add(settle), res.RetryAt, 20*time.Second)
	require.Equal(t, []string{"uncertain", "planned", "planned"}, k.states())
	k.echo(k.effectKey("1", "0"), sdk.StatusFailed)
	require.Zero(t, k.turn().RetryAt)
	require.Equal(t, []string{"failed", "done", "done"}, k.states())
}

// The echo comes while the sender still waits for the answer, as it often does.
func TestAnEchoDuringASend(t *testing.T) {
	for name, answer := range map[string]*sdk.Error{"and the answer comes": nil, "and no answer comes": timedOut} {
		k := setUp(t, greeting).talk()
		k.phone.next(func(_ context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
			k.phone.show(out)
			k.echo(out.Key, sdk.StatusDelivered)
			if answer != nil {
				return sdk.Receipt{}, answer
			}
			return sdk.Receipt{MessageID: "wamid-" + out.Key}, nil
		})
		k.says("hi")
		require.Zero(t, k.turn().RetryAt, name)
		require.Equal(t, []string{"one", "two", "who?"}, k.phone.texts(), name)
		require.Equal(t, []string{"done", "done", "done"}, k.states(), name)
		require.Equal(t, "delivered", one[string](k.engine, `SELECT delivery FROM effects WHERE idx = 0`), name)
	}
}

// What happened is recorded although the turn was cancelled meanwhile.
func TestACancelledTurnRecordsWhatHappened(t *testing.T) {
	k := setUp(t, greeting).talk()
	ctx, cancel := context.WithCancel(t.Context())
	k.phone.next(func(_ context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
		cancel()
		return k.phone.show(out)
	}, func(ctx context.Context, _ sdk.Outgoing) (sdk.Receipt, error) {
		require.Error(t, ctx.Err())
		return sdk.Receipt{}, &sdk.Error{Class: sdk.Unavailable, Message: "the call was cancelled"}
	})
	k.says("hi")
	k.runAt(ctx, time.Now())
	require.Equal(t, []string{"done", "not_sent", "planned"}, k.states())
	k.age(10 * time.Second)
	require.Zero(t, k.turn().RetryAt)
	require.Equal(t, []string{"one", "two", "who?"}, k.phone.texts())
}

// The provider's window is closed although we thought it open: the template goes.
func TestATemplateGoesWhenTheWindowProvesClosed(t *testing.T) {
	k := setUp(t, parrot).talk()
	k.channel.Window, k.channel.Templates = 24*time.Hour, true
	k.says("hi")
	k.turn()
	template := &sdk.Template{Name: "news", Language: "en"}
	closed := &sdk.Error{Class: sdk.Rejected, Code: "131047"}
	k.tell("paid", template)
	k.phone.next(fails(closed))
	k.turn()
	require.Equal(t, []string{"yes", "[template]"}, k.phone.texts())
	k.tell("shipped", template)
	k.turn()
	require.Equal(t, "shipped", k.phone.texts()[2], "the text goes where it can")

	k.exec(`UPDATE conversations SET inbound_at = now() - interval '25 hours'`)
	k.tell("late", template)
	k.tell("too late", nil)
	k.turn()
	require.Equal(t, []string{"yes", "[template]", "shipped", "[template]"}, k.phone.texts())
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM events WHERE type = 'message.refused'`), "never silently")
}

func TestASendWhoseTextWasErasedEnds(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.phone.next(fails(throttled))
	k.says("hi")
	k.turn()
	_, err := k.vault.Destroy(t.Context(), k.ws, k.Contact, vault.Conversation)
	require.NoError(t, err)
	k.age(time.Minute)
	require.Zero(t, k.turn().RetryAt)
	require.Empty(t, k.phone.shown)
	require.Equal(t, []string{"failed", "failed", "failed"}, k.states())
	k.says("hi")
	k.turn()
	require.Len(t, k.phone.shown, 3, "the conversation goes on")
}

func TestBackoffGrowsToAMinute(t *testing.T) {
	last := time.Duration(0)
	for attempt := 1; attempt < 100; attempt++ {
		d := backoff(attempt)
		require.GreaterOrEqual(t, d, last)
		require.LessOrEqual(t, d, time.Minute)
		last = d
	}
	require.Equal(t, 2*time.Second, backoff(1))
	require.Equal(t, time.Minute, last)
}

func TestAConversationThatIsUnknownFails(t *testing.T) {
	k := setUp(t, parrot).talk()
	k.ID = k.Contact
	_, err := k.runAt(t.Context(), time.Now())
	require.ErrorContains(t, err, conversations.ErrNotFound.Error())
}
