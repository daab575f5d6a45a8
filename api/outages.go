package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Outage is a time in which a connection's provider is left alone, with what
// became of the effects that waited for the end of it, as the ledger has them now.
type Outage struct {
	ID uuid.UUID `json:"id" required:"true"`
	// Cause is circuit, if the provider failed several times in a row, or
	// operator, if the connection was paused.
	Cause    string    `json:"cause" required:"true" enum:"circuit,operator"`
	State    string    `json:"state" required:"true" enum:"open,draining,over"`
	OpenedAt time.Time `json:"opened_at" required:"true"`
	// ResumedAt is since when what waited goes on, DrainedAt when the last of it did.
	ResumedAt *time.Time `json:"resumed_at,omitempty" nullable:"false"`
	DrainedAt *time.Time `json:"drained_at,omitempty" nullable:"false"`
	// DrainRate is how many effects a second go on after it.
	DrainRate float64 `json:"drain_rate" required:"true"`
	// Parked is how many effects waited: the sum of the next four. Waiting of
	// those not sent have not been let go on yet.
	Parked    int `json:"parked" required:"true"`
	Done      int `json:"done" required:"true"`
	Failed    int `json:"failed" required:"true"`
	Uncertain int `json:"uncertain" required:"true"`
	NotSent   int `json:"not_sent" required:"true"`
	Waiting   int `json:"waiting" required:"true"`
}

// Outages pauses connections and tells of their outages. Each method answers
// problem.NotFound for a connection that does not exist.
type Outages interface {
	// Pause makes all effects of a connection wait, until it is resumed.
	Pause(ctx context.Context, ws uuid.UUID, connection, actor string) error
	// Resume ends a connection's outage, whatever its cause; problem.Conflict if
	// there is none.
	Resume(ctx context.Context, ws uuid.UUID, connection, actor string) error
	// SetDrainRate sets how many effects a second go on after an outage; zero
	// means the default.
	SetDrainRate(ctx context.Context, ws uuid.UUID, connection string, perSecond float64, actor string) error
	// List returns a connection's outages, newest first.
	List(ctx context.Context, ws uuid.UUID, connection string, q PageQuery) (items []Outage, next string, err error)
}

type listOutages struct {
	connectionName
	Paging
}

type drainRate struct {
	connectionName
	PerSecond float64  `json:"per_second" required:"true" minimum:"0" maximum:"10000" description:"Effects a second; 0 means half of the provider's limit."`
	_         struct{} `additionalProperties:"false"`
}

func (s *server) outageRoutes() []route {
	const tag = "connections"
	missing := []problem.Kind{problem.NotFound}
	return []route{
		op(s, route{method: http.MethodPost, path: "/v1/connections/{name}/pause", id: "pauseConnection", tag: tag, scope: "connections:write",
			summary: "Pauses a connection: what would call its provider waits, and clocks that depend on it stand still.", problems: missing},
			func(ctx context.Context, p Principal, in *connectionName) (none, error) {
				return none{}, s.o.Outages.Pause(ctx, p.Workspace, in.Name, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/connections/{name}/resume", id: "resumeConnection", tag: tag, scope: "connections:write",
			summary: "Ends a connection's outage: what waits goes on, slowly and the oldest first.", problems: []problem.Kind{problem.NotFound, problem.Conflict}},
			func(ctx context.Context, p Principal, in *connectionName) (none, error) {
				return none{}, s.o.Outages.Resume(ctx, p.Workspace, in.Name, p.Actor())
			}),
		op(s, route{method: http.MethodPut, path: "/v1/connections/{name}/drain-rate", id: "setDrainRate", tag: tag, scope: "connections:write",
			summary: "Sets how many effects a second a connection lets go on after an outage, also during one.", problems: missing},
			func(ctx context.Context, p Principal, in *drainRate) (none, error) {
				return none{}, s.o.Outages.SetDrainRate(ctx, p.Workspace, in.Name, in.PerSecond, p.Actor())
			}),
		op(s, route{method: http.MethodGet, path: "/v1/connections/{name}/outages", id: "listOutages", tag: tag, scope: "connections:read",
			summary: "Lists a connection's outages, newest first, with what became of what waited.", problems: []problem.Kind{problem.NotFound, problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listOutages) (Page[Outage], error) {
				return page(ctx, "outages", in.Paging, func(ctx context.Context, q PageQuery) ([]Outage, string, error) {
					return s.o.Outages.List(ctx, p.Workspace, in.Name, q)
				})
			}),
	}
}
