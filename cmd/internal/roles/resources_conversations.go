package roles

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/bus"
	"parley/internal/connections"
	"parley/internal/conversations"
	"parley/internal/planner"
)

// conversationResource implements api.Conversations.
type conversationResource struct{ conversations *conversations.Conversations }

func (r conversationResource) List(ctx context.Context, ws uuid.UUID, f api.ConversationFilter, q api.PageQuery) ([]api.Conversation, string, error) {
	filter := conversations.Filter{State: f.State, Owner: f.Owner, Agent: f.Agent, Queue: f.Queue, Contact: conversations.Key{Workspace: ws, ID: f.Contact}}
	cursor := func(s conversations.Summary) string { return s.ID.String() }
	var err error
	if f.Queue == "" {
		filter.After.ID, err = cursorID(q.After)
	} else {
		filter.AfterQueued, filter.After.ID, err = openQueueCursor(q.After)
		cursor = func(s conversations.Summary) string { return queueCursor(*s.QueuedAt, s.ID) }
	}
	if err != nil {
		return nil, "", err
	}
	got, err := r.conversations.List(ctx, conversations.Key{Workspace: ws}, filter, q.Limit+1)
	return part(got, q, showConversation, cursor, err)
}

func (r conversationResource) Get(ctx context.Context, ws, id uuid.UUID) (api.Conversation, error) {
	s, err := r.conversations.Get(ctx, conversations.Key{Workspace: ws, ID: id})
	if err != nil {
		return api.Conversation{}, conversationProblem(err)
	}
	return showConversation(s), nil
}

func showConversation(s conversations.Summary) api.Conversation {
	return api.Conversation{ID: s.ID, Contact: s.Contact, Connection: s.Connection, Channel: s.Connector, WorkflowID: s.WorkflowID, State: s.State(),
		Owner: api.Owner{Kind: s.Owner.Kind, ID: s.Owner.ID, Queue: s.Queue, QueuedAt: s.QueuedAt},
		Flow:  s.Flow, FlowHash: s.FlowHash, LastNumber: s.LastNumber, Cursor: s.Cursor, InboundAt: s.InboundAt, OptedOutAt: s.OptedOutAt, CreatedAt: s.CreatedAt}
}

func conversationProblem(err error) error {
	switch {
	case errors.Is(err, conversations.ErrNotFound):
		return problem.NotFound.New("There is no conversation with this ID.")
	case errors.Is(err, conversations.ErrOwned):
		return problem.Conflict.New("Somebody else has the conversation; its owner says who.")
	case errors.Is(err, conversations.ErrNotTaken):
		return problem.Conflict.New("The agent does not have the conversation; take it first.")
	}
	return err
}

// agentResource implements api.Agents.
type agentResource struct {
	conversationResource
	connections *connections.Connections
	dispatch    *bus.Dispatcher
}

func (r agentResource) Take(ctx context.Context, ws, id uuid.UUID, agent, actor string) (api.Conversation, error) {
	t, err := r.conversations.Take(ctx, conversations.Key{Workspace: ws, ID: id}, conversations.Agent{ID: agent, Actor: actor})
	return r.wake(ctx, t, err)
}

func (r agentResource) Return(ctx context.Context, ws, id uuid.UUID, agent, actor string) (api.Conversation, error) {
	t, err := r.conversations.Return(ctx, conversations.Key{Workspace: ws, ID: id}, conversations.Agent{ID: agent, Actor: actor})
	return r.wake(ctx, t, err)
}

func (r agentResource) HandOver(ctx context.Context, ws, id uuid.UUID, to api.Handoff) (api.Conversation, error) {
	t, err := r.conversations.HandOver(ctx, conversations.Key{Workspace: ws, ID: id}, conversations.Agent{ID: to.Agent, Actor: to.Actor},
		conversations.Handoff{Queue: to.Queue, LiveChat: to.LiveChat, Group: to.Group})
	return r.wake(ctx, t, err)
}

func (r agentResource) wake(ctx context.Context, t bus.Target, err error) (api.Conversation, error) {
	if err != nil {
		return api.Conversation{}, conversationProblem(err)
	}
	r.dispatch.Offer(t)
	return r.Get(ctx, t.Workspace, t.ID)
}

// Say refuses at once what the channel cannot carry, as far as it can be told now.
func (r agentResource) Say(ctx context.Context, ws, id uuid.UUID, what api.Saying) error {
	key := conversations.Key{Workspace: ws, ID: id}
	s, err := r.conversations.Get(ctx, key)
	if err != nil {
		return conversationProblem(err)
	}
	conn, err := r.connections.Get(ctx, ws, s.Connection)
	if errors.Is(err, connections.ErrNotFound) || err == nil && conn.Channel() == nil {
		return problem.Conflict.New("The connection of this conversation was removed.")
	}
	if err != nil {
		return err
	}
	if s.OptedOutAt != nil {
		return problem.Conflict.New("The customer has opted out of messages at this address; only their START ends that.")
	}
	ch := *conn.Channel()
	open := ch.Window == 0 || s.InboundAt != nil && time.Since(*s.InboundAt) < max(ch.Window, ch.AgentWindow)
	if _, err := planner.Plan(what.Content, ch, planner.Window{Open: open}); err != nil {
		return err
	}
	t, err := r.conversations.Say(ctx, key, conversations.Agent{ID: what.Agent, Actor: what.Actor}, what.ID, what.Content)
	if err != nil {
		return conversationProblem(err)
	}
	r.dispatch.Offer(t)
	return nil
}

// messageResource implements api.Messages. The ID of a message of ours is its
// effect's key, which begins with the conversation's ID; that of a customer's is
// the conversation's ID and the event's number.
type messageResource struct{ conversations *conversations.Conversations }

func (r messageResource) List(ctx context.Context, ws, id uuid.UUID, q api.PageQuery) ([]api.Message, string, error) {
	after, err := cursorNumber(q.After)
	if err != nil {
		return nil, "", err
	}
	key := conversations.Key{Workspace: ws, ID: id}
	if _, err := r.conversations.Ref(ctx, key); err != nil {
		return nil, "", conversationProblem(err)
	}
	got, err := r.conversations.Transcript(ctx, key, after, q.Limit+1)
	return part(got, q, func(m conversations.Message) api.Message { return showMessage(id, m) },
		func(m conversations.Message) string { return strconv.FormatInt(m.Seq, 10) }, err)
}

func (r messageResource) Get(ctx context.Context, ws uuid.UUID, id string) (api.Message, error) {
	missing := problem.NotFound.New("There is no message with this ID.")
	const uuidLen = 36
	if len(id) <= uuidLen {
		return api.Message{}, missing
	}
	conversation, err := uuid.Parse(id[:uuidLen])
	if err != nil {
		return api.Message{}, missing
	}
	within := id
	if number, ok := strings.CutPrefix(id[uuidLen:], "."); ok {
		within = number
	}
	m, err := r.conversations.Message(ctx, conversations.Key{Workspace: ws, ID: conversation}, within)
	if errors.Is(err, conversations.ErrNotFound) {
		return api.Message{}, missing
	}
	if err != nil {
		return api.Message{}, err
	}
	return showMessage(conversation, m), nil
}

// authors are who says something, as the API names them.
var authors = map[string]string{
	conversations.AuthorCustomer: "customer", conversations.AuthorBot: "bot",
	conversations.AuthorAgent: "human", conversations.AuthorCase: "case",
}

func showMessage(conversation uuid.UUID, m conversations.Message) api.Message {
	out := api.Message{ID: m.ID, Conversation: conversation, Direction: "out", From: authors[m.Author], State: m.State, At: m.At}
	if m.Author == conversations.AuthorCustomer {
		out.ID, out.Direction, out.Incoming = conversation.String()+"."+m.ID, "in", m.In
		return out
	}
	if !m.Erased {
		out.Content = &m.Content
	}
	switch m.Delivery {
	case "sent", "delivered", "read", "failed":
		out.Delivery = m.Delivery
	}
	return out
}
