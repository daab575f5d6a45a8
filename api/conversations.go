package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// Conversation is the durable exchange with one address of a contact.
type Conversation struct {
	ID         uuid.UUID `json:"id" required:"true"`
	Contact    uuid.UUID `json:"contact" required:"true"`
	Connection uuid.UUID `json:"connection" required:"true"`
	// Channel is the connector's name.
	Channel string `json:"channel" required:"true"`
	// WorkflowID leads to the conversation in the Temporal UI.
	WorkflowID string `json:"workflow_id" required:"true"`
	State      string `json:"state" required:"true" enum:"idle,active,queued" description:"active: something has come that is not answered yet; queued: waits for a human agent; idle: otherwise."`
	Owner      Owner  `json:"owner" required:"true"`
	// Flow is the flow under way, with the hash of its version.
	Flow     string `json:"flow,omitempty"`
	FlowHash string `json:"flow_hash,omitempty"`
	// LastNumber is the newest event's, Cursor the newest one that was answered.
	LastNumber int64 `json:"last_number" required:"true"`
	Cursor     int64 `json:"cursor" required:"true"`
	// InboundAt is when the customer last wrote.
	InboundAt *time.Time `json:"inbound_at,omitempty" nullable:"false"`
	// OptedOutAt is since when the customer wants no messages at this address.
	OptedOutAt *time.Time `json:"opted_out_at,omitempty" nullable:"false"`
	CreatedAt  time.Time  `json:"created_at" required:"true"`
}

// Owner is who answers a conversation.
type Owner struct {
	Kind string `json:"kind" required:"true" enum:"bot,human,case"`
	// ID is the agent's or the case's.
	ID string `json:"id,omitempty"`
	// Queue is the agents' queue that the conversation waits in, since QueuedAt.
	Queue    string     `json:"queue,omitempty"`
	QueuedAt *time.Time `json:"queued_at,omitempty" nullable:"false"`
}

// ConversationFilter selects conversations; empty fields match all.
type ConversationFilter struct {
	State   string    `query:"state" json:"-" enum:"idle,active,queued" description:"Only those in this state."`
	Owner   string    `query:"owner" json:"-" enum:"bot,human,case" description:"Only those with this kind of owner."`
	Agent   string    `query:"agent" json:"-" maxLength:"64" description:"Only those that this agent has taken."`
	Queue   string    `query:"queue" json:"-" maxLength:"64" description:"Only those that wait in this queue, longest first."`
	Contact uuid.UUID `query:"contact" json:"-" description:"Only this contact's."`
}

// Conversations reads conversations.
type Conversations interface {
	// List returns conversations, newest first; those of a queue longest waiting first.
	List(ctx context.Context, ws uuid.UUID, f ConversationFilter, q PageQuery) (items []Conversation, next string, err error)
	// Get returns problem.NotFound for one that does not exist in the workspace.
	Get(ctx context.Context, ws, id uuid.UUID) (Conversation, error)
}

type conversationID struct {
	ID uuid.UUID `path:"id" json:"-" description:"The conversation's ID."`
}

type listConversations struct {
	ConversationFilter
	Paging
}

func (s *server) conversationRoutes() []route {
	const tag = "conversations"
	both := []problem.Kind{problem.NotFound, problem.Conflict}
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/conversations", id: "listConversations", tag: tag, scope: "conversations:read",
			summary: "Lists conversations.", problems: []problem.Kind{problem.BadCursor}},
			func(ctx context.Context, p Principal, in *listConversations) (Page[Conversation], error) {
				return page(ctx, "conversations", in.Paging, func(ctx context.Context, q PageQuery) ([]Conversation, string, error) {
					return s.o.Conversations.List(ctx, p.Workspace, in.ConversationFilter, q)
				})
			}),
		op(s, route{method: http.MethodGet, path: "/v1/conversations/{id}", id: "getConversation", tag: tag, scope: "conversations:read",
			summary: "Shows a conversation and who owns it.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *conversationID) (Conversation, error) {
				return s.o.Conversations.Get(ctx, p.Workspace, in.ID)
			}),
		op(s, route{method: http.MethodGet, path: "/v1/conversations/{id}/messages", id: "listConversationMessages", tag: tag, scope: "messages:read",
			summary: "Lists what was said, oldest first. It is recorded that it was read.", problems: []problem.Kind{problem.BadCursor, problem.NotFound}},
			func(ctx context.Context, p Principal, in *conversationMessages) (Page[Message], error) {
				return s.listMessages(ctx, p, in.ID, in.Paging)
			}),
		s.heardRoute(),
		op(s, route{method: http.MethodPost, path: "/v1/conversations/{id}/take", id: "takeConversation", tag: tag, scope: "conversations:write",
			summary: "Gives the conversation to a human agent; the bot is silent from then on.", problems: both},
			func(ctx context.Context, p Principal, in *agentIn) (Conversation, error) {
				return s.o.Agents.Take(ctx, p.Workspace, in.ID, in.Agent, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/conversations/{id}/messages", id: "sayInConversation", tag: tag, scope: "conversations:write",
			summary: "Says something to the customer in the name of the agent who has the conversation.", status: http.StatusAccepted, problems: both}, s.say),
		op(s, route{method: http.MethodPost, path: "/v1/conversations/{id}/return", id: "returnConversation", tag: tag, scope: "conversations:write",
			summary: "Gives the conversation back to the bot.", problems: both},
			func(ctx context.Context, p Principal, in *agentIn) (Conversation, error) {
				return s.o.Agents.Return(ctx, p.Workspace, in.ID, in.Agent, p.Actor())
			}),
		op(s, route{method: http.MethodPost, path: "/v1/conversations/{id}/handoff", id: "handOverConversation", tag: tag, scope: "conversations:write",
			summary: "Hands the conversation over to people: those of a queue, or of the workspace's live chat.", problems: both}, s.handOver),
	}
}
