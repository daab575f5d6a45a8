package flow

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// maxScheduled bounds the messages that wait to go out.
const maxScheduled = 10

var errScheduled = errors.New("too many messages are scheduled")

// scheduleStep has a message go out later, wherever the flow is by then.
//
//   - schedule: Your table is ready in two hours.
//     at: date(booking.start) - duration("2h")
//     name: reminder
//     template: {name: table_reminder}
type scheduleStep struct {
	Schedule phrase `flow:"schedule,required" doc:"the text; an empty one takes the message of that name back"`
	After    *span  `flow:"after" doc:"in how long"`
	At       *expr  `flow:"at" doc:"when: a time, or a text that date() can read; a time that is past sends nothing"`
	// Name lets a later message of the same name take its place.
	Name string `flow:"name" doc:"a later message of the same name takes its place"`
	parts
}

func (s *scheduleStep) finish(r *reader, n *node) {
	s.parts.complete(r, n)
	text, fixed := s.Schedule.literal()
	takesBack := fixed && text == ""
	switch {
	case takesBack && (s.Name == "" || s.After != nil || s.At != nil):
		r.fail(n.pos, "an empty message takes back the one of its \"name\", and has no time")
	case !takesBack && (s.After != nil) == (s.At != nil):
		r.fail(n.pos, "a message is scheduled with \"after\" or \"at\"")
	}
}

func (s *scheduleStep) exits() exits { return exits{next: true} }

func (s *scheduleStep) run(m *machine) move {
	if s.Name != "" {
		m.st.Scheduled = slices.DeleteFunc(m.st.Scheduled, func(o Scheduled) bool { return o.Name == s.Name })
	}
	at := m.in.Now
	switch {
	case s.After != nil:
		at = at.Add(time.Duration(*s.After))
	case s.At != nil:
		var err error
		if at, err = m.timeOf(s.At); err != nil {
			return m.trouble(err)
		}
	}
	if !at.After(m.in.Now) {
		return advance
	}
	c, err := m.content(&s.Schedule, &s.parts)
	if err != nil {
		return m.trouble(err)
	}
	if js, err := json.Marshal(c); err != nil || len(js) > maxText {
		return m.trouble(errTooLarge)
	}
	if len(m.st.Scheduled) >= maxScheduled {
		return m.trouble(errScheduled)
	}
	m.st.Scheduled = append(m.st.Scheduled, Scheduled{Name: s.Name, At: at.UTC().Round(0), Token: m.token(), Content: c})
	return advance
}

// scheduled sends the message whose time has come. While people have the
// conversation it waits until they give it back.
func (m *machine) scheduled(token string) bool {
	i := slices.IndexFunc(m.st.Scheduled, func(s Scheduled) bool { return s.Token == token && token != "" })
	if i < 0 {
		return false
	}
	if !m.st.Handed {
		m.sendScheduled(i)
	}
	return true
}

func (m *machine) sendScheduled(i int) {
	c := m.st.Scheduled[i].Content
	m.st.Scheduled = slices.Delete(m.st.Scheduled, i, i+1)
	if !m.st.Stopped {
		m.send(c)
	}
}

// sendOverdue sends what could not go out while people had the conversation, the
// earliest first, and gives the rest new tokens: theirs may have come unheard.
func (m *machine) sendOverdue() {
	slices.SortStableFunc(m.st.Scheduled, func(a, b Scheduled) int { return a.At.Compare(b.At) })
	for len(m.st.Scheduled) > 0 && !m.st.Scheduled[0].At.After(m.in.Now) {
		m.sendScheduled(0)
	}
	for i := range m.st.Scheduled {
		m.st.Scheduled[i].Token = m.token()
	}
}
