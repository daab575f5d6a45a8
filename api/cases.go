package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Case is a long-lived process for a contact: an order, a claim.
type Case struct {
	ID   uuid.UUID `json:"id" required:"true"`
	Kind string    `json:"kind" required:"true"`
	// Number is what people call it by, within its kind.
	Number       int64     `json:"number" required:"true"`
	Contact      uuid.UUID `json:"contact" required:"true"`
	Conversation uuid.UUID `json:"conversation" required:"true"`
	// WorkflowID leads to the case in the Temporal UI.
	WorkflowID string `json:"workflow_id" required:"true"`
	Stage      string `json:"stage" required:"true"`
	WaitingFor string `json:"waiting_for,omitempty"`
	Outcome    string `json:"outcome,omitempty"`
	Open       bool   `json:"open" required:"true"`
	// Summary is what the customer would be told.
	Summary   string    `json:"summary,omitempty"`
	CreatedAt time.Time `json:"created_at" required:"true"`
	UpdatedAt time.Time `json:"updated_at" required:"true"`
}

// CaseFilter selects cases; empty fields match all.
type CaseFilter struct {
	Kind       string    `query:"kind" json:"-" maxLength:"64" description:"Only cases of this kind."`
	Stage      string    `query:"stage" json:"-" maxLength:"64" description:"Only cases in this stage."`
	WaitingFor string    `query:"waiting_for" json:"-" maxLength:"64" description:"Only cases that wait for this."`
	Open       *bool     `query:"open" json:"-" nullable:"false" description:"Only open cases, or only closed ones."`
	Contact    uuid.UUID `query:"contact" json:"-" description:"Only this contact's."`
}

// Signal is something that a case is told from outside.
type Signal struct {
	// Name is "cancel" or another that the case's kind knows.
	Name string
	Data json.RawMessage
	// Actor is for the audit trail.
	Actor string
}

// Cases reads cases and talks to them.
type Cases interface {
	// List returns cases, newest first.
	List(ctx context.Context, ws uuid.UUID, f CaseFilter, q PageQuery) (items []Case, next string, err error)
	// Get returns problem.NotFound for one that does not exist in the workspace.
	Get(ctx context.Context, ws, id uuid.UUID) (Case, error)
	// Signal tells the case, durably. A name that its kind does not know is
	// problem.Invalid; a closed case is problem.Conflict.
	Signal(ctx context.Context, ws, id uuid.UUID, what Signal) error
}

type caseID struct {
	ID uuid.UUID `path:"id" json:"-" description:"The case's ID."`
}

type listCases struct {
	CaseFilter
	Paging
}

type signalCase struct {
	caseID
	Name string         `json:"name" required:"true" pattern:"^[a-z][a-z0-9_.]{0,63}$" description:"What is signalled, such as cancel."`
	Data map[string]any `json:"data,omitempty" nullable:"false" description:"What goes with it."`
	_    struct{}       `additionalProperties:"false"`
}

func (s *server) caseRoutes() []route {
	const tag = "cases"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/cases", id: "listCases", tag: tag, scope: "cases:read",
			summary: "Lists cases, newest first.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listCases) (Page[Case], error) {
				return page(ctx, "cases", in.Paging, func(ctx context.Context, q PageQuery) ([]Case, string, error) {
					return s.o.Cases.List(ctx, p.Workspace, in.CaseFilter, q)
				})
			}),
		op(s, route{method: http.MethodGet, path: "/v1/cases/{id}", id: "getCase", tag: tag, scope: "cases:read",
			summary: "Shows a case.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *caseID) (Case, error) {
				return s.o.Cases.Get(ctx, p.Workspace, in.ID)
			}),
		op(s, route{method: http.MethodPost, path: "/v1/cases/{id}/signal", id: "signalCase", tag: tag, scope: "cases:write",
			summary: "Signals a case, for example to cancel it.", problems: []problem.Kind{problem.NotFound, problem.Conflict}}, s.signalCase),
	}
}

func (s *server) signalCase(ctx context.Context, p Principal, in *signalCase) (none, error) {
	what := Signal{Name: in.Name, Actor: p.Actor()}
	if in.Data != nil {
		data, err := json.Marshal(in.Data)
		if err != nil {
			return none{}, err
		}
		what.Data = data
	}
	return none{}, s.o.Cases.Signal(ctx, p.Workspace, in.ID, what)
}
