package flow

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// waitStep waits for a time, until one, or for news of something that the flow did.
//
//   - wait: 3d
//
//   - wait:
//     until: date(appointment) - duration("24h")
//     message: changed_mind
//
//   - wait: 2d
//     event: order.fulfilled
//     late: not_shipped
type waitStep struct {
	For *optionalSpan `flow:"wait" doc:"how long"`
	// Until gives a time, or a text that date() can read.
	Until *expr `flow:"until" doc:"until when: a time, or a text that date() can read"`
	// Event is the name of news that ends the wait; Save takes what it says. When
	// the time is up without it, Late is where the flow goes.
	Event string    `flow:"event" doc:"the name of news that ends the wait, such as payment.paid"`
	Save  *variable `flow:"save" doc:"the variable that takes what the news says"`
	Late  *target   `flow:"late" doc:"where the flow goes when the time is up without it"`
	// Message is where a message leads that is no keyword or global word; without
	// it such a message is answered and the wait goes on.
	Message *target `flow:"message" doc:"where a message leads that is no keyword or global word"`
}

// optionalSpan is a span that may be left empty.
type optionalSpan struct {
	span  span
	given bool
}

func (o *optionalSpan) read(r *reader, n *node) {
	if o.given = n.kind != nullNode; o.given {
		o.span.read(r, n)
	}
}

func (s *waitStep) finish(r *reader, n *node) {
	timed := s.For != nil && s.For.given
	switch {
	case timed && s.Until != nil, !timed && s.Until == nil && s.Event == "":
		r.fail(n.pos, "a wait has either a time span or the key \"until\"")
	case s.Event == "" && (s.Save != nil || s.Late != nil):
		r.fail(n.pos, "\"save\" and \"late\" go with the key \"event\"")
	case s.Event != "" && s.Late == nil && (timed || s.Until != nil):
		r.fail(n.pos, "say with the key \"late\" where to go when the time is up without the event")
	}
}

func (s *waitStep) exits() exits {
	// A time to wait until may be past already.
	silence := time.Duration(forever)
	if s.For != nil && s.For.given {
		silence = time.Duration(s.For.span)
	}
	e := exits{next: true, waits: s.Until == nil || s.Event != "", silence: silence}.jump(s.Message, true).late(s.Late, silence)
	if s.Late != nil && s.Until != nil {
		e.jumps[len(e.jumps)-1].waits = false
	}
	if s.Save != nil {
		e.sets = []*variable{s.Save}
	}
	return e
}

var errNoTime = errors.New("the result of until is not a time")

func (s *waitStep) run(m *machine) move {
	switch {
	case s.Until != nil:
		until, err := m.timeOf(s.Until)
		if err != nil {
			return m.trouble(err)
		}
		if !until.After(m.in.Now) {
			return s.timeUp(m)
		}
		m.wake(until)
	case s.For.given:
		m.wake(m.in.Now.Add(time.Duration(s.For.span)))
	}
	return park
}

// timeOf works out a time, or a text that date() can read; at most maxSpan ahead.
func (m *machine) timeOf(e *expr) (time.Time, error) {
	v, err := m.eval(e)
	if err != nil {
		return time.Time{}, err
	}
	if _, isText := v.(string); isText {
		if v, err = date(v); err != nil {
			return time.Time{}, errNoTime
		}
	}
	t, ok := v.(time.Time)
	if !ok || t.Sub(m.in.Now) > maxSpan {
		return time.Time{}, errNoTime
	}
	return t, nil
}

func (s *waitStep) timeUp(*machine) move {
	if s.Event != "" {
		return s.Late.or(advance)
	}
	return advance
}

// news ends the wait if it is what is waited for.
func (s *waitStep) news(m *machine, ev *Event) move {
	if s.Event == "" || ev.Name != s.Event || m.ofAnother(ev) {
		return park
	}
	if s.Save == nil {
		return advance
	}
	var data any
	if len(ev.Output) > 0 && json.Unmarshal(ev.Output, &data) != nil {
		return m.trouble(errNotJSON)
	}
	if err := m.store(s.Save.name, data); err != nil {
		return m.trouble(err)
	}
	return advance
}

// ofAnother tells whether news is of another ticket than the one that the
// conversation is about.
func (m *machine) ofAnother(ev *Event) bool {
	kind, _, _ := strings.Cut(ev.Name, ".")
	var about struct {
		ID string `json:"id"`
	}
	last, kept := m.st.Objects[kind]
	return kind == objectTicket && kept && json.Unmarshal(ev.Output, &about) == nil && about.ID != "" && about.ID != last.ID
}

func (s *waitStep) hear(m *machine, _ *sdk.Incoming) move {
	if s.Message != nil {
		return s.Message.to
	}
	return m.miss(m.p.texts.Waiting, nil)
}

// handoffStep gives the conversation to human agents: those of a queue, or of the
// workspace's live chat. When they give it back, the flow goes on with
// the next step.
//
//   - handoff: sales
//     note: Wants a bulk order.
//     to: livechat
//     nobody: closed
type handoffStep struct {
	// Queue is the document's agent_queue where none is named.
	Queue optionalText `flow:"handoff" doc:"the queue; the flow's agent_queue where none is named"`
	// Note tells the agents why.
	Note *fill `flow:"note" doc:"tells the agents why"`
	attended
}

// optionalText is a plain text that may be left empty.
type optionalText struct {
	pos
	text string
}

func (o *optionalText) read(r *reader, n *node) {
	if o.pos = n.pos; n.kind != nullNode {
		o.text, _ = r.plain(n, "the name of a queue")
	}
}

func (s *handoffStep) exits() exits { return exits{next: true, waits: true}.jump(s.Nobody, true) }

func (s *handoffStep) run(m *machine) move {
	note, err := m.text(s.Note.or(nil))
	if err != nil {
		return m.trouble(err)
	}
	queue := s.Queue.text
	if queue == "" {
		queue = m.p.doc.head.AgentQueue
	}
	m.emit(Effect{Kind: EffectHandoff, Queue: queue, Note: note, Live: s.attended.effect(m.p.doc.head.HandoffTo)})
	m.st.Handed = true
	return park
}
