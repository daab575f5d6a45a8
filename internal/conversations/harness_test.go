package conversations_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const timeLimit, tick = 20 * time.Second, time.Millisecond

// fixture is a workspace with conversations.
type fixture struct {
	t       *testing.T
	db      *store.DB
	vault   *vault.Vault
	ws      uuid.UUID
	people  *contacts.Contacts
	channel contacts.Channel
	inbox   *bus.Inbox
	*conversations.Conversations
}

func setUp(t *testing.T) *fixture {
	f := &fixture{t: t}
	f.db, f.vault, f.ws = storetest.Open(t)
	f.people = contacts.New(f.db, f.vault)
	f.channel = contacts.Channel{Workspace: f.ws, Connection: uuid.New(), Connector: "test"}
	f.inbox = bus.NewInbox(f.db, f.vault)
	f.Conversations = conversations.New(f.db, f.vault)
	return f
}

// talk is a conversation under test.
type talk struct {
	*fixture
	contacts.Conversation
	key conversations.Key
}

func (f *fixture) talk(n int) *talk {
	f.t.Helper()
	conv, err := f.people.Conversation(f.t.Context(), f.channel, []sdk.Address{{Kind: "phone", Value: fmt.Sprintf("1555000%04d", n)}}, "Ana")
	require.NoError(f.t, err)
	return &talk{f, conv, conversations.Key{Workspace: f.ws, ID: conv.ID}}
}

// arrive keeps a customer's message and returns its number.
func (k *talk) arrive(text string) int64 {
	k.t.Helper()
	body, err := json.Marshal(map[string]any{"kind": bus.KindMessage, "message": sdk.Incoming{Text: text}})
	require.NoError(k.t, err)
	got, err := k.inbox.Keep(context.Background(), bus.Arrival{Workspace: k.ws, Conversation: k.ID, Contact: k.Contact, WorkflowID: k.WorkflowID, Kind: bus.KindMessage, Body: body})
	require.NoError(k.t, err)
	return got.Number
}

func (k *talk) load() *conversations.Snapshot {
	k.t.Helper()
	s, err := k.Load(context.Background(), k.key)
	require.NoError(k.t, err)
	return s
}

// reply is a turn that takes all events of a snapshot and sends texts; the first
// send is committed as attempting, as the Turn activity does.
func reply(s *conversations.Snapshot, texts ...string) *conversations.Turn {
	t := &conversations.Turn{Snapshot: s, Last: s.Cursor + int64(len(s.Events)), State: json.RawMessage(`{"block":"b"}`), Flow: "flow", FlowHash: "hash", Pending: len(texts) > 0}
	for i, text := range texts {
		state := "planned"
		if i == 0 {
			state = "attempting"
		}
		t.Effects = append(t.Effects, conversations.Planned{Key: effectKey(s, i), Index: i, Operation: "send", Kind: sdk.Once, State: state,
			Request: sdk.Content{Text: text}, Author: conversations.AuthorBot})
	}
	return t
}

func effectKey(s *conversations.Snapshot, i int) string {
	return fmt.Sprintf("%s-%d-%d", s.ID, s.Cursor+1, i)
}

// say lets a message arrive and commits a turn that answers it.
func (k *talk) say(texts ...string) *conversations.Snapshot {
	k.t.Helper()
	k.arrive("hi")
	s := k.load()
	require.NoError(k.t, k.Commit(context.Background(), reply(s, texts...)))
	return s
}

func (k *talk) mark(effect string, attempt int, state string) conversations.Mark {
	return conversations.Mark{Key: k.key, Contact: k.Contact, Effect: effect, Attempt: attempt, State: state}
}

func (k *talk) settle(m conversations.Mark) bool {
	k.t.Helper()
	ok, err := k.Settle(context.Background(), m)
	require.NoError(k.t, err)
	return ok
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

// hold locks an effect's row, so that marks of it wait, until the function
// returned is called.
func (f *fixture) hold(effect string) (release func()) {
	tx, err := f.db.Pool.Begin(f.t.Context())
	require.NoError(f.t, err)
	_, err = tx.Exec(f.t.Context(), `SELECT set_config('parley.workspace', $1, true)`, f.ws.String())
	require.NoError(f.t, err)
	_, err = tx.Exec(f.t.Context(), `SELECT FROM effects WHERE key = $1 FOR UPDATE`, effect)
	require.NoError(f.t, err)
	release = sync.OnceFunc(func() { require.NoError(f.t, tx.Rollback(context.Background())) })
	f.t.Cleanup(release)
	return release
}

func (f *fixture) someoneWaits() {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return one[int](f, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0 }, timeLimit, tick)
}
