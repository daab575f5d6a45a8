package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// AuditEntry says who did or looked at what.
type AuditEntry struct {
	Seq int64 `json:"seq" required:"true"`
	// Actor is "key/ID" for an API key.
	Actor  string    `json:"actor" required:"true"`
	Action string    `json:"action" required:"true"`
	Object string    `json:"object" required:"true"`
	At     time.Time `json:"at" required:"true"`
}

// AuditFilter selects entries; empty fields match all.
type AuditFilter struct {
	Actor  string `query:"actor" json:"-" maxLength:"128" description:"Only what this actor did."`
	Action string `query:"action" json:"-" maxLength:"64" description:"Only this action."`
	Object string `query:"object" json:"-" maxLength:"128" description:"Only what was done to this."`
}

// Audit is the trail of who did and saw what. Ports that change something record
// it themselves, in the transaction of the change.
type Audit interface {
	// Record keeps that someone looked. It is durable when it returns.
	Record(ctx context.Context, ws uuid.UUID, actor, action, object string) error
	// List returns entries, newest first.
	List(ctx context.Context, ws uuid.UUID, f AuditFilter, q PageQuery) (items []AuditEntry, next string, err error)
}

type listAudit struct {
	AuditFilter
	Paging
}

func (s *server) auditRoutes() []route {
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/audit", id: "listAudit", tag: "audit", scope: "audit:read",
			summary: "Lists who did and looked at what, newest first.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listAudit) (Page[AuditEntry], error) {
				return page(ctx, "audit", in.Paging, func(ctx context.Context, q PageQuery) ([]AuditEntry, string, error) {
					return s.o.Audit.List(ctx, p.Workspace, in.AuditFilter, q)
				})
			}),
	}
}

// looked records that personal data is about to be shown. If that cannot be
// recorded, nothing is shown.
func (s *server) looked(ctx context.Context, p Principal, action, object string) error {
	if err := s.o.Audit.Record(ctx, p.Workspace, p.Actor(), action, object); err != nil {
		out := problem.Unavailable.New("That you looked cannot be recorded at the moment, so nothing is shown; try again.")
		out.RetryAfter, out.Cause = 2*time.Second, err
		return out
	}
	return nil
}
