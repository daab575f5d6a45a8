package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
)

type migrations struct{ *memory }

var report = api.MigrationReport{Landing: []api.MigrationLanding{{From: "a", To: "b", Count: 2}},
	Staying: []api.MigrationStaying{{Code: "block_gone", Block: "c", Count: 1, Examples: []uuid.UUID{conversation}}}}

func (m migrations) Preview(_ context.Context, _ uuid.UUID, p api.FlowPlan, after uuid.UUID) (api.MigrationPreview, error) {
	m.filters = append(m.filters, p, after)
	return api.MigrationPreview{MigrationReport: report, Next: &conversation}, nil
}

func (m migrations) Begin(_ context.Context, _, id uuid.UUID, p api.FlowPlan, _ string) (api.FlowMigration, error) {
	return api.FlowMigration{ID: id, Name: p.Name, From: p.From, To: p.To, State: "moving"}, nil
}

func (m migrations) List(context.Context, uuid.UUID, string) (api.MigrationRecords, error) {
	return api.MigrationRecords{Items: []api.MigrationRecord{{ID: order, State: "done", CreatedAt: moment}}}, nil
}

func (m migrations) Run(_ context.Context, _ uuid.UUID, name string, id uuid.UUID) (api.FlowMigration, error) {
	return api.FlowMigration{ID: id, Name: name, State: "done", Moved: 2, Stayed: 1, MigrationReport: report}, nil
}

func (m migrations) Undo(_ context.Context, _ uuid.UUID, _ string, _, after uuid.UUID, _ string) (api.MigrationUndone, error) {
	m.filters = append(m.filters, after)
	return api.MigrationUndone{Back: 2, Stayed: 1}, nil
}

type insight struct{ *memory }

func (m insight) Stats(_ context.Context, _ uuid.UUID, _ string, since time.Time, silent time.Duration) (api.FlowStats, error) {
	m.filters = append(m.filters, since, silent)
	return api.FlowStats{Since: since, Conversations: 1, Blocks: []api.BlockStat{{Block: "start", Entered: 3}}}, nil
}

func (m insight) Rehearse(_ context.Context, _ uuid.UUID, n api.NewRehearsal, reveal bool, _ string) (api.Rehearsal, error) {
	m.filters = append(m.filters, n, reveal)
	return api.Rehearsal{Conversations: 2, Same: 1, Way: 1, Places: []api.RehearsalPlace{}}, nil
}

func TestMigrations(t *testing.T) {
	e := start(t, nil)
	at := "/v1/flows/shop/migrations/"
	plan := `{"from":"` + hash + `","to":"` + hash + `","mapping":"blocks: {a: b}"`
	status, answer := e.call(t, "POST", at+"preview", plan+`,"after":"`+order.String()+`"}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"next":"`+conversation.String()+`"`)
	require.Equal(t, []any{api.FlowPlan{Name: "shop", From: hash, To: hash, Mapping: "blocks: {a: b}"}, order}, e.filters)
	status, answer = e.call(t, "PUT", at+order.String(), plan+"}")
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, order.String())
	status, answer = e.call(t, "POST", at+order.String()+"/run", "")
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"moved":2`)
	status, answer = e.call(t, "POST", at+order.String()+"/undo", `{}`)
	require.Equal(t, 200, status, answer)
	require.JSONEq(t, `{"back":2,"stayed":1}`, answer)
	_, answer = e.call(t, "GET", "/v1/flows/shop/migrations", "")
	require.Contains(t, answer, order.String())
	status, _ = e.call(t, "POST", at+"preview", `{"from":"x","to":"`+hash+`"}`)
	require.Equal(t, 422, status)
}

func TestInsight(t *testing.T) {
	e := start(t, nil)
	status, answer := e.call(t, "GET", "/v1/flows/shop/stats?since=2026-11-23T08:00:00Z", "")
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"entered":3`)
	require.Equal(t, []any{moment, 24 * time.Hour}, e.filters)
	e.filters = nil
	status, answer = e.call(t, "POST", "/v1/flows/shop/rehearsals", `{"hash":"`+hash+`","renamed":{"a":"b"}}`)
	require.Equal(t, 200, status, answer)
	require.Equal(t, []any{api.NewRehearsal{Name: "shop", Hash: hash, Renamed: map[string]string{"a": "b"}}, true}, e.filters)

	e.keys["writer"] = api.Principal{Workspace: workspace, Scopes: []string{"flows:write"}}
	resp, _ := e.send(t, "POST", "/v1/flows/shop/rehearsals", `{"hash":"`+hash+`"}`, http.Header{"Authorization": {"Bearer writer"}, "Content-Type": {"application/json"}})
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, false, e.filters[3], "what was said is for those who may read it")
}
