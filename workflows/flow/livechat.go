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
	// Never keeps the conversation to its queue, also where the workspace has a live
	// chat.
	Never bool `json:"never,omitempty"`
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

// attended are the keys of a hand-over that concern live chats.
type attended struct {
	To     string  `flow:"to" doc:"livechat or queue; the workspace's live chat, where it has one, unless given"`
	Group  string  `flow:"group" doc:"the group of people in the live chat, by the live chat's own ID"`
	Nobody *target `flow:"nobody" doc:"where the flow goes if nobody is there; else a ticket is opened, or the conversation waits in the queue"`
}

func (l *attended) effect() LiveChat {
	return LiveChat{Never: l.To == toQueue, Group: l.Group, Branch: l.Nobody != nil}
}

func (s *handoffStep) finish(r *reader, n *node) {
	if s.To != "" && s.To != toLiveChat && s.To != toQueue {
		r.fail(n.pos, "a handoff goes \"to\" %s or %s", toLiveChat, toQueue)
	}
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
