package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
	"parley/connectors/sdk"
)

// Message is one message of a conversation, either way.
type Message struct {
	// ID is opaque and stable.
	ID           string    `json:"id" required:"true"`
	Conversation uuid.UUID `json:"conversation" required:"true"`
	Direction    string    `json:"direction" required:"true" enum:"in,out"`
	// From is who wrote it.
	From string `json:"from" required:"true" enum:"customer,bot,human,case"`
	// Incoming of a customer's message.
	Incoming *sdk.Incoming `json:"incoming,omitempty" nullable:"false"`
	// Content of ours.
	Content *sdk.Content `json:"content,omitempty" nullable:"false"`
	// State is the effect's, of ours; Delivery what the channel reported since.
	State    string    `json:"state,omitempty" enum:"planned,attempting,done,not_sent,uncertain,failed"`
	Delivery string    `json:"delivery,omitempty" enum:"sent,delivered,read,failed"`
	At       time.Time `json:"at" required:"true"`
}

// Messages reads what was said.
type Messages interface {
	// List returns a conversation's messages, oldest first; problem.NotFound if
	// there is no such conversation.
	List(ctx context.Context, ws, conversation uuid.UUID, q PageQuery) (items []Message, next string, err error)
	// Get returns problem.NotFound for one that does not exist in the workspace.
	Get(ctx context.Context, ws uuid.UUID, id string) (Message, error)
	heards
}

type conversationMessages struct {
	conversationID
	Paging
}

type listMessages struct {
	Conversation uuid.UUID `query:"conversation" json:"-" required:"true" description:"The conversation's ID."`
	Paging
}

type messageID struct {
	ID string `path:"id" json:"-" minLength:"1" maxLength:"128" description:"The message's ID."`
}

func (s *server) messageRoutes() []route {
	const tag = "messages"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/messages", id: "listMessages", tag: tag, scope: "messages:read",
			summary: "Lists a conversation's messages, oldest first. It is recorded that they were read.", problems: []problem.Kind{problem.BadCursor, problem.NotFound}},
			func(ctx context.Context, p Principal, in *listMessages) (Page[Message], error) {
				return s.listMessages(ctx, p, in.Conversation, in.Paging)
			}),
		op(s, route{method: http.MethodGet, path: "/v1/messages/{id}", id: "getMessage", tag: tag, scope: "messages:read",
			summary: "Shows a message and how far it has come. It is recorded that it was read.", problems: []problem.Kind{problem.NotFound}}, s.getMessage),
	}
}

func (s *server) listMessages(ctx context.Context, p Principal, conversation uuid.UUID, q Paging) (Page[Message], error) {
	if err := s.looked(ctx, p, "conversation.read", conversation.String()); err != nil {
		return Page[Message]{}, err
	}
	return page(ctx, "messages", q, func(ctx context.Context, q PageQuery) ([]Message, string, error) {
		return s.o.Messages.List(ctx, p.Workspace, conversation, q)
	})
}

func (s *server) getMessage(ctx context.Context, p Principal, in *messageID) (Message, error) {
	if err := s.looked(ctx, p, "message.read", in.ID); err != nil {
		return Message{}, err
	}
	return s.o.Messages.Get(ctx, p.Workspace, in.ID)
}
