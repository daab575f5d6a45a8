package roles

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/audit"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/workflows/order"
	"parley/workflows/process"
)

// signals are what cases of a kind can be told from outside.
var signals = map[string][]string{order.Kind: {process.NewsCancel}}

// caseResource implements api.Cases.
type caseResource struct {
	cases    *cases.Cases
	trail    *audit.Trail
	dispatch *bus.Dispatcher
}

func (r caseResource) List(ctx context.Context, ws uuid.UUID, f api.CaseFilter, q api.PageQuery) ([]api.Case, string, error) {
	after, err := cursorID(q.After)
	if err != nil {
		return nil, "", err
	}
	got, err := r.cases.List(ctx, ws, cases.Filter{Kind: f.Kind, Stage: f.Stage, WaitingFor: f.WaitingFor, Open: f.Open, Contact: f.Contact, After: after}, q.Limit+1)
	return part(got, q, showCase, func(k cases.Case) string { return k.ID.String() }, err)
}

func (r caseResource) Get(ctx context.Context, ws, id uuid.UUID) (api.Case, error) {
	k, err := r.cases.Get(ctx, cases.Key{Workspace: ws, ID: id})
	if errors.Is(err, cases.ErrNotFound) {
		return api.Case{}, problem.NotFound.New("There is no case with this ID.")
	}
	if err != nil {
		return api.Case{}, err
	}
	return showCase(k), nil
}

// Signal keeps the signal as news of the case, numbered among the others.
func (r caseResource) Signal(ctx context.Context, ws, id uuid.UUID, what api.Signal) error {
	k, err := r.Get(ctx, ws, id)
	if err != nil {
		return err
	}
	if !slices.Contains(signals[k.Kind], what.Name) {
		p := problem.Invalid.New("Some of the input is not valid; errors says what.")
		p.Errors = []problem.Field{{Pointer: "/name", Detail: "cases of this kind know no such signal"}}
		return p
	}
	if !k.Open {
		return problem.Conflict.New("The case is closed.")
	}
	if err := r.trail.Record(ctx, ws, what.Actor, "case.signal."+what.Name, id.String()); err != nil {
		return err
	}
	once := bus.Once(nil, "signal", id.String(), uuid.NewString())
	t, err := r.cases.Tell(ctx, cases.Key{Workspace: ws, ID: id}, once, cases.News{Name: what.Name, Data: what.Data})
	if err != nil {
		return err
	}
	r.dispatch.Offer(t)
	return nil
}

func showCase(k cases.Case) api.Case {
	return api.Case{ID: k.ID, Kind: k.Kind, Number: k.Number, Contact: k.Contact, Conversation: k.Conversation, WorkflowID: k.WorkflowID,
		Stage: k.Stage, WaitingFor: k.WaitingFor, Outcome: k.Outcome, Open: k.Open, Summary: k.Summary.Text, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt}
}
