package flow

import (
	"slices"
	"strings"

	"parley/connectors/sdk"
)

// message finds out what a message means: an offered choice first, then keywords
// and global words, then an intent, then an answer to the step where the flow
// stands.
func (m *machine) message(msg *sdk.Incoming) move {
	s := m.standing()
	if s == nil {
		m.idle()
	}
	unknown := m.st.Unknown
	m.st.Unknown = 0
	if mv, ok := m.choosesLanguage(msg, s); ok {
		return mv
	}
	h, hears := s.(hearer)
	if hears && len(m.st.Choices) > 0 && m.chosen(msg) >= 0 {
		return h.hear(m, msg)
	}
	if c, ok := m.commandFor(fold(msg.Text)); ok {
		return m.command(c, s)
	}
	if to, ok := m.p.doc.head.Entries.find(msg.Tap); ok {
		return to.to
	}
	m.feel()
	q, asks := s.(question)
	switch {
	case asks && msg.Tap != "" && m.st.Pending == "":
		return m.stale(q)
	case m.steers(q, asks):
		return m.steer()
	case s == nil && m.st.Quiet:
		return park
	case s == nil && m.answers():
		return park
	case s == nil:
		return m.opening(unknown)
	case hears:
		return h.hear(m, msg)
	}
	return m.moment()
}

// opening enters the flow by a message that is nothing else. Where it should have
// been, because the flow can be asked for something and the conversation is not just
// beginning, the customer is told so, and after too many in a row the fallback
// follows; unknown is how many there were before.
func (m *machine) opening(unknown int) move {
	head := &m.p.doc.head
	if m.heard == nil || m.said == "" || len(head.Intents) == 0 || m.beginning {
		return head.Start.to
	}
	m.missed()
	unknown++
	switch tooMany := unknown >= m.p.misses; {
	case tooMany && head.Fallback != nil:
		return head.Fallback.to
	case tooMany && m.handsOver():
		return m.askForAgent("What the customer wanted was not understood.")
	}
	m.st.Unknown = unknown
	m.say(m.p.texts.Unclear)
	return head.Start.to
}

// handsOver tells whether there are people to give a conversation to.
func (m *machine) handsOver() bool {
	head := &m.p.doc.head
	return head.AgentQueue != "" || head.Words.Agent.to != nil
}

// commandFor finds the keyword or global word that a folded text is, here and in
// the language in use.
func (m *machine) commandFor(text string) (command, bool) {
	for _, c := range m.p.commands[text] {
		if (c.channel == "" || c.channel == m.in.Channel) && (c.language == "" || c.language == m.language()) &&
			(c.action != doStart || m.st.Stopped) {
			return c, true
		}
	}
	return command{}, false
}

func (m *machine) command(c command, s step) move {
	switch c.action {
	case doEnter:
		return c.to.to
	case doStartOver:
		m.forget(false)
		return c.to.to
	case doAgent:
		return m.askForAgent("The customer asked for a person.")
	case doBack:
		return m.goBack(s)
	case doHelp:
		return m.help(s)
	case doLanguage:
		return m.offerLanguages()
	case doStop:
		m.st.Stopped = true
		m.consent("messages", false)
		m.say(m.p.texts.Stopped)
		return finish
	case doStart:
		m.st.Stopped = false
		m.consent("messages", true)
		return m.p.doc.head.Start.to
	}
	if s == nil {
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
func (m *machine) stale(q question) move { return m.repeat(m.p.texts.Stale, q) }

// repeat says something and puts the question again.
func (m *machine) repeat(why *phrase, q question) move {
	s, err := m.text(why)
	if err != nil {
		return m.trouble(err)
	}
	return q.put(m, s)
}

// help explains the question, or what can be done at all.
func (m *machine) help(s step) move {
	q, asks := s.(question)
	if !asks || m.st.Pending != "" {
		m.say(m.p.texts.Help)
		if s == nil {
			return m.p.doc.head.Words.Menu.to.to
		}
		return park
	}
	return m.repeat(own(q.rules(m).help, m.p.texts.Help), q)
}

// miss answers what was not understood: an intent or an answer of the
// understanding goes first; else with why and the question again (no question,
// just why), and after too many in a row with the question's or the flow's
// fallback.
func (m *machine) miss(why *phrase, q question) move {
	m.wanting = true
	if m.intended(m.p.doc.head.Understand.threshold()) != nil {
		return m.steer()
	}
	if q != nil && m.answers() {
		return q.put(m, "")
	}
	var r rules
	if q != nil {
		r = q.rules(m)
	}
	m.missed()
	m.st.Misses++
	switch {
	case r.tries > 0 && m.st.Misses >= r.tries:
		return r.failed.to
	case r.tries == 0 && m.st.Misses >= m.p.misses:
		if head := &m.p.doc.head; head.Fallback != nil {
			return head.Fallback.to
		} else if m.handsOver() {
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
	if m.st.Misses == 1 && r.help != nil {
		help, err := m.text(r.help)
		if err != nil {
			return m.trouble(err)
		}
		s = paragraphs(s, help)
	}
	return q.put(m, s)
}

// Place is a question that was answered, to go back to.
type Place struct {
	Block string `json:"block"`
	Step  int    `json:"step,omitempty"`
}

// maxTrail is how many questions the word back can go back.
const maxTrail = 20

// answered remembers a question that is left by an answer.
func (m *machine) answered() {
	here := Place{m.st.Block, m.st.Step}
	trail := slices.DeleteFunc(slices.Clone(m.st.Trail), func(p Place) bool { return p == here })
	m.st.Trail = append(trail[max(0, len(trail)-maxTrail+1):], here)
}

// backer is a question that knows by itself what was asked before.
type backer interface{ back(m *machine) bool }

// goBack puts the previous question again.
func (m *machine) goBack(s step) move {
	q, asks := s.(question)
	if b, ok := s.(backer); ok && b.back(m) {
		return q.put(m, "")
	}
	for n := len(m.st.Trail); n > 0; n-- {
		p := m.st.Trail[n-1]
		m.st.Trail = m.st.Trail[: n-1 : n-1]
		if _, ok := m.stepAt(p.Block, p.Step).(question); ok && (p != Place{m.st.Block, m.st.Step}) {
			m.st.Block, m.st.Step = p.Block, p.Step
			return again
		}
	}
	switch {
	case s == nil:
		return m.p.doc.head.Start.to
	case asks && m.st.Pending == "":
		return m.repeat(m.p.texts.NoBack, q)
	}
	m.say(m.p.texts.NoBack)
	return park
}

const languageTap = "language/"

// offerLanguages lets the customer choose the language.
func (m *machine) offerLanguages() move {
	text, err := m.text(m.p.texts.Language)
	if err != nil {
		return m.trouble(err)
	}
	c := sdk.Content{Text: text}
	for _, l := range m.p.voices.languages {
		c.Choices = append(c.Choices, sdk.Choice{ID: languageTap + l, Label: nameOf(l)})
	}
	m.st.Languages = true
	m.send(c)
	return park
}

// choosesLanguage takes the choice of a language, which leaves the flow where it
// stands.
func (m *machine) choosesLanguage(msg *sdk.Incoming, s step) (move, bool) {
	offered := m.st.Languages
	m.st.Languages = false
	tag, tapped := strings.CutPrefix(msg.Tap, languageTap)
	if !tapped {
		if !offered || msg.Tap != "" {
			return park, false
		}
		written := fold(msg.Text)
		number := writtenNumber.FindStringSubmatch(written)
		for i, l := range m.p.voices.languages {
			if written == fold(nameOf(l)) || written == l || number != nil && number[1] == formatNumber(float64(i+1)) {
				tag = l
			}
		}
	}
	if tag == "" || !slices.Contains(m.p.voices.languages, tag) {
		return park, false
	}
	m.speak(tag)
	if q, asks := s.(question); asks && m.st.Pending == "" {
		return m.repeat(m.p.texts.LanguageSet, q), true
	}
	m.say(m.p.texts.LanguageSet)
	if s == nil {
		return m.p.doc.head.Start.to, true
	}
	return park, true
}

// speak changes the language, here and for the contact.
func (m *machine) speak(tag string) {
	m.st.Language, m.spoken = tag, ""
	m.engine("contact_language", map[string]any{"language": tag})
}
