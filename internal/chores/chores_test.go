package chores_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/chores"
	"parley/internal/connections"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// provider is one whose news are numbers: the cursor is the last one given.
type provider struct {
	mu    sync.Mutex
	hooks []string
	news  int
	batch int
	polls []string
	fail  error
	enter chan struct{}
	leave chan struct{}
}

func (p *provider) Subscribe(_ context.Context, hook string) error {
	if p.enter != nil {
		p.enter <- struct{}{}
		<-p.leave
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = append(p.hooks, hook)
	return p.fail
}

func (p *provider) Poll(_ context.Context, cursor string) ([]sdk.Event, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polls = append(p.polls, cursor)
	if p.fail != nil {
		return nil, "", p.fail
	}
	at, _ := strconv.Atoi(cursor)
	if at > p.news {
		return nil, "", &sdk.Error{Class: sdk.NotFound, Message: "no such event"}
	}
	var out []sdk.Event
	for at < p.news && (p.batch == 0 || len(out) < p.batch) {
		at++
		out = append(out, sdk.Event{ID: strconv.Itoa(at)})
	}
	return out, strconv.Itoa(at), nil
}

type world struct {
	t     *testing.T
	db    *store.DB
	vault *vault.Vault
	ws    uuid.UUID
	conn  *connections.Connection
	*provider
	conns   *connections.Connections
	taken   []string
	refuses error
	*chores.Sweeper
	registry *prometheus.Registry
}

func setUp(t *testing.T) *world {
	w := &world{t: t, provider: &provider{}, registry: prometheus.NewRegistry()}
	w.db, w.vault, w.ws = storetest.Open(t)
	both := sdk.Connector{Name: "news", PollEvery: time.Hour, Open: func(json.RawMessage, sdk.Host) (any, error) { return w.provider, nil }}
	none := sdk.Connector{Name: "mute", Open: func(json.RawMessage, sdk.Host) (any, error) { return struct{}{}, nil }}
	w.conns = connections.New(connections.Options{DB: w.db, Vault: w.vault, Connectors: []sdk.Connector{both, none}})
	w.put(`{}`)
	m, err := chores.NewMetrics(w.registry, w.db)
	require.NoError(t, err)
	w.Sweeper = w.worker()
	w.OnDone = m.Done
	return w
}

func (w *world) worker() *chores.Sweeper {
	return &chores.Sweeper{DB: w.db, Vault: w.vault, Connections: w.conns, Log: slog.New(slog.DiscardHandler),
		Hook: func(k *connections.Connection) (string, error) { return "https://parley.test/hooks/" + k.Account, nil },
		Accept: func(_ context.Context, _ *connections.Connection, events []sdk.Event) error {
			if w.refuses != nil {
				return w.refuses
			}
			for _, e := range events {
				w.taken = append(w.taken, e.ID)
			}
			return nil
		}}
}

func (w *world) put(config string) {
	k, err := w.conns.Put(w.t.Context(), w.ws, "news", "news", "main", "", json.RawMessage(config), "test")
	require.NoError(w.t, err)
	w.conn = k
}

func (w *world) sweep() int {
	w.t.Helper()
	n, err := w.Sweep(w.t.Context())
	require.NoError(w.t, err)
	return n
}

// later makes the chores of a kind due.
func (w *world) later(kind string) {
	w.t.Helper()
	w.exec(`UPDATE connection_chores SET due_at = now() WHERE kind = $1`, kind)
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	require.NoError(w.t, w.db.InWorkspace(w.t.Context(), w.ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(w.t.Context(), sql, args...)
		return err
	}))
}

func (w *world) status(kind string) chores.Status {
	w.t.Helper()
	all, err := chores.Statuses(w.t.Context(), w.db, w.ws, []uuid.UUID{w.conn.ID})
	require.NoError(w.t, err)
	for _, s := range all[w.conn.ID] {
		if s.Kind == kind {
			return s
		}
	}
	return chores.Status{}
}

// failing is the sum of the gauge of failing chores.
func (w *world) failing() (sum float64) {
	families, err := w.registry.Gather()
	require.NoError(w.t, err)
	for _, f := range families {
		if f.GetName() == "parley_connection_chores_failing" {
			for _, m := range f.GetMetric() {
				sum += m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// rest is how long a chore rests from now.
func (w *world) rest(kind string) time.Duration {
	return time.Until(w.status(kind).DueAt).Round(time.Second)
}

func TestASubscriptionIsLookedAfter(t *testing.T) {
	w := setUp(t)
	require.Equal(t, 2, w.sweep())
	require.Equal(t, []string{"https://parley.test/hooks/main"}, w.hooks)
	require.WithinDuration(t, time.Now(), w.status(chores.Subscribe).DoneAt, time.Minute)
	require.GreaterOrEqual(t, w.rest(chores.Subscribe), 5*time.Hour)
	require.Zero(t, w.sweep(), "nothing is due")

	w.fail = &sdk.Error{Class: sdk.Auth, Code: "403", Message: "the token lacks a scope"}
	var rests []time.Duration
	for range 3 {
		w.later(chores.Subscribe)
		require.Equal(t, 1, w.sweep())
		rests = append(rests, w.rest(chores.Subscribe))
	}
	for i, least := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute} {
		require.GreaterOrEqual(t, rests[i], least-time.Second)
		require.LessOrEqual(t, rests[i], least*11/10+time.Second)
	}
	s := w.status(chores.Subscribe)
	require.Equal(t, []any{3, "auth", "403", "the token lacks a scope"}, []any{s.Failures, s.ErrorClass, s.ErrorCode, s.Error})
	require.EqualValues(t, 1, w.failing())

	w.fail = nil
	w.put(`{"new":true}`)
	require.Equal(t, 2, w.sweep(), "a changed configuration is tried at once")
	require.Zero(t, w.status(chores.Subscribe).Failures)
	require.Empty(t, w.status(chores.Subscribe).Error)
	require.Zero(t, w.failing())
}

// One that hangs takes a place, and no more.
func TestAProviderThatHangsHoldsUpNoOther(t *testing.T) {
	w := setUp(t)
	w.enter, w.leave = make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	w.Every, w.Most = time.Millisecond, 2
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	<-w.enter // the subscription hangs
	seen := func() int { w.mu.Lock(); defer w.mu.Unlock(); return len(w.polls) }
	for until := time.Now().Add(30 * time.Second); seen() < 3; {
		require.True(t, time.Now().Before(until), "the polls go on")
		w.later(chores.Poll)
	}
	w.leave <- struct{}{}
	stop()
	<-ended
	require.Equal(t, []string{"https://parley.test/hooks/main"}, w.hooks)
}

func TestTheProvidersPauseIsKept(t *testing.T) {
	w := setUp(t)
	w.fail = &sdk.Error{Class: sdk.Throttled, RetryAfter: 10 * time.Minute}
	w.sweep()
	require.GreaterOrEqual(t, w.rest(chores.Poll), 10*time.Minute-time.Second)
}

func TestNewsIsTakenOnceAndInOrder(t *testing.T) {
	w := setUp(t)
	w.news = 3
	w.sweep()
	require.Equal(t, []string{"1", "2", "3"}, w.taken)
	require.GreaterOrEqual(t, w.rest(chores.Poll), time.Hour-time.Second, "the connector's own pace")
	w.news = 5
	w.refuses = errors.New("the database is away")
	w.later(chores.Poll)
	w.sweep()
	require.Equal(t, "unavailable", w.status(chores.Poll).ErrorClass)
	require.NotContains(t, w.status(chores.Poll).Error, "database", "what failed inside is for the log")
	w.refuses = nil
	w.Sweeper = w.worker() // another process
	w.later(chores.Poll)
	w.sweep()
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, w.taken)
	require.Equal(t, []string{"", "3", "3"}, w.polls)
}

func TestMuchNewsIsFetchedWithoutAPause(t *testing.T) {
	w := setUp(t)
	w.news, w.batch = 250, 100
	for w.sweep() > 0 {
	}
	require.Len(t, w.taken, 250)
}

func TestACursorThatIsForgottenBeginsAnew(t *testing.T) {
	w := setUp(t)
	w.news = 3
	w.sweep()
	w.news = 1
	for range 2 {
		w.later(chores.Poll)
		w.sweep()
	}
	require.Equal(t, []string{"", "3", ""}, w.polls)
}

func TestAChoreIsDoneByOneAtATime(t *testing.T) {
	w := setUp(t)
	w.exec(`UPDATE connection_chores SET due_at = 'infinity' WHERE kind = 'poll'`)
	w.enter, w.leave = make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = w.Sweep(context.Background()) })
	<-w.enter
	require.Zero(t, w.sweep(), "it is leased")
	// The worker is taken for dead, and another one takes over.
	w.exec(`UPDATE connection_chores SET leased_until = now() - interval '1 second'`)
	other := w.worker()
	wg.Go(func() { _, _ = other.Sweep(context.Background()) })
	<-w.enter
	held := func() (until *time.Time) {
		require.NoError(t, w.db.InWorkspace(t.Context(), w.ws, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT leased_until FROM connection_chores WHERE kind = 'subscribe'`).Scan(&until)
		}))
		return until
	}
	w.leave <- struct{}{} // whoever of the two it is
	w.leave <- struct{}{}
	wg.Wait()
	require.Nil(t, held())
	require.WithinDuration(t, time.Now(), w.status(chores.Subscribe).DoneAt, time.Minute)
}

// What was begun with the former configuration says nothing of the new one.
func TestAChangedConfigurationIsNotMarkedByAnOldRun(t *testing.T) {
	w := setUp(t)
	w.exec(`UPDATE connection_chores SET due_at = 'infinity' WHERE kind = 'poll'`)
	w.enter, w.leave = make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	go func() { defer close(done); _, _ = w.Sweep(context.Background()) }()
	<-w.enter
	w.put(`{"new":true}`)
	w.leave <- struct{}{}
	<-done
	require.Zero(t, w.status(chores.Subscribe).DoneAt)
	w.enter = nil
	require.Equal(t, 2, w.sweep())
}

func TestAConnectionWithoutChores(t *testing.T) {
	w := setUp(t)
	k, err := w.conns.Put(t.Context(), w.ws, "mute", "mute", "main", "", json.RawMessage(`{}`), "test")
	require.NoError(t, err)
	w.sweep()
	w.conn = k
	require.Zero(t, w.status(chores.Poll))
	require.Zero(t, w.sweep())
	require.NoError(t, w.conns.Delete(t.Context(), w.ws, "mute", "test"))
	require.NoError(t, w.conns.Delete(t.Context(), w.ws, "news", "test"))
	require.Zero(t, w.sweep())
}
