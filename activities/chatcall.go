package activities

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/bus"
	"parley/internal/connections"
	"parley/internal/conversations"
	"parley/internal/ledger"
	"parley/internal/planner"
	"parley/workflows/flow"
)

// Operations of roles that a hand-over uses.
const (
	asksWhoIsThere = "agents_available"
	opensTicket    = "ticket_create"
)

// chatBegin is what a turn says of a chat that is to begin.
type chatBegin struct {
	Group string `json:"group,omitempty"`
	// Upto is the newest event that belongs to the transcript.
	Upto int64 `json:"upto,omitempty"`
}

// chatLine is what a turn says of something that goes to a chat.
type chatLine struct {
	// Chat is the key of the effect that began it.
	Chat string `json:"chat"`
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"`
}

// nobodyThere is the error of a chat that nobody could take.
var nobodyThere = &sdk.Error{Class: sdk.NotFound, Code: "nobody", Message: "nobody is there to take the chat"}

// chatCall performs an effect of a live chat.
func (a *Activities) chatCall(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, uuid.UUID, error) {
	switch flow.EffectKind(req.Kind) {
	case chatStart:
		return a.startChat(ctx, ref, key, req)
	case chatTicket:
		return a.openTicket(ctx, ref, key, req)
	}
	var line chatLine
	if err := json.Unmarshal(req.Input, &line); err != nil {
		return nil, uuid.Nil, sdk.Invalidf("the input of a live chat's effect is not readable")
	}
	id, err := a.chatID(ctx, ref, line.Chat)
	if err != nil {
		return nil, uuid.Nil, a.settleUnsent(ctx, ref, key, req, err)
	}
	var in any = role.ID{ID: id}
	if flow.EffectKind(req.Kind) == chatSay {
		in = role.ChatMessage{ID: id, Text: line.Text, File: line.File}
	}
	input, err := json.Marshal(in)
	if err != nil {
		return nil, uuid.Nil, err
	}
	req.Input = input
	return a.callOperation(ctx, ref, key, req)
}

// settleUnsent closes the ledger's row of an effect that has no use any more. It
// returns why, or why that could not be recorded.
func (a *Activities) settleUnsent(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested, why error) error {
	failed, ours := errors.AsType[*sdk.Error](why)
	if !ours {
		return why
	}
	if err := a.finish(ctx, ledger.Effect{Workspace: ref.Workspace, Key: key, SealWith: bus.ConversationKey(ref.Workspace, ref.Contact),
		Connector: req.Connector, Operation: req.Operation, Effect: sdk.Effect{Kind: sdk.Once}}, 0, ledger.Outcome{Error: failed}); err != nil {
		return err
	}
	return failed
}

// chatID is the provider's ID of the chat that an effect began.
func (a *Activities) chatID(ctx context.Context, ref conversations.Ref, key string) (string, error) {
	out, err := a.Ledger.Output(ctx, ref.Workspace, key)
	if err != nil {
		return "", err
	}
	if id := ledger.RefOf(out); id != "" {
		return id, nil
	}
	return "", &sdk.Error{Class: sdk.NotFound, Code: noChat, Message: "the chat never began"}
}

// startChat begins a live chat if somebody is there. Once it was attempted it is
// seen through: nobody asks again who is there.
func (a *Activities) startChat(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, uuid.UUID, error) {
	var begin chatBegin
	if err := json.Unmarshal(req.Input, &begin); err != nil {
		return nil, uuid.Nil, sdk.Invalidf("the input of a live chat is not readable")
	}
	entry, err := a.Ledger.Get(ctx, ref.Workspace, key)
	if err != nil {
		return nil, uuid.Nil, err
	}
	if entry.State == ledger.Planned {
		there, err := a.somebodyThere(ctx, ref, key, req.Connector, begin.Group)
		if err != nil {
			return nil, uuid.Nil, err
		}
		if !there {
			return nil, uuid.Nil, a.settleUnsent(ctx, ref, key, req, nobodyThere)
		}
	}
	lines, err := a.transcript(ctx, ref, begin.Upto, req.At)
	if err != nil {
		return nil, uuid.Nil, err
	}
	who, err := a.person(ctx, ref)
	if err != nil {
		return nil, uuid.Nil, err
	}
	input, err := json.Marshal(role.Chat{Customer: who, Transcript: lines, Group: begin.Group})
	if err != nil {
		return nil, uuid.Nil, err
	}
	req.Input = input
	return a.callOperation(ctx, ref, key, req)
}

// somebodyThere asks a live chat whether somebody could take a chat. While its
// connection is out nobody can: a customer does not wait for the end of an outage.
func (a *Activities) somebodyThere(ctx context.Context, ref conversations.Ref, key, connector, group string) (bool, error) {
	conn, err := a.Connections.ForConnector(ctx, ref.Workspace, connector)
	if errors.Is(err, connections.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	out, err := a.Outages.Current(ctx, ref.Workspace, conn.ID)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(conn.Connector.Operations, func(o sdk.Operation) bool { return o.Name == asksWhoIsThere })
	if i < 0 || out != nil && out.Open() {
		return false, nil
	}
	op := conn.Connector.Operations[i]
	input, err := json.Marshal(role.Group{Group: group})
	if err != nil {
		return false, err
	}
	answer, err := a.attempt(ctx, conn, op, ledger.Effect{Workspace: ref.Workspace, Key: key + "-there", Subject: ref.ID,
		SealWith: bus.ConversationKey(ref.Workspace, ref.Contact), WorkflowID: ref.WorkflowID, Connection: conn.ID, Connector: connector,
		Operation: op.Name, Effect: op.EffectOn(conn.Conn), Input: input})
	if err != nil {
		return false, err
	}
	var there role.Available
	err = json.Unmarshal(answer, &there)
	return there.Available, err
}

// openTicket opens a ticket with all that was said, because nobody was there.
func (a *Activities) openTicket(ctx context.Context, ref conversations.Ref, key string, req conversations.Requested) (json.RawMessage, uuid.UUID, error) {
	lines, err := a.transcript(ctx, ref, math.MaxInt64, time.Now())
	if err != nil {
		return nil, uuid.Nil, err
	}
	who, err := a.person(ctx, ref)
	if err != nil {
		return nil, uuid.Nil, err
	}
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.From + ": " + l.Text + "\n")
	}
	input, err := json.Marshal(role.Ticket{Subject: "A conversation on " + ref.Connector, Text: text.String(), Customer: who})
	if err != nil {
		return nil, uuid.Nil, err
	}
	req.Input = input
	return a.callOperation(ctx, ref, key, req)
}

// person is the conversation's customer as providers may know them.
func (a *Activities) person(ctx context.Context, ref conversations.Ref) (role.Person, error) {
	c, err := a.Contacts.Get(ctx, ref.Workspace, ref.Contact)
	if err != nil {
		return role.Person{}, err
	}
	p := role.Person{ExternalID: ref.Contact.String(), Name: c.Profile.Name, Language: c.Language}
	if i := slices.IndexFunc(c.Addresses, func(a sdk.Address) bool { return a.Kind == "phone" }); i >= 0 {
		p.Phone = "+" + c.Addresses[i].Value
	}
	return p, nil
}

// transcriptMost is how many messages a transcript holds at most: the newest.
const transcriptMost = 100

// transcript is what the customer saw until a time, up to the event upto.
func (a *Activities) transcript(ctx context.Context, ref conversations.Ref, upto int64, until time.Time) ([]role.Line, error) {
	all, err := a.Conversations.History(ctx, ref.Key, 0, 2*transcriptMost)
	if err != nil {
		return nil, err
	}
	var lines []role.Line
	for _, m := range all {
		l := role.Line{From: "bot", At: m.At.UTC()}
		switch {
		case m.Erased:
			continue
		case m.Author == conversations.AuthorCustomer:
			if n, err := strconv.ParseInt(m.ID, 10, 64); err != nil || n > upto || m.In == nil {
				continue
			}
			l.From = "customer"
			text, file := words(m.In)
			l.Text = strings.TrimSpace(text + " " + file)
		case m.State != ledger.Done || m.Delivery == string(sdk.StatusFailed) || m.At.After(until):
			continue
		default:
			if m.Author == conversations.AuthorAgent {
				l.From = "agent"
			}
			l.Text = readable(m.Content)
		}
		if l.Text != "" {
			lines = append(lines, l)
		}
	}
	return lines[max(0, len(lines)-transcriptMost):], nil
}

// readable writes a message of ours as plain text.
func readable(c sdk.Content) string {
	if c.OnlyTemplate() {
		return "[" + c.Template.Name + "] " + strings.Join(c.Template.Params, ", ")
	}
	plan, err := planner.Plan(c, sdk.Channel{}, planner.Window{Open: true})
	if err != nil {
		return ""
	}
	var texts []string
	for _, m := range plan.Messages {
		texts = append(texts, m.Text)
	}
	return strings.Join(texts, "\n")
}

// words are what a customer's message says to a person who reads it elsewhere, and
// the address of the file that came with it, where it has one.
func words(m *sdk.Incoming) (text, file string) {
	parts := []string{m.Text}
	if m.Media != nil {
		file = m.Media.URL
		if parts = append(parts, m.Media.Caption); file == "" {
			parts = append(parts, "["+strings.TrimSpace(m.Media.Kind+" "+m.Media.Filename)+"]")
		}
	}
	if m.Location != nil {
		parts = append(parts, readable(sdk.Content{Location: m.Location}))
	}
	if m.Contact != nil {
		parts = append(parts, readable(sdk.Content{Contact: m.Contact}))
	}
	if len(m.Form) > 0 {
		parts = append(parts, string(m.Form))
	}
	if m.Unsupported != "" {
		parts = append(parts, "["+m.Unsupported+"]")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n"), file
}
