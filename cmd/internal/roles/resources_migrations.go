package roles

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"parley/activities/moving"
	"parley/activities/rehearsal"
	"parley/api"
	"parley/api/problem"
	"parley/internal/audit"
	"parley/internal/conversations"
	"parley/internal/flows"
	"parley/workflows/flow"
	"parley/workflows/flow/rehearse"
)

// migrationResource implements api.FlowMigrations.
type migrationResource struct{ mover *moving.Mover }

func newMigrationResource(e *Engine) migrationResource {
	return migrationResource{&moving.Mover{Flows: e.Flows, Conversations: e.Conversations}}
}

// planned words what is wrong with a plan.
func planned(err error) error {
	if bad, ok := errors.AsType[*moving.InvalidError](err); ok {
		p := problem.Invalid.New("The mapping does not fit the versions; errors says what.")
		p.Errors = []problem.Field{{Pointer: "/mapping", Detail: bad.Reason}}
		return p
	}
	if errors.Is(err, flows.ErrNotFound) {
		return problem.NotFound.New("There is no such version or migration of this flow.")
	}
	return err
}

func (r migrationResource) Preview(ctx context.Context, ws uuid.UUID, p api.FlowPlan, after uuid.UUID) (api.MigrationPreview, error) {
	report, last, more, err := r.mover.Preview(ctx, ws, moving.Plan(p), after)
	return api.MigrationPreview{MigrationReport: showMoves(report), Next: next(last, more)}, planned(err)
}

func (r migrationResource) Begin(ctx context.Context, ws, id uuid.UUID, p api.FlowPlan, actor string) (api.FlowMigration, error) {
	rec, err := r.mover.Begin(ctx, ws, id, moving.Plan(p), actor)
	return showMigration(rec, moving.Report{}), planned(err)
}

func (r migrationResource) Run(ctx context.Context, ws uuid.UUID, name string, id uuid.UUID) (api.FlowMigration, error) {
	rec, report, err := r.mover.Run(ctx, ws, name, id)
	return showMigration(rec, report), planned(err)
}

func (r migrationResource) List(ctx context.Context, ws uuid.UUID, name string) (api.MigrationRecords, error) {
	all, err := r.mover.Flows.Migrations(ctx, ws, name, 200)
	out := api.MigrationRecords{Items: []api.MigrationRecord{}}
	for _, m := range all {
		out.Items = append(out.Items, api.MigrationRecord{ID: m.ID, From: m.From, To: m.To, State: m.State, Moved: m.Moved, Stayed: m.Stayed, Actor: m.Actor, CreatedAt: m.CreatedAt})
	}
	return out, err
}

func (r migrationResource) Undo(ctx context.Context, ws uuid.UUID, name string, id, after uuid.UUID, actor string) (api.MigrationUndone, error) {
	back, stayed, last, more, err := r.mover.Undo(ctx, ws, name, id, after, actor)
	return api.MigrationUndone{Back: back, Stayed: stayed, Next: next(last, more)}, planned(err)
}

func next(last uuid.UUID, more bool) *uuid.UUID {
	if !more {
		return nil
	}
	return &last
}

func showMigration(m flows.Migration, r moving.Report) api.FlowMigration {
	return api.FlowMigration{ID: m.ID, Name: m.Name, From: m.From, To: m.To, State: m.State, Moved: m.Moved, Stayed: m.Stayed, MigrationReport: showMoves(r)}
}

func showMoves(r moving.Report) api.MigrationReport {
	out := api.MigrationReport{Landing: []api.MigrationLanding{}, Staying: []api.MigrationStaying{}}
	for _, l := range r.Landing {
		out.Landing = append(out.Landing, api.MigrationLanding(l))
	}
	for _, s := range r.Staying {
		out.Staying = append(out.Staying, api.MigrationStaying{Code: s.Code, Block: s.Block, Detail: s.Detail, Count: s.Count, Examples: s.Examples})
	}
	return out
}

// rehearsed is how many conversations one request rehearses.
const rehearsed = 500

// insightResource implements api.FlowInsight.
type insightResource struct {
	flows         flowResource
	conversations *conversations.Conversations
	rehearser     *rehearsal.Rehearser
	trail         *audit.Trail
}

func newInsightResource(e *Engine) insightResource {
	return insightResource{newFlowResource(e), e.Conversations, &rehearsal.Rehearser{Flows: e.Flows, Conversations: e.Conversations}, audit.New(e.DB)}
}

func (r insightResource) Stats(ctx context.Context, ws uuid.UUID, name string, since time.Time, silent time.Duration) (api.FlowStats, error) {
	out := api.FlowStats{Since: since, Blocks: []api.BlockStat{}}
	versions, err := r.flows.flows.Versions(ctx, ws, name)
	if err == nil && len(versions) == 0 {
		err = problem.NotFound.New("There is no flow of this name.")
	}
	if err != nil {
		return out, err
	}
	var hashes []string
	for _, v := range versions {
		hashes = append(hashes, v.Hash)
	}
	got, err := r.conversations.Stats(ctx, ws, hashes, since, time.Now().Add(-silent))
	out.Conversations, out.Turns = got.Conversations, got.Turns
	for _, b := range got.Blocks {
		out.Blocks = append(out.Blocks, api.BlockStat(b))
	}
	return out, err
}

// Rehearse implements api.FlowInsight. That somebody may read what was said is
// recorded before it is shown.
func (r insightResource) Rehearse(ctx context.Context, ws uuid.UUID, n api.NewRehearsal, reveal bool, actor string) (api.Rehearsal, error) {
	program, err := r.program(ctx, ws, n)
	if err != nil {
		return api.Rehearsal{}, err
	}
	if reveal && n.After == uuid.Nil {
		if err := r.trail.Record(ctx, ws, actor, "flow.rehearse", n.Name+"@"+program.Hash()); err != nil {
			return api.Rehearsal{}, err
		}
	}
	report, last, more, err := r.rehearser.Run(ctx, ws, n.Name, program, n.Renamed, n.After, rehearsed)
	if err != nil {
		return api.Rehearsal{}, err
	}
	k := report.Kinds
	out := api.Rehearsal{Conversations: report.Conversations, Same: k[rehearse.Same], Words: k[rehearse.Words], Way: k[rehearse.Way],
		Undecided: k[rehearse.Undecided], Unrepeatable: k[rehearse.Unrepeatable], Places: []api.RehearsalPlace{}, Next: next(last, more)}
	for _, p := range report.Places {
		place := api.RehearsalPlace{Kind: p.Kind, Block: p.Block, Before: p.Before, After: p.After, Why: p.Why, Count: p.Count, Examples: []api.RehearsalExample{}}
		for _, e := range p.Examples {
			if !reveal {
				e = rehearsal.Example{Conversation: e.Conversation, Turn: e.Turn}
			}
			place.Examples = append(place.Examples, api.RehearsalExample(e))
		}
		out.Places = append(out.Places, place)
	}
	return out, nil
}

func (r insightResource) program(ctx context.Context, ws uuid.UUID, n api.NewRehearsal) (*flow.Program, error) {
	if n.Hash == "" {
		return r.flows.compile(api.NewFlow{Name: n.Name, Document: n.Document})
	}
	v, err := r.flows.version(ctx, ws, n.Name, n.Hash)
	if err != nil {
		return nil, err
	}
	return flow.Source{File: n.Name, Text: []byte(v.Document)}.Compile()
}
