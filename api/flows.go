package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Flow is one version of a flow.
type Flow struct {
	Name string `json:"name" required:"true"`
	// Hash names the version by its content.
	Hash string `json:"hash" required:"true"`
	// Live tells that new conversations get this version, Staging that those on
	// connections for staging do.
	Live    bool `json:"live" required:"true"`
	Staging bool `json:"staging,omitempty"`
	// ProposedBy is who proposed that it goes live, while a second person has not
	// approved it.
	ProposedBy string `json:"proposed_by,omitempty"`
	// PublishedAt is when it was last put on a stage, or else when it was stored.
	PublishedAt time.Time `json:"published_at" required:"true"`
	// Document is shown for a single flow only.
	Document string `json:"document,omitempty"`
}

// NewFlow is what [Flows.Publish] is given.
type NewFlow struct {
	Name     string
	Document string
	// Stage is draft (stored only), staging or live; live if empty.
	Stage string
	// Bind lists accounts that the flow is to answer on: "connector/account".
	Bind []string
	// Actor is for the audit trail.
	Actor string
}

// Flows keeps published flows.
type Flows interface {
	// Publish checks the document, stores it and puts it on the stage; where a
	// second person must approve what goes live, it is proposed. What is wrong with
	// it is problem.Invalid with all findings in Errors, each with line and column;
	// an account that does not exist is problem.NotFound.
	Publish(ctx context.Context, ws uuid.UUID, f NewFlow) (Flow, error)
	// Get returns the live version; problem.NotFound if there is none.
	Get(ctx context.Context, ws uuid.UUID, name string) (Flow, error)
	// List returns all versions by name, newest first.
	List(ctx context.Context, ws uuid.UUID, q PageQuery) (items []Flow, next string, err error)
}

type flowName struct {
	Name string `path:"name" json:"-" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" description:"The flow's name in the workspace."`
}

type putFlow struct {
	flowName
	Document string   `json:"document" required:"true" minLength:"1" description:"The flow, as YAML or JSON text."`
	Stage    string   `json:"stage,omitempty" enum:"draft,staging,live" default:"live" description:"Where it runs: nowhere yet, on connections for staging, or everywhere."`
	Bind     []string `json:"bind,omitempty" nullable:"false" maxItems:"100" description:"Accounts that it is to answer on, as connector/account."`
	_        struct{} `additionalProperties:"false"`
}

type listFlows struct{ Paging }

func (s *server) flowRoutes() []route {
	const tag = "flows"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/flows", id: "listFlows", tag: tag, scope: "flows:read",
			summary: "Lists the versions of all flows.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listFlows) (Page[Flow], error) {
				return page(ctx, "flows", in.Paging, func(ctx context.Context, q PageQuery) ([]Flow, string, error) {
					return s.o.Flows.List(ctx, p.Workspace, q)
				})
			}),
		op(s, route{method: http.MethodGet, path: "/v1/flows/{name}", id: "getFlow", tag: tag, scope: "flows:read",
			summary: "Shows the live version of a flow.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *flowName) (Flow, error) {
				return s.o.Flows.Get(ctx, p.Workspace, in.Name)
			}),
		op(s, route{method: http.MethodPut, path: "/v1/flows/{name}", id: "publishFlow", tag: tag, scope: "flows:write",
			summary: "Checks a flow and publishes it, or proposes it where a second person must approve. Conversations in the middle of a flow keep their version.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *putFlow) (Flow, error) {
				return s.o.Flows.Publish(ctx, p.Workspace, NewFlow{Name: in.Name, Document: in.Document, Stage: in.Stage, Bind: in.Bind, Actor: p.Actor()})
			}),
	}
}
