package activities

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/bus"
	"parley/internal/connections"
	"parley/internal/conversations"
	"parley/internal/observe"
	"parley/internal/planner"
	"parley/internal/templates"
	"parley/workflows/conversation"
	"parley/workflows/flow"
)

// Turn does everything that is to be done in answer to what has arrived: it takes
// the events after the cursor, steps the flow, commits what was decided, and
// sends the replies in order.
//
// It may be run again at any point. What is committed is never decided anew: an
// unfinished turn is resumed from its rows, and what arrived later forms the next
// one. Keys are made of the conversation, the turn's first event and an index, so
// they do not depend on the workflow's run.
func (a *Activities) Turn(ctx context.Context, in conversation.TurnInput) (conversation.TurnResult, error) {
	ctx, span := observe.Tracer().Start(observe.WithTraceParent(ctx, in.Trace), "turn")
	began := time.Now()
	t := turn{a: a, in: in}
	res, err := t.run(ctx)
	observe.End(span, err)
	outcome := "done"
	switch {
	case err != nil:
		outcome = "failed"
	case !res.RetryAt.IsZero():
		outcome = "blocked"
	}
	a.Metrics.turn(outcome, t.events, began)
	return res, Temporal(err)
}

// turn is one run of the Turn activity.
type turn struct {
	a      *Activities
	in     conversation.TurnInput
	events int
}

func (t *turn) run(ctx context.Context) (conversation.TurnResult, error) {
	key := conversations.Key{Workspace: t.in.Workspace, ID: t.in.Conversation}
	for range 8 {
		snap, err := t.a.Conversations.Load(ctx, key)
		if err != nil {
			return conversation.TurnResult{}, err
		}
		res, again, err := t.advance(ctx, snap)
		if errors.Is(err, conversations.ErrMoved) {
			continue
		}
		if err != nil || !again {
			return res, err
		}
	}
	return conversation.TurnResult{}, fmt.Errorf("the conversation moves faster than a turn can follow")
}

// advance takes the conversation one step further. It reports true if there is
// something new to load first.
func (t *turn) advance(ctx context.Context, s *conversations.Snapshot) (conversation.TurnResult, bool, error) {
	conn, err := t.a.Connections.Get(ctx, s.Workspace, s.Connection)
	if err != nil {
		return conversation.TurnResult{}, false, err
	}
	if s.PendingTurn != 0 {
		out := t.a.outbox(s, conn, t.in.Now)
		out.stopped = lastStop(conn.Channel(), s.Events) >= 0
		if err := out.resume(ctx); err != nil {
			return conversation.TurnResult{}, false, err
		}
		if !out.retryAt.IsZero() {
			return t.result(s, s.Cursor, s.Calls, s.State, s.Owner.Kind, out.retryAt), false, nil
		}
		return conversation.TurnResult{}, true, nil
	}
	state, err := decodeState(s.State)
	if err != nil {
		return conversation.TurnResult{}, false, err
	}
	if until, token := state.Due(); !until.IsZero() && !until.After(t.in.Now) {
		if kept, err := t.ring(ctx, s, token); err != nil || kept {
			return conversation.TurnResult{}, kept, err
		}
	}
	if len(s.Events) == 0 {
		return t.result(s, s.Cursor, s.Calls, s.State, s.Owner.Kind, time.Time{}), false, nil
	}
	return t.answer(ctx, s, conn, state)
}

// ring turns the end of a wait into an event of the inbox, once.
func (t *turn) ring(ctx context.Context, s *conversations.Snapshot, token string) (bool, error) {
	body, err := json.Marshal(flow.Event{Kind: flow.EventTimer, Ref: token})
	if err != nil {
		return false, err
	}
	got, err := t.a.Inbox.Keep(ctx, bus.Arrival{Workspace: s.Workspace, Conversation: s.ID, Contact: s.Contact, WorkflowID: s.WorkflowID,
		Once: bus.Once(nil, "timer", s.ID.String(), token), Kind: bus.KindTimer, Body: body})
	return err == nil && !got.Duplicate, err
}

// answer decides on the events that have arrived, commits, and sends.
func (t *turn) answer(ctx context.Context, s *conversations.Snapshot, conn *connections.Connection, state flow.State) (conversation.TurnResult, bool, error) {
	d, err := t.a.decide(ctx, s, conn, state, t.in.Now)
	if err != nil {
		return conversation.TurnResult{}, false, err
	}
	if err := t.a.Conversations.Commit(ctx, d.turn); err != nil {
		return conversation.TurnResult{}, false, err
	}
	t.events += len(s.Events)
	t.a.keepMisses(ctx, d)
	t.a.Metrics.liveChats(d.turn.Notes)
	var retryAt time.Time
	if d.turn.Pending {
		out := t.a.outbox(s, conn, t.in.Now)
		out.turn = d.turn.First()
		if err := out.sendAll(ctx, d.sends); err != nil {
			return conversation.TurnResult{}, false, err
		}
		retryAt = out.retryAt
	}
	owner := s.Owner.Kind
	if d.turn.Owner != nil {
		owner = d.turn.Owner.Kind
	}
	return t.result(s, d.turn.Last, d.turn.Calls, d.turn.State, owner, retryAt), false, nil
}

func (t *turn) result(s *conversations.Snapshot, handled int64, calls []conversations.Call, rawState json.RawMessage, owner string, retryAt time.Time) conversation.TurnResult {
	res := conversation.TurnResult{Handled: handled, Owner: owner, RetryAt: retryAt, More: handled < s.LastNumber && retryAt.IsZero()}
	for _, c := range inOrder(calls) {
		res.Calls = append(res.Calls, conversation.Call{Key: c.Key, Connector: c.Connector, Operation: c.Operation, Block: c.Block, TimeoutS: c.TimeoutS})
	}
	if state, err := decodeState(rawState); err == nil {
		res.Block = state.Block
		res.WakeAt, _ = state.Due()
	}
	return res
}

// due is when the flow's wait ends or the first of its calls ought to have answered.
func due(s flow.State, calls []conversations.Call, now time.Time) time.Time {
	at, _ := s.Due()
	for _, c := range calls {
		if end := now.Add(conversation.Timeout(c.TimeoutS)); at.IsZero() || end.Before(at) {
			at = end
		}
	}
	return at
}

func decodeState(raw json.RawMessage) (flow.State, error) {
	var st flow.State
	if len(raw) == 0 {
		return st, nil
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return st, fmt.Errorf("the flow's state is not readable: %w", err)
	}
	return st, nil
}

// decision is a turn that is ready to be committed, and its sends.
type decision struct {
	turn  *conversations.Turn
	sends []conversations.Send
	s     *conversations.Snapshot
	conn  *connections.Connection
	now   time.Time
	// channel of the connection; nil if it has none.
	channel *sdk.Channel
	// templates are the connection's, loaded when free messages may not be sent.
	templates []templates.Template
	// taking names the connector that has a role in the workspace, "" if none has.
	taking func(role.Name) string
	err    error // of taking
	// muted tells that nothing may be sent: the customer wants no messages, or
	// says so in this turn.
	muted bool
	listening
}

// decide steps the flow over the events and collects what is to be done. It
// changes nothing, but that it records what services understood of the events.
func (a *Activities) decide(ctx context.Context, s *conversations.Snapshot, conn *connections.Connection, state flow.State, now time.Time) (*decision, error) {
	ch := conn.Channel()
	stop := lastStop(ch, s.Events)
	d := &decision{s: s, conn: conn, now: now, channel: ch, muted: s.OptedOut || stop >= 0, turn: &conversations.Turn{Snapshot: s, Last: s.Events[len(s.Events)-1].Number,
		Flow: s.Flow, FlowHash: s.FlowHash, Calls: s.Calls, Chat: s.Chat, Announce: ch != nil && ch.Hosted}}
	if err := a.loadTemplates(ctx, d); err != nil {
		return nil, err
	}
	d.taking = func(name role.Name) string { return d.mustFind(a.takes(ctx, s.Workspace, name)) }
	program, err := a.program(ctx, s.Workspace, conn, s.FlowHash, state.UnderWay())
	if err != nil {
		return nil, err
	}
	if program != nil {
		d.turn.Flow, d.turn.FlowHash = program.Name(), program.Hash()
	}
	if s.Owner.Kind == conversations.OwnerHuman {
		state.Handed = true // also for what arrived before the flow hears of it
	}
	if err := a.listen(ctx, d, program, state); err != nil {
		return nil, err
	}
	var batch []flow.Event
	step := func() {
		if len(batch) > 0 && program != nil {
			state = d.step(program, state, batch)
		}
		batch = nil
	}
	for i, e := range s.Events {
		switch e.Kind {
		case bus.KindMessage:
			if consentWord(ch, e) != "" {
				step() // what came before it is answered first
			}
			ev, err := decodeEvent(e)
			if err != nil {
				return nil, err
			}
			switch {
			case d.consent(e, i < stop):
			case ev.Message != nil && ev.Message.Reply != nil:
				step()
				d.send(*ev.Message.Reply, conversations.AuthorBot)
			case !d.unheard(ev):
				d.pass(ev)
				batch = append(batch, d.listened(ev))
			}
		case bus.KindTell, bus.KindAgent:
			step()
			if err := d.say(e); err != nil {
				return nil, err
			}
			if news, ok := newsOf(e); ok {
				batch = append(batch, news)
			}
		case bus.KindTaken:
			step()
			state.Handed = true
			d.leaveChat()
		case bus.KindHandoff:
			step()
			state.Handed = true
			if err := d.handedOver(e); err != nil {
				return nil, err
			}
		default:
			ev, err := decodeEvent(e)
			if err != nil {
				return nil, err
			}
			news, mine := d.chatNews(ev)
			if mine {
				step()
				batch = append(batch, news...)
				continue
			}
			if ev.Kind == flow.EventCallResult {
				d.called(ev.Ref)
			}
			if !d.unheard(ev) {
				batch = append(batch, ev)
			}
		}
	}
	step()
	if d.err != nil {
		return nil, d.err
	}
	if err := a.chooseConnections(ctx, d.turn); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	d.turn.State, d.turn.Stood = raw, state.Block
	d.turn.Due = due(state, d.turn.Calls, now)
	d.finish()
	return d, nil
}

// unheard tells which events do not reach the flow: what a blocked contact writes,
// reactions, and that one person gave back what another has taken meanwhile.
func (d *decision) unheard(ev flow.Event) bool {
	switch ev.Kind {
	case flow.EventMessage:
		return d.s.Blocked || ev.Message != nil && ev.Message.Reaction != ""
	case flow.EventReturned:
		return d.s.Owner.Kind == conversations.OwnerHuman
	}
	return false
}

// decodeEvent reads an event of the inbox as the flow sees it. A body whose key
// was destroyed is an event of no kind, which flows ignore.
func decodeEvent(e conversations.Event) (flow.Event, error) {
	ev := flow.Event{Kind: flow.EventKind(e.Kind)}
	if e.Body != nil {
		if err := json.Unmarshal(e.Body, &ev); err != nil {
			return ev, fmt.Errorf("event %d is not readable: %w", e.Number, err)
		}
	} else {
		ev.Kind = "erased"
	}
	ev.Number, ev.At = e.Number, e.At
	return ev, nil
}

func (d *decision) step(p *flow.Program, state flow.State, events []flow.Event) flow.State {
	entropy := make([]byte, 32)
	rand.Read(entropy) // never fails
	out := p.Step(flow.Input{State: state, Events: events, Now: d.now, Channel: d.s.Connector, Contact: d.facts(),
		Conversation: d.s.ID.String(), Person: d.s.Contact.String(), Entropy: entropy})
	d.turn.Entered = append(d.turn.Entered, out.Entered...)
	d.turn.Missed = d.turn.Missed || out.Missed
	d.missed(p, out.Misses, events)
	for _, f := range out.Faults {
		d.note("flow.fault", map[string]any{"fault": f})
	}
	for _, e := range out.Effects {
		d.effect(e)
	}
	return out.State
}

// facts are what flows may read of the contact.
func (d *decision) facts() map[string]any {
	tags := make([]any, len(d.s.Tags))
	for i, tag := range d.s.Tags {
		tags[i] = tag
	}
	consents := make(map[string]any, len(d.s.Consents))
	for purpose, granted := range d.s.Consents {
		consents[purpose] = granted
	}
	return map[string]any{"language": known(d.s.Language), "name": known(d.s.Name), "tags": tags, "consents": consents, "memory": d.s.Memory}
}

// known gives an attribute as flows ask for it: what is not known is nil, so that
// a ?? has its say.
func known(attribute string) any {
	if attribute == "" {
		return nil
	}
	return attribute
}

func (d *decision) effect(e flow.Effect) {
	switch e.Kind {
	case flow.EffectSend:
		if e.Content != nil {
			d.send(*e.Content, conversations.AuthorBot)
		}
	case flow.EffectHandoff:
		d.handOver(e)
	case flow.EffectEmit:
		d.turn.Notes = append(d.turn.Notes, conversations.Note{Type: "flow." + e.Operation, Data: e.Input})
	default:
		key := d.key()
		connector := e.Connector
		operation := e.Operation
		switch {
		case e.Kind == flow.EffectPay:
			operation = takesPayments
		case e.Kind == flow.EffectStartCase:
			connector = builtin
		}
		d.turn.Effects = append(d.turn.Effects, conversations.Planned{Key: key, Index: len(d.turn.Effects), Operation: operation, Connector: connector,
			Kind: sdk.Once, State: "planned",
			Request: conversations.Requested{Ref: e.Ref, Kind: string(e.Kind), Role: string(roleOf(e)), Connector: e.Connector, Connection: chosenBefore(e), Operation: e.Operation, Input: e.Input}})
		d.turn.Calls = append(d.turn.Calls, conversations.Call{Ref: e.Ref, Key: key, Kind: string(e.Kind), Connector: connector,
			Operation: operation, Block: e.Block, TimeoutS: int(e.Timeout.Seconds())})
	}
}

// key is the key of the turn's next effect.
func (d *decision) key() string {
	return d.s.ID.String() + "-" + strconv.FormatInt(d.turn.First(), 10) + "-" + strconv.Itoa(len(d.turn.Effects))
}

// called removes a call whose result has come.
func (d *decision) called(ref string) {
	var rest []conversations.Call
	for _, c := range d.turn.Calls {
		if c.Ref != ref {
			rest = append(rest, c)
		}
	}
	d.turn.Calls = rest
}

// send plans a message for the channel. What the channel cannot carry at all is
// recorded, and nothing is sent in its place.
func (d *decision) send(c sdk.Content, author string) {
	ch := d.channel
	if ch == nil || d.s.Blocked {
		return
	}
	if d.muted {
		d.note("message.refused", map[string]any{"why": "opted_out"})
		return
	}
	plan, err := planner.Plan(c, *ch, planner.Window{Open: d.s.Window(ch, author, d.now)})
	for _, n := range plan.Notes {
		d.note("message.degraded", map[string]any{"field": n.Field, "level": string(n.Level), "why": n.Why})
	}
	if err != nil {
		d.note("message.refused", map[string]any{"why": errText(err)})
		return
	}
	for _, m := range plan.Messages {
		if why := d.refusedTemplate(m.Template); why != "" {
			d.note("message.refused", map[string]any{"why": why, "template": m.Template.Name})
			return
		}
	}
	for i, m := range plan.Messages {
		if i == 0 && m.Template == nil {
			m.Template = c.Template // should the provider say that the window is closed
		}
		key := d.key()
		if ch.SegmentsMax > 0 { // what carriers bill
			d.note("message.segments", map[string]any{"key": key, "segments": planner.Segments(m.Text)})
		}
		d.turn.Effects = append(d.turn.Effects, conversations.Planned{Key: key, Index: len(d.turn.Effects), Operation: "send",
			Kind: ch.Effect.Kind, State: "planned", Request: m, Author: author})
		d.sends = append(d.sends, conversations.Send{Key: key, State: "planned", Content: m, Author: author})
	}
}

func (d *decision) note(typ string, data map[string]any) {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = nil
	}
	d.turn.Notes = append(d.turn.Notes, conversations.Note{Type: typ, Data: raw})
}

// finish sets the states of the turn's sends. On a channel of our own a stored
// message is delivered. Elsewhere the first send is attempted as soon as the turn
// is committed, so it is committed as attempting, and the others follow it.
func (d *decision) finish() {
	if len(d.sends) == 0 {
		return
	}
	hosted := d.channel.Hosted
	d.turn.Pending = !hosted
	first := true
	for i := range d.turn.Effects {
		e := &d.turn.Effects[i]
		if e.Operation != "send" {
			continue
		}
		switch {
		case hosted:
			e.State = "done"
		case first:
			e.State = "attempting"
		}
		first = false
	}
	if !hosted {
		d.sends[0].State, d.sends[0].Attempt = "attempting", 1
	}
}
