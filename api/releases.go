package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// FlowVersions are all versions of a flow, and what its stages ran.
type FlowVersions struct {
	// Versions, those last put on a stage first.
	Versions []Flow `json:"versions" required:"true" nullable:"false"`
	// History of the stages, newest first, 200 entries at most.
	History []FlowMove `json:"history" required:"true" nullable:"false"`
}

// FlowMove is one change of what a stage runs.
type FlowMove struct {
	Stage string `json:"stage" required:"true" enum:"staging,live"`
	Hash  string `json:"hash" required:"true"`
	// Rollback tells that an earlier version was put back.
	Rollback bool `json:"rollback,omitempty"`
	// Actor put it there; ApprovedBy is the second person, where there was one.
	Actor      string    `json:"actor" required:"true"`
	ApprovedBy string    `json:"approved_by,omitempty"`
	At         time.Time `json:"at" required:"true"`
}

// FlowRules are what a workspace asks of those who publish.
type FlowRules struct {
	Approval bool `json:"approval" required:"true" description:"Whether a second person must approve what goes live."`
}

// Releases moves versions of flows between stages. Each method answers
// problem.NotFound for a flow or version that does not exist.
type Releases interface {
	Versions(ctx context.Context, ws uuid.UUID, name string) (FlowVersions, error)
	// Version returns one version with its document.
	Version(ctx context.Context, ws uuid.UUID, name, hash string) (Flow, error)
	// Promote puts a stored version on a stage, or proposes it.
	Promote(ctx context.Context, ws uuid.UUID, name, hash, stage, actor string) (Flow, error)
	// Approve makes a proposed version live; problem.Forbidden for who proposed it,
	// problem.Conflict if it is not proposed or something else went live since.
	Approve(ctx context.Context, ws uuid.UUID, name, hash, actor string) (Flow, error)
	// Withdraw takes a proposal back.
	Withdraw(ctx context.Context, ws uuid.UUID, name, actor string) error
	// Rollback puts back what a stage ran before the version from, and returns it;
	// problem.Conflict if from does not run there, or nothing did before.
	Rollback(ctx context.Context, ws uuid.UUID, name, stage, from, actor string) (Flow, error)
	Rules(ctx context.Context, ws uuid.UUID) (FlowRules, error)
	SetRules(ctx context.Context, ws uuid.UUID, r FlowRules, actor string) error
	// SetStage says which stage of its flow answers on a connection.
	SetStage(ctx context.Context, ws uuid.UUID, connection, stage, actor string) error
}

type flowVersion struct {
	flowName
	Hash string `path:"hash" json:"-" pattern:"^[0-9a-f]{64}$" description:"The version's hash."`
}

type promoteFlow struct {
	flowName
	Hash  string   `json:"hash" required:"true" pattern:"^[0-9a-f]{64}$" description:"The version, which is stored already."`
	Stage string   `json:"stage" required:"true" enum:"staging,live"`
	_     struct{} `additionalProperties:"false"`
}

type approveFlow struct {
	flowName
	Hash string   `json:"hash" required:"true" pattern:"^[0-9a-f]{64}$" description:"The version that was looked at."`
	_    struct{} `additionalProperties:"false"`
}

type rollbackFlow struct {
	flowName
	From  string   `json:"from" required:"true" pattern:"^[0-9a-f]{64}$" description:"The version that runs now; so a repeat does not go back twice."`
	Stage string   `json:"stage,omitempty" enum:"staging,live" default:"live"`
	_     struct{} `additionalProperties:"false"`
}

type putRules struct {
	FlowRules
	_ struct{} `additionalProperties:"false"`
}

type putStage struct {
	connectionName
	Stage string   `json:"stage" required:"true" enum:"staging,live" description:"The stage of its flow that answers on it."`
	_     struct{} `additionalProperties:"false"`
}

func (s *server) releaseRoutes() []route {
	const tag = "flows"
	missing, both := []problem.Kind{problem.NotFound}, []problem.Kind{problem.NotFound, problem.Conflict}
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/flows/{name}/versions", id: "listFlowVersions", tag: tag, scope: "flows:read",
			summary: "Shows the versions of a flow and what its stages ran.", problems: missing},
			func(ctx context.Context, p Principal, in *flowName) (FlowVersions, error) {
				return s.o.Releases.Versions(ctx, p.Workspace, in.Name)
			}),
		op(s, route{method: http.MethodGet, path: "/v1/flows/{name}/versions/{hash}", id: "getFlowVersion", tag: tag, scope: "flows:read",
			summary: "Shows one version of a flow with its document.", problems: missing},
			func(ctx context.Context, p Principal, in *flowVersion) (Flow, error) {
				return s.o.Releases.Version(ctx, p.Workspace, in.Name, in.Hash)
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/promote", id: "promoteFlow", tag: tag, scope: "flows:write",
			summary: "Puts a stored version on a stage, or proposes it where a second person must approve what goes live.", problems: missing},
			func(ctx context.Context, p Principal, in *promoteFlow) (Flow, error) {
				return s.o.Releases.Promote(ctx, p.Workspace, in.Name, in.Hash, in.Stage, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/approve", id: "approveFlow", tag: tag, scope: "approvals:write",
			summary: "Makes a proposed version live. The key must be another one than the one that proposed it.", problems: both},
			func(ctx context.Context, p Principal, in *approveFlow) (Flow, error) {
				return s.o.Releases.Approve(ctx, p.Workspace, in.Name, in.Hash, p.Actor())
			}),
		op(s, route{method: http.MethodDelete, path: "/v1/flows/{name}/proposal", id: "withdrawFlow", tag: tag, scope: "flows:write",
			summary: "Takes back that a version should go live."},
			func(ctx context.Context, p Principal, in *flowName) (none, error) {
				return none{}, s.o.Releases.Withdraw(ctx, p.Workspace, in.Name, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/rollback", id: "rollbackFlow", tag: tag, scope: "flows:write",
			summary: "Puts back what a stage ran before. It needs no approval.", problems: both},
			func(ctx context.Context, p Principal, in *rollbackFlow) (Flow, error) {
				return s.o.Releases.Rollback(ctx, p.Workspace, in.Name, stageOr(in.Stage), in.From, p.Actor())
			}),
		op(s, route{method: http.MethodGet, path: "/v1/flow-rules", id: "getFlowRules", tag: tag, scope: "flows:read",
			summary: "Shows what the workspace asks of those who publish."},
			func(ctx context.Context, p Principal, _ *struct{}) (FlowRules, error) {
				return s.o.Releases.Rules(ctx, p.Workspace)
			}),
		op(s, route{method: http.MethodPut, path: "/v1/flow-rules", id: "setFlowRules", tag: tag, scope: "approvals:write",
			summary: "Says whether a second person must approve what goes live."},
			func(ctx context.Context, p Principal, in *putRules) (FlowRules, error) {
				return in.FlowRules, s.o.Releases.SetRules(ctx, p.Workspace, in.FlowRules, p.Actor())
			}),
		op(s, route{method: http.MethodPut, path: "/v1/connections/{name}/stage", id: "setConnectionStage", tag: "connections", scope: "connections:write",
			summary: "Says which stage of its flow answers on a connection, for conversations that begin.", problems: missing},
			func(ctx context.Context, p Principal, in *putStage) (none, error) {
				return none{}, s.o.Releases.SetStage(ctx, p.Workspace, in.Name, in.Stage, p.Actor())
			}),
	}
}

func stageOr(stage string) string {
	if stage == "" {
		return "live"
	}
	return stage
}
