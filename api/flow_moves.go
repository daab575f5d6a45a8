package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// MigrationReport is what becomes of some conversations that wait in a version of
// a flow. It holds opaque IDs and the flow author's words only.
type MigrationReport struct {
	Landing []MigrationLanding `json:"landing" required:"true" nullable:"false"`
	Staying []MigrationStaying `json:"staying" required:"true" nullable:"false"`
}

// MigrationLanding is how many go on in which block.
type MigrationLanding struct {
	From  string `json:"from" required:"true" description:"The block in the old version; empty where only a payment or a scheduled message is open."`
	To    string `json:"to" required:"true"`
	Count int    `json:"count" required:"true"`
}

// MigrationStaying is how many stay in the old version, and why.
type MigrationStaying struct {
	Code     string      `json:"code" required:"true" description:"not_under_way, block_gone, step_gone, waits_otherwise, call_under_way, payment_open, sub_flow_changed, variable_missing, variable_type, turn_under_way or erased."`
	Block    string      `json:"block,omitempty"`
	Detail   string      `json:"detail,omitempty"`
	Count    int         `json:"count" required:"true"`
	Examples []uuid.UUID `json:"examples" required:"true" nullable:"false" description:"Some of the conversations, 10 at most."`
}

// MigrationPreview is what would become of a part of the conversations.
type MigrationPreview struct {
	MigrationReport
	Next *uuid.UUID `json:"next,omitempty" nullable:"false" description:"Give it as after to get the next part; absent on the last one."`
}

// FlowMigration is the record of a migration, with what became of the part of the
// conversations that was moved last.
type FlowMigration struct {
	ID     uuid.UUID `json:"id" required:"true"`
	Name   string    `json:"name" required:"true"`
	From   string    `json:"from" required:"true"`
	To     string    `json:"to" required:"true"`
	State  string    `json:"state" required:"true" enum:"moving,done,undone"`
	Moved  int64     `json:"moved" required:"true"`
	Stayed int64     `json:"stayed" required:"true"`
	MigrationReport
}

// MigrationRecord is one of a flow's migrations.
type MigrationRecord struct {
	ID     uuid.UUID `json:"id" required:"true"`
	From   string    `json:"from" required:"true"`
	To     string    `json:"to" required:"true"`
	State  string    `json:"state" required:"true" enum:"moving,done,undone"`
	Moved  int64     `json:"moved" required:"true"`
	Stayed int64     `json:"stayed" required:"true"`
	Actor  string    `json:"actor" required:"true"`
	// CreatedAt is when it was begun.
	CreatedAt time.Time `json:"created_at" required:"true"`
}

// MigrationRecords are a flow's migrations, newest first, 200 at most.
type MigrationRecords struct {
	Items []MigrationRecord `json:"items" required:"true" nullable:"false"`
}

// MigrationUndone is how many conversations got their former state back.
type MigrationUndone struct {
	Back   int        `json:"back" required:"true"`
	Stayed int        `json:"stayed" required:"true" description:"Those that have moved on since keep what they have."`
	Next   *uuid.UUID `json:"next,omitempty" nullable:"false" description:"Give it as after to go on; absent at the end."`
}

// FlowPlan is which conversations are to go where.
type FlowPlan struct {
	Name    string `path:"name" json:"-" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" description:"The flow's name in the workspace."`
	From    string `json:"from" required:"true" pattern:"^[0-9a-f]{64}$" description:"The version that conversations wait in."`
	To      string `json:"to" required:"true" pattern:"^[0-9a-f]{64}$" description:"The version that they are to go on in."`
	Mapping string `json:"mapping,omitempty" maxLength:"65536" description:"YAML: blocks and vars that are called otherwise (old name to new one), and set, values for variables that have none."`
}

// FlowMigrations takes conversations from one version of a flow to another. A
// mapping that cannot be is problem.Invalid, a version or migration that does not
// exist problem.NotFound.
type FlowMigrations interface {
	// Preview tells what would become of the conversations after one, some at a time.
	Preview(ctx context.Context, ws uuid.UUID, p FlowPlan, after uuid.UUID) (MigrationPreview, error)
	// Begin keeps the record of a migration; one that is there is left as it is.
	Begin(ctx context.Context, ws, id uuid.UUID, p FlowPlan, actor string) (FlowMigration, error)
	// Run moves the next part of the conversations.
	Run(ctx context.Context, ws uuid.UUID, name string, id uuid.UUID) (FlowMigration, error)
	// List returns the records of a flow's migrations, newest first.
	List(ctx context.Context, ws uuid.UUID, name string) (MigrationRecords, error)
	// Undo gives some conversations their former state back.
	Undo(ctx context.Context, ws uuid.UUID, name string, id, after uuid.UUID, actor string) (MigrationUndone, error)
}

type previewMigration struct {
	FlowPlan
	After uuid.UUID `json:"after,omitempty" description:"The next of the part before."`
	_     struct{}  `additionalProperties:"false"`
}

type migrationID struct {
	flowName
	ID uuid.UUID `path:"id" json:"-" description:"The migration's ID, which the caller chooses."`
}

type beginMigration struct {
	FlowPlan
	ID uuid.UUID `path:"id" json:"-" description:"The migration's ID, which the caller chooses."`
	_  struct{}  `additionalProperties:"false"`
}

type undoMigration struct {
	migrationID
	After uuid.UUID `json:"after,omitempty" description:"The next of the part before."`
	_     struct{}  `additionalProperties:"false"`
}

func (s *server) migrationRoutes() []route {
	const tag = "flows"
	missing := []problem.Kind{problem.NotFound}
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/flows/{name}/migrations", id: "listMigrations", tag: tag, scope: "flows:read",
			summary: "Lists the records of a flow's migrations, newest first."},
			func(ctx context.Context, p Principal, in *flowName) (MigrationRecords, error) {
				return s.o.Migrations.List(ctx, p.Workspace, in.Name)
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/migrations/preview", id: "previewMigration", tag: tag, scope: "flows:read",
			summary: "Tells who would land where if conversations that wait in one version went on in another, some at a time. It changes nothing.", problems: missing},
			func(ctx context.Context, p Principal, in *previewMigration) (MigrationPreview, error) {
				return s.o.Migrations.Preview(ctx, p.Workspace, in.FlowPlan, in.After)
			}),
		op(s, route{method: http.MethodPut, path: "/v1/flows/{name}/migrations/{id}", id: "beginMigration", tag: tag, scope: "flows:write",
			summary: "Begins a migration: keeps its record, and moves nobody yet.", problems: missing},
			func(ctx context.Context, p Principal, in *beginMigration) (FlowMigration, error) {
				return s.o.Migrations.Begin(ctx, p.Workspace, in.ID, in.FlowPlan, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/migrations/{id}/run", id: "runMigration", tag: tag, scope: "flows:write",
			summary: "Moves the next part of a migration's conversations; to be called until its state is not moving any more.", problems: missing},
			func(ctx context.Context, p Principal, in *migrationID) (FlowMigration, error) {
				return s.o.Migrations.Run(ctx, p.Workspace, in.Name, in.ID)
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/migrations/{id}/undo", id: "undoMigration", tag: tag, scope: "flows:write",
			summary: "Gives a migration's conversations their former state back, some at a time, but for those that have moved on since.", problems: missing},
			func(ctx context.Context, p Principal, in *undoMigration) (MigrationUndone, error) {
				return s.o.Migrations.Undo(ctx, p.Workspace, in.Name, in.ID, in.After, p.Actor())
			}),
	}
}
