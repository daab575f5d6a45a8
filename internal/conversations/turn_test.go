package conversations_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/conversations"
	"parley/internal/vault"
)

func TestASnapshotIsWhatWasCommitted(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	s := k.load()
	require.Equal(t, &conversations.Snapshot{Key: k.key, Contact: k.Contact, Connection: f.channel.Connection, Connector: "test", WorkflowID: k.WorkflowID,
		Address: sdk.Address{Kind: "phone", Value: "15550000001"}, Owner: conversations.Owner{Kind: "bot"}, Name: "Ana"}, s)

	k.arrive("one")
	k.arrive("two")
	s = k.load()
	require.Len(t, s.Events, 2)
	require.JSONEq(t, `{"kind":"message","message":{"from":null,"text":"two"}}`, string(s.Events[1].Body))
	turn := reply(s, "a", "b")
	turn.Calls = []conversations.Call{{Ref: "r", Key: "k", Kind: "call", Connector: "shop", Operation: "find", TimeoutS: 3}}
	turn.Owner, turn.Queue = &conversations.Owner{Kind: "human"}, "desk"
	turn.Entered, turn.Missed = []string{"x", "y"}, true
	turn.Notes = []conversations.Note{{Type: "flow.fault", Data: json.RawMessage(`{"n":1}`)}, {Type: "plain"}}
	require.NoError(t, k.Commit(t.Context(), turn))

	s = k.load()
	require.Empty(t, s.Events)
	require.EqualValues(t, 2, s.Cursor)
	require.EqualValues(t, 1, s.PendingTurn)
	require.Equal(t, turn.Calls, s.Calls)
	require.Equal(t, conversations.Owner{Kind: "human", Version: 1}, s.Owner)
	require.JSONEq(t, `{"block":"b"}`, string(s.State))
	require.Equal(t, "flow@hash", s.Flow+"@"+s.FlowHash)
	require.Len(t, s.Pending, 2)
	require.Equal(t, []string{"attempting", "planned"}, []string{s.Pending[0].State, s.Pending[1].State})
	require.Equal(t, []int{1, 0}, []int{s.Pending[0].Attempt, s.Pending[1].Attempt})
	require.Equal(t, "b", s.Pending[1].Content.Text)
	require.False(t, s.Pending[0].AttemptedAt.IsZero())
	require.True(t, s.Pending[1].AttemptedAt.IsZero())
	require.Equal(t, "desk", one[string](f, `SELECT queue FROM conversations WHERE queued_at IS NOT NULL`))
	require.Equal(t, []string{"x", "y"}, one[[]string](f, `SELECT entered FROM turns WHERE first_number = 1 AND last_number = 2 AND missed`))
	require.Equal(t, 2, one[int](f, `SELECT count(*) FROM events WHERE type IN ('flow.fault', 'plain')`))

	_, err := k.Load(t.Context(), conversations.Key{Workspace: f.ws, ID: uuid.New()})
	require.ErrorIs(t, err, conversations.ErrNotFound)
	_, err = k.Load(t.Context(), conversations.Key{Workspace: uuid.New(), ID: k.ID})
	require.ErrorIs(t, err, conversations.ErrNotFound)
}

// Runs of the same turn, in one process and in several: one commits.
func TestATurnIsCommittedOnce(t *testing.T) {
	f := setUp(t)
	processes := []*conversations.Conversations{f.Conversations, conversations.New(f.db, f.vault)}
	k := f.talk(1)
	for round := range 5 {
		k.arrive("hi")
		s := k.load()
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				err := processes[i%2].Commit(context.Background(), reply(s, fmt.Sprint("run ", i)))
				if err == nil {
					won.Add(1)
					return
				}
				require.ErrorIs(t, err, conversations.ErrMoved)
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		require.Equal(t, round+1, one[int](f, `SELECT count(*) FROM effects`))
		require.Equal(t, round+1, one[int](f, `SELECT count(*) FROM turns`))
		m := k.mark(effectKey(s, 0), 1, "done")
		m.Finished, m.Turn = true, s.Cursor+1
		require.True(t, k.settle(m))
	}
}

func TestACommitIsRefusedWhenTheConversationHasMoved(t *testing.T) {
	cases := []struct {
		name string
		move func(k *talk, s *conversations.Snapshot)
		want error
	}{
		{"not at all", func(*talk, *conversations.Snapshot) {}, nil},
		{"something arrived: it forms the next turn", func(k *talk, _ *conversations.Snapshot) { k.arrive("more") }, nil},
		{"another turn was committed", func(k *talk, s *conversations.Snapshot) {
			require.NoError(t, k.Commit(t.Context(), reply(s)))
		}, conversations.ErrMoved},
		{"a person took it", func(k *talk, _ *conversations.Snapshot) {
			_, err := k.Take(t.Context(), k.key, conversations.Agent{ID: "ann"})
			require.NoError(t, err)
		}, conversations.ErrMoved},
		{"a turn is not finished", func(k *talk, _ *conversations.Snapshot) {
			k.exec(`UPDATE conversations SET pending_turn = 1 WHERE id = $1`, k.ID)
		}, conversations.ErrMoved},
	}
	f := setUp(t)
	for i, c := range cases {
		k := f.talk(i)
		k.arrive("hi")
		s := k.load()
		c.move(k, s)
		require.ErrorIs(t, k.Commit(t.Context(), reply(s, "answer")), c.want, c.name)
		require.Equal(t, c.want == nil, one[int](f, `SELECT count(*) FROM effects WHERE subject_id = $1`, k.ID) == 1, c.name)
	}
}

// Many conversations commit together, and every one gets its own: turn, effects,
// states and places in the history.
func TestConversationsShareTransactions(t *testing.T) {
	const n = 60
	f := setUp(t)
	processes := []*conversations.Conversations{f.Conversations, conversations.New(f.db, f.vault)}
	talks := make([]*talk, n)
	for i := range talks {
		talks[i] = f.talk(i)
	}
	var wg sync.WaitGroup
	for i, k := range talks {
		wg.Go(func() {
			for range 3 {
				k.arrive(fmt.Sprint("question of ", i))
				c := processes[i%2]
				s, err := c.Load(context.Background(), k.key)
				require.NoError(t, err)
				texts := []string{fmt.Sprint("answer to ", i), "and more"}[:1+i%2]
				require.NoError(t, c.Commit(context.Background(), reply(s, texts...)))
				for j := range texts {
					m := k.mark(effectKey(s, j), 1, "done")
					m.Receipt, m.Turn = []byte(`{"message_id":"x"}`), s.Cursor+1
					if j < len(texts)-1 {
						m.Next = effectKey(s, j+1)
					} else {
						m.Finished = true
					}
					require.True(t, k.settle(m))
				}
			}
		})
	}
	wg.Wait()
	for i, k := range talks {
		s := k.load()
		require.EqualValues(t, 3, s.Cursor)
		require.Zero(t, s.PendingTurn)
		history, err := k.Transcript(t.Context(), k.key, 0, 100)
		require.NoError(t, err)
		require.Len(t, history, 3*(2+i%2))
		for j, m := range history {
			require.EqualValues(t, j+1, m.Seq)
			switch j % (2 + i%2) {
			case 0:
				require.Equal(t, fmt.Sprint("question of ", i), m.In.Text)
			case 1:
				require.Equal(t, fmt.Sprint("answer to ", i), m.Content.Text)
				require.Equal(t, "accepted", m.Delivery)
			}
		}
	}
	require.Zero(t, one[int](f, `SELECT count(*) FROM effects WHERE state <> 'done' OR attempt <> 1 OR settled_at IS NULL`))
}

// What a mark does to an effect, for each state that it may be in.
func TestMarksMoveSendsForward(t *testing.T) {
	const stays = ""
	states := []string{"planned", "attempting", "not_sent", "uncertain", "done", "failed"}
	marks := map[string][]string{ // mark → the state after it, by state before
		"attempting": {"attempting", stays, "attempting", "attempting", stays, stays},
		"done":       {stays, "done", "done", "done", stays, stays},
		"failed":     {stays, "failed", "failed", "failed", stays, stays},
		"not_sent":   {stays, "not_sent", stays, "not_sent", stays, stays},
		"uncertain":  {stays, "uncertain", "uncertain", stays, stays, stays},
	}
	f := setUp(t)
	k := f.talk(1)
	s := k.say("one")
	effect := effectKey(s, 0)
	for mark, after := range marks {
		for i, before := range states {
			for _, attempt := range []int{2, 1, 3} { // the one that is recorded, an older, a later one
				f.exec(`UPDATE effects SET state = $1, attempt = 2, was_uncertain = false, receipt = NULL, error_class = '', delivery = ''`, before)
				m := k.mark(effect, attempt, mark)
				m.Class, m.Code, m.Receipt = "class", "code", []byte(`{}`)
				name := fmt.Sprintf("%s → %s, attempt %d of 2", before, mark, attempt)
				want := after[i]
				if attempt != 2 {
					want = stays
				}
				moved := k.settle(m)
				require.Equal(t, want != stays, moved, name)
				state, tries := one[string](f, `SELECT state FROM effects`), one[int](f, `SELECT attempt FROM effects`)
				if !moved {
					require.Equal(t, before, state, name)
					require.Equal(t, 2, tries, name)
					require.True(t, one[bool](f, `SELECT receipt IS NULL AND error_class = '' FROM effects`), name)
					continue
				}
				require.Equal(t, want, state, name)
				require.Equal(t, map[bool]int{true: 3, false: 2}[mark == "attempting"], tries, name)
				require.Equal(t, mark == "uncertain", one[bool](f, `SELECT was_uncertain FROM effects`), name)
				require.Equal(t, mark == "done" || mark == "failed", one[bool](f, `SELECT settled_at IS NOT NULL FROM effects`), name)
				require.Equal(t, map[string]string{"done": "accepted", "failed": "failed"}[mark], one[string](f, `SELECT delivery FROM effects`), name)
			}
		}
	}
}

func TestTheNextSendStartsOnlyWhenTheOneBeforeIsMarked(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	s := k.say("one", "two")
	first, second := effectKey(s, 0), effectKey(s, 1)
	state := func() string { return one[string](f, `SELECT state || attempt FROM effects WHERE key = $1`, second) }

	m := k.mark(first, 7, "done") // of another attempt
	m.Next = second
	require.False(t, k.settle(m))
	require.Equal(t, "planned0", state())
	m.Attempt = 1
	require.True(t, k.settle(m))
	require.Equal(t, "attempting1", state())
	require.False(t, k.settle(m), "a repeat changes nothing")
	require.Equal(t, "attempting1", state())
}

func TestATurnIsFinishedWhenItsSendsAreSettledAndOnlyThatTurn(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	s := k.say("one", "two")
	first, second := effectKey(s, 0), effectKey(s, 1)
	pending := func() int64 { return k.load().PendingTurn }
	finish := func(effect, state string, turn int64) bool {
		m := k.mark(effect, 1, state)
		m.Finished, m.Turn = true, turn
		return k.settle(m)
	}
	require.False(t, finish("", "", 1))
	require.EqualValues(t, 1, pending(), "sends are waiting")
	require.True(t, finish(first, "done", 1))
	require.EqualValues(t, 1, pending(), "one send is waiting")
	f.exec(`UPDATE effects SET state = 'attempting', attempt = 1 WHERE key = $1`, second)
	require.True(t, finish(second, "uncertain", 1))
	require.EqualValues(t, 1, pending(), "one send is uncertain")
	require.True(t, finish(second, "done", 99))
	require.EqualValues(t, 1, pending(), "another turn was meant")
	require.False(t, finish(second, "done", 1), "an echo was first")
	require.Zero(t, pending())

	next := k.say("three")
	require.False(t, finish("", "", 1))
	require.EqualValues(t, next.Cursor+1, pending(), "a late end of the turn before")
}

// Two runs of a turn mark the same send in one batch: each is told the truth, and
// the one that knows that it was sent prevails.
func TestMarksOfOneSendInOneBatch(t *testing.T) {
	orders := []struct {
		first, second string
		moved         [2]bool
	}{{"done", "uncertain", [2]bool{true, false}}, {"uncertain", "done", [2]bool{true, true}}}
	f := setUp(t)
	for i, o := range orders {
		k, other := f.talk(2*i), f.talk(2*i+1)
		s, blocker := k.say("one", "two"), other.say("x")
		release := f.hold(effectKey(blocker, 0))
		var wg sync.WaitGroup
		wg.Go(func() { other.settle(other.mark(effectKey(blocker, 0), 1, "done")) })
		f.someoneWaits()
		var moved [2]bool
		for j, state := range []string{o.first, o.second} {
			wg.Go(func() {
				m := k.mark(effectKey(s, 0), 1, state)
				if state == "done" {
					m.Next = effectKey(s, 1)
				}
				moved[j] = k.settle(m)
			})
			require.Eventually(t, func() bool { return f.WaitingMarks() == j+1 }, timeLimit, tick)
		}
		release()
		wg.Wait()
		require.Equal(t, o.moved, moved)
		require.Equal(t, "done", one[string](f, `SELECT state FROM effects WHERE key = $1`, effectKey(s, 0)))
		require.Equal(t, "attempting", one[string](f, `SELECT state FROM effects WHERE key = $1`, effectKey(s, 1)))
	}
}

func TestATurnTakesAHundredEventsAtMost(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	var wg sync.WaitGroup
	for range conversations.MostEvents + 5 {
		wg.Go(func() { k.arrive("hi") })
	}
	wg.Wait()
	s := k.load()
	require.Len(t, s.Events, conversations.MostEvents)
	require.EqualValues(t, conversations.MostEvents+5, s.LastNumber)
	require.NoError(t, k.Commit(t.Context(), reply(s)))
	s = k.load()
	require.Len(t, s.Events, 5)
	require.EqualValues(t, conversations.MostEvents+1, s.Events[0].Number)
}

func TestWhatWasErasedReadsAsErased(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	k.say("answer")
	k.arrive("unanswered")
	_, err := f.vault.Destroy(t.Context(), f.ws, k.Contact, vault.Conversation)
	require.NoError(t, err)

	s := k.load()
	require.Len(t, s.Events, 1)
	require.Nil(t, s.Events[0].Body)
	require.EqualValues(t, 2, s.Events[0].Number, "it keeps its place")
	require.Nil(t, s.State)
	require.Len(t, s.Pending, 1)
	require.True(t, s.Pending[0].Erased)
	require.Equal(t, "15550000001", s.Address.Value, "the chat was erased, not the person")
	history, err := k.History(t.Context(), k.key, 0, 10)
	require.NoError(t, err)
	require.Len(t, history, 3)
	for _, m := range history {
		require.True(t, m.Erased)
		require.Nil(t, m.In)
		require.Empty(t, m.Content)
	}
	_, err = k.Requested(t.Context(), k.key, s.Pending[0].Key)
	require.ErrorIs(t, err, vault.ErrErased)

	_, err = f.vault.Destroy(t.Context(), f.ws, k.Contact, "")
	require.NoError(t, err)
	s = k.load()
	require.Empty(t, s.Name)
	require.Empty(t, s.Address)
}

func TestTheWindow(t *testing.T) {
	now := time.Now()
	day := &sdk.Channel{Window: 24 * time.Hour}
	cases := []struct {
		ch      *sdk.Channel
		inbound time.Time
		open    bool
	}{
		{&sdk.Channel{}, time.Time{}, true},
		{day, time.Time{}, false},
		{day, now.Add(-23 * time.Hour), true},
		{day, now.Add(-24 * time.Hour), false},
		{day, now.Add(time.Second), true},
	}
	for _, c := range cases {
		s := conversations.Snapshot{InboundAt: c.inbound}
		require.Equal(t, c.open, s.Window(c.ch, conversations.AuthorBot, now), "%+v", c)
	}
}

func TestAPersonMayAnswerLongerThanABot(t *testing.T) {
	now := time.Now()
	week := &sdk.Channel{Window: 24 * time.Hour, AgentWindow: 7 * 24 * time.Hour}
	s := conversations.Snapshot{InboundAt: now.Add(-6 * 24 * time.Hour)}
	require.True(t, s.Window(week, conversations.AuthorAgent, now))
	require.False(t, s.Window(week, conversations.AuthorBot, now))
	require.False(t, s.Window(week, conversations.AuthorCase, now))
	s.InboundAt = now.Add(-8 * 24 * time.Hour)
	require.False(t, s.Window(week, conversations.AuthorAgent, now))
}
