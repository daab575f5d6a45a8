package flow

import (
	"time"

	"parley/connectors/sdk"
)

// askStep asks for one thing and keeps the answer.
//
//   - ask: What is your e-mail address?
//     kind: email
//     save: email
type askStep struct {
	Ask  phrase   `flow:"ask,required" doc:"the question"`
	Save variable `flow:"save,required" doc:"the variable that takes the answer"`
	answer
	parts
	// Tries is how many wrong answers lead to Failed, in place of the flow's
	// fallback.
	Tries   *int     `flow:"tries" doc:"how many wrong answers lead to failed"`
	Failed  *target  `flow:"failed" doc:"where they lead, in place of the flow's fallback"`
	Timeout *timeout `flow:"timeout" doc:"what happens when no answer comes"`
}

func (s *askStep) finish(r *reader, n *node) {
	s.answer.complete(r, n, &s.Save)
	s.parts.complete(r, n)
	r.limited(n, s.Tries, s.Failed)
}

// limited checks a question's own bound of wrong answers.
func (r *reader) limited(n *node, tries *int, failed *target) {
	if (tries != nil) != (failed != nil) {
		r.fail(n.pos, "\"tries\" and \"failed\" go together: how many wrong answers, and where they lead")
	}
	if tries != nil && (*tries < 1 || *tries > 10) {
		r.fail(n.get("tries").pos, "tries must be from 1 to 10")
	}
}

func (s *askStep) exits() exits {
	e := exits{next: true, waits: true, sets: []*variable{&s.Save}}.jump(s.Failed, true)
	e = e.unanswered(s.Timeout)
	return e
}

func (s *askStep) rules(*machine) rules {
	r := rules{open: s.kind.open, help: s.Help, failed: s.Failed}
	if s.Tries != nil {
		r.tries = *s.Tries
	}
	return r
}

func (s *askStep) run(m *machine) move { return s.put(m, "") }

func (s *askStep) put(m *machine, why string) move {
	c, err := m.content(&s.Ask, &s.parts)
	if err != nil {
		return m.trouble(err)
	}
	c.Text = paragraphs(why, c.Text)
	c.Choices = s.answer.choices(m)
	m.st.Choices = c.Choices
	m.send(c)
	m.arm(s.Timeout)
	return park
}

func (s *askStep) hear(m *machine, msg *sdk.Incoming) move {
	v, got, err := s.answer.take(m, msg)
	if err != nil {
		return m.trouble(err)
	}
	if got == notUnderstood {
		return m.miss(s.Retry.at(m.st.Misses, m.p.texts.Unclear), s)
	}
	if err := m.store(s.Save.name, v); err != nil {
		return m.trouble(err)
	}
	m.answered()
	return advance
}

func (s *askStep) timeUp(m *machine) move { return m.unanswered(s.Timeout, s) }

// arm starts the time within which an answer is awaited, anew with each question.
func (m *machine) arm(t *timeout) {
	m.st.Wait = nil
	if t != nil {
		m.wake(m.in.Now.Add(time.Duration(t.After)))
	}
}

// unanswered reminds the customer, or goes where the timeout leads.
func (m *machine) unanswered(t *timeout, q question) move {
	if t == nil {
		return park
	}
	if m.st.Asked.Reminders < t.reminders() {
		m.st.Asked.Reminders++
		return m.repeat(t.Say, q)
	}
	return t.Go.to
}

func paragraphs(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}
