package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Heard is an event that a conversation has answered, as its flow heard it: what the
// customer said, how a call ended, that a wait was over.
type Heard struct {
	// Number is its place in the conversation, Turn that of the first event that was
	// answered together with it, at TurnAt.
	Number int64     `json:"number" required:"true"`
	Turn   int64     `json:"turn" required:"true"`
	Kind   string    `json:"kind" required:"true" enum:"message,call_result,timer,provider,returned,taken,agent,tell"`
	At     time.Time `json:"at" required:"true"`
	TurnAt time.Time `json:"turn_at" required:"true"`
	// FlowHash names the version of the flow that answered, if one did.
	FlowHash string `json:"flow_hash,omitempty"`
	// Body is the event; absent where its key was destroyed.
	Body json.RawMessage `json:"body,omitempty"`
}

func (s *server) heardRoute() route {
	return op(s, route{method: http.MethodGet, path: "/v1/conversations/{id}/events", id: "listConversationEvents", tag: "conversations", scope: "messages:read",
		summary:  "Lists what the conversation has answered, as its flow heard it, oldest first. It is recorded that it was read.",
		problems: []problem.Kind{problem.BadCursor, problem.NotFound}},
		func(ctx context.Context, p Principal, in *conversationMessages) (Page[Heard], error) {
			if err := s.looked(ctx, p, "conversation.read", in.ID.String()); err != nil {
				return Page[Heard]{}, err
			}
			return page(ctx, "heard", in.Paging, func(ctx context.Context, q PageQuery) ([]Heard, string, error) {
				return s.o.Messages.Heard(ctx, p.Workspace, in.ID, q)
			})
		})
}

// heards reads what conversations have answered.
type heards interface {
	// Heard returns the answered events of a conversation, oldest first;
	// problem.NotFound if there is no such conversation.
	Heard(ctx context.Context, ws, conversation uuid.UUID, q PageQuery) (items []Heard, next string, err error)
}
