package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/conversations"
	"parley/workflows/flow"
)

// A flow can hand the conversation over to the workspace's live chat. What is done there is planned by turns and performed by calls, as all
// effects are; this file is the turns' side of it, chatcall.go the calls'.
//
// The conversation's [conversations.Chat] says which chat has it. As long as it is
// set, whatever the customer writes becomes a call that passes it on. Calls of live
// chats go one at a time, in the order in which they were planned: see [inOrder].

// Kinds of effects of a live chat.
const (
	chatStart  flow.EffectKind = "chat_start"
	chatSay    flow.EffectKind = "chat_say"
	chatClose  flow.EffectKind = "chat_close"
	chatTicket flow.EffectKind = "chat_ticket"
)

var chatKinds = []string{string(chatStart), string(chatSay), string(chatClose), string(chatTicket)}

// Names of events of the outbox, and of metrics.
const (
	chatNotes       = "livechat."
	chatStarted     = chatNotes + "started"
	chatUnattended  = chatNotes + "unattended"
	chatUndelivered = chatNotes + "undelivered"
	chatClosed      = chatNotes + "closed"
)

// How long a customer waits until it is clear whether somebody is there, and how
// long a message is tried to be passed on, in seconds. An outage of the provider
// does not use the latter up.
const (
	startPatience = 60
	passPatience  = 600
)

// liveQueue is the queue of conversations that a live chat has: agents of the API
// can take one from there.
const liveQueue = "livechat"

// noChat is the code of what was meant for a chat that never began.
const noChat = "no_chat"

// takes names the connector that a workspace uses for a role: that of the
// connection named after the role, else that of the oldest which has taken it on;
// "" if none has.
func (a *Activities) takes(ctx context.Context, ws uuid.UUID, name role.Name) (string, error) {
	conn, err := a.byRole(ctx, ws, name)
	if err != nil || conn == nil {
		return "", err
	}
	return conn.Connector.Name, nil
}

// mustFind keeps the error of a search for the end of the decision.
func (d *decision) mustFind(connector string, err error) string {
	if err != nil {
		d.err = err
	}
	return connector
}

// inOrder leaves the first of a live chat's calls and all others: the next begins
// when the one before it has ended.
func inOrder(calls []conversations.Call) []conversations.Call {
	var out []conversations.Call
	first := true
	for _, c := range calls {
		if slices.Contains(chatKinds, c.Kind) {
			if !first {
				continue
			}
			first = false
		}
		out = append(out, c)
	}
	return out
}

// handOver gives the conversation to people: those of a queue, or of the workspace's
// live chat if the flow says so.
func (d *decision) handOver(e flow.Effect) {
	d.turn.Owner, d.turn.Queue = &conversations.Owner{Kind: conversations.OwnerHuman}, e.Queue
	d.note("conversation.handoff", map[string]any{"queue": e.Queue, "block": e.Block})
	if !e.Live.Wanted {
		return
	}
	connector := d.taking(role.LiveChat)
	if connector == "" {
		connector = string(role.LiveChat) // of which there is none: nobody is there
	}
	d.turn.Queue = liveQueue
	d.turn.Chat = &conversations.Chat{Key: d.key(), Ref: e.Ref, Connector: connector, Queue: e.Queue, Branch: e.Live.Branch}
	// What has come until now is in the transcript, and not passed on.
	d.plan(chatStart, e.Ref, connector, e.Block, startPatience, chatBegin{Group: e.Live.Group, Upto: d.turn.Last})
}

// handedOver asks the live chat if somebody has handed the conversation over to it,
// over the API. Where somebody took it or gave it back since, nothing is asked.
func (d *decision) handedOver(e conversations.Event) error {
	d.leaveChat()
	if e.Body == nil || d.s.Owner.Kind != conversations.OwnerHuman || d.s.Owner.ID != "" {
		return nil
	}
	var to conversations.Handoff
	if err := json.Unmarshal(e.Body, &to); err != nil {
		return fmt.Errorf("event %d is not readable: %w", e.Number, err)
	}
	if to.LiveChat {
		d.handOver(flow.Effect{Ref: "handoff-" + strconv.FormatInt(e.Number, 10), Queue: to.Queue, Live: flow.LiveChat{Wanted: true, Group: to.Group}})
	}
	return nil
}

// plan plans a call of a live chat.
func (d *decision) plan(kind flow.EffectKind, ref, connector, block string, patience int, input any) {
	raw, err := json.Marshal(input)
	if err != nil {
		d.err = err
		return
	}
	key, operation := d.key(), string(kind)
	if kind == chatTicket {
		operation = opensTicket
	}
	d.turn.Effects = append(d.turn.Effects, conversations.Planned{Key: key, Index: len(d.turn.Effects), Operation: operation, Connector: connector,
		Kind: sdk.Once, State: "planned", Request: conversations.Requested{Ref: ref, Kind: string(kind), Connector: connector, Operation: operation, Input: raw}})
	// Into a slice of its own: the snapshot's is not the decision's to change.
	d.turn.Calls = append(slices.Clip(d.turn.Calls), conversations.Call{Ref: ref, Key: key, Kind: string(kind), Connector: connector, Operation: operation, Block: block, TimeoutS: patience})
}

// began tells whether the live chat was asked for in this turn: its transcript then
// holds all that the turn has heard.
func (d *decision) began() bool {
	return slices.ContainsFunc(d.turn.Effects, func(e conversations.Planned) bool { return e.Key == d.turn.Chat.Key })
}

// holding is the live chat that has the conversation; nil if none has, or if a person
// has taken it over the API or given it back, which the turn may not have come to yet.
func (d *decision) holding() *conversations.Chat {
	if d.s.Owner.Kind != conversations.OwnerHuman || d.s.Owner.ID != "" {
		return nil
	}
	return d.turn.Chat
}

// pass passes on what the customer writes while a live chat has the conversation.
func (d *decision) pass(ev flow.Event) {
	chat := d.holding()
	if chat == nil || chat.Ticket || ev.Message == nil || d.began() {
		return
	}
	said := chatLine{Chat: chat.Key}
	said.Text, said.File = words(ev.Message)
	d.plan(chatSay, chat.Ref+"-say-"+strconv.FormatInt(ev.Number, 10), chat.Connector, "", passPatience, said)
}

// leaveChat closes the live chat because somebody else has the conversation now.
func (d *decision) leaveChat() {
	chat := d.turn.Chat
	if chat == nil {
		return
	}
	d.turn.Chat = nil
	if !chat.Ticket {
		d.plan(chatClose, chat.Ref+"-close", chat.Connector, "", passPatience, chatLine{Chat: chat.Key})
	}
}

// back gives the conversation back to the bot.
func (d *decision) back() {
	d.turn.Chat, d.turn.Owner, d.turn.Queue = nil, &conversations.Owner{Kind: conversations.OwnerBot}, ""
}

// chatNews acts on an event that concerns live chats. It tells whether the event is
// one, and what the flow hears in its place.
func (d *decision) chatNews(ev flow.Event) (heard []flow.Event, mine bool) {
	chat := d.holding()
	switch {
	case ev.Kind == flow.EventReturned: // over the API
		d.leaveChat()
		return nil, false
	case ev.Kind == flow.EventProvider && ev.Name == role.ChatClosed:
		if chat == nil || chat.Ref != ev.Ref {
			return nil, true // somebody else has the conversation
		}
		return d.chatOver(ev), true
	case ev.Kind != flow.EventCallResult:
		return nil, false
	}
	i := slices.IndexFunc(d.turn.Calls, func(c conversations.Call) bool { return c.Ref == ev.Ref && slices.Contains(chatKinds, c.Kind) })
	if i < 0 {
		return nil, false
	}
	kind := flow.EffectKind(d.turn.Calls[i].Kind)
	d.called(ev.Ref)
	current := chat != nil && (chat.Ref == ev.Ref || strings.HasPrefix(ev.Ref, chat.Ref+"-"))
	return d.chatResult(kind, current, ev), true
}

// chatResult acts on the outcome of a call of a live chat. current tells that the
// chat still has the conversation.
func (d *decision) chatResult(kind flow.EffectKind, current bool, ev flow.Event) []flow.Event {
	switch {
	case kind == chatStart && ev.Error == nil:
		d.note(chatStarted, map[string]any{"ref": ev.Ref})
	case kind == chatStart && current:
		return d.nobody(ev)
	case kind == chatTicket && current && ev.Error == nil:
		d.back()
		return d.unattended(ev, flow.NobodyTicket)
	case kind == chatTicket && current:
		return d.queue(ev)
	case kind == chatSay && ev.Error != nil:
		if ev.Error.Code != noChat { // a ticket or the queue has it then
			d.note(chatUndelivered, map[string]any{"ref": ev.Ref, "class": string(ev.Error.Class), "code": ev.Error.Code})
		}
		if current && !d.turn.Chat.Ticket && ev.Error.Class == sdk.NotFound {
			return d.chatOver(ev) // that it was closed is news that was lost
		}
	}
	return nil
}

// chatOver gives the conversation back to the bot after the chat.
func (d *decision) chatOver(ev flow.Event) []flow.Event {
	d.note(chatClosed, map[string]any{"ref": d.turn.Chat.Ref})
	d.back()
	ev.Kind, ev.Ref, ev.Name, ev.Output, ev.Error = flow.EventReturned, "", "", nil, nil
	return []flow.Event{ev}
}

// nobody goes on when nobody is there: as the flow says, else by a ticket, else in
// the queue.
func (d *decision) nobody(ev flow.Event) []flow.Event {
	chat := *d.turn.Chat
	d.note(chatUnattended, map[string]any{"ref": ev.Ref, "class": string(ev.Error.Class), "code": ev.Error.Code})
	if chat.Branch {
		d.back()
		return d.unattended(ev, flow.NobodyReturned)
	}
	desk := d.taking(role.Helpdesk)
	if desk == "" {
		return d.queue(ev)
	}
	chat.Ticket = true
	d.turn.Chat = &chat
	d.plan(chatTicket, chat.Ref+"-ticket", desk, "", passPatience, chatBegin{})
	return nil
}

// queue lets the conversation wait for a person.
func (d *decision) queue(ev flow.Event) []flow.Event {
	d.turn.Owner, d.turn.Queue = &conversations.Owner{Kind: conversations.OwnerHuman}, d.turn.Chat.Queue
	d.turn.Chat = nil
	return d.unattended(ev, flow.NobodyQueued)
}

func (d *decision) unattended(ev flow.Event, name string) []flow.Event {
	ev.Kind, ev.Ref, ev.Name, ev.Output, ev.Error = flow.EventNobody, "", name, nil, nil
	return []flow.Event{ev}
}

// liveChats counts what a turn has noted of live chats.
func (m *Metrics) liveChats(notes []conversations.Note) {
	for _, n := range notes {
		if event, ok := strings.CutPrefix(n.Type, chatNotes); ok {
			m.chats.WithLabelValues(event).Inc()
		}
	}
}
