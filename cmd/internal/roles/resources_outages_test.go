package roles

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/ledger"
	"parley/internal/outages"
	"parley/internal/store/storetest"
)

// An operator pauses a connection, sees what waits, and lets it go on; other
// workspaces see nothing of it.
func TestOutages(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	refused(t, problem.NotFound, d.Outages.Pause(ctx, d.ws, "none", actor))
	refused(t, problem.Conflict, d.Outages.Resume(ctx, d.ws, "chat", actor))
	require.NoError(t, d.Outages.Pause(ctx, d.ws, "chat", actor))
	require.NoError(t, d.Outages.Pause(ctx, d.ws, "chat", actor), "again changes nothing")
	require.NoError(t, d.Outages.SetDrainRate(ctx, d.ws, "chat", 3, actor))

	e := ledger.Effect{Workspace: d.ws, Key: "k-1", Subject: uuid.New(), SealWith: bus.ConversationKey(d.ws, uuid.New()), WorkflowID: "order/x",
		Connection: d.chat.ID, Connector: "webchat", Operation: "x", Effect: sdk.Effect{Kind: sdk.Keyed}}
	waits, err := d.e.Ledger.Plan(ctx, e)
	require.NoError(t, err)
	require.True(t, waits)
	_, err = d.e.Outages.Park(ctx, d.ws, d.chat.ID, e.Key)
	require.NoError(t, err)

	list := func() []api.Outage {
		return all(t, 1, func(q api.PageQuery) ([]api.Outage, string, error) { return d.Outages.List(ctx, d.ws, "chat", q) })
	}
	got := list()
	require.Len(t, got, 1)
	require.Equal(t, []any{"operator", "open", 3.0, 1, 1, 1}, []any{got[0].Cause, got[0].State, got[0].DrainRate, got[0].Parked, got[0].NotSent, got[0].Waiting})

	other := storetest.Workspace(t, d.e.DB, "other")
	d.connect(other, "theirs")
	elsewhere, err := d.e.Outages.Reports(ctx, other, d.chat.ID, time.Time{}, 10)
	require.NoError(t, err)
	require.Empty(t, elsewhere)

	require.NoError(t, d.Outages.Resume(ctx, d.ws, "chat", actor))
	require.Equal(t, "draining", list()[0].State)
	var told []string
	for seconds := range 2 {
		later := outages.New(d.e.DB, outages.Options{Now: func() time.Time { return time.Now().Add(time.Duration(seconds) * time.Second) }})
		require.NoError(t, later.Drain(ctx, func(_ context.Context, r outages.Release) error {
			told = append(told, r.Key)
			return nil
		}))
	}
	require.Equal(t, []string{"k-1"}, told)
	require.Equal(t, "over", list()[0].State)
	require.NoError(t, d.Outages.Pause(ctx, d.ws, "chat", actor))
	require.Len(t, list(), 2, "another outage, on another page")
	for _, did := range []string{"connection.pause", "connection.drain_rate", "connection.resume"} {
		require.Contains(t, d.trail(), actor+" "+did+" "+d.chat.ID.String())
	}
}
