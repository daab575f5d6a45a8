package flow

import (
	"bytes"
	"encoding/json"

	"parley/connectors/sdk"
)

// Held is a result that came while people had the conversation.
type Held struct {
	Output json.RawMessage `json:"output,omitempty"`
	Error  *sdk.Error      `json:"error,omitempty"`
}

// hold keeps what can be kept of a result.
func hold(ev *Event) *Held {
	h := &Held{}
	if ev.Error != nil {
		h.Error = &sdk.Error{Class: ev.Error.Class, Code: clip(ev.Error.Code, 100), Customer: clip(ev.Error.Customer, 1000)}
		return h
	}
	var small bytes.Buffer
	if len(ev.Output) > 0 && json.Compact(&small, ev.Output) != nil || small.Len() > MaxValue {
		h.Error = &sdk.Error{Class: sdk.Invalid, Code: "not_kept"}
		return h
	}
	if small.Len() > 0 {
		h.Output = small.Bytes()
	}
	return h
}

// returned goes on after human agents gave the conversation back.
func (m *machine) returned() {
	wasHanded := m.st.Handed
	m.st.Handed = false
	m.sendOverdue()
	if mv := m.settle(); mv != park {
		m.proceed(mv)
		return
	}
	s := m.standing()
	head := &m.p.doc.head
	switch s := s.(type) {
	case nil:
		to := head.Start
		if head.Returned != nil {
			to = head.Returned
		}
		m.proceed(to.to)
		return
	case *handoffStep:
		if wasHanded {
			m.proceed(advance)
		}
		return
	case resulter:
		if h := m.st.Held; h != nil {
			m.st.Held = nil
			m.proceed(s.result(m, &Event{Kind: EventCallResult, Ref: m.st.Pending, Output: h.Output, Error: h.Error}))
			return
		}
	}
	if q, asks := s.(question); asks && m.st.Pending == "" { // a person took the conversation in the middle of a question
		m.proceed(q.put(m, ""))
		return
	}
	m.resume(s)
}

// resume takes a wait up where a person interrupted it: its time may have come
// meanwhile, unheard.
func (m *machine) resume(s step) {
	t, waits := s.(timed)
	if !waits || m.st.Wait == nil || m.st.Wait.Until.IsZero() {
		return
	}
	if m.st.Wait.Until.After(m.in.Now) {
		m.wake(m.st.Wait.Until)
		return
	}
	m.st.Wait = nil
	m.proceed(t.timeUp(m))
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
	m.emit(Effect{Kind: EffectHandoff, Queue: queue, Note: note, Live: (&attended{}).effect(m.p.doc.head.HandoffTo)})
	m.idle()
	m.st.Handed = true
	return park
}
