package roles

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/connections"
	"parley/internal/flows"
)

// draft is the stage of a version that is stored only.
const draft = "draft"

// stageOf fills in the default.
func stageOf(stage string) string {
	if stage == "" {
		return flows.Live
	}
	return stage
}

// answers refuses to bind accounts on which nothing of the flow would run.
func (r flowResource) answers(ctx context.Context, ws uuid.UUID, n api.NewFlow, accounts []connections.Connection) error {
	if len(accounts) == 0 {
		return nil
	}
	_, err := r.flows.Live(ctx, ws, n.Name)
	if !errors.Is(err, flows.ErrNotFound) {
		return err
	}
	rules, err := r.flows.Rules(ctx, ws)
	if err != nil {
		return err
	}
	for i, k := range accounts {
		goesLive := stageOf(n.Stage) == flows.Live && !rules.Approval
		if !goesLive && (n.Stage != flows.Staging || k.Stage != flows.Staging) {
			return badBind("/bind/"+strconv.Itoa(i), "no version of the flow runs on this account's stage; bind it when one is live")
		}
	}
	return nil
}

// version shows one version with its document.
func (r flowResource) version(ctx context.Context, ws uuid.UUID, name, hash string) (api.Flow, error) {
	v, err := r.flows.Get(ctx, ws, hash)
	if err == nil && v.Name != name {
		err = flows.ErrNotFound
	}
	if err != nil {
		return api.Flow{}, released(err)
	}
	return showWhole(v), nil
}

func showWhole(v flows.Version) api.Flow {
	out := showFlow(v)
	out.Document = v.Document
	return out
}

// released words the refusals of those who change a stage.
func released(err error) error {
	switch {
	case errors.Is(err, flows.ErrNotFound):
		return problem.NotFound.New("There is no such version of this flow; GET /v1/flows/{name}/versions lists what there is.")
	case errors.Is(err, flows.ErrOwnProposal):
		return problem.Forbidden.New("Who proposed a version cannot approve it: another person must, with a key of their own.")
	case errors.Is(err, flows.ErrNoProposal):
		return problem.Conflict.New("This version is not proposed. It may have been approved, withdrawn or replaced by another proposal: look at the versions again.")
	case errors.Is(err, flows.ErrStale):
		return problem.Conflict.New("The stage does not run the version that was meant any more: look at the versions, and propose or roll back again.")
	case errors.Is(err, flows.ErrFirst):
		return problem.Conflict.New("There is no earlier version to go back to.")
	}
	return err
}

// Versions implements api.Releases, as do the following.
func (r flowResource) Versions(ctx context.Context, ws uuid.UUID, name string) (api.FlowVersions, error) {
	out := api.FlowVersions{History: []api.FlowMove{}}
	versions, err := r.flows.Versions(ctx, ws, name)
	if err == nil && len(versions) == 0 {
		err = problem.NotFound.New("There is no flow of this name.")
	}
	if err != nil {
		return out, err
	}
	for _, v := range versions {
		out.Versions = append(out.Versions, showFlow(v))
	}
	history, err := r.flows.History(ctx, ws, name, 200)
	for _, a := range history {
		out.History = append(out.History, api.FlowMove{Stage: a.Stage, Hash: a.Hash, Rollback: a.Back, Actor: a.Actor, ApprovedBy: a.Approver, At: a.Time})
	}
	return out, err
}

func (r flowResource) Version(ctx context.Context, ws uuid.UUID, name, hash string) (api.Flow, error) {
	return r.version(ctx, ws, name, hash)
}

func (r flowResource) Promote(ctx context.Context, ws uuid.UUID, name, hash, stage, actor string) (api.Flow, error) {
	if _, err := r.flows.Promote(ctx, ws, name, hash, stage, actor); err != nil {
		return api.Flow{}, released(err)
	}
	return r.version(ctx, ws, name, hash)
}

func (r flowResource) Approve(ctx context.Context, ws uuid.UUID, name, hash, actor string) (api.Flow, error) {
	if err := r.flows.Approve(ctx, ws, name, hash, actor); err != nil {
		return api.Flow{}, released(err)
	}
	return r.version(ctx, ws, name, hash)
}

func (r flowResource) Withdraw(ctx context.Context, ws uuid.UUID, name, actor string) error {
	return r.flows.Withdraw(ctx, ws, name, actor)
}

func (r flowResource) Rollback(ctx context.Context, ws uuid.UUID, name, stage, from, actor string) (api.Flow, error) {
	if err := r.flows.Rollback(ctx, ws, name, stage, from, actor); err != nil {
		return api.Flow{}, released(err)
	}
	v, err := r.flows.On(ctx, ws, name, stage)
	return showFlow(v), err
}

func (r flowResource) Rules(ctx context.Context, ws uuid.UUID) (api.FlowRules, error) {
	rules, err := r.flows.Rules(ctx, ws)
	return api.FlowRules(rules), err
}

func (r flowResource) SetRules(ctx context.Context, ws uuid.UUID, rules api.FlowRules, actor string) error {
	return r.flows.SetRules(ctx, ws, flows.Rules(rules), actor)
}

func (r flowResource) SetStage(ctx context.Context, ws uuid.UUID, connection, stage, actor string) error {
	err := r.connections.SetStage(ctx, ws, connection, stage, actor)
	if errors.Is(err, connections.ErrNotFound) {
		return noConnection()
	}
	return err
}
