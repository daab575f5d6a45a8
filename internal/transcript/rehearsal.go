package transcript

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/internal/planner"
	"parley/workflows/flow"
)

// maxTimers bounds how many timers one line can let pass, for flows that wake
// themselves for ever.
const maxTimers = 10_000

// callTimeout is how long a call of a flow may take that names no time-out, as in
// the engine.
const callTimeout = 2 * time.Minute

// Rehearsal plays a conversation on the interpreter alone.
type Rehearsal struct {
	doc     *flow.Document
	program *flow.Program
	channel sdk.Channel
	set     Setting

	state   flow.State
	now     time.Time
	inbound time.Time
	number  int64
	seen    []*Seen
	replies []Reply
	used    map[int]int // by the reply's place
	contact map[string]any
	found   Captures
	// due are answers that take their time, in the order of their times.
	due []dueAnswer
	// rest are the lines ahead, of which some answer calls.
	rest []Line
	// entered are the blocks entered since the last line.
	entered []string
	// Ask, where set, performs calls of connectors that no reply answers, whose input
	// it is given as JSON.
	Ask func(connector, operation string, input json.RawMessage) Answer
	// Passed are the ways gone so far.
	Passed map[flow.Passage]bool
}

type dueAnswer struct {
	at    time.Time
	event flow.Event
}

// NewRehearsal begins a conversation with a program that was compiled of doc. ch is
// what the setting's channel carries.
func NewRehearsal(doc *flow.Document, p *flow.Program, ch sdk.Channel, s Setting) *Rehearsal {
	r := &Rehearsal{doc: doc, program: p, channel: ch, set: s, now: s.Now.UTC(), replies: s.Replies, used: map[int]int{},
		contact: map[string]any{"language": nil, "name": nil, "tags": []any{}, "consents": map[string]any{}}, found: Captures{}, Passed: map[flow.Passage]bool{}}
	maps.Copy(r.contact, s.Contact)
	r.state.Vars = maps.Clone(s.Vars)
	return r
}

// Seen is what the flow has done so far.
func (r *Rehearsal) Seen() []*Seen { return r.seen }

// State is where the flow stands.
func (r *Rehearsal) State() (flow.State, error) { return r.state, nil }

// Found is what patterns of the transcript have found.
func (r *Rehearsal) Found() Captures { return r.found }

// Now is the conversation's time.
func (r *Rehearsal) Now() time.Time { return r.now }

// Act does what a line says.
func (r *Rehearsal) Act(l *Line, rest []Line) error {
	r.rest, r.entered = rest, nil
	switch l.Verb {
	case "customer":
		return r.write(l)
	case "tap":
		return r.tap(r.found.Fill(l.Name))
	case "enter":
		return r.hear(sdk.Incoming{Tap: l.Name})
	case "send":
		return r.hear(sdk.Incoming{Text: l.Media.Caption, Media: l.Media})
	case "location":
		return r.hear(sdk.Incoming{Location: l.Location})
	case "skip":
		return r.skip(l.Skip.Span(r.now, r.set.Zone))
	case "agent":
		return r.agent(l.Name)
	case "news":
		return r.news(l)
	}
	r.replies = append([]Reply{*l.Reply}, r.replies...)
	used := map[int]int{}
	for i, n := range r.used {
		used[i+1] = n
	}
	r.used = used
	return nil
}

func (r *Rehearsal) write(l *Line) error {
	events := make([]flow.Event, len(l.Says))
	for i, s := range l.Says {
		events[i] = flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: r.found.Fill(s)}}
	}
	events[len(events)-1].Understood = l.Understood
	r.inbound = r.now
	return r.step(events...)
}

func (r *Rehearsal) hear(msg sdk.Incoming) error {
	r.inbound = r.now
	return r.step(flow.Event{Kind: flow.EventMessage, Message: &msg})
}

// Offered are the choices that can be tapped, those of the newest message first.
func (r *Rehearsal) Offered() []sdk.Choice { return Offered(r.seen) }

// Offered are the choices among what was seen, those of the newest message first.
func Offered(seen []*Seen) []sdk.Choice {
	var out []sdk.Choice
	for _, s := range slices.Backward(seen) {
		if s.Kind != flow.EffectSend || s.Refused != "" {
			continue
		}
		out = append(out, s.Content.Choices...)
		for _, c := range s.Content.Cards {
			out = append(out, c.Choices...)
		}
	}
	return out
}

// ChoiceOf finds what is tapped, by ID, label, or the label without regard to
// capitals.
func ChoiceOf(offered []sdk.Choice, what string) (sdk.Choice, error) {
	for _, same := range []func(c sdk.Choice) bool{
		func(c sdk.Choice) bool { return c.ID == what }, func(c sdk.Choice) bool { return c.Label == what },
		func(c sdk.Choice) bool { return strings.EqualFold(c.Label, what) },
	} {
		if i := slices.IndexFunc(offered, same); i >= 0 {
			return offered[i], nil
		}
	}
	var labels []string
	for _, c := range offered {
		if !slices.Contains(labels, c.Label) {
			labels = append(labels, c.Label)
		}
	}
	if len(labels) == 0 {
		return sdk.Choice{}, fmt.Errorf("there is nothing to tap: no choices were offered yet")
	}
	return sdk.Choice{}, fmt.Errorf("there is no choice %q to tap%s; there are: %s", what, flow.DidYouMean(what, labels), strings.Join(labels, ", "))
}

func (r *Rehearsal) tap(what string) error {
	if r.channel.ButtonsMax+r.channel.RowsMax+r.channel.CardChoicesMax <= 0 {
		return r.hear(sdk.Incoming{Text: what}) // nothing can be tapped here
	}
	c, err := ChoiceOf(r.Offered(), what)
	if err != nil {
		return err
	}
	return r.hear(sdk.Incoming{Text: c.Label, Tap: c.ID})
}

func (r *Rehearsal) agent(does string) error {
	if does == "takes" {
		r.state.Handed = true
		return nil
	}
	return r.step(flow.Event{Kind: flow.EventReturned})
}

// news are of the last payment, or else the last call, where nothing is named.
func (r *Rehearsal) news(l *Line) error {
	ev := flow.Event{Kind: flow.EventProvider, Name: l.Name}
	var about *Seen
	for _, s := range slices.Backward(r.seen) {
		switch {
		case s.Ref == "" || s.Kind == flow.EffectSend:
		case l.Text != nil && *l.Text.exact == s.Operation, l.Text == nil && s.Kind == flow.EffectPay:
			about = s
		}
		if about != nil {
			break
		}
	}
	if about == nil && l.Text == nil {
		for _, s := range slices.Backward(r.seen) {
			if s.Kind == flow.EffectCall || s.Kind == flow.EffectStartCase {
				about = s
				break
			}
		}
	}
	if about == nil {
		return errors.New("there is no news without something that it is about: the flow has not done it yet")
	}
	ev.Ref = about.Ref
	if l.With != nil {
		js, err := json.Marshal(r.found.fillValue(l.With))
		if err != nil {
			return err
		}
		ev.Output = js
	}
	return r.step(ev)
}

// skip lets time pass, and on the way everything that is due.
func (r *Rehearsal) skip(d time.Duration) error {
	until := r.now.Add(d)
	for range maxTimers {
		at, token := r.state.Due()
		switch {
		case len(r.due) > 0 && !r.due[0].at.After(until) && (token == "" || !r.due[0].at.After(at)):
			if err := r.late(); err != nil {
				return err
			}
		case token != "" && !at.After(until):
			r.now = later(r.now, at)
			if err := r.step(flow.Event{Kind: flow.EventTimer, Ref: token}); err != nil {
				return err
			}
		default:
			r.now = until
			return nil
		}
	}
	return fmt.Errorf("the flow wakes itself more than %d times in that time", maxTimers)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// late delivers the next answer that takes its time.
func (r *Rehearsal) late() error {
	next := r.due[0]
	r.due = r.due[1:]
	r.now = later(r.now, next.at)
	return r.step(next.event)
}

// Settle has nothing to wait for.
func (r *Rehearsal) Settle() error { return nil }

// More delivers an answer that was still on its way.
func (r *Rehearsal) More() (bool, error) {
	if len(r.due) == 0 {
		return false, nil
	}
	return true, r.late()
}

// step steps the flow, notes what it does, and answers what can be answered.
func (r *Rehearsal) step(events ...flow.Event) error {
	for i := range events {
		r.number++
		events[i].Number, events[i].At = r.number, r.now
	}
	entropy := sha256.Sum256([]byte(r.set.Seed + "/" + strconv.FormatInt(r.number, 10)))
	out := r.program.Step(flow.Input{State: r.state, Events: events, Now: r.now, Contact: r.contact, Channel: r.set.Channel,
		Conversation: cmp.Or(r.set.Conversation, "conversation/"+r.set.Seed), Person: cmp.Or(r.set.Person, "person/"+r.set.Seed), Entropy: entropy[:], Trace: true})
	r.state = out.State
	for _, p := range out.Passed {
		r.Passed[p] = true
	}
	r.entered = append(r.entered, out.Entered...)
	for _, f := range out.Faults {
		r.seen = append(r.seen, &Seen{Kind: Fault, Operation: f, At: r.now})
	}
	var waits *Seen
	var timeout time.Duration
	for _, e := range out.Effects {
		s, err := r.effect(e)
		if err != nil {
			return err
		}
		if s != nil && r.state.Pending == s.Ref {
			waits, timeout = s, e.Timeout
		}
	}
	if waits == nil || r.answeredAhead(waits) {
		return nil
	}
	if a, ok := r.replyTo(waits); ok {
		return r.answer(waits, a, timeout)
	}
	return nil
}

// effect notes what the flow did, and gives it where it is no message.
func (r *Rehearsal) effect(e flow.Effect) (*Seen, error) {
	s := &Seen{Kind: e.Kind, Ref: e.Ref, Operation: e.Operation, At: r.now}
	s.Block, s.Line, s.Col = r.doc.Place(e.Block, e.Step)
	if len(e.Input) > 0 {
		if err := json.Unmarshal(e.Input, &s.Input); err != nil {
			return nil, err
		}
	}
	switch e.Kind {
	case flow.EffectSend:
		r.send(*e.Content, *s)
		return nil, nil
	case flow.EffectHandoff:
		s.Operation, s.Input = e.Queue, e.Note
	case flow.EffectCall:
		s.Operation = cmp.Or(e.Connector, string(e.Role)) + "." + e.Operation
		r.remember(s)
	case flow.EffectStartCase:
		s.Operation = "case." + e.Operation
	case flow.EffectPay:
		s.Operation = "pay"
	}
	r.seen = append(r.seen, s)
	return s, nil
}

// remember keeps what a flow notes of the contact, as the engine does.
func (r *Rehearsal) remember(s *Seen) {
	in, _ := s.Input.(map[string]any)
	switch s.Operation {
	case "parley.contact_tag":
		tags, _ := r.contact["tags"].([]any)
		tags = slices.DeleteFunc(slices.Clone(tags), func(t any) bool { return t == in["tag"] })
		if in["remove"] != true {
			tags = append(tags, in["tag"])
		}
		r.contact["tags"] = tags
	case "parley.contact_consent":
		consents, _ := r.contact["consents"].(map[string]any)
		consents = maps.Clone(consents)
		if purpose, ok := in["purpose"].(string); ok && consents != nil {
			consents[purpose] = in["granted"]
		}
		r.contact["consents"] = consents
	case "parley.contact_language":
		r.contact["language"] = in["language"]
	case "parley.contact_remember":
		if in["consented"] == true {
			r.contact["memory"] = remembered(r.contact["memory"], in["values"])
		}
	}
}

// remembered adds values to what is known; a value of nothing forgets.
func remembered(known, values any) map[string]any {
	out := map[string]any{}
	for _, from := range []any{known, values} {
		some, _ := from.(map[string]any)
		maps.Copy(out, some)
	}
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

// send plans a message for the channel as a turn does.
func (r *Rehearsal) send(c sdk.Content, s Seen) {
	open := !r.inbound.IsZero() && r.now.Sub(r.inbound) < r.channel.Window
	plan, err := planner.Plan(c, r.channel, planner.Window{Open: open})
	if err != nil {
		s.Content, s.Portable, s.Refused = c, &c, err.Error()
		if refused, ok := errors.AsType[*sdk.Error](err); ok {
			s.Refused = refused.Message
		}
		r.seen = append(r.seen, &s)
		return
	}
	for i, m := range plan.Messages {
		one := s
		if one.Content = m; i == 0 {
			one.Portable = &c
		}
		r.seen = append(r.seen, &one)
	}
}

// answeredAhead tells whether a line before the customer's next word answers a call.
func (r *Rehearsal) answeredAhead(s *Seen) bool { return r.answering(s) >= 0 }

// answering finds that line among those ahead.
func (r *Rehearsal) answering(s *Seen) int {
	return slices.IndexFunc(r.rest, func(l Line) bool {
		if l.Answer == nil {
			return false
		}
		_, is := wanted(&l).is(s, maps.Clone(r.found))
		return is
	})
}

// replyTo finds the reply that is in force for a call. A payment link needs none.
func (r *Rehearsal) replyTo(s *Seen) (Answer, bool) {
	for i, one := range r.replies {
		if !names(one.Operation, s.Operation) || one.Times > 0 && r.used[i] >= one.Times {
			continue
		}
		if one.When != nil {
			if _, ok := part(one.When, s.Input, maps.Clone(r.found)); !ok {
				continue
			}
		}
		r.used[i]++
		a := one.Answer
		a.Give = r.found.fillValue(a.Give)
		return a, true
	}
	if s.Kind == flow.EffectPay {
		return Answer{Give: map[string]any{"url": paymentLink(s)}}, true
	}
	if connector, operation, _ := strings.Cut(s.Operation, "."); r.Ask != nil && s.Kind == flow.EffectCall && connector != "parley" {
		return r.Ask(connector, operation, sdk.JSONBody(s.Input)), true
	}
	return Answer{}, false
}

// paymentLink is the link of a payment that no reply gives one.
func paymentLink(s *Seen) string { return "https://pay.example/" + s.Ref }

// names tells whether a pattern of operations has one.
func names(pattern, operation string) bool {
	prefix, all := strings.CutSuffix(pattern, "*")
	return pattern == operation || all && strings.HasPrefix(operation, prefix)
}

// Answer ends a call that waits.
func (r *Rehearsal) Answer(call *Seen, a Answer) error {
	if r.state.Pending != call.Ref {
		return fmt.Errorf("%s is answered too late: the flow no longer waits for it", call.Operation)
	}
	if i := r.answering(call); i >= 0 { // that line answers no other call
		r.rest = slices.Concat(r.rest[:i], r.rest[i+1:])
	}
	return r.answer(call, a, 0)
}

func (r *Rehearsal) answer(call *Seen, a Answer, timeout time.Duration) error {
	if timeout == 0 {
		timeout = callTimeout
	}
	if a.After > timeout {
		a = Answer{After: timeout, Error: &sdk.Error{Class: sdk.Unavailable, Code: "timeout", Message: "no answer came in time"}}
	}
	call.ended = &a
	ev := flow.Event{Kind: flow.EventCallResult, Ref: call.Ref, Error: a.Error}
	if a.Error == nil {
		js, err := json.Marshal(a.Give)
		if err != nil {
			return err
		}
		ev.Output = js
	}
	if a.After == 0 {
		return r.step(ev)
	}
	at := r.now.Add(a.After)
	i, _ := slices.BinarySearchFunc(r.due, at, func(d dueAnswer, t time.Time) int {
		if d.at.After(t) {
			return 1
		}
		return -1
	})
	r.due = slices.Insert(r.due, i, dueAnswer{at, ev})
	return nil
}
