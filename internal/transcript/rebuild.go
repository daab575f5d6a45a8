package transcript

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// Happened is an event of a real conversation.
type Happened struct {
	flow.Event
	// Turn is the first number of those that were answered together.
	Turn int64
}

// taken is the kind of the event that a person took the conversation, of which flows
// do not hear.
const taken = "taken"

// quietGap is how much time may pass between two events without being told.
const quietGap = time.Minute

// Rebuild plays the events of a real conversation on a recorder, in disguise. What
// the flow ignored then, it is not told now.
func Rebuild(r *Recorder, events []Happened, d *Disguise) error {
	b := rebuilder{Recorder: r, d: d}
	for i := 0; i < len(events); {
		n := i + 1
		for n < len(events) && events[n].Turn == events[i].Turn && plain(events[n]) && plain(events[i]) {
			n++
		}
		if err := b.event(events[i:n]); err != nil {
			return fmt.Errorf("event %d: %w", events[i].Number, err)
		}
		i = n
	}
	return nil
}

// plain tells whether an event is nothing but words, which can be part of a burst.
func plain(e Happened) bool {
	m := e.Message
	return e.Kind == flow.EventMessage && m != nil && m.Tap == "" && m.Media == nil && m.Location == nil && m.Reaction == "" && e.Understood == nil
}

type rebuilder struct {
	*Recorder
	d *Disguise
}

// event plays one event, or the messages of a burst.
func (b rebuilder) event(events []Happened) error {
	e := events[0]
	if e.Kind == flow.EventTimer {
		return b.timer()
	}
	if gap := e.At.Sub(b.now).Truncate(time.Second); gap >= quietGap {
		if err := b.Do(Passes(gap)); err != nil {
			return err
		}
	}
	switch e.Kind {
	case flow.EventMessage:
		return b.messages(events)
	case flow.EventCallResult:
		return b.result(e)
	case flow.EventProvider:
		return b.news(e)
	case flow.EventReturned:
		return b.Do(Agent("returns"))
	case taken:
		return b.Do(Agent("takes"))
	}
	return nil
}

// timer lets time pass until what is due next.
func (b rebuilder) timer() error {
	at, token := b.state.Due()
	if token == "" {
		return nil
	}
	wait := at.Sub(b.now)
	if rest := wait % time.Second; rest > 0 {
		wait += time.Second - rest
	}
	return b.Do(Passes(max(time.Second, wait)))
}

func (b rebuilder) messages(events []Happened) error {
	first := events[0].Message
	if first == nil || first.Reaction != "" {
		return nil
	}
	b.d.Name(first.Name)
	variable, kind := b.program.Asks(b.state)
	if variable != "" {
		b.d.Answer(first.Text, variable, kind)
	}
	m := b.d.Incoming(*first)
	switch {
	case m.Tap != "":
		return b.tapped(m.Tap)
	case m.Media != nil:
		return b.Do(Sends(*m.Media))
	case m.Location != nil:
		return b.Do(Locates(*m.Location))
	}
	l := Line{Verb: "customer"}
	if u := events[0].Understood; u != nil {
		found := *u
		found.Entities, _ = b.d.Value(u.Entities).(map[string]any)
		found.Answer = b.d.Text(u.Answer)
		l.Understood = &found
	}
	for _, e := range events {
		l.Says = append(l.Says, b.d.Text(e.Message.Text))
	}
	return b.Do(l)
}

// tapped taps by the label where that is enough to tell the choice.
func (b rebuilder) tapped(id string) error {
	choices := b.Offered()
	i := slices.IndexFunc(choices, func(c sdk.Choice) bool { return c.ID == id })
	if i < 0 {
		return b.Do(Enters(id))
	}
	if c, err := ChoiceOf(choices, choices[i].Label); err == nil && c.ID == id {
		return b.Do(Taps(c.Label))
	}
	return b.Do(Taps(id))
}

func (b rebuilder) result(e Happened) error {
	call := b.Waits()
	if call == nil || call.Ref != e.Ref {
		return nil // nothing waited for it
	}
	if e.Error != nil {
		return b.End(Answer{Error: &sdk.Error{Class: e.Error.Class, Code: b.d.Text(e.Error.Code), Customer: b.d.Text(e.Error.Customer), Message: "as it was recorded"}})
	}
	v, err := b.disguised(e.Output)
	if err != nil {
		return err
	}
	return b.End(Answer{Give: v})
}

// disguised reads a value; names under keys that say so are known from then on.
func (b rebuilder) disguised(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	b.learn(v)
	return b.d.Value(v), nil
}

// learn finds personal data by the names of keys: customer_name, address.
func (b rebuilder) learn(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			b.learn(item)
		}
	case map[string]any:
		for k, item := range v {
			s, isText := item.(string)
			switch key := strings.ToLower(k); {
			case isText && slices.Contains([]string{"customer_name", "first_name", "last_name", "full_name", "firstname", "lastname"}, key):
				b.d.Name(s)
			case isText && slices.Contains([]string{"address", "address1", "street"}, key):
				b.d.Whole(s, "address")
			default:
				b.learn(item)
			}
		}
	}
}

func (b rebuilder) news(e Happened) error {
	of := ""
	for _, s := range slices.Backward(b.seen) {
		if s.Ref == e.Ref && s.Ref != "" && s.Kind != flow.EffectSend {
			of = s.Operation
			break
		}
	}
	if of == "" {
		return nil
	}
	with, err := b.disguised(e.Output)
	if err != nil {
		return err
	}
	return b.Do(Hears(e.Name, of, with))
}
