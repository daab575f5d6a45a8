package roles

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/cmd/internal/catalogue"
	"parley/internal/connections"
	"parley/internal/flows"
	"parley/internal/models"
	"parley/workflows/flow"
)

// flowResource implements api.Flows.
type flowResource struct {
	flows       *flows.Flows
	models      *models.Models
	connections *connections.Connections
	catalogue   flow.Catalogue
}

func newFlowResource(e *Engine) flowResource {
	return flowResource{e.Flows, e.Models, e.Connections, catalogue.Of(e.Config.Connectors)}
}

// Publish refuses what is wrong before it changes anything. A document that is on
// its stage and bound already stays so, so a publication that was cut off can be
// repeated.
func (r flowResource) Publish(ctx context.Context, ws uuid.UUID, n api.NewFlow) (api.Flow, error) {
	program, err := r.compile(n)
	if err != nil {
		return api.Flow{}, err
	}
	accounts, err := r.accounts(ctx, ws, n.Bind)
	if err != nil {
		return api.Flow{}, err
	}
	if err := r.answers(ctx, ws, n, accounts); err != nil {
		return api.Flow{}, err
	}
	if err := r.learn(ctx, ws, program); err != nil {
		return api.Flow{}, err
	}
	if err := r.flows.Keep(ctx, ws, n.Name, program.Hash(), n.Document, n.Actor); err != nil {
		return api.Flow{}, err
	}
	if n.Stage != draft {
		if _, err := r.flows.Promote(ctx, ws, n.Name, program.Hash(), stageOf(n.Stage), n.Actor); err != nil {
			return api.Flow{}, err
		}
	}
	for _, k := range accounts {
		if err := r.connections.Bind(ctx, ws, k.ID, n.Name, n.Actor); err != nil {
			return api.Flow{}, err
		}
	}
	return r.version(ctx, ws, n.Name, program.Hash())
}

// compile checks the document with the connectors of this program.
func (r flowResource) compile(n api.NewFlow) (*flow.Program, error) {
	doc, _ := flow.Parse(n.Name, []byte(n.Document)) // Check gives the problems of reading too
	found := flow.Check(doc, r.catalogue)
	if len(found) == 0 && doc.Name() != n.Name {
		found = append(found, flow.Problem{Line: 1, Col: 1, Message: "the document's own name differs from the one in the address; make them the same"})
	}
	if len(found) == 0 {
		program, err := flow.Compile(doc)
		if err == nil {
			return program, nil
		}
		more, ok := errors.AsType[flow.Problems](err)
		if !ok {
			return nil, err
		}
		found = more
	}
	out := problem.Invalid.New("The flow has problems; errors lists them with line and column.")
	for _, p := range found {
		out.Errors = append(out.Errors, problem.Field{Pointer: "/document", Detail: p.Message, Line: p.Line, Column: p.Col})
	}
	return nil, out
}

// accounts finds the connections that a flow is to answer on.
func (r flowResource) accounts(ctx context.Context, ws uuid.UUID, bind []string) ([]connections.Connection, error) {
	var all []connections.Connection
	for i, b := range bind {
		connector, account, ok := strings.Cut(b, "/")
		place := "/bind/" + strconv.Itoa(i)
		if !ok || connector == "" || account == "" {
			return nil, badBind(place, "must be connector/account, such as whatsapp/demo")
		}
		got, err := r.connections.Describe(ctx, ws, connections.Filter{Connector: connector, Account: account}, 1)
		if err != nil {
			return nil, err
		}
		if len(got) == 0 {
			p := problem.NotFound.New("An account that the flow is to answer on is not connected; errors says which.")
			p.Errors = []problem.Field{{Pointer: place, Detail: "there is no connection of this account"}}
			return nil, p
		}
		if got[0].Connector.Channel == nil {
			return nil, badBind(place, "carries no messages, so no flow can answer on it")
		}
		all = append(all, got[0])
	}
	return all, nil
}

func badBind(place, detail string) error {
	p := problem.Invalid.New("Some of the input is not valid; errors says what.")
	p.Errors = []problem.Field{{Pointer: place, Detail: detail}}
	return p
}

func (r flowResource) Get(ctx context.Context, ws uuid.UUID, name string) (api.Flow, error) {
	v, err := r.flows.Live(ctx, ws, name)
	if errors.Is(err, flows.ErrNotFound) {
		return api.Flow{}, problem.NotFound.New("There is no flow of this name.")
	}
	if err != nil {
		return api.Flow{}, err
	}
	return showWhole(v), nil
}

// List pages through all versions; a cursor is the name and hash of the last one.
func (r flowResource) List(ctx context.Context, ws uuid.UUID, q api.PageQuery) ([]api.Flow, string, error) {
	all, err := r.flows.List(ctx, ws)
	if err != nil {
		return nil, "", err
	}
	cursor := func(v flows.Version) string { return v.Name + "@" + v.Hash }
	if q.After != "" {
		for i, v := range all {
			if cursor(v) == q.After {
				return part(all[i+1:], q, showFlow, cursor, nil)
			}
		}
		return nil, "", errCursor
	}
	return part(all, q, showFlow, cursor, nil)
}

func showFlow(v flows.Version) api.Flow {
	return api.Flow{Name: v.Name, Hash: v.Hash, Live: v.Live, Staging: v.Staging, ProposedBy: v.Proposer, PublishedAt: v.PublishedAt}
}
