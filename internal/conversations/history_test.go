package conversations_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/conversations"
)

// A reader who goes on from the last message seen never passes one by, whoever
// writes meanwhile.
func TestAPollingReaderMissesNothing(t *testing.T) {
	const writers, each = 6, 15
	f := setUp(t)
	k := f.talk(1)
	processes := []*bus.Inbox{f.inbox, bus.NewInbox(f.db, f.vault)}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				_, err := processes[w%2].Keep(context.Background(), bus.Arrival{Workspace: f.ws, Conversation: k.ID, Contact: k.Contact, Kind: bus.KindMessage, Body: []byte(`{}`)})
				require.NoError(t, err)
			}
		})
	}
	wg.Go(func() { // and a bot that answers as fast as it can
		for range 10 {
			k.arrive("more")
			turn := reply(k.load(), "a", "b")
			turn.Pending = false
			require.NoError(t, k.Commit(context.Background(), turn))
		}
	})
	go func() { wg.Wait(); close(done) }()

	last := int64(0)
	read := func() {
		got, err := k.Transcript(context.Background(), k.key, last, 7)
		require.NoError(t, err)
		for _, m := range got {
			require.Equal(t, last+1, m.Seq)
			last = m.Seq
		}
	}
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		read()
	}
	for total := one[int64](f, `SELECT shown FROM conversations`); last < total; {
		read()
	}
	require.EqualValues(t, writers*each+10*3, last)
}

func TestHistoryShowsTheNewestOrWhatFollows(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	for i := range 3 {
		k.exec(`UPDATE conversations SET pending_turn = NULL`)
		k.say(fmt.Sprint("answer ", i))
	}
	seqs := func(got []conversations.Message, err error) (out []int64) {
		require.NoError(t, err)
		for _, m := range got {
			out = append(out, m.Seq)
		}
		return out
	}
	require.Equal(t, []int64{5, 6}, seqs(k.History(t.Context(), k.key, 0, 2)))
	require.Equal(t, []int64{3, 4}, seqs(k.History(t.Context(), k.key, 2, 2)))
	require.Equal(t, []int64{1, 2}, seqs(k.Transcript(t.Context(), k.key, 0, 2)))
	require.Empty(t, seqs(k.History(t.Context(), k.key, 6, 2)))

	m, err := k.Message(t.Context(), k.key, k.ID.String()+"-2-0")
	require.NoError(t, err)
	require.Equal(t, "answer 1", m.Content.Text)
	require.Equal(t, "waiting", m.Delivery)
	_, err = k.Message(t.Context(), k.key, "none")
	require.ErrorIs(t, err, conversations.ErrNotFound)
}

func TestWhoOwnsAConversation(t *testing.T) {
	ann, bob := conversations.Agent{ID: "ann", Actor: "key/1"}, conversations.Agent{ID: "bob", Actor: "key/1"}
	f := setUp(t)
	k := f.talk(1)
	ctx := t.Context()
	do := func(action string, by conversations.Agent) (bus.Target, error) {
		switch action {
		case "take":
			return k.Take(ctx, k.key, by)
		case "return":
			return k.Return(ctx, k.key, by)
		default:
			return k.Say(ctx, k.key, by, uuid.New(), sdk.Content{Text: "hello"})
		}
	}
	steps := []struct {
		action string
		by     conversations.Agent
		want   error
		owner  string // after it
		event  string // that the flow is told, if any
	}{
		{"return", ann, nil, "bot/", ""}, // the bot has it already
		{"say", ann, conversations.ErrNotTaken, "bot/", ""},
		{"take", ann, nil, "human/ann", bus.KindTaken},
		{"take", ann, nil, "human/ann", ""},
		{"take", bob, conversations.ErrOwned, "human/ann", ""},
		{"say", bob, conversations.ErrOwned, "human/ann", ""},
		{"say", ann, nil, "human/ann", bus.KindAgent},
		{"return", bob, conversations.ErrOwned, "human/ann", ""},
		{"return", ann, nil, "bot/", bus.KindReturned},
	}
	last := int64(0)
	check := func(i int, want error, owner, event string, target bus.Target, err error) {
		t.Helper()
		require.ErrorIs(t, err, want, "step %d", i)
		s := k.load()
		require.Equal(t, owner, s.Owner.Kind+"/"+s.Owner.ID, "step %d", i)
		if event == "" {
			require.Equal(t, last, s.LastNumber, "step %d", i)
			return
		}
		last++
		require.Equal(t, last, s.LastNumber, "step %d", i)
		require.Equal(t, event, s.Events[len(s.Events)-1].Kind, "step %d", i)
		require.Equal(t, bus.Target{Workspace: f.ws, ID: k.ID, WorkflowID: k.WorkflowID, Channel: "test", Number: last}, target, "step %d", i)
	}
	for i, s := range steps {
		target, err := do(s.action, s.by)
		check(i, s.want, s.owner, s.event, target, err)
	}
	// One that the flow has put into a queue belongs to nobody yet.
	f.exec(`UPDATE conversations SET owner_kind = 'human', owner_id = '', queue = 'desk', queued_at = now()`)
	_, err := do("say", bob)
	require.ErrorIs(t, err, conversations.ErrNotTaken)
	_, err = do("take", bob)
	require.NoError(t, err)
	require.Equal(t, 1, one[int](f, `SELECT count(*) FROM conversations WHERE queue = '' AND queued_at IS NULL AND owner_id = 'bob'`))
	_, err = k.Take(ctx, conversations.Key{Workspace: f.ws, ID: uuid.New()}, ann)
	require.ErrorIs(t, err, conversations.ErrNotFound)
	require.Equal(t, 4, one[int](f, `SELECT count(*) FROM audit WHERE actor = 'key/1'`))
}

func TestAnAgentsWordsAreKeptOnce(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	ann := conversations.Agent{ID: "ann"}
	_, err := k.Take(t.Context(), k.key, ann)
	require.NoError(t, err)
	id := uuid.New()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			_, err := k.Say(context.Background(), k.key, ann, id, sdk.Content{Text: "hello"})
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, 1, one[int](f, `SELECT count(*) FROM inbox WHERE kind = 'agent'`))
}

// Of agents who take a conversation at once, one gets it.
func TestOneAgentWins(t *testing.T) {
	f := setUp(t)
	k := f.talk(1)
	var mu sync.Mutex
	var won []string
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			id := fmt.Sprint("agent", i)
			if _, err := k.Take(context.Background(), k.key, conversations.Agent{ID: id}); err == nil {
				mu.Lock()
				won = append(won, id)
				mu.Unlock()
			} else {
				require.ErrorIs(t, err, conversations.ErrOwned)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []string{k.load().Owner.ID}, won)
	require.Equal(t, 1, one[int](f, `SELECT count(*) FROM inbox`))
}
