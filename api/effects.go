package api

import (
	"context"
	"encoding/json"
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
	WasUncertain bool `json:"was_uncertain,omitempty"`
	// ReconciledBy says who settled it, if it did not settle by itself.
	ReconciledBy string     `json:"reconciled_by,omitempty" enum:"operator,provider"`
	CreatedAt    time.Time  `json:"created_at" required:"true"`
	AttemptedAt  *time.Time `json:"attempted_at,omitempty" nullable:"false"`
	SettledAt    *time.Time `json:"settled_at,omitempty" nullable:"false"`
	// Note is what the operator remarked who settled it; a list does not show it.
	Note string `json:"note,omitempty"`
}

// EffectFilter selects effects; empty fields match all.
type EffectFilter struct {
	State     string    `query:"state" json:"-" enum:"planned,attempting,done,not_sent,uncertain,failed" description:"Only those in this state."`
	Connector string    `query:"connector" json:"-" maxLength:"32" description:"Only this connector's."`
	Operation string    `query:"operation" json:"-" maxLength:"64" description:"Only this operation's."`
	Subject   uuid.UUID `query:"subject" json:"-" description:"Only those of this conversation or case."`
	// Connection is the ID of one.
	Connection uuid.UUID `query:"connection" json:"-" description:"Only those of this connection, by its ID."`
	Since      time.Time `query:"since" json:"-" description:"Only those made at this time or later."`
	Until      time.Time `query:"until" json:"-" description:"Only those made before this time."`
	Uncertain  bool      `query:"uncertain" json:"-" description:"Only those that were uncertain at any time."`
}

// Reconciliation says how an effect of unknown outcome ended.
type Reconciliation struct {
	// Outcome is what became of it; empty means that the provider is asked.
	Outcome string
	// Note is for the next reader; it is stored encrypted.
	Note string
	// Output is what the provider answered, for the flow or case that waits for it.
	Output json.RawMessage
	Actor  string
}

// Effects reads the ledger, and settles what is uncertain.
type Effects interface {
	// List returns effects, newest first.
	List(ctx context.Context, ws uuid.UUID, f EffectFilter, q PageQuery) (items []Effect, next string, err error)
	// Get returns problem.NotFound for a key that does not exist in the workspace.
	Get(ctx context.Context, ws uuid.UUID, key string) (Effect, error)
	// Reconcile settles an effect whose outcome is unknown: whoever waits for it goes
	// on. One that is settled, or under way, or of which the provider cannot be asked,
	// is problem.Conflict; problem.NotFound for a key that does not exist.
	Reconcile(ctx context.Context, ws uuid.UUID, key string, r Reconciliation) (Effect, error)
}

type listEffects struct {
	EffectFilter
	Paging
}

type effectKey struct {
	Key string `path:"key" json:"-" pattern:"^[a-z0-9-]{1,64}$" description:"The effect's key."`
}

type reconcileEffect struct {
	effectKey
	Outcome string `json:"outcome,omitempty" enum:"done,not_done" description:"What became of it at the provider. Left out, the provider is asked."`
	Note    string `json:"note,omitempty" maxLength:"1000" description:"How that is known, for the next reader. Stored encrypted."`
	// Output is checked by the operation.
	Output map[string]any `json:"output,omitempty" description:"With outcome done: what the operation would have answered, such as the ID of what it made, where the flow or case needs it."`
	_      struct{}       `additionalProperties:"false"`
}

func (s *server) reconcileEffect(ctx context.Context, p Principal, in *reconcileEffect) (Effect, error) {
	r := Reconciliation{Outcome: in.Outcome, Note: in.Note, Actor: p.Actor()}
	if in.Output != nil {
		if in.Outcome != "done" {
			return Effect{}, problem.Invalid.New("An output belongs to the outcome done only.")
		}
		var err error
		if r.Output, err = json.Marshal(in.Output); err != nil {
			return Effect{}, err
		}
	}
	return s.o.Effects.Reconcile(ctx, p.Workspace, in.Key, r)
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
		op(s, route{method: http.MethodPost, path: "/v1/effects/{key}/reconcile", id: "reconcileEffect", tag: tag, scope: "effects:write",
			summary:  "Settles an effect whose outcome is unknown, by what an operator knows or by asking the provider.",
			problems: []problem.Kind{problem.NotFound, problem.Conflict}}, s.reconcileEffect),
	}
}
