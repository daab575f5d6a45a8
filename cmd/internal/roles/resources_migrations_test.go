package roles

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/conversations"
	"parley/workflows/flow"
)

const (
	asks   = "name: shop\nblocks:\n  start:\n    - ask: Name?\n      save: name\n    - say: \"Hello {{ name }}\"\n"
	greets = "name: shop\nblocks:\n  begin:\n    - ask: Your name?\n      save: name\n    - say: \"Welcome {{ name }}\"\nstart: begin\n"
)

// begun commits the first turn of the version in a conversation that has said hi.
func (d *desk) begun(hash, source string) uuid.UUID {
	d.t.Helper()
	conv := d.conversation("hi")
	s, err := d.e.Conversations.Load(d.t.Context(), conversations.Key{Workspace: d.ws, ID: conv.ID})
	require.NoError(d.t, err)
	p, err := flow.Source{File: "shop.yaml", Text: []byte(source)}.Compile()
	require.NoError(d.t, err)
	out := p.Step(flow.Input{Events: []flow.Event{{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: "hi"}}}, Now: s.Events[0].At})
	raw, err := json.Marshal(out.State)
	require.NoError(d.t, err)
	require.NoError(d.t, d.e.Conversations.Commit(d.t.Context(), &conversations.Turn{Snapshot: s, Last: s.LastNumber, Flow: "shop", FlowHash: hash, State: raw, Entered: out.Entered, Stood: out.State.Block}))
	return conv.ID
}

func TestMigrationsRehearsalsAndStats(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	old, err := d.Flows.Publish(ctx, d.ws, api.NewFlow{Name: "shop", Document: asks, Actor: anna})
	require.NoError(t, err)
	newer, err := d.Flows.Publish(ctx, d.ws, api.NewFlow{Name: "shop", Document: greets, Actor: anna})
	require.NoError(t, err)
	id := d.begun(old.Hash, asks)

	stats, err := d.Insight.Stats(ctx, d.ws, "shop", time.Now().Add(-time.Hour), time.Hour)
	require.NoError(t, err)
	require.Equal(t, []api.BlockStat{{Block: "start", Entered: 1, Waiting: 1}}, stats.Blocks)
	_, err = d.Insight.Stats(ctx, d.ws, "none", time.Now(), time.Hour)
	refused(t, problem.NotFound, err)

	shown, err := d.Insight.Rehearse(ctx, d.ws, api.NewRehearsal{Name: "shop", Hash: newer.Hash}, true, anna)
	require.NoError(t, err)
	require.Equal(t, []string{"hi"}, shown.Places[0].Examples[0].Said)
	require.Contains(t, d.trail(), anna+" flow.rehearse shop@"+newer.Hash)
	hidden, err := d.Insight.Rehearse(ctx, d.ws, api.NewRehearsal{Name: "shop", Document: greets, Renamed: map[string]string{"start": "begin"}}, false, anna)
	require.NoError(t, err)
	require.Equal(t, []any{1, 1, 0}, []any{hidden.Conversations, hidden.Words, hidden.Way})
	require.Equal(t, []api.RehearsalExample{{Conversation: id, Turn: 1}}, hidden.Places[0].Examples)
	_, err = d.Insight.Rehearse(ctx, d.ws, api.NewRehearsal{Name: "shop", Document: "name: ["}, false, anna)
	refused(t, problem.Invalid, err)

	plan := api.FlowPlan{Name: "shop", From: old.Hash, To: newer.Hash}
	staying, err := d.Migrations.Preview(ctx, d.ws, plan, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, "block_gone", staying.Staying[0].Code)
	plan.Mapping = "blocks: {start: nowhere}"
	_, err = d.Migrations.Preview(ctx, d.ws, plan, uuid.Nil)
	require.Equal(t, "/mapping", refused(t, problem.Invalid, err).Errors[0].Pointer)
	plan.Mapping = "blocks: {start: begin}"
	migration := uuid.New()
	_, err = d.Migrations.Run(ctx, d.ws, "shop", migration)
	refused(t, problem.NotFound, err)
	_, err = d.Migrations.Begin(ctx, d.ws, migration, plan, anna)
	require.NoError(t, err)
	done, err := d.Migrations.Run(ctx, d.ws, "shop", migration)
	require.NoError(t, err)
	require.Equal(t, []any{"done", int64(1), int64(0)}, []any{done.State, done.Moved, done.Stayed})
	list, err := d.Migrations.List(ctx, d.ws, "shop")
	require.NoError(t, err)
	require.Equal(t, []any{migration, "done", int64(1), anna}, []any{list.Items[0].ID, list.Items[0].State, list.Items[0].Moved, list.Items[0].Actor})
	undone, err := d.Migrations.Undo(ctx, d.ws, "shop", migration, uuid.Nil, anna)
	require.NoError(t, err)
	require.Equal(t, api.MigrationUndone{Back: 1}, undone)
	require.Contains(t, d.trail(), anna+" flow.migrate.undo shop@"+newer.Hash+" to "+old.Hash)
}
