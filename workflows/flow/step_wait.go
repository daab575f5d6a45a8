package flow

import (
	"errors"
	"time"

	"parley/connectors/sdk"
)

// waitStep waits for a time, or until one.
//
//   - wait: 3d
//
//   - wait:
//     until: date(appointment) - duration("24h")
//     message: changed_mind
type waitStep struct {
	For *optionalSpan `flow:"wait"`
	// Until gives a time, or a text that date() can read.
	Until *expr `flow:"until"`
	// Message is where a message leads that is no keyword or global word; without
	// it such a message is answered and the wait goes on.
	Message *target `flow:"message"`
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
	if given := s.For != nil && s.For.given; given == (s.Until != nil) {
		r.fail(n.pos, "a wait has either a time span or the key \"until\"")
	}
}

func (s *waitStep) exits() exits {
	// A time to wait until may be past already.
	return exits{next: true, waits: s.Until == nil}.jump(s.Message, true)
}

var errNoTime = errors.New("the result of until is not a time")

func (s *waitStep) run(m *machine) move {
	if s.Until == nil {
		m.wake(m.in.Now.Add(time.Duration(s.For.span)))
		return park
	}
	v, err := m.eval(s.Until)
	if err != nil {
		return m.trouble(err)
	}
	if _, isText := v.(string); isText {
		if v, err = date(v); err != nil {
			return m.trouble(errNoTime)
		}
	}
	until, ok := v.(time.Time)
	if !ok || until.Sub(m.in.Now) > maxSpan {
		return m.trouble(errNoTime)
	}
	if !until.After(m.in.Now) {
		return advance
	}
	m.wake(until)
	return park
}

func (s *waitStep) timeUp(*machine) move { return advance }

func (s *waitStep) hear(m *machine, _ *sdk.Incoming) move {
	if s.Message != nil {
		return s.Message.to
	}
	return m.miss(m.p.texts.Waiting, nil)
}

// handoffStep gives the conversation to human agents. When they give it back,
// the flow goes on with the next step.
//
//   - handoff: sales
//     note: Wants a bulk order.
type handoffStep struct {
	// Queue is the document's agent_queue where none is named.
	Queue optionalText `flow:"handoff"`
	// Note tells the agents why.
	Note *phrase `flow:"note"`
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

func (s *handoffStep) exits() exits { return exits{next: true, waits: true} }

func (s *handoffStep) run(m *machine) move {
	note, err := m.text(s.Note)
	if err != nil {
		return m.trouble(err)
	}
	queue := s.Queue.text
	if queue == "" {
		queue = m.p.doc.head.AgentQueue
	}
	m.emit(Effect{Kind: EffectHandoff, Queue: queue, Note: note})
	m.st.Handed = true
	return park
}
