package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/problem"
)

// releases has one version, which is live; "mine" is refused its own proposal.
type releases struct{ *memory }

func (m releases) one(name, hash string) api.Flow {
	return api.Flow{Name: name, Hash: hash, Live: true, PublishedAt: moment}
}

func (m releases) Versions(_ context.Context, _ uuid.UUID, name string) (api.FlowVersions, error) {
	if name == "none" {
		return api.FlowVersions{}, problem.NotFound.New("There is no flow of this name.")
	}
	return api.FlowVersions{Versions: []api.Flow{m.one(name, hash)}, History: []api.FlowMove{{Stage: "live", Hash: hash, Actor: "key/x", At: moment}}}, nil
}

func (m releases) Version(_ context.Context, _ uuid.UUID, name, hash string) (api.Flow, error) {
	return m.one(name, hash), nil
}

func (m releases) Promote(_ context.Context, _ uuid.UUID, name, hash, stage, actor string) (api.Flow, error) {
	m.seen = append(m.seen, "promote "+name+" "+stage+" "+actor)
	return m.one(name, hash), nil
}

func (m releases) Approve(_ context.Context, _ uuid.UUID, name, hash, actor string) (api.Flow, error) {
	if name == "mine" {
		return api.Flow{}, problem.Forbidden.New("Another one must approve it.")
	}
	m.seen = append(m.seen, "approve "+name+" "+actor)
	return m.one(name, hash), nil
}

func (m releases) Withdraw(_ context.Context, _ uuid.UUID, name, _ string) error {
	m.seen = append(m.seen, "withdraw "+name)
	return nil
}

func (m releases) Rollback(_ context.Context, _ uuid.UUID, name, stage, from, _ string) (api.Flow, error) {
	m.seen = append(m.seen, "rollback "+name+" "+stage)
	return m.one(name, from), nil
}

func (m releases) Rules(context.Context, uuid.UUID) (api.FlowRules, error) {
	return api.FlowRules{Approval: true}, nil
}

func (m releases) SetRules(_ context.Context, _ uuid.UUID, r api.FlowRules, _ string) error {
	m.filters = append(m.filters, r)
	return nil
}

func (m releases) SetStage(_ context.Context, _ uuid.UUID, name, stage, _ string) error {
	m.seen = append(m.seen, "stage "+name+" "+stage)
	return nil
}

var hash = strings.Repeat("ab", 32)

func TestReleases(t *testing.T) {
	e := start(t, nil)
	by := " key/" + uuid.Nil.String()
	for _, c := range []struct {
		method, path, body string
		status             int
		answer, seen       string
	}{
		{"GET", "/v1/flows/shop/versions", "", 200, `"stage":"live"`, ""},
		{"GET", "/v1/flows/none/versions", "", 404, "not-found", ""},
		{"GET", "/v1/flows/shop/versions/" + hash, "", 200, hash, ""},
		{"GET", "/v1/flows/shop/versions/abc", "", 422, "path/hash", ""},
		{"POST", "/v1/flows/shop/promote", `{"hash":"` + hash + `","stage":"staging"}`, 200, hash, "promote shop staging" + by},
		{"POST", "/v1/flows/shop/promote", `{"hash":"` + hash + `","stage":"draft"}`, 422, "/stage", ""},
		{"POST", "/v1/flows/shop/approve", `{"hash":"` + hash + `"}`, 200, hash, "approve shop" + by},
		{"POST", "/v1/flows/mine/approve", `{"hash":"` + hash + `"}`, 403, "Another one", ""},
		{"DELETE", "/v1/flows/shop/proposal", "", 204, "", "withdraw shop"},
		{"POST", "/v1/flows/shop/rollback", `{"from":"` + hash + `"}`, 200, hash, "rollback shop live"},
		{"GET", "/v1/flow-rules", "", 200, `{"approval":true}`, ""},
		{"PUT", "/v1/flow-rules", `{"approval":false}`, 200, `{"approval":false}`, ""},
		{"PUT", "/v1/connections/chat/stage", `{"stage":"staging"}`, 204, "", "stage chat staging"},
	} {
		e.seen = nil
		status, answer := e.call(t, c.method, c.path, c.body)
		require.Equal(t, c.status, status, c.path+answer)
		require.Contains(t, answer, c.answer)
		if c.seen != "" {
			require.Equal(t, []string{c.seen}, e.seen)
		}
	}
	e.keys["writer"] = api.Principal{Workspace: workspace, Scopes: []string{"flows:write"}}
	resp, _ := e.send(t, "POST", "/v1/flows/shop/approve", `{"hash":"`+hash+`"}`, http.Header{"Authorization": {"Bearer writer"}, "Content-Type": {"application/json"}})
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "who may publish may not approve")
}
