package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/internal/bus"
)

// sweep returns what one sweep offers.
func (f *fixture) sweep() []bus.Target {
	f.t.Helper()
	var got []bus.Target
	conversations, cases := 0, 0
	woken := make(chan bus.Target, 100)
	d := bus.NewDispatcher(wakerFunc(func(_ context.Context, t bus.Target) error { woken <- t; return nil }), 1, 100, quiet, nil)
	s := bus.Sweeper{DB: f.db, Dispatch: d, Log: quiet, OnSwept: func(a, b int) { conversations, cases = a, b }}
	require.NoError(f.t, s.Sweep(f.t.Context()))
	defer run(f.t, d)()
	for range conversations + cases {
		got = append(got, <-woken)
	}
	return got
}

func TestTheSweeperOffersUnansweredConversationsOnly(t *testing.T) {
	f := setUp(t, 4)
	in := bus.NewInbox(f.db, f.vault)
	for _, c := range f.convs[:3] {
		for range 2 {
			_, err := in.Keep(t.Context(), f.arrival(c, bus.KindMessage, nil))
			require.NoError(t, err)
		}
	}
	lost, answered, young := f.convs[0], f.convs[1], f.convs[2] // and one to which nothing came
	f.exec(`UPDATE conversations SET event_at = event_at - interval '4 seconds' WHERE id <> $1`, young.ID)
	f.exec(`UPDATE conversations SET cursor = 2 WHERE id = $1`, answered.ID)

	require.Equal(t, []bus.Target{{Workspace: f.ws, ID: lost.ID, WorkflowID: lost.WorkflowID, Channel: "test", Number: 2}}, f.sweep())
	require.Empty(t, f.sweep(), "it was woken just now")
}

// A workflow that was lost with something left to do is started again, although
// nobody writes.
func TestTheSweeperOffersWhatIsOverdue(t *testing.T) {
	f := setUp(t, 5)
	sends, wait, soon, later := f.convs[0], f.convs[1], f.convs[2], f.convs[3]
	f.exec(`UPDATE conversations SET event_at = now() - interval '1 hour'`)
	f.exec(`UPDATE conversations SET pending_turn = 1 WHERE id = $1`, sends.ID)
	f.exec(`UPDATE conversations SET due_at = now() - interval '61 seconds' WHERE id = $1`, wait.ID)
	f.exec(`UPDATE conversations SET due_at = now() - interval '59 seconds' WHERE id = $1`, soon.ID)
	f.exec(`UPDATE conversations SET pending_turn = 1, event_at = now() - interval '59 seconds' WHERE id = $1`, later.ID)

	require.ElementsMatch(t, []bus.Target{
		{Workspace: f.ws, ID: sends.ID, WorkflowID: sends.WorkflowID, Channel: "test"},
		{Workspace: f.ws, ID: wait.ID, WorkflowID: wait.WorkflowID, Channel: "test"},
	}, f.sweep())
	require.Empty(t, f.sweep(), "they were woken just now")
}

// Pauses grow with the time for which the event has waited: 15 s at first, at
// most ten minutes. A new event begins anew.
func TestTheSweepersPausesGrow(t *testing.T) {
	f := setUp(t, 1)
	_, err := bus.NewInbox(f.db, f.vault).Keep(t.Context(), f.arrival(f.convs[0], bus.KindMessage, nil))
	require.NoError(t, err)
	f.exec(`INSERT INTO cases (workspace_id, id, kind, number, contact_id, conversation_id, connection_id, workflow_id, input, stage, last_number)
		VALUES ($1, $2, 'order', 1001, $3, $4, $2, 'order/x', '', 'new', 1)`, f.ws, uuid.New(), f.convs[0].Contact, f.convs[0].ID)
	// since: how long ago the event came; nudged: how long ago it was last woken.
	cases := []struct {
		since, nudged time.Duration
		due           bool
	}{
		{4 * time.Second, -1, true},
		{2 * time.Second, -1, false},
		{18 * time.Second, 14 * time.Second, false},
		{20 * time.Second, 16 * time.Second, true},
		{90 * time.Second, 40 * time.Second, false},
		{90 * time.Second, 46 * time.Second, true},
		{24 * time.Hour, 9 * time.Minute, false},
		{24 * time.Hour, 11 * time.Minute, true},
		{5 * time.Second, time.Minute, true}, // woken for an older event
	}
	for _, c := range cases {
		var nudged *time.Duration
		if c.nudged >= 0 {
			nudged = &c.nudged
		}
		f.exec(`UPDATE conversations SET event_at = now() - $1::interval, nudged_at = now() - $2::interval`, c.since, nudged)
		f.exec(`UPDATE cases SET updated_at = now() - $1::interval, nudged_at = now() - $2::interval`, c.since, nudged)
		found := f.sweep()
		if !c.due {
			require.Empty(t, found, "%+v", c)
			continue
		}
		require.Len(t, found, 2, "%+v", c)
		require.NotEqual(t, found[0].Case, found[1].Case)
	}
}

func TestTheSweeperOffersUndispatchedCasesOnly(t *testing.T) {
	f := setUp(t, 1)
	ids := map[string]uuid.UUID{}
	for i, name := range []string{"lost", "told", "young", "quiet"} {
		ids[name] = uuid.New()
		f.exec(`INSERT INTO cases (workspace_id, id, kind, number, contact_id, conversation_id, connection_id, workflow_id, input, stage, last_number, dispatched, updated_at)
			VALUES ($1, $2, 'order', $3, $4, $5, $2, $6, '', 'new', $7, $8, now() - $9::interval)`, f.ws, ids[name], i, f.convs[0].Contact, f.convs[0].ID, "order/"+name,
			map[string]int{"lost": 3, "told": 3, "young": 3}[name], map[string]int{"lost": 1, "told": 3}[name],
			map[string]time.Duration{"lost": time.Minute, "told": time.Minute, "quiet": time.Minute}[name])
	}
	require.Equal(t, []bus.Target{{Workspace: f.ws, ID: ids["lost"], WorkflowID: "order/lost", Case: true, Number: 3}}, f.sweep())
}

func TestOldEventIDsAreForgotten(t *testing.T) {
	f := setUp(t, 1)
	in := bus.NewInbox(f.db, f.vault)
	for _, id := range []string{"old", "new"} {
		_, err := in.Keep(t.Context(), f.arrival(f.convs[0], bus.KindMessage, bus.Once(nil, id)))
		require.NoError(t, err)
	}
	f.exec(`UPDATE inbox_seen SET seen_at = now() - interval '31 days' WHERE event = $1`, bus.Once(nil, "old"))
	_, err := f.db.Pool.Exec(t.Context(), `SELECT forget_seen($1)`, bus.SeenFor)
	require.NoError(t, err)
	require.Equal(t, bus.Once(nil, "new"), one[[]byte](f, `SELECT event FROM inbox_seen`))
}
