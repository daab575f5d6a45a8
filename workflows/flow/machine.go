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
	maxStepsPerEvent = 5000
	maxEffects       = 200
)

var errEndless = errors.New("the flow runs on without a question or a wait")

// move says where a flow goes after a step: a jump to a block, or one of the below.
type move int

const (
	// advance goes on with the next step.
	advance move = -1 - iota
	// park stays where the state says, until something happens.
	park
	// finish ends the flow.
	finish
	// again goes on with the step where the flow stands.
	again
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
	// waiter is told of news of an effect of this flow.
	waiter interface {
		news(m *machine, ev *Event) move
	}
	// question can be put again, after words that say why.
	question interface {
		put(m *machine, why string) move
		// rules are what the question says of wrong answers.
		rules(m *machine) rules
	}
)

// rules say how a question deals with answers that it does not understand.
type rules struct {
	// open tells that it takes any text.
	open bool
	// help explains the question.
	help *phrase
	// tries is how many wrong answers lead to failed; 0 for as many as the flow allows.
	tries  int
	failed *target
}

// machine is one run of [Program.Step].
type machine struct {
	p   *Program
	in  Input
	st  State
	out Output

	budget int
	// heard is the understanding of the message being answered.
	heard *sdk.Understanding
	// number is that of the event at hand; wanting tells that the flow has looked
	// at what a service could have understood of it.
	number  int64
	wanting bool
	// said is the text of the message at hand, which is the first one after a
	// silence if beginning is set.
	said      string
	beginning bool
	// spoken and tone are the language and persona in use, once looked up.
	spoken, tone string
	// knows tells that the contact's facts are this machine's own copy.
	knows bool
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
	m.number = ev.Number
	switch ev.Kind {
	case EventMessage:
		if !m.st.Handed && ev.Message != nil {
			m.out.Missed, m.said = false, ev.Message.Text
			m.begins(ev.At)
			m.heard = ev.Understood
			m.proceed(m.message(ev.Message))
			m.heard = nil
		}
	case EventCallResult:
		m.resulted(ev)
	case EventTimer:
		m.timer(ev)
	case EventProvider:
		m.provider(ev)
	case EventReturned:
		m.returned()
	case EventParked:
		m.parked(ev)
	case EventNobody:
		m.nobody(ev)
	}
}

// resulted takes the result that is waited for. While people have the
// conversation it is held until they give it back.
func (m *machine) resulted(ev *Event) {
	s, ok := m.standing().(resulter)
	if !ok || m.st.Pending == "" || ev.Ref != m.st.Pending {
		return
	}
	if m.st.Handed {
		m.st.Held = hold(ev)
		return
	}
	m.proceed(s.result(m, ev))
}

// parked tells the customer, where the step has words for it, that what they wait
// for takes longer.
func (m *machine) parked(ev *Event) {
	s, ok := m.standing().(patient)
	if !ok || m.st.Handed || m.st.Pending == "" || ev.Ref != m.st.Pending || s.delay() == nil {
		return
	}
	var text string
	if err := m.render(rendering{s.delay(), &text}); err != nil {
		m.fault(err)
		return
	}
	m.send(sdk.Content{Text: text})
}

func (m *machine) timer(ev *Event) {
	if m.scheduled(ev.Ref) || m.st.Wait == nil || m.st.Handed || ev.Ref != m.st.Wait.Token {
		return
	}
	m.st.Wait = nil
	if s, ok := m.standing().(timed); ok {
		m.proceed(s.timeUp(m))
	}
}

// proceed carries a move out, and all that follow, until the flow is parked or
// has ended.
func (m *machine) proceed(mv move) {
	for mv != park {
		m.passed(mv)
		m.leave()
		var s step
		switch {
		case mv == again:
			s = m.stepAt(m.st.Block, m.st.Step)
		case mv == advance:
			s = m.following()
		case mv >= 0 && mv.block() < len(m.p.doc.blocks):
			s = m.enter(m.p.doc.blocks[mv.block()])
		}
		if s == nil {
			if !m.end(mv == advance) {
				return
			}
			mv = m.settle()
			continue
		}
		if m.budget--; m.budget < 0 || len(m.out.Effects) >= maxEffects {
			mv = m.trouble(errEndless)
			continue
		}
		m.ran()
		mv = s.run(m)
	}
}

// enter goes to a block. Sub-flows and loops that it is no part of are left.
func (m *machine) enter(b *block) step {
	if m.st.Block == "" && m.p.doc.head.Header != nil {
		m.st.Block = b.name
		m.say(m.p.doc.head.Header)
	}
	for len(m.st.Stack) > 0 && (b.sub == nil || b.sub.name != m.st.Stack[len(m.st.Stack)-1].Sub) {
		m.pop()
	}
	var loops []Loop
	for _, l := range m.st.Loops {
		if b.within(l.Block, l.Step) {
			loops = append(loops, l)
		}
	}
	m.st.Loops = loops
	m.st.Block, m.st.Step, m.st.Quiet = b.name, 0, false
	m.out.Entered = append(m.out.Entered, b.name)
	return b.steps[0]
}

// following gives the step after the one where the flow stands, out of lists
// within steps and sub-flows that have come to their end; nil at the flow's end.
func (m *machine) following() step {
	for {
		b := m.block()
		if b == nil || m.st.Step < 0 {
			return nil
		}
		if m.st.Step++; m.st.Step < len(b.steps) {
			return b.steps[m.st.Step]
		}
		switch {
		case b.outer != nil:
			m.st.Block, m.st.Step = b.outer.name, b.outerAt
			if loop, ok := m.stepAt(m.st.Block, m.st.Step).(*eachStep); ok && loop.next(m) {
				return loop
			}
		case len(m.st.Stack) > 0:
			if m.back(nil) != nil {
				return nil
			}
		default:
			return nil
		}
	}
}

// leave forgets what belonged to the step where the flow was parked.
func (m *machine) leave() {
	m.st.Pending, m.st.Wait, m.st.Choices, m.st.Misses, m.st.Held, m.st.Asked = "", nil, nil, 0, nil, Asked{}
}

// end closes the flow, which came to its end or was cut short. The variables are
// forgotten unless a payment may still need them. It tells whether there is a
// payment whose paid branch comes next.
func (m *machine) end(atEnd bool) bool {
	if atEnd && m.st.Block != "" {
		m.say(m.p.doc.head.Footer)
	}
	m.idle()
	if m.openPayments() == 0 {
		m.forget(true)
	}
	return slices.ContainsFunc(m.st.Payments, func(p Payment) bool { return p.Status == statusPaid })
}

func (m *machine) idle() {
	m.leave()
	for len(m.st.Stack) > 0 {
		m.pop()
	}
	m.st.Block, m.st.Step, m.st.Loops, m.st.Trail = "", 0, nil, nil
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
	e.Block, e.Step = m.st.Block, m.st.Step
	m.out.Effects = append(m.out.Effects, e)
	return e.Ref
}

// wake asks for an EventTimer at a time.
func (m *machine) wake(until time.Time) {
	m.st.Wait = &Wait{Until: until.UTC().Round(0), Token: m.token()}
}

// token makes the name of a timer.
func (m *machine) token() string {
	m.st.Seq++
	return "t" + strconv.FormatInt(m.st.Seq, 10)
}
