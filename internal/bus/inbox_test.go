package bus_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const timeLimit, tick = 20 * time.Second, time.Millisecond

// fixture is a workspace with conversations.
type fixture struct {
	t     *testing.T
	db    *store.DB
	vault *vault.Vault
	ws    uuid.UUID
	convs []contacts.Conversation
}

func setUp(t *testing.T, conversations int) *fixture {
	t.Helper()
	f := &fixture{t: t}
	f.db, f.vault, f.ws = storetest.Open(t)
	people := contacts.New(f.db, f.vault)
	ch := contacts.Channel{Workspace: f.ws, Connection: uuid.New(), Connector: "test"}
	for i := range conversations {
		conv, err := people.Conversation(t.Context(), ch, []sdk.Address{{Kind: "phone", Value: fmt.Sprintf("1555000%04d", i)}}, "")
		require.NoError(t, err)
		f.convs = append(f.convs, conv)
	}
	return f
}

func (f *fixture) arrival(conv contacts.Conversation, kind string, once []byte) bus.Arrival {
	return bus.Arrival{Workspace: f.ws, Conversation: conv.ID, Contact: conv.Contact, WorkflowID: conv.WorkflowID,
		Once: once, Kind: kind, Body: []byte(`{"kind":"` + kind + `"}`)}
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(f.t.Context(), sql, args...)
		return err
	}))
}

// one reads a single value in the workspace.
func one[T any](f *fixture, sql string, args ...any) (v T) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(f.t.Context(), sql, args...).Scan(&v)
	}))
	return v
}

// hold locks a conversation's row, so that what is kept for it waits, until the
// function returned is called.
func (f *fixture) hold(conv contacts.Conversation) (release func()) {
	tx, err := f.db.Pool.Begin(f.t.Context())
	require.NoError(f.t, err)
	_, err = tx.Exec(f.t.Context(), `SELECT set_config('parley.workspace', $1, true)`, f.ws.String())
	require.NoError(f.t, err)
	_, err = tx.Exec(f.t.Context(), `SELECT FROM conversations WHERE id = $1 FOR UPDATE`, conv.ID)
	require.NoError(f.t, err)
	release = sync.OnceFunc(func() { require.NoError(f.t, tx.Rollback(context.Background())) })
	f.t.Cleanup(release)
	return release
}

// someoneWaits returns when a transaction waits for the lock of hold.
func (f *fixture) someoneWaits() {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return one[int](f, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0 }, timeLimit, tick)
}

// Several processes keep events of the same conversations at once.
func TestNumbersAreDenseAndInOrder(t *testing.T) {
	const writers, each, processes = 50, 12, 3
	f := setUp(t, 5)
	var inboxes []*bus.Inbox
	for range processes {
		inboxes = append(inboxes, bus.NewInbox(f.db, f.vault))
	}
	var mu sync.Mutex
	got := map[uuid.UUID][]int64{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			last := map[uuid.UUID]int64{}
			for i := range each {
				conv := f.convs[(w+i*i)%len(f.convs)]
				kind := []string{bus.KindMessage, bus.KindResult}[(w+i)%2]
				a, err := inboxes[w%processes].Keep(t.Context(), f.arrival(conv, kind, bus.Once(nil, strconv.Itoa(w), strconv.Itoa(i))))
				require.NoError(t, err)
				require.False(t, a.Duplicate)
				require.Greater(t, a.Number, last[conv.ID], "what is kept later has the higher number")
				last[conv.ID] = a.Number
				mu.Lock()
				got[conv.ID] = append(got[conv.ID], a.Number)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	total := 0
	for _, conv := range f.convs {
		numbers := got[conv.ID]
		slices.Sort(numbers)
		for i, n := range numbers {
			require.EqualValues(t, i+1, n)
		}
		total += len(numbers)
		require.EqualValues(t, len(numbers), one[int64](f, `SELECT last_number FROM conversations WHERE id = $1`, conv.ID))
		require.Equal(t, len(numbers), one[int](f, `SELECT count(*) FROM inbox WHERE subject_id = $1`, conv.ID))
		// Messages, and only they, have a place in the history: dense, in the order of their numbers.
		require.True(t, one[bool](f, `SELECT bool_and(CASE WHEN kind = 'message' THEN seq = place ELSE seq IS NULL END) FROM (
			SELECT *, row_number() OVER (PARTITION BY kind ORDER BY number) AS place FROM inbox WHERE subject_id = $1) i`, conv.ID))
		require.EqualValues(t, one[int64](f, `SELECT count(*) FROM inbox WHERE subject_id = $1 AND kind = 'message'`, conv.ID),
			one[int64](f, `SELECT shown FROM conversations WHERE id = $1`, conv.ID))
	}
	require.Equal(t, writers*each, total)
}

func TestTheSameEventIsKeptOnce(t *testing.T) {
	f := setUp(t, 2)
	inboxes := []*bus.Inbox{bus.NewInbox(f.db, f.vault), bus.NewInbox(f.db, f.vault)}
	keepAll := func(once []byte, inboxes []*bus.Inbox) (kept int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				a, err := inboxes[i%len(inboxes)].Keep(t.Context(), f.arrival(f.convs[0], bus.KindMessage, once))
				require.NoError(t, err)
				require.Equal(t, a.Duplicate, a.Number == 0)
				mu.Lock()
				defer mu.Unlock()
				if !a.Duplicate {
					kept++
				}
			})
		}
		wg.Wait()
		return kept
	}
	t.Run("at once, from two processes", func(t *testing.T) {
		require.Equal(t, 1, keepAll(bus.Once(nil, "a"), inboxes))
	})
	t.Run("later", func(t *testing.T) {
		require.Equal(t, 0, keepAll(bus.Once(nil, "a"), inboxes))
	})
	t.Run("within one batch", func(t *testing.T) {
		release := f.hold(f.convs[1])
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := inboxes[0].Keep(t.Context(), f.arrival(f.convs[1], bus.KindMessage, nil))
			require.NoError(t, err)
		}()
		// The first flush waits for the lock; the others queue up behind it.
		f.someoneWaits()
		kept := make(chan int)
		go func() { kept <- keepAll(bus.Once(nil, "b"), inboxes[:1]) }()
		require.Eventually(t, func() bool { return inboxes[0].Waiting() == 30 }, timeLimit, tick)
		release()
		require.Equal(t, 1, <-kept)
		<-done
	})
	require.EqualValues(t, 2, one[int64](f, `SELECT last_number FROM conversations WHERE id = $1`, f.convs[0].ID))
}

func TestOnceSeparatesItsParts(t *testing.T) {
	require.NotEqual(t, bus.Once(nil, "ab", "c"), bus.Once(nil, "a", "bc"))
	require.NotEqual(t, bus.Once([]byte("k"), "a"), bus.Once(nil, "a"))
	require.Equal(t, bus.Once([]byte("k"), "a", "b"), bus.Once([]byte("k"), "a", "b"))
}

// An event without a conversation fails, others with it do not, and nothing is
// remembered of it: it can still be kept where it belongs.
func TestAnUnknownConversationFailsAlone(t *testing.T) {
	f := setUp(t, 2)
	in := bus.NewInbox(f.db, f.vault)
	nobody := contacts.Conversation{ID: uuid.New(), Contact: f.convs[0].Contact}
	once := bus.Once(nil, "lost")

	_, err := in.Keep(t.Context(), f.arrival(nobody, bus.KindMessage, once))
	require.ErrorIs(t, err, bus.ErrUnknown)

	release := f.hold(f.convs[0])
	var wg sync.WaitGroup
	keep := func(conv contacts.Conversation, once []byte, want error) {
		wg.Go(func() {
			_, err := in.Keep(t.Context(), f.arrival(conv, bus.KindMessage, once))
			require.ErrorIs(t, err, want)
		})
	}
	keep(f.convs[0], nil, nil)
	f.someoneWaits()
	keep(f.convs[0], bus.Once(nil, "good"), nil)
	keep(nobody, once, bus.ErrUnknown)
	keep(f.convs[1], nil, nil)
	require.Eventually(t, func() bool { return in.Waiting() == 3 }, timeLimit, tick)
	release()
	wg.Wait()
	require.Equal(t, 3, one[int](f, `SELECT count(*) FROM inbox`))

	a, err := in.Keep(t.Context(), f.arrival(f.convs[1], bus.KindMessage, once))
	require.NoError(t, err)
	require.False(t, a.Duplicate)
}

func TestAConversationOfAnotherWorkspaceIsUnknown(t *testing.T) {
	f := setUp(t, 1)
	a := f.arrival(f.convs[0], bus.KindMessage, nil)
	a.Workspace = storetest.Workspace(t, f.db, "other")
	_, err := bus.NewInbox(f.db, f.vault).Keep(t.Context(), a)
	require.ErrorIs(t, err, bus.ErrUnknown)
	require.Equal(t, 0, one[int](f, `SELECT count(*) FROM inbox`))
}

func TestSessionsBeginWithAMessageAfterSilence(t *testing.T) {
	f := setUp(t, 1)
	in, conv := bus.NewInbox(f.db, f.vault), f.convs[0]
	age := func(d time.Duration) {
		f.exec(`UPDATE conversations SET inbound_at = inbound_at - $1::interval, event_at = event_at - $1::interval, session_at = session_at - $1::interval`, d)
	}
	steps := []struct {
		name     string
		after    time.Duration
		kind     string
		sessions int // begun so far
		inbound  bool
	}{
		{"news is no session", 0, bus.KindProvider, 0, false},
		{"the first message", 0, bus.KindMessage, 1, true},
		{"soon after", 29 * time.Minute, bus.KindMessage, 1, true},
		{"silence counts from the last message", 29 * time.Minute, bus.KindMessage, 1, true},
		{"news after long silence", 31 * time.Minute, bus.KindTell, 1, false},
		{"a message after long silence", 0, bus.KindMessage, 2, true},
	}
	for _, s := range steps {
		age(s.after)
		_, err := in.Keep(t.Context(), f.arrival(conv, s.kind, nil))
		require.NoError(t, err, s.name)
		require.Equal(t, s.sessions, one[int](f, `SELECT count(*) FROM events WHERE type = 'session.started' AND subject = $1`, "conversation/"+conv.ID.String()), s.name)
		require.Equal(t, s.inbound, one[bool](f, `SELECT coalesce(inbound_at = event_at, false) FROM conversations`), s.name)
		require.Equal(t, s.sessions > 0, one[bool](f, `SELECT session_at IS NOT NULL FROM conversations`), s.name)
	}
	require.Equal(t, 4, one[int](f, `SELECT count(*) FROM events WHERE type = 'message.received'`))
}

func TestWhatIsSaidIsSealed(t *testing.T) {
	const planted = "planted-words-4111"
	f := setUp(t, 1)
	a := f.arrival(f.convs[0], bus.KindMessage, bus.Once(nil, planted))
	a.Body = []byte(planted)
	_, err := bus.NewInbox(f.db, f.vault).Keep(t.Context(), a)
	require.NoError(t, err)
	for _, table := range []string{"inbox", "inbox_seen", "events", "contacts", "contact_addresses", "conversations"} {
		rows := one[string](f, `SELECT string_agg(t::text, ' ') FROM `+table+` t`)
		for _, secret := range []string{planted, "15550000000"} {
			require.NotContains(t, rows, secret, table)
			require.NotContains(t, rows, fmt.Sprintf("%x", secret), table)
		}
	}
	sealed := one[[]byte](f, `SELECT body FROM inbox`)
	plain, err := f.vault.Open(t.Context(), bus.PlaceBody, sealed)
	require.NoError(t, err)
	require.Equal(t, planted, string(plain))
}
