package api

import (
	"context"

	"github.com/google/uuid"

	"parley/api/problem"
	"parley/connectors/sdk"
)

// Saying is what a human agent says.
type Saying struct {
	// ID is the caller's own identifier of it: the same one again has no effect.
	ID      uuid.UUID
	Agent   string
	Content sdk.Content
	// Actor is for the audit trail.
	Actor string
}

// Said is the answer to a saying that was kept and will be sent.
type Said struct {
	ID uuid.UUID `json:"id" required:"true" description:"The ID given, or a new one."`
}

// Agents lets people speak in a conversation. At any time one owner answers it;
// what does not fit the present owner is problem.Conflict, and a conversation that
// does not exist problem.NotFound. All of it is durable when it returns.
type Agents interface {
	// Take makes the agent the owner. An agent who has it already is no conflict;
	// another one is.
	Take(ctx context.Context, ws, conversation uuid.UUID, agent, actor string) (Conversation, error)
	// Say keeps what the owner says, to be sent in order.
	Say(ctx context.Context, ws, conversation uuid.UUID, what Saying) error
	// Return makes the bot the owner again; only the owner can. A conversation that
	// the bot has already is no conflict.
	Return(ctx context.Context, ws, conversation uuid.UUID, agent, actor string) (Conversation, error)
	// HandOver gives it to people, whoever takes it next; only the owner can, and
	// anybody where it is no person.
	HandOver(ctx context.Context, ws, conversation uuid.UUID, to Handoff) (Conversation, error)
}

// Handoff gives a conversation to people.
type Handoff struct {
	// Agent who has it; empty if nobody has.
	Agent string
	Queue string
	// LiveChat asks those of the workspace's live chat first, of the Group with that
	// ID of the live chat's own.
	LiveChat bool
	Group    string
	// Actor is for the audit trail.
	Actor string
}

type handoffIn struct {
	conversationID
	Queue string   `json:"queue" required:"true" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" description:"The agents' queue in which it waits."`
	To    string   `json:"to,omitempty" enum:"queue,livechat" description:"livechat asks the workspace's live chat first; queue unless given."`
	Group string   `json:"group,omitempty" maxLength:"64" description:"The group of people in the live chat, by the live chat's own ID."`
	Agent string   `json:"agent,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" description:"The agent who has the conversation, if one has."`
	_     struct{} `additionalProperties:"false"`
}

func (s *server) handOver(ctx context.Context, p Principal, in *handoffIn) (Conversation, error) {
	return s.o.Agents.HandOver(ctx, p.Workspace, in.ID, Handoff{Agent: in.Agent, Queue: in.Queue, LiveChat: in.To == "livechat", Group: in.Group, Actor: p.Actor()})
}

type agentIn struct {
	conversationID
	Agent string   `json:"agent" required:"true" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" description:"Identifies the agent in your own system; no name or mail address."`
	_     struct{} `additionalProperties:"false"`
}

type sayIn struct {
	conversationID
	Agent   string       `json:"agent" required:"true" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" description:"The agent who has the conversation."`
	MsgID   *uuid.UUID   `json:"id,omitempty" nullable:"false" description:"Your own ID of the message: given again after a lost answer, nothing is sent twice."`
	Text    string       `json:"text,omitempty" minLength:"1" maxLength:"4096" description:"A plain message. Either this or content."`
	Content *sdk.Content `json:"content,omitempty" nullable:"false" description:"A message of any form."`
	_       struct{}     `additionalProperties:"false"`
}

func (s *server) say(ctx context.Context, p Principal, in *sayIn) (Said, error) {
	if (in.Text == "") == (in.Content == nil) {
		out := problem.Invalid.New("Some of the input is not valid; errors says what.")
		out.Errors = []problem.Field{{Pointer: "/text", Detail: "either text or content is needed, not both"}}
		return Said{}, out
	}
	what := Saying{Agent: in.Agent, Actor: p.Actor(), Content: sdk.Content{Text: in.Text}}
	if in.Content != nil {
		what.Content = *in.Content
	}
	if in.MsgID != nil {
		what.ID = *in.MsgID
	} else {
		what.ID = uuid.New()
	}
	return Said{ID: what.ID}, s.o.Agents.Say(ctx, p.Workspace, in.ID, what)
}
