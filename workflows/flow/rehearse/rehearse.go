// Package rehearse runs a new version of a flow over a recorded conversation, to
// tell whether it would have gone differently, and where. Nothing is sent or
// called: what connectors answered is taken from the recording. It is pure, and
// its clock is that of the recorded events.
package rehearse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/workflows/flow"
)

// EventTaken says that a person took the conversation: the flow is silent then.
const EventTaken flow.EventKind = "taken"

// EventApart is something that the flow does not hear, and that parts a turn: what
// came before it was answered first.
const EventApart flow.EventKind = "apart"

// Recording is one conversation, from its beginning.
type Recording struct {
	// Conversation, Person and Channel as in [flow.Input].
	Conversation, Person, Channel string
	// Contact is what flows may read of the contact, as it is now.
	Contact map[string]any
	Turns   []Turn
}

// Turn is what came together, and what the version of that time did.
type Turn struct {
	Program *flow.Program
	At      time.Time
	Events  []flow.Event
	// Entered and Missed are what was recorded of the turn.
	Entered []string
	Missed  bool
}

// Kinds of outcomes.
const (
	// Same: it would have gone the same way, in the same words.
	Same = "same"
	// Words: the same way, in other words.
	Words = "words"
	// Way: another way, from a turn on.
	Way = "way"
	// Undecided: the new version calls what was not called then, so that nobody
	// knows the answer.
	Undecided = "undecided"
	// Unrepeatable: even the version of that time, run again, does not do what was
	// recorded: by chance, a code, or facts that have changed.
	Unrepeatable = "unrepeatable"
)

// Outcome is what became of one conversation.
type Outcome struct {
	Kind string
	// Turn is the first one that differs, from 1; 0 if none does.
	Turn int
	// Block is where the conversation stood before it.
	Block string
	// Before and After are the first block that was entered and the one that would
	// be, where they differ; empty for none.
	Before, After string
	// Why says more, in the flow author's words.
	Why string
	// Said is what the customer wrote in that turn; Answered and Answers what was
	// said and would be. They are personal.
	Said, Answered, Answers []string
}

// Run rehearses one conversation. renamed are blocks that are called otherwise in
// the new version: old name to new one.
func Run(program *flow.Program, renamed map[string]string, r Recording) Outcome {
	old, now := &run{r: r, renamed: renamed}, &run{r: r, program: program}
	refs := map[string]string{} // of effects, then to now
	out := Outcome{Kind: Same}
	for i, t := range r.Turns {
		stood, offered := old.state.Block, old.state.Choices
		old.program = t.Program
		old.turn(t.At, t.Events)
		at := func(kind, why string) Outcome {
			return Outcome{Kind: kind, Turn: i + 1, Block: stood, Why: why, Said: written(t.Events), Answered: said(old.effects), Answers: said(now.effects)}
		}
		if !slices.Equal(old.plainEntered, t.Entered) || old.missed != t.Missed {
			return at(Unrepeatable, "the version of that time does not do again what it did")
		}
		now.effects, now.entered, now.missed = nil, nil, false
		now.ring(t.At)
		now.more(t.At, translate(t.Events, refs, offered, now.state.Choices))
		if why := pair(old.effects, now.effects, renamed, refs); why != "" {
			return at(Undecided, why)
		}
		if before, after, differs := fork(old, now, renamed); differs {
			o := at(Way, "")
			o.Before, o.After = before, after
			return o
		}
		if out.Kind == Same && !sameWords(old.effects, now.effects) {
			out = at(Words, "")
		}
	}
	return out
}

// run is a program going through the turns.
type run struct {
	r            Recording
	program      *flow.Program
	renamed      map[string]string
	state        flow.State
	effects      []flow.Effect
	entered      []string
	plainEntered []string
	missed       bool
}

func (x *run) turn(at time.Time, events []flow.Event) {
	x.effects, x.entered, x.plainEntered, x.missed = nil, nil, nil, false
	x.more(at, events)
}

// more steps over events as the engine does: what came before a person took the
// conversation, or a person or a case spoke, is answered first.
func (x *run) more(at time.Time, events []flow.Event) {
	var batch []flow.Event
	for _, e := range events {
		if e.Kind != EventTaken && e.Kind != EventApart {
			batch = append(batch, e)
			continue
		}
		x.step(at, batch)
		batch = nil
		x.state.Handed = x.state.Handed || e.Kind == EventTaken
	}
	x.step(at, batch)
}

// entropy is the same for all: codes that were sent cannot be repeated anyway.
var entropy = make([]byte, 32)

func (x *run) step(at time.Time, events []flow.Event) {
	if len(events) == 0 {
		return
	}
	out := x.program.Step(flow.Input{State: x.state, Events: events, Now: at, Channel: x.r.Channel, Contact: x.r.Contact,
		Conversation: x.r.Conversation, Person: x.r.Person, Entropy: entropy})
	x.state = out.State
	x.effects = append(x.effects, out.Effects...)
	x.missed = x.missed || out.Missed
	x.plainEntered = append(x.plainEntered, out.Entered...)
	for _, b := range out.Entered {
		x.entered = append(x.entered, renamedTo(x.renamed, b))
	}
}

// ring lets the times come that are over by now.
func (x *run) ring(now time.Time) {
	for range 100 {
		at, token := x.state.Due()
		if at.IsZero() || at.After(now) {
			return
		}
		x.step(at, []flow.Event{{Kind: flow.EventTimer, At: at, Ref: token}})
	}
}

func renamedTo(renamed map[string]string, block string) string {
	root, list, inner := strings.Cut(block, ".")
	if to, ok := renamed[root]; ok {
		root = to
	}
	if inner {
		return root + "." + list
	}
	return root
}

// translate makes of the recorded events those that the new version would get:
// its own references, taps on its own choices, and its own times.
func translate(events []flow.Event, refs map[string]string, then, now []sdk.Choice) []flow.Event {
	var out []flow.Event
	for _, e := range events {
		switch e.Kind {
		case flow.EventTimer:
			continue
		case flow.EventCallResult, flow.EventProvider:
			if e.Ref = refs[e.Ref]; e.Ref == "" {
				continue
			}
		case flow.EventMessage:
			if e.Message != nil && e.Message.Tap != "" {
				msg := *e.Message
				msg.Tap = tapNow(msg.Tap, then, now)
				e.Message = &msg
			}
		}
		out = append(out, e)
	}
	return out
}

// tapNow finds the choice that the new version would have offered in place of the
// one that was tapped.
func tapNow(tap string, then, now []sdk.Choice) string {
	if !slices.ContainsFunc(then, func(c sdk.Choice) bool { return c.ID == tap }) {
		return tap
	}
	for _, c := range now {
		if own(c.ID) == own(tap) {
			return c.ID
		}
	}
	return tap
}

// own takes block and step off a choice's ID.
func own(id string) string {
	parts := strings.SplitN(id, "/", 3)
	return parts[len(parts)-1]
}

// pair finds for each effect of the new version that has an answer the recorded
// one, whose answer it will get. It says why there is none.
func pair(old, now []flow.Effect, renamed map[string]string, refs map[string]string) string {
	taken := map[string]bool{}
	for _, e := range now {
		if !answered(e.Kind) {
			continue
		}
		i := slices.IndexFunc(old, func(o flow.Effect) bool {
			return o.Kind == e.Kind && o.Connector == e.Connector && o.Operation == e.Operation && renamedTo(renamed, o.Block) == e.Block && !taken[o.Ref]
		})
		what := strings.Trim(e.Connector+"."+e.Operation, ".")
		if what == "" {
			what = string(e.Kind)
		}
		switch {
		case i < 0:
			return fmt.Sprintf("%s was not called in block %s then", what, e.Block)
		case !sameInput(old[i].Input, e.Input):
			return fmt.Sprintf("%s was called with another input in block %s then", what, e.Block)
		}
		taken[old[i].Ref] = true
		refs[old[i].Ref] = e.Ref
	}
	return ""
}

func answered(k flow.EffectKind) bool {
	return k != flow.EffectSend && k != flow.EffectHandoff && k != flow.EffectEmit
}

func sameInput(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && fmt.Sprint(x) == fmt.Sprint(y) || string(a) == string(b)
}

// fork finds where the ways part: in the blocks entered, in what is done beside
// talking, in what is understood, or in where the flow stands at the end.
func fork(old, now *run, renamed map[string]string) (before, after string, differs bool) {
	for i := range max(len(old.entered), len(now.entered)) {
		a, b := at(old.entered, i), at(now.entered, i)
		if a != b {
			return at(old.plainEntered, i), b, true
		}
	}
	if renamedTo(renamed, old.state.Block) != now.state.Block {
		return old.state.Block, now.state.Block, true
	}
	return old.state.Block, now.state.Block, old.missed != now.missed || old.state.Handed != now.state.Handed || !slices.Equal(deeds(old.effects, renamed), deeds(now.effects, nil))
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// deeds lists what is done beside talking.
func deeds(effects []flow.Effect, renamed map[string]string) []string {
	var out []string
	for _, e := range effects {
		if e.Kind != flow.EffectSend {
			out = append(out, strings.Join([]string{string(e.Kind), e.Connector, e.Operation, e.Queue, renamedTo(renamed, e.Block)}, " "))
		}
	}
	return out
}
