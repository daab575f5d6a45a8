package flow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

// Bounds of one event. A document that passes the checks comes nowhere near the
// first; it stands guard over what the checks do not see.
const (
	maxStepsPerEvent = 1000
	maxEffects       = 200
)

var errEndless = errors.New("the flow runs on without a question or a wait")

// move says where a flow goes after a step: a block's index, or one of the below.
type move int

const (
	// advance goes on with the next step.
	advance move = -1 - iota
	// park stays where the state says, until something happens.
	park
	// finish ends the flow.
	finish
)

// What a flow can be parked at hears of events through these. A step that
// implements none of them cannot be parked at.
type (
	// hearer takes a message that was no keyword or global word.
	hearer interface {
		hear(m *machine, msg *sdk.Incoming) move
	}
	// resulter takes the result of the effect that State.Pending names.
	resulter interface {
		result(m *machine, ev *Event) move
	}
	// timed is told that the time of State.Wait has come.
	timed interface{ timeUp(m *machine) move }
	// question can be put again, after words that say why.
	question interface {
		put(m *machine, why string) move
	}
)

// machine is one run of [Program.Step].
type machine struct {
	p   *Program
	in  Input
	st  State
	out Output

	budget int
	memory
}

func (m *machine) block() *block {
	if i, ok := m.p.doc.index[m.st.Block]; ok {
		return m.p.doc.blocks[i]
	}
	return nil
}

// standing gives the step at which the flow is parked, or nil if none is under
// way (or the state belongs to some other document).
func (m *machine) standing() step {
	switch s := m.stepAt(m.st.Block, m.st.Step).(type) {
	case hearer, resulter, timed, *handoffStep:
		return s
	}
	return nil
}

func (m *machine) stepAt(name string, i int) step {
	at, ok := m.p.doc.index[name]
	if !ok || i < 0 || i >= len(m.p.doc.blocks[at].steps) {
		return nil
	}
	return m.p.doc.blocks[at].steps[i]
}

// handle does everything that one event calls for.
func (m *machine) handle(ev *Event) {
	switch ev.Kind {
	case EventMessage:
		if !m.st.Handed && ev.Message != nil {
			m.out.Missed = false
			m.proceed(m.message(ev.Message))
		}
	case EventCallResult:
		if s, ok := m.standing().(resulter); ok && !m.st.Handed && m.st.Pending != "" && ev.Ref == m.st.Pending {
			m.proceed(s.result(m, ev))
		}
	case EventTimer:
		if m.st.Wait == nil || m.st.Handed || ev.Ref != m.st.Wait.Token {
			return
		}
		m.st.Wait = nil
		if s, ok := m.standing().(timed); ok {
			m.proceed(s.timeUp(m))
		}
	case EventProvider:
		m.provider(ev)
	case EventReturned:
		m.returned()
	}
}

// message finds out what a message means: an offered choice first, then keywords
// and global words, then an answer to the step where the flow stands.
func (m *machine) message(msg *sdk.Incoming) move {
	s := m.standing()
	if s == nil {
		m.idle()
	}
	h, hears := s.(hearer)
	if hears && len(m.st.Choices) > 0 && m.chosen(msg) >= 0 {
		return h.hear(m, msg)
	}
	if c, ok := m.p.commands[fold(msg.Text)]; ok {
		return m.command(c, s != nil)
	}
	q, asks := s.(question)
	switch {
	case s == nil:
		return m.p.doc.head.Start.to
	case asks && msg.Tap != "":
		return m.stale(q)
	case hears:
		return h.hear(m, msg)
	}
	return m.moment()
}

func (m *machine) command(c command, underWay bool) move {
	switch c.action {
	case doEnter:
		return c.to.to
	case doStartOver:
		m.forget(false)
		return c.to.to
	case doAgent:
		return m.askForAgent("The customer asked for a person.")
	}
	if !underWay {
		return m.p.doc.head.Start.to
	}
	m.say(m.p.texts.Cancelled)
	return finish
}

// moment asks a customer who writes while a call is under way for patience, once.
func (m *machine) moment() move {
	if m.st.Misses == 0 {
		m.st.Misses = 1
		m.say(m.p.texts.Moment)
	}
	return park
}

// stale answers a tap on a choice of an earlier message; it is no miss.
func (m *machine) stale(q question) move {
	why, err := m.text(m.p.texts.Stale)
	if err != nil {
		return m.trouble(err)
	}
	return q.put(m, why)
}

// miss answers what was not understood: with why and the question again (no
// question, just why), and after too many in a row with the fallback.
func (m *machine) miss(why *phrase, q question) move {
	m.out.Missed = true
	m.st.Misses++
	head := &m.p.doc.head
	if m.st.Misses >= m.p.misses {
		if head.Fallback != nil {
			return head.Fallback.to
		}
		if head.AgentQueue != "" || head.Words.Agent.to != nil {
			return m.askForAgent("The customer's answers were not understood.")
		}
	}
	s, err := m.text(why)
	if err != nil {
		return m.trouble(err)
	}
	if q == nil {
		m.send(sdk.Content{Text: s})
		return park
	}
	return q.put(m, s)
}

// proceed carries a move out, and all that follow, until the flow is parked or
// has ended.
func (m *machine) proceed(mv move) {
	for mv != park {
		m.leave()
		b := m.block()
		switch {
		case mv == advance && b != nil:
			m.st.Step++
		case mv >= 0 && int(mv) < len(m.p.doc.blocks):
			b = m.p.doc.blocks[mv]
			m.st.Block, m.st.Step = b.name, 0
			m.out.Entered = append(m.out.Entered, b.name)
		default:
			b = nil
		}
		if b == nil || m.st.Step < 0 || m.st.Step >= len(b.steps) {
			if !m.end() {
				return
			}
			mv = m.settle()
			continue
		}
		if m.budget--; m.budget < 0 || len(m.out.Effects) >= maxEffects {
			mv = m.trouble(errEndless)
			continue
		}
		mv = b.steps[m.st.Step].run(m)
	}
}

// leave forgets what belonged to the step where the flow was parked.
func (m *machine) leave() {
	m.st.Pending, m.st.Wait, m.st.Choices, m.st.Misses = "", nil, nil, 0
}

// end closes the flow. The variables are forgotten unless a payment may still
// need them. It tells whether there is a payment whose paid branch comes next.
func (m *machine) end() bool {
	m.idle()
	if m.openPayments() == 0 {
		m.forget(true)
	}
	return slices.ContainsFunc(m.st.Payments, func(p Payment) bool { return p.Status == statusPaid })
}

func (m *machine) idle() {
	m.leave()
	m.st.Block, m.st.Step = "", 0
}

// returned goes on after human agents gave the conversation back.
func (m *machine) returned() {
	wasHanded := m.st.Handed
	m.st.Handed = false
	if mv := m.settle(); mv != park {
		m.proceed(mv)
		return
	}
	s := m.standing()
	head := &m.p.doc.head
	switch q, asks := s.(question); {
	case s == nil && head.Returned != nil:
		m.proceed(head.Returned.to)
	case s == nil:
		m.proceed(head.Start.to)
	case asks: // a person took the conversation in the middle of a question
		m.proceed(q.put(m, ""))
	case wasHanded:
		m.proceed(advance)
	}
}

// askForAgent hands over from wherever the flow stands.
func (m *machine) askForAgent(note string) move {
	if c := m.p.doc.head.Words.Agent; c.to != nil {
		return c.to.to
	}
	m.say(m.p.texts.Handoff)
	return m.handOver(m.p.doc.head.AgentQueue, note)
}

// handOver gives the conversation to a queue, with no place to go on from.
func (m *machine) handOver(queue, note string) move {
	m.emit(Effect{Kind: EffectHandoff, Queue: queue, Note: note})
	m.idle()
	m.st.Handed = true
	return park
}

// trouble deals with a fault of the flow itself: the customer is told, and a
// person takes over where there is one. The error must not quote a value.
func (m *machine) trouble(err error) move {
	m.fault(err)
	m.say(m.p.texts.Trouble)
	if queue := m.p.doc.head.AgentQueue; queue != "" {
		return m.handOver(queue, "The flow could not go on.")
	}
	return finish
}

// fault reports to operators.
func (m *machine) fault(err error) {
	m.out.Faults = append(m.out.Faults, fmt.Sprintf("block %q, step %d: %s", m.st.Block, m.st.Step+1, err.Error()))
}

// say sends one of the engine's own texts; one that cannot be rendered is left out.
func (m *machine) say(p *phrase) {
	if s, err := m.text(p); err == nil && s != "" {
		m.send(sdk.Content{Text: s})
	}
}

func (m *machine) send(c sdk.Content) { m.emit(Effect{Kind: EffectSend, Content: &c}) }

// emit adds an effect and gives it its Ref.
func (m *machine) emit(e Effect) string {
	m.st.Seq++
	e.Ref = "e" + strconv.FormatInt(m.st.Seq, 10)
	e.Block = m.st.Block
	m.out.Effects = append(m.out.Effects, e)
	return e.Ref
}

// wake asks for an EventTimer after d.
func (m *machine) wake(until time.Time) {
	m.st.Seq++
	m.st.Wait = &Wait{Until: until.UTC().Round(0), Token: "t" + strconv.FormatInt(m.st.Seq, 10)}
}
