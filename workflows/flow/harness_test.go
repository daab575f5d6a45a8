package flow

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

var testNow = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// maxState bounds a state in JSON, as the package promises it: the variables, those
// that sub-flows hide, the choices on offer, the payments, a result that is held
// and the messages that are scheduled.
const maxState = 2*MaxVars + MaxValue + (MaxChoices+60)*6*(maxLabel+maxDescription+maxChoiceID+100) + maxPayments*(maxObjectID+400) + 5*(maxObjectID+200) +
	maxScheduled*(maxText+200) + 8<<10

// talk is a conversation with a program: each event is stepped twice and must
// give the same output, and the state must survive its way through JSON.
type talk struct {
	t       require.TestingT
	program *Program
	state   State
	out     Output
	now     time.Time
	number  int64
	// speaks is the contact's language, en where none is named.
	speaks string
}

func (k *talk) language() string {
	if k.speaks == "" {
		return "en"
	}
	return k.speaks
}

func compile(t testing.TB, source string) *Program {
	t.Helper()
	doc, _ := Parse("test.yaml", []byte(source))
	p, err := Compile(doc)
	require.NoError(t, err)
	return p
}

// flowOf makes a document of blocks.
func flowOf(blocks string) string { return "name: test\nagent_queue: desk\nblocks:\n" + blocks }

func newTalk(t *testing.T, source string) *talk {
	t.Helper()
	return &talk{t: t, program: compile(t, source), now: testNow}
}

// events steps and gives what the customer is shown, or sees done.
func (k *talk) events(events ...Event) []string {
	for i := range events {
		k.number++
		events[i].Number, events[i].At = k.number, k.now
	}
	in := Input{State: k.state, Events: events, Now: k.now, Channel: "whatsapp",
		Conversation: "c-1", Person: "p-1", Entropy: []byte("0123456789abcdef"),
		Contact: map[string]any{"name": "Ana", "language": k.language()}}
	before, err := json.Marshal(in.State)
	require.NoError(k.t, err)
	k.out = k.program.Step(in)
	again := k.program.Step(in)
	require.Equal(k.t, k.out, again, "the same input gives the same output")
	after, err := json.Marshal(in.State)
	require.NoError(k.t, err)
	require.Equal(k.t, string(before), string(after), "the input is not changed")

	js, err := json.Marshal(k.out.State)
	require.NoError(k.t, err)
	require.LessOrEqual(k.t, len(js), maxState)
	var back State
	require.NoError(k.t, json.Unmarshal(js, &back))
	requireSameState(k.t, k.out.State, back)
	k.state = back
	return shown(k.out.Effects)
}

// requireSameState compares states; a mapping that is empty is one that is nil.
func requireSameState(t require.TestingT, a, b State) {
	for _, s := range []*State{&a, &b} {
		if len(s.Vars) == 0 {
			s.Vars = nil
		}
		if len(s.Payments) == 0 {
			s.Payments = nil
		}
		if len(s.Choices) == 0 {
			s.Choices = nil
		}
		if len(s.Scheduled) == 0 {
			s.Scheduled = nil
		}
		if len(s.Loops) == 0 {
			s.Loops = nil
		}
		if len(s.Stack) == 0 {
			s.Stack = nil
		}
		if len(s.Trail) == 0 {
			s.Trail = nil
		}
	}
	require.Equal(t, a, b, "a state survives JSON")
}

// shown writes effects for comparison: texts as they are, choices in brackets,
// other effects as kind:what.
func shown(effects []Effect) []string {
	var out []string
	for _, e := range effects {
		switch e.Kind {
		case EffectSend:
			s := e.Content.Text
			if len(e.Content.Choices) > 0 {
				var labels []string
				for _, c := range e.Content.Choices {
					labels = append(labels, c.Label)
				}
				s += " [" + strings.Join(labels, "|") + "]"
			}
			for _, c := range e.Content.Cards {
				s += " (" + c.Title + ")"
			}
			if e.Content.Media != nil {
				s += " {" + e.Content.Media.Kind + "}"
			}
			if e.Content.Link != nil {
				s += " <" + e.Content.Link.URL + ">"
			}
			out = append(out, s)
		case EffectCall:
			out = append(out, "call:"+cmp.Or(e.Connector, string(e.Role))+"."+e.Operation+string(e.Input))
		case EffectHandoff:
			out = append(out, "handoff:"+e.Queue)
		default:
			out = append(out, string(e.Kind)+":"+e.Operation+string(e.Input))
		}
	}
	return out
}

func message(text string) Event {
	return Event{Kind: EventMessage, Message: &sdk.Incoming{Text: text}}
}

func (k *talk) say(texts ...string) []string {
	events := make([]Event, len(texts))
	for i, s := range texts {
		events[i] = message(s)
	}
	return k.events(events...)
}

func (k *talk) tap(id, label string) []string {
	return k.events(Event{Kind: EventMessage, Message: &sdk.Incoming{Text: label, Tap: id}})
}

func (k *talk) result(output string) []string {
	return k.events(Event{Kind: EventCallResult, Ref: k.state.Pending, Output: json.RawMessage(output)})
}

func (k *talk) fails(class sdk.Class) []string {
	return k.events(Event{Kind: EventCallResult, Ref: k.state.Pending,
		Error: &sdk.Error{Class: class, Code: "c1", Message: "for operators", Customer: "for customers"}})
}

func (k *talk) news(ref, name string) []string {
	return k.events(Event{Kind: EventProvider, Ref: ref, Name: name})
}

func (k *talk) timeUp() []string {
	require.NotNil(k.t, k.state.Wait)
	k.now = k.state.Wait.Until
	return k.events(Event{Kind: EventTimer, Ref: k.state.Wait.Token})
}

func (k *talk) returned() []string { return k.events(Event{Kind: EventReturned}) }

// understood is a message with what was made of it.
func understood(text string, u sdk.Understanding) Event {
	e := message(text)
	e.Understood = &u
	return e
}

func (k *talk) due() []string {
	at, token := k.state.Due()
	require.NotEmpty(k.t, token)
	k.now = at
	return k.events(Event{Kind: EventTimer, Ref: token})
}
