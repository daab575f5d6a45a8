package flow

// What was done when nobody was there to take a conversation that was handed over.
const (
	// NobodyReturned: the flow has the conversation again, and a way to go on.
	NobodyReturned = "returned"
	// NobodyTicket: a ticket was opened, and the flow has the conversation again.
	NobodyTicket = "ticket"
	// NobodyQueued: it waits in its queue for a person.
	NobodyQueued = "queued"
)

// LiveChat is what a hand-over says of live chats.
type LiveChat struct {
	// Wanted asks for the workspace's live chat; else people take it from the queue.
	Wanted bool `json:"wanted,omitempty"`
	// Group is the live chat's own ID of the group of people who take it.
	Group string `json:"group,omitempty"`
	// Branch tells that the flow has a way to go on if nobody is there.
	Branch bool `json:"branch,omitempty"`
}

// Where a hand-over can go.
const (
	toLiveChat = "livechat"
	toQueue    = "queue"
)

// handoffPlace is where a hand-over goes.
type handoffPlace string

func (p *handoffPlace) read(r *reader, n *node) {
	text, _ := r.plain(n, "the place of a hand-over")
	if text != toLiveChat && text != toQueue {
		r.fail(n.pos, "a hand-over goes to livechat or to queue")
	}
	*p = handoffPlace(text)
}

// attended are the keys of a hand-over that concern live chats.
type attended struct {
	To     handoffPlace `flow:"to" doc:"livechat or queue; what the flow's handoff_to says unless given"`
	Group  string       `flow:"group" doc:"the group of people in the live chat, by the live chat's own ID"`
	Nobody *target      `flow:"nobody" doc:"where the flow goes if nobody is there; else a ticket is opened, or the conversation waits in the queue"`
}

// effect is what a hand-over with these keys says, to being the flow's own.
func (l *attended) effect(to handoffPlace) LiveChat {
	if l.To != "" {
		to = l.To
	}
	return LiveChat{Wanted: to == toLiveChat, Group: l.Group, Branch: l.Nobody != nil}
}

// nobody goes on when nobody was there to take what was handed over.
func (m *machine) nobody(ev *Event) {
	if !m.st.Handed {
		return
	}
	switch ev.Name {
	case NobodyQueued: // the customer is told, and waits
		m.say(m.p.texts.Queued)
		return
	case NobodyTicket:
		m.say(m.p.texts.Noted)
	}
	s := m.standing()
	if h, here := s.(*handoffStep); here && ev.Name == NobodyReturned && h.Nobody != nil {
		m.st.Handed = false
		m.sendOverdue()
		m.proceed(h.Nobody.to)
		return
	}
	if s == nil { // a new start would be no answer
		m.st.Handed = false
		m.sendOverdue()
		m.proceed(m.settle())
		return
	}
	m.returned()
}
