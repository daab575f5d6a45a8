package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Effect is one row of the ledger: something done to the outside world. What was
// sent and answered is not shown.
type Effect struct {
	Key string `json:"key" required:"true"`
	// Subject is the conversation or case that it belongs to.
	Subject    uuid.UUID `json:"subject" required:"true"`
	WorkflowID string    `json:"workflow_id" required:"true"`
	Connection uuid.UUID `json:"connection" required:"true"`
	Connector  string    `json:"connector" required:"true"`
	Operation  string    `json:"operation" required:"true"`
	Kind       string    `json:"kind" required:"true" enum:"read,keyed,lookup,once"`
	State      string    `json:"state" required:"true" enum:"planned,attempting,done,not_sent,uncertain,failed"`
	Attempt    int       `json:"attempt" required:"true"`
	// Delivery is what the channel reported of a message.
	Delivery string `json:"delivery,omitempty" enum:"sent,delivered,read,failed"`
	// ErrorClass and ErrorCode say why it failed.
	ErrorClass string `json:"error_class,omitempty"`
	ErrorCode  string `json:"error_code,omitempty"`
	// WasUncertain tells that it was settled only later.
	WasUncertain bool       `json:"was_uncertain,omitempty"`
	CreatedAt    time.Time  `json:"created_at" required:"true"`
	AttemptedAt  *time.Time `json:"attempted_at,omitempty" nullable:"false"`
	SettledAt    *time.Time `json:"settled_at,omitempty" nullable:"false"`
}

// EffectFilter selects effects; empty fields match all.
type EffectFilter struct {
	State     string    `query:"state" json:"-" enum:"planned,attempting,done,not_sent,uncertain,failed" description:"Only those in this state."`
	Connector string    `query:"connector" json:"-" maxLength:"32" description:"Only this connector's."`
	Operation string    `query:"operation" json:"-" maxLength:"64" description:"Only this operation's."`
	Subject   uuid.UUID `query:"subject" json:"-" description:"Only those of this conversation or case."`
	Since     time.Time `query:"since" json:"-" description:"Only those made at this time or later."`
}

// Effects reads the ledger.
type Effects interface {
	// List returns effects, newest first.
	List(ctx context.Context, ws uuid.UUID, f EffectFilter, q PageQuery) (items []Effect, next string, err error)
	// Get returns problem.NotFound for a key that does not exist in the workspace.
	Get(ctx context.Context, ws uuid.UUID, key string) (Effect, error)
}

type listEffects struct {
	EffectFilter
	Paging
}

type effectKey struct {
	Key string `path:"key" json:"-" pattern:"^[a-z0-9-]{1,64}$" description:"The effect's key."`
}

func (s *server) effectRoutes() []route {
	const tag = "effects"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/effects", id: "listEffects", tag: tag, scope: "effects:read",
			summary: "Lists what was done to the outside world, newest first.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listEffects) (Page[Effect], error) {
				return page(ctx, "effects", in.Paging, func(ctx context.Context, q PageQuery) ([]Effect, string, error) {
					return s.o.Effects.List(ctx, p.Workspace, in.EffectFilter, q)
				})
			}),
		op(s, route{method: http.MethodGet, path: "/v1/effects/{key}", id: "getEffect", tag: tag, scope: "effects:read",
			summary: "Shows an effect.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *effectKey) (Effect, error) {
				return s.o.Effects.Get(ctx, p.Workspace, in.Key)
			}),
	}
}
