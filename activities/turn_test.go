package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/internal/vault"
	"parley/workflows/conversation"
	"parley/workflows/process"
)

// greeting answers with two messages and a question.
const greeting = `
name: test
agent_queue: desk
keywords: {start: [hi]}
blocks:
  start:
    - say: one
    - say: two
    - ask: who?
      save: name
    - say: hello {{ name }}
`

// parrot answers each message with one.
const parrot = `
name: test
blocks:
  start:
    - say: yes
`

func TestATurnAnswers(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.says("hi")
	res := k.turn()
	require.Equal(t, []string{"one", "two", "who?"}, k.phone.texts())
	require.EqualValues(t, 1, res.Handled)
	require.Equal(t, []any{"start", "bot", false, true}, []any{res.Block, res.Owner, res.More, res.RetryAt.IsZero()})
	for i, s := range k.phone.shown {
		require.Equal(t, k.effectKey("1", fmt.Sprint(i)), s.Key)
		require.Equal(t, k.from, s.To)
	}
	require.Equal(t, []string{"done", "done", "done"}, k.states())
	require.False(t, k.pending())

	again := k.turn()
	require.Equal(t, res, again, "nothing has come: nothing is done")
	k.says("Ann")
	k.turn()
	require.Equal(t, []string{"one", "two", "who?", "hello Ann"}, k.phone.texts())
	require.Equal(t, k.effectKey("2", "0"), k.phone.shown[3].Key)
}

func TestABurstIsOneTurn(t *testing.T) {
	k := setUp(t, parrot).talk()
	k.says("a", "b", "c", "d", "e")
	require.EqualValues(t, 5, k.turn().Handled)
	require.Len(t, k.phone.shown, 5)
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM turns`))
}

func TestALargeBacklogIsSeveralTurns(t *testing.T) {
	const n = 2*conversations.MostEvents + 5
	k := setUp(t, parrot).talk()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { k.says("x") })
	}
	wg.Wait()
	for _, want := range []int64{conversations.MostEvents, 2 * conversations.MostEvents, n} {
		res := k.turn()
		require.Equal(t, want, res.Handled)
		require.Equal(t, want < n, res.More)
	}
	require.Len(t, k.phone.shown, n)
	require.Equal(t, 3, one[int](k.engine, `SELECT count(*) FROM turns`))
}

// Runs of a turn at once, as when a worker is taken for dead and is not.
func TestRunsAtOnceSendOnce(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.says("hi")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := k.runAt(context.Background(), time.Now())
			require.NoError(t, err)
		})
	}
	wg.Wait()
	k.turn()
	require.Equal(t, []string{"one", "two", "who?"}, k.phone.texts())
	require.Equal(t, []string{"done", "done", "done"}, k.states())
	require.False(t, k.pending())
}

func TestABlockedContactIsNotAnswered(t *testing.T) {
	k := setUp(t, greeting).talk()
	require.NoError(t, k.people.SetBlocked(t.Context(), k.ws, k.Contact, true, "test"))
	k.says("hi")
	require.EqualValues(t, 1, k.turn().Handled)
	require.Empty(t, k.phone.shown)
	require.NoError(t, k.people.SetBlocked(t.Context(), k.ws, k.Contact, false, "test"))
	k.says("hi")
	k.turn()
	require.Len(t, k.phone.shown, 3)
}

func TestTheBotIsSilentWhileAPersonAnswers(t *testing.T) {
	ann := conversations.Agent{ID: "ann"}
	k := setUp(t, greeting).talk()
	key := conversations.Key{Workspace: k.ws, ID: k.ID}
	k.says("hi") // not answered yet when Ann takes it
	_, err := k.Conversations.Take(t.Context(), key, ann)
	require.NoError(t, err)
	k.says("hello?")
	require.Equal(t, "human", k.turn().Owner)
	require.Empty(t, k.phone.shown)

	_, err = k.Conversations.Say(t.Context(), key, ann, uuid.New(), sdk.Content{Text: "Ann here"})
	require.NoError(t, err)
	k.turn()
	require.Equal(t, []string{"Ann here"}, k.phone.texts())
	require.Equal(t, "agent", one[string](k.engine, `SELECT author FROM effects`))

	// Given back and taken again before a turn: the bot has nothing to say.
	_, err = k.Conversations.Return(t.Context(), key, ann)
	require.NoError(t, err)
	_, err = k.Conversations.Take(t.Context(), key, ann)
	require.NoError(t, err)
	require.Equal(t, "human", k.turn().Owner)
	require.Len(t, k.phone.shown, 1)

	_, err = k.Conversations.Return(t.Context(), key, ann)
	require.NoError(t, err)
	require.Equal(t, "bot", k.turn().Owner)
	k.says("hi")
	k.turn()
	require.Greater(t, len(k.phone.shown), 1, "the bot speaks again")
}

func TestAFlowHandsOver(t *testing.T) {
	k := setUp(t, "name: test\nblocks:\n  start:\n    - handoff: sales\n    - say: back\n").talk()
	k.says("hi")
	require.Equal(t, "human", k.turn().Owner)
	require.Equal(t, "sales", one[string](k.engine, `SELECT queue FROM conversations`))
	k.says("anybody?")
	k.turn()
	require.Empty(t, k.phone.shown)
	_, err := k.Conversations.Return(t.Context(), conversations.Key{Workspace: k.ws, ID: k.ID}, conversations.Agent{ID: "ann"})
	require.NoError(t, err)
	k.turn()
	require.Equal(t, []string{"back"}, k.phone.texts())
}

func TestACaseTellsTheContactOnce(t *testing.T) {
	k := setUp(t, greeting).talk()
	in := process.TellInput{Case: process.Ref{Workspace: k.ws, ID: uuid.New(), Conversation: k.ID}, Key: "case-1-paid", Content: sdk.Content{Text: "paid"}}
	for range 2 {
		require.NoError(t, k.TellContact(t.Context(), in))
	}
	require.Len(t, k.woken, 2, "the first attempt may have died before it woke the conversation")
	require.Equal(t, []any{k.ID, k.WorkflowID, int64(1), int64(0)}, []any{k.woken[0].ID, k.woken[0].WorkflowID, k.woken[0].Number, k.woken[1].Number})
	k.turn()
	require.Equal(t, []string{"paid"}, k.phone.texts())
	require.Equal(t, "case", one[string](k.engine, `SELECT author FROM effects`))
}

func TestAWaitEndsOnce(t *testing.T) {
	k := setUp(t, "name: test\nblocks:\n  start:\n    - say: wait\n    - wait: 1h\n    - say: now\n").talk()
	key := conversations.Key{Workspace: k.ws, ID: k.ID}
	k.says("hi")
	began := time.Now()
	at := func(d time.Duration) time.Time {
		res, err := k.runAt(t.Context(), began.Add(d))
		require.NoError(t, err)
		return res.WakeAt
	}
	require.WithinDuration(t, began.Add(time.Hour), at(0), time.Second)
	require.WithinDuration(t, began.Add(time.Hour), one[time.Time](k.engine, `SELECT due_at FROM conversations`), time.Second)
	at(59 * time.Minute)
	require.Equal(t, []string{"wait"}, k.phone.texts())

	// While people have it, time does not come to the flow, nor is it woken for it.
	_, err := k.Conversations.Take(t.Context(), key, conversations.Agent{ID: "ann"})
	require.NoError(t, err)
	require.Zero(t, at(50*time.Minute))
	for range 3 {
		require.Zero(t, at(2*time.Hour))
	}
	require.Zero(t, one[int](k.engine, `SELECT count(*) FROM inbox WHERE kind = 'timer'`))

	other := setUp(t, "name: test\nblocks:\n  start:\n    - say: wait\n    - wait: 1h\n    - say: now\n").talk()
	other.says("hi")
	other.turn()
	for range 3 {
		_, err := other.runAt(t.Context(), time.Now().Add(61*time.Minute))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"wait", "now"}, other.phone.texts())
	require.True(t, one[bool](other.engine, `SELECT due_at IS NULL FROM conversations`), "nothing is waited for any more")
	require.Equal(t, 1, one[int](other.engine, `SELECT count(*) FROM inbox WHERE kind = 'timer'`))
}

// On a channel of our own a message is delivered by being stored, and announced.
func TestAHostedChannelStores(t *testing.T) {
	k := setUp(t, greeting).talk()
	*k.channel = sdk.Channel{Hosted: true, Effect: sdk.Effect{Kind: sdk.Keyed}}
	listener, err := k.db.Pool.Acquire(t.Context())
	require.NoError(t, err)
	defer listener.Release()
	_, err = listener.Exec(t.Context(), `LISTEN `+conversations.Announced)
	require.NoError(t, err)

	k.says("hi")
	require.Zero(t, k.turn().RetryAt)
	require.Empty(t, k.phone.shown, "nothing is sent")
	require.Equal(t, []string{"done", "done", "done"}, k.states())
	require.False(t, k.pending())
	notice, err := listener.Conn().WaitForNotification(t.Context())
	require.NoError(t, err)
	require.Equal(t, k.ID.String(), notice.Payload)
	history, err := k.Conversations.History(t.Context(), conversations.Key{Workspace: k.ws, ID: k.ID}, 0, 10)
	require.NoError(t, err)
	require.Len(t, history, 4)
	require.Equal(t, "accepted", history[3].Delivery)
}

// What waits in a version of a flow goes on in it; what begins takes the live one.
func TestAFlowUnderWayKeepsItsVersion(t *testing.T) {
	k := setUp(t, greeting).talk()
	k.says("hi")
	k.turn()
	program, err := compile("test", parrot)
	require.NoError(t, err)
	require.NoError(t, k.Flows.Publish(t.Context(), k.ws, "test", program.Hash(), parrot, "test"))
	k.live.Purge()
	k.says("Ann")
	k.turn()
	require.Equal(t, "hello Ann", k.phone.texts()[3])
	k.says("again")
	k.turn()
	require.Equal(t, "yes", k.phone.texts()[4])
}

func TestEventsThatWereErasedArePassedOver(t *testing.T) {
	k := setUp(t, parrot).talk()
	k.says("secret")
	_, err := k.vault.Destroy(t.Context(), k.ws, k.Contact, vault.Conversation)
	require.NoError(t, err)
	k.says("hello")
	require.EqualValues(t, 2, k.turn().Handled)
	require.Equal(t, []string{"yes"}, k.phone.texts(), "what came later is answered")
}

func TestACallsResultIsAnEventOfTheNextTurn(t *testing.T) {
	k := setUp(t, "name: test\nblocks:\n  start:\n    - call: shop.find\n      with: {query: planted-query}\n      save: found\n    - say: \"found {{ found.id }}\"\n").talk()
	k.says("hi")
	res := k.turn()
	require.Len(t, res.Calls, 1)
	require.WithinDuration(t, time.Now().Add(conversation.Timeout(0)), one[time.Time](k.engine, `SELECT due_at FROM conversations`), time.Minute)
	in := callInput(k, res.Calls[0].Key)
	for range 2 { // a repeat of the activity changes nothing
		require.NoError(t, k.CallConnector(t.Context(), in))
	}
	require.Equal(t, 1, one[int](k.engine, `SELECT count(*) FROM inbox WHERE kind = $1`, bus.KindResult))
	res = k.turn()
	require.Empty(t, res.Calls)
	require.Equal(t, []string{"found f-1"}, k.phone.texts())
	require.Equal(t, 1, k.shop.runs["find"])
}

// Nothing that was said, sent, asked or answered can be read in any table.
func TestNothingReadableIsStored(t *testing.T) {
	k := setUp(t, "name: test\nblocks:\n  start:\n    - ask: planted-question\n      save: it\n    - call: shop.find\n      with: {query: =it}\n      save: found\n    - say: \"planted-answer {{ found.id }}\"\n").talk()
	k.says("hi")
	k.turn()
	k.says("planted-words")
	require.NoError(t, k.CallConnector(t.Context(), callInput(k, k.turn().Calls[0].Key)))
	k.says("planted-extra")
	k.turn()
	require.Len(t, k.phone.shown, 3)
	secrets := []string{"planted-words", "planted-extra", "planted-question", "planted-answer", "Planted-Name", k.from.Value, "wamid-", "f-1\""}
	for _, table := range one[[]string](k.engine, `SELECT array_agg(relname::text) FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
			AND relnamespace = 'public'::regnamespace AND relname NOT IN ('goose_db_version', 'flows', 'workspaces')`) {
		rows := one[string](k.engine, `SELECT coalesce(string_agg(t::text, ' '), '') FROM `+table+` t`)
		for _, secret := range secrets {
			require.NotContains(t, rows, secret, table)
			require.NotContains(t, rows, fmt.Sprintf("%x", secret), table)
		}
	}
	require.True(t, json.Valid([]byte(one[string](k.engine, `SELECT jsonb_agg(data)::text FROM events`))))
}

// tell is what a case says.
func (k *talk) tell(text string, template *sdk.Template) {
	k.t.Helper()
	require.NoError(k.t, k.TellContact(k.t.Context(), process.TellInput{Key: uuid.NewString(), Content: sdk.Content{Text: text, Template: template},
		Case: process.Ref{Workspace: k.ws, ID: uuid.New(), Conversation: k.ID}}))
}
