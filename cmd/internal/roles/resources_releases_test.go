package roles

import (
	"testing"

	"github.com/stretchr/testify/require"
	"parley/api"
	"parley/api/problem"
)

const (
	anna = "key/anna"
	ben  = "key/ben"
)

func TestAFlowIsStagedApprovedAndRolledBack(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	publish := func(document, stage string, bind ...string) (api.Flow, error) {
		return d.Flows.Publish(ctx, d.ws, api.NewFlow{Name: "shop", Document: document, Stage: stage, Bind: bind, Actor: anna})
	}
	_, err := publish(hello, "draft", "webchat/chat")
	require.Equal(t, "/bind/0", refused(t, problem.Invalid, err).Errors[0].Pointer, "nothing would answer there")
	require.NoError(t, d.Releases.SetStage(ctx, d.ws, "chat", "staging", anna))
	refused(t, problem.NotFound, d.Releases.SetStage(ctx, d.ws, "nowhere", "staging", anna))
	_, err = publish(hello, "staging", "webchat/chat")
	require.NoError(t, err)
	bound, err := d.Connections.Get(ctx, d.ws, "chat")
	require.NoError(t, err)
	require.Equal(t, []string{"shop", "staging"}, []string{bound.Flow, bound.Stage})

	require.NoError(t, d.Releases.SetRules(ctx, d.ws, api.FlowRules{Approval: true}, ben))
	first, err := publish(hello, "")
	require.NoError(t, err)
	require.Equal(t, []any{false, true, anna}, []any{first.Live, first.Staging, first.ProposedBy})
	_, err = d.Releases.Approve(ctx, d.ws, "shop", first.Hash, anna)
	refused(t, problem.Forbidden, err)
	approved, err := d.Releases.Approve(ctx, d.ws, "shop", first.Hash, ben)
	require.NoError(t, err)
	require.True(t, approved.Live)
	require.Empty(t, approved.ProposedBy)

	second, err := publish(hello+"    - say: More?\n", "draft")
	require.NoError(t, err)
	_, err = d.Releases.Approve(ctx, d.ws, "shop", second.Hash, ben)
	refused(t, problem.Conflict, err)
	_, err = d.Releases.Version(ctx, d.ws, "other", second.Hash)
	refused(t, problem.NotFound, err)
	_, err = d.Releases.Promote(ctx, d.ws, "shop", second.Hash, "live", ben)
	require.NoError(t, err)
	_, err = d.Releases.Approve(ctx, d.ws, "shop", second.Hash, anna)
	require.NoError(t, err)
	back, err := d.Releases.Rollback(ctx, d.ws, "shop", "live", second.Hash, anna)
	require.NoError(t, err)
	require.Equal(t, first.Hash, back.Hash)
	_, err = d.Releases.Rollback(ctx, d.ws, "shop", "live", first.Hash, anna)
	refused(t, problem.Conflict, err)

	all, err := d.Releases.Versions(ctx, d.ws, "shop")
	require.NoError(t, err)
	require.Len(t, all.Versions, 2)
	require.Len(t, all.History, 4)
	require.Equal(t, []any{true, anna, ""}, []any{all.History[0].Rollback, all.History[0].Actor, all.History[0].ApprovedBy})
	require.Equal(t, anna, all.History[1].ApprovedBy)
}
