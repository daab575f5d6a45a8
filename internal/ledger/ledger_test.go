package ledger_test

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
	*ledger.Ledger
}

func setUp(t *testing.T) *fixture {
	f := &fixture{t: t}
	f.db, f.vault, f.ws = storetest.Open(t)
	f.Ledger = ledger.New(f.db, f.vault)
	return f
}

const (
	lifetime = 24 * time.Hour
	lag      = 3 * time.Minute
)

func (f *fixture) effect(kind sdk.EffectKind) ledger.Effect {
	contact := uuid.New()
	return ledger.Effect{Workspace: f.ws, Key: uuid.NewString(), Subject: uuid.New(), SealWith: vault.Ref{Workspace: f.ws, Contact: contact, Purpose: "case/x"},
		WorkflowID: "order/x", Connection: uuid.New(), Connector: "shop", Operation: "order_create",
		Effect: sdk.Effect{Kind: kind, KeyLifetime: lifetime, Settle: lag}, Input: json.RawMessage(`{"planted":"input-words"}`)}
}

func (f *fixture) begin(e ledger.Effect) ledger.Decision {
	f.t.Helper()
	d, err := f.Begin(f.t.Context(), e)
	require.NoError(f.t, err)
	return d
}

func (f *fixture) finish(e ledger.Effect, attempt int, o ledger.Outcome) bool {
	f.t.Helper()
	ok, err := f.Finish(f.t.Context(), e, attempt, o)
	require.NoError(f.t, err)
	return ok
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

// What may be done again, by kind, by what the attempts before left, and by how
// long ago the first and the last of them were.
func TestBeginDecides(t *testing.T) {
	const attempt, find, wait, uncertain = "attempt", "find", "wait", "uncertain"
	type row struct {
		state        string
		wasUncertain bool
		age          time.Duration
	}
	attempting := func(age time.Duration) row { return row{"attempting", false, age} }
	cases := []struct {
		kind sdk.EffectKind
		row  row
		want string
	}{
		{sdk.Read, attempting(0), attempt},
		{sdk.Read, row{"uncertain", true, 48 * time.Hour}, attempt},
		{sdk.Read, row{"not_sent", false, 0}, attempt},

		{sdk.Keyed, attempting(0), attempt},
		{sdk.Keyed, attempting(23 * time.Hour), attempt},
		{sdk.Keyed, attempting(25 * time.Hour), uncertain},
		{sdk.Keyed, row{"uncertain", true, 23 * time.Hour}, attempt},
		{sdk.Keyed, row{"uncertain", true, 25 * time.Hour}, uncertain},
		{sdk.Keyed, row{"not_sent", false, 25 * time.Hour}, attempt},
		// The newest attempt did not leave, but one before it may have, under a
		// key that the provider has forgotten.
		{sdk.Keyed, row{"not_sent", true, 25 * time.Hour}, uncertain},
		{sdk.Keyed, row{"not_sent", true, 23 * time.Hour}, attempt},

		{sdk.Lookup, attempting(time.Minute), wait},
		{sdk.Lookup, attempting(4 * time.Minute), find},
		{sdk.Lookup, row{"uncertain", true, time.Minute}, wait},
		{sdk.Lookup, row{"uncertain", true, 48 * time.Hour}, find},
		{sdk.Lookup, row{"not_sent", false, 0}, attempt},
		{sdk.Lookup, row{"not_sent", true, 4 * time.Minute}, find},

		{sdk.Once, attempting(0), uncertain},
		{sdk.Once, attempting(48 * time.Hour), uncertain},
		{sdk.Once, row{"uncertain", true, 0}, uncertain},
		{sdk.Once, row{"not_sent", false, 0}, attempt},
		{sdk.Once, row{"planned", false, 0}, attempt},
	}
	f := setUp(t)
	for _, c := range cases {
		name := fmt.Sprintf("%s %+v", c.kind, c.row)
		e := f.effect(c.kind)
		require.Equal(t, ledger.Decision{Attempt: 1}, f.begin(e), name)
		f.exec(`UPDATE effects SET state = $2, was_uncertain = $3, in_doubt = $3, first_attempt_at = now() - $4::interval, attempted_at = now() - $4::interval WHERE key = $1`,
			e.Key, c.row.state, c.row.wasUncertain, c.row.age)
		d := f.begin(e)
		state, attempts := one[string](f, `SELECT state FROM effects WHERE key = $1`, e.Key), one[int](f, `SELECT attempt FROM effects WHERE key = $1`, e.Key)
		require.False(t, d.Settled, name)
		switch c.want {
		case attempt:
			require.Equal(t, ledger.Decision{Attempt: 2}, d, name)
			require.Equal(t, "attempting 2", fmt.Sprint(state, " ", attempts), name)
		case find:
			require.True(t, d.Find && !d.Uncertain, name)
			require.True(t, d.FindAfter.Before(time.Now()), name)
			require.Equal(t, "attempting 2", fmt.Sprint(state, " ", attempts), name)
		case wait:
			require.True(t, d.Find && !d.Uncertain, name)
			require.True(t, d.FindAfter.After(time.Now()), name)
			require.Equal(t, c.row.state+" 1", fmt.Sprint(state, " ", attempts), name)
		case uncertain:
			require.Equal(t, ledger.Decision{Attempt: 1, Uncertain: true}, d, name)
			require.Equal(t, "uncertain 1", fmt.Sprint(state, " ", attempts), name)
		}
	}
}

// An attempt that another follows without knowing how it ended stays in memory.
func TestAnAttemptThatMayHaveHappenedIsNotForgotten(t *testing.T) {
	f := setUp(t)
	e := f.effect(sdk.Keyed)
	f.begin(e) // and the process died
	require.Equal(t, 2, f.begin(e).Attempt)
	require.True(t, f.finish(e, 2, ledger.Outcome{Error: &sdk.Error{Class: sdk.Throttled}}))
	require.Equal(t, "not_sent", one[string](f, `SELECT state FROM effects`))
	f.exec(`UPDATE effects SET first_attempt_at = now() - interval '25 hours'`)
	require.True(t, f.begin(e).Uncertain)
}

// After a search that found nothing the attempt counts from then on: were it
// lost, the next search must wait until the provider can show it.
func TestALookupThatIsRepeatedStartsTheClockAnew(t *testing.T) {
	f := setUp(t)
	e := f.effect(sdk.Lookup)
	f.begin(e)
	f.exec(`UPDATE effects SET attempted_at = now() - interval '4 minutes'`)
	first, second := f.begin(e), f.begin(e)
	require.True(t, first.Find && second.Find)

	ok, err := f.Repeat(t.Context(), e, first.Attempt)
	require.NoError(t, err)
	require.False(t, ok, "another attempt has begun since")
	ok, err = f.Repeat(t.Context(), e, second.Attempt)
	require.NoError(t, err)
	require.True(t, ok)
	d := f.begin(e)
	require.True(t, d.Find)
	require.True(t, d.FindAfter.After(time.Now().Add(lag-time.Minute)))

	require.True(t, f.finish(e, second.Attempt, ledger.Outcome{Output: json.RawMessage(`{}`)}))
	ok, err = f.Repeat(t.Context(), e, second.Attempt)
	require.NoError(t, err)
	require.False(t, ok, "it is settled")
}

func TestOutcomesAreGivenAgain(t *testing.T) {
	f := setUp(t)
	for _, kind := range []sdk.EffectKind{sdk.Read, sdk.Keyed, sdk.Lookup, sdk.Once} {
		done := f.effect(kind)
		f.begin(done)
		require.True(t, f.finish(done, 1, ledger.Outcome{Output: json.RawMessage(`{"id":"7"}`), Ref: "7"}))
		d := f.begin(done)
		require.Equal(t, ledger.Decision{Attempt: 1, Settled: true, Output: json.RawMessage(`{"id":"7"}`)}, d)
		require.False(t, f.finish(done, 1, ledger.Outcome{Error: &sdk.Error{Class: sdk.Rejected}}), "what is done stays done")
		ref, err := ledger.RefIndex(t.Context(), f.vault, f.ws, "shop", "7")
		require.NoError(t, err)
		require.Equal(t, ref, one[[]byte](f, `SELECT ref_index FROM effects WHERE key = $1`, done.Key))

		failed := f.effect(kind)
		f.begin(failed)
		refusal := &sdk.Error{Class: sdk.Rejected, Code: "card_declined", Message: "declined", Customer: "Your card was declined."}
		require.True(t, f.finish(failed, 1, ledger.Outcome{Error: refusal}))
		d = f.begin(failed)
		require.True(t, d.Settled)
		require.Equal(t, refusal, d.Error)
		require.Nil(t, d.Output)
	}
	erased := f.effect(sdk.Once)
	f.begin(erased)
	f.finish(erased, 1, ledger.Outcome{Error: &sdk.Error{Class: sdk.Auth, Code: "401", Message: "no"}})
	_, err := f.vault.Destroy(t.Context(), f.ws, erased.SealWith.Contact, "")
	require.NoError(t, err)
	require.Equal(t, &sdk.Error{Class: sdk.Auth, Code: "401", Message: "it failed before"}, f.begin(erased).Error)
}

func TestWhatAnErrorMeansForAnEffect(t *testing.T) {
	cases := []struct {
		err  *sdk.Error
		want map[sdk.EffectKind]string
	}{
		{nil, map[sdk.EffectKind]string{sdk.Read: "done", sdk.Once: "done"}},
		{&sdk.Error{Class: sdk.Throttled, Wrote: true}, map[sdk.EffectKind]string{sdk.Read: "not_sent", sdk.Keyed: "not_sent", sdk.Once: "not_sent"}},
		{&sdk.Error{Class: sdk.Unavailable}, map[sdk.EffectKind]string{sdk.Read: "not_sent", sdk.Lookup: "not_sent", sdk.Once: "not_sent"}},
		{&sdk.Error{Class: sdk.Unavailable, Wrote: true}, map[sdk.EffectKind]string{sdk.Read: "not_sent", sdk.Keyed: "uncertain", sdk.Lookup: "uncertain", sdk.Once: "uncertain"}},
		{&sdk.Error{Class: sdk.Uncertain}, map[sdk.EffectKind]string{sdk.Read: "not_sent", sdk.Once: "uncertain"}},
		{&sdk.Error{Class: sdk.Invalid, Wrote: true}, map[sdk.EffectKind]string{sdk.Read: "failed", sdk.Once: "failed"}},
		{&sdk.Error{Class: sdk.Auth, Wrote: true}, map[sdk.EffectKind]string{sdk.Once: "failed"}},
		{&sdk.Error{Class: sdk.NotFound, Wrote: true}, map[sdk.EffectKind]string{sdk.Once: "failed"}},
		{&sdk.Error{Class: sdk.Rejected, Wrote: true}, map[sdk.EffectKind]string{sdk.Once: "failed"}},
	}
	for _, c := range cases {
		for kind, want := range c.want {
			require.Equal(t, want, ledger.Outcome{Error: c.err}.State(kind), "%s %+v", kind, c.err)
		}
	}
}

// Only the attempt that is recorded may say that it failed; that it succeeded, any may.
func TestFinishOfAnOlderAttempt(t *testing.T) {
	f := setUp(t)
	e := f.effect(sdk.Keyed)
	f.begin(e)
	f.begin(e)
	require.False(t, f.finish(e, 1, ledger.Outcome{Error: &sdk.Error{Class: sdk.Rejected}}))
	require.Equal(t, "attempting", one[string](f, `SELECT state FROM effects`))
	require.True(t, f.finish(e, 1, ledger.Outcome{Output: json.RawMessage(`{"late":true}`)}))
	require.JSONEq(t, `{"late":true}`, string(f.begin(e).Output))
	require.Equal(t, 1, one[int](f, `SELECT count(*) FROM events WHERE type = 'effect.done'`))
}

// Of attempts that begin at once, one may be made; that it is under way makes it
// uncertain to the others, and its own outcome settles it.
func TestOfAttemptsAtOnceOneIsMade(t *testing.T) {
	f := setUp(t)
	for range 5 {
		e := f.effect(sdk.Once)
		var mu sync.Mutex
		may, uncertain := 0, 0
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				d, err := f.Begin(context.Background(), e)
				require.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				if d.Uncertain {
					uncertain++
				} else {
					may++
				}
			})
		}
		wg.Wait()
		require.Equal(t, [2]int{1, 7}, [2]int{may, uncertain})
		require.True(t, f.finish(e, 1, ledger.Outcome{Output: json.RawMessage(`{}`)}))
		require.True(t, f.begin(e).Settled)
	}
}

func TestTheLedgerIsSealedAndSeparatesWorkspaces(t *testing.T) {
	f := setUp(t)
	e := f.effect(sdk.Once)
	f.begin(e)
	f.finish(e, 1, ledger.Outcome{Output: json.RawMessage(`{"planted":"output-words"}`), Ref: "planted-ref"})
	rows := one[string](f, `SELECT string_agg(e::text, ' ') || (SELECT string_agg(v::text, ' ') FROM events v) FROM effects e`)
	for _, secret := range []string{"input-words", "output-words", "planted-ref"} {
		require.NotContains(t, rows, secret)
		require.NotContains(t, rows, fmt.Sprintf("%x", secret))
	}
	e.Workspace = storetest.Workspace(t, f.db, "other")
	require.Equal(t, ledger.Decision{Attempt: 1}, f.begin(e), "the same key is another effect there")
}

// An effect that a turn has planned keeps its sealed request, by which its news
// finds the flow, and learns by which connection it goes.
func TestAPlannedEffectIsAttempted(t *testing.T) {
	f := setUp(t)
	e := f.effect(sdk.Keyed)
	f.exec(`INSERT INTO effects (workspace_id, key, subject_id, workflow_id, connection_id, connector, operation, kind, state, request)
		VALUES ($1, $2, $3, 'conversation/x', $4, 'whatsapp', 'order_create', 'once', 'planned', 'sealed')`, f.ws, e.Key, e.Subject, uuid.New())
	require.Equal(t, ledger.Decision{Attempt: 1}, f.begin(e))
	got, err := f.Get(t.Context(), f.ws, e.Key)
	require.NoError(t, err)
	require.Equal(t, []any{e.Connection, "shop", "keyed", "attempting", 1}, []any{got.Connection, got.Connector, got.Kind, got.State, got.Attempt})
	require.Equal(t, "sealed", string(one[[]byte](f, `SELECT request FROM effects`)))
	_, err = f.Get(t.Context(), f.ws, "none")
	require.ErrorIs(t, err, ledger.ErrNotFound)
}
