package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/connections"
	"parley/internal/contacts"
	"parley/internal/conversations"
	"parley/internal/intake"
	"parley/internal/ledger"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

type fixture struct {
	t     *testing.T
	db    *store.DB
	vault *vault.Vault
	ws    uuid.UUID
	conn  *connections.Connection
	woken chan bus.Target
	*intake.Intake
}

// Wake makes the fixture a waker that remembers.
func (f *fixture) Wake(_ context.Context, t bus.Target) error { f.woken <- t; return nil }

func setUp(t *testing.T) *fixture {
	f := &fixture{t: t, woken: make(chan bus.Target, 1000)}
	f.db, f.vault, f.ws = storetest.Open(t)
	f.conn = &connections.Connection{Workspace: f.ws, ID: uuid.New(), Connector: sdk.Connector{Name: "test"}}
	quiet := slog.New(slog.DiscardHandler)
	d := bus.NewDispatcher(f, 1, 1000, quiet, nil)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); d.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-stopped })
	f.Intake = &intake.Intake{DB: f.db, Vault: f.vault, Contacts: contacts.New(f.db, f.vault), Inbox: bus.NewInbox(f.db, f.vault),
		Cases: cases.New(f.db, f.vault), Dispatch: d, Log: quiet}
	return f
}

func (f *fixture) accept(events ...sdk.Event) intake.Outcome {
	f.t.Helper()
	out, err := f.Accept(context.Background(), f.conn, events)
	require.NoError(f.t, err)
	return out
}

// offers returns what was offered to the dispatcher since it was asked last.
func (f *fixture) offers() (got []bus.Target) {
	end := bus.Target{ID: uuid.New(), Number: -1}
	require.True(f.t, f.Dispatch.Offer(end)) // one worker, first come first served
	for t := range f.woken {
		if t.ID == end.ID {
			break
		}
		got = append(got, t)
	}
	return got
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(f.t.Context(), sql, args...)
		return err
	}))
}

func one[T any](f *fixture, sql string, args ...any) (v T) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(f.t.Context(), sql, args...).Scan(&v)
	}))
	return v
}

func message(id, from, text string) sdk.Event {
	return sdk.Event{ID: id, Kind: sdk.EventMessage, Message: &sdk.Incoming{ID: "m" + id, From: []sdk.Address{{Kind: "phone", Value: from}}, Name: "Planted-Name", Text: text}}
}

func TestAMessageIsKeptAndItsConversationWoken(t *testing.T) {
	f := setUp(t)
	require.Equal(t, intake.Outcome{Accepted: 2}, f.accept(message("1", "15550001", "one"), message("2", "15550001", "two")))
	conv := one[uuid.UUID](f, `SELECT id FROM conversations`)
	workflow := one[string](f, `SELECT workflow_id FROM conversations`)
	woken := f.offers()
	require.Equal(t, bus.Target{Workspace: f.ws, ID: conv, WorkflowID: workflow, Channel: "test", Number: 2}, woken[len(woken)-1])

	snap, err := conversations.New(f.db, f.vault).Load(t.Context(), conversations.Key{Workspace: f.ws, ID: conv})
	require.NoError(t, err)
	var body struct {
		Kind    string        `json:"kind"`
		Message *sdk.Incoming `json:"message"`
	}
	require.NoError(t, json.Unmarshal(snap.Events[1].Body, &body))
	require.Equal(t, "message", body.Kind)
	require.Equal(t, message("2", "15550001", "two").Message, body.Message)

	require.Equal(t, intake.Outcome{Duplicates: 2}, f.accept(message("1", "15550001", "one"), message("2", "15550001", "two")))
	require.Empty(t, f.offers())
	other := *f.conn
	other.ID = uuid.New()
	out, err := f.Accept(t.Context(), &other, []sdk.Event{message("1", "15550001", "one")})
	require.NoError(t, err)
	require.Equal(t, intake.Outcome{Accepted: 1}, out, "another account's event of the same ID is another event")

	f.exec(`UPDATE contacts SET blocked = true`)
	require.NoError(t, f.Contacts.SetBlocked(t.Context(), f.ws, one[uuid.UUID](f, `SELECT id FROM contacts`), true, "test"))
	require.Equal(t, intake.Outcome{Blocked: 1}, f.accept(message("3", "15550001", "three")), "kept all the same")
}

// Every webhook three times, at once, those of several people mixed: as if once.
func TestDisorderChangesNothing(t *testing.T) {
	f := setUp(t)
	var wg sync.WaitGroup
	for i := range 3 * 40 {
		wg.Go(func() {
			n := i % 40
			_, err := f.Accept(context.Background(), f.conn, []sdk.Event{message(fmt.Sprint(n), fmt.Sprint("1555000", n%5), "hi")})
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, 40, one[int](f, `SELECT count(*) FROM inbox`))
	require.Equal(t, 5, one[int](f, `SELECT count(*) FROM conversations WHERE last_number = 8`))
}

func TestWhatIsMalformedIsRefused(t *testing.T) {
	f := setUp(t)
	noSender, noID := message("1", "", "x"), message("", "15550001", "x")
	for name, ev := range map[string]sdk.Event{"no sender": noSender, "no ID": noID, "no message": {ID: "1", Kind: sdk.EventMessage},
		"no status": {ID: "1", Kind: sdk.EventStatus}, "no content": {ID: "1", Kind: sdk.EventProvider}} {
		_, err := f.Accept(t.Context(), f.conn, []sdk.Event{ev})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, name)
	}
	require.Equal(t, 0, one[int](f, `SELECT count(*) FROM inbox`))
	require.Equal(t, intake.Outcome{Ignored: 2}, f.accept(sdk.Event{Kind: sdk.EventIgnored}, sdk.Event{Kind: "new"}))
}

// sent inserts a message that was sent.
func (f *fixture) sent(key, state string) (conversation uuid.UUID) {
	f.t.Helper()
	conversation = uuid.New()
	f.exec(`INSERT INTO effects (workspace_id, key, subject_id, workflow_id, connection_id, connector, operation, kind, state, attempt)
		VALUES ($1, $2, $3, $4, $5, 'test', 'send', 'once', $6, 1)`, f.ws, key, conversation, "conversation/"+key, f.conn.ID, state)
	return conversation
}

func status(s sdk.MessageStatus, key, id string) sdk.Event {
	ev := sdk.Event{ID: string(s) + id, Kind: sdk.EventStatus, Status: &sdk.Status{MessageID: id, Status: s, EffectKey: key}}
	if s == sdk.StatusFailed {
		ev.Status.Error = &sdk.Error{Class: sdk.Rejected, Code: "131047"}
	}
	return ev
}

func permutations[T any](all []T) [][]T {
	if len(all) == 0 {
		return [][]T{nil}
	}
	var out [][]T
	for i := range all {
		rest := append(append([]T{}, all[:i]...), all[i+1:]...)
		for _, p := range permutations(rest) {
			out = append(out, append([]T{all[i]}, p...))
		}
	}
	return out
}

// Whatever statuses come, in whatever order and how often: the delivery only moves
// forward and ends the same.
func TestStatusesOnlyMoveForward(t *testing.T) {
	rank := map[string]int{"": 0, "accepted": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5}
	sets := [][]sdk.MessageStatus{
		{sdk.StatusSent, sdk.StatusDelivered, sdk.StatusRead, sdk.StatusFailed},
		{sdk.StatusSent, sdk.StatusDelivered, sdk.StatusRead},
		{sdk.StatusSent, sdk.StatusFailed},
	}
	f := setUp(t)
	n := 0
	for _, set := range sets {
		for _, order := range permutations(set) {
			n++
			key, best := fmt.Sprint("k", n), "accepted"
			f.sent(key, "done")
			f.exec(`UPDATE effects SET delivery = 'accepted' WHERE key = $1`, key)
			for _, s := range order {
				forward := rank[string(s)] > rank[best]
				for i := range 2 {
					out := f.accept(status(s, key, "id"+key))
					require.Equal(t, forward && i == 0, out.Accepted == 1, "%v", order)
					require.Equal(t, 1, out.Accepted+out.Duplicates, "%v", order)
				}
				if forward {
					best = string(s)
				}
				require.Equal(t, best, one[string](f, `SELECT delivery FROM effects WHERE key = $1`, key), "%v", order)
			}
			require.Equal(t, "done", one[string](f, `SELECT state FROM effects WHERE key = $1`, key))
			require.Equal(t, best == "failed", one[string](f, `SELECT error_code FROM effects WHERE key = $1`, key) == "131047", "%v", order)
		}
	}
	require.Empty(t, f.offers(), "nobody waits for these")
}

// What an echo means for the attempt that it belongs to.
func TestAnEchoSettlesAnAttempt(t *testing.T) {
	cases := []struct {
		state  string
		status sdk.MessageStatus
		want   string
		wakes  bool
	}{
		{"uncertain", sdk.StatusSent, "done", true},
		{"uncertain", sdk.StatusFailed, "failed", true},
		{"uncertain", sdk.StatusRead, "done", true},
		{"not_sent", sdk.StatusDelivered, "done", true},
		// Its sender is about to settle it.
		{"attempting", sdk.StatusSent, "attempting", false},
		{"attempting", sdk.StatusFailed, "attempting", false},
		{"done", sdk.StatusFailed, "done", false},
		// It was given up as uncertain, and arrived after all.
		{"failed", sdk.StatusDelivered, "done", false},
	}
	f := setUp(t)
	for i, c := range cases {
		name := fmt.Sprint(c.state, " ", c.status)
		key := fmt.Sprint("k", i)
		conv := f.sent(key, c.state)
		require.Equal(t, intake.Outcome{Accepted: 1}, f.accept(status(c.status, key, "id"+key)), name)
		require.Equal(t, c.want, one[string](f, `SELECT state FROM effects WHERE key = $1`, key), name)
		require.Equal(t, string(c.status), one[string](f, `SELECT delivery FROM effects WHERE key = $1`, key), name)
		ref, err := ledger.RefIndex(t.Context(), f.vault, f.ws, "test", "id"+key)
		require.NoError(t, err)
		require.Equal(t, ref, one[[]byte](f, `SELECT ref_index FROM effects WHERE key = $1`, key), "later statuses without our key find it")
		want := []bus.Target(nil)
		if c.wakes { // look again in any case
			want = []bus.Target{{Workspace: f.ws, ID: conv, WorkflowID: "conversation/" + key, Channel: "test"}}
		}
		require.Equal(t, want, f.offers(), name)
	}
	require.Equal(t, intake.Outcome{Accepted: 1}, f.accept(status(sdk.StatusRead, "", "idk0")), "found by the provider's ID")
	require.Equal(t, intake.Outcome{Ignored: 2}, f.accept(status(sdk.StatusRead, "", "unknown"), status(sdk.StatusRead, "unknown", "idk0")))
}

func TestNothingReadableIsStored(t *testing.T) {
	f := setUp(t)
	secrets := []string{"planted-words", "Planted-Name", "15550009999", "wamid.15550009999", "planted-data", "planted-ref"}
	f.accept(message("wamid.15550009999", "15550009999", "planted-words"))
	f.sent("k", "done")
	f.accept(status(sdk.StatusSent, "k", "wamid.15550009999"))
	out := f.accept(provider("evt", "", `{"x":"planted-data"}`, "planted-ref"))
	require.Equal(t, 1, out.Parked)
	for _, table := range []string{"inbox", "inbox_seen", "events", "contacts", "contact_addresses", "conversations", "effects", "parked_events"} {
		rows := one[string](f, `SELECT string_agg(t::text, ' ') FROM `+table+` t`)
		for _, secret := range secrets {
			require.NotContains(t, rows, secret, table)
			require.NotContains(t, rows, fmt.Sprintf("%x", secret), table)
		}
	}
}
