package flow

import (
	"slices"
	"time"

	"parley/connectors/sdk"
)

// intents are what customers may want, in words of their own.
//
//	intents:
//	  order_status:
//	    examples: [where is my order, has my parcel left, track order]
//	    entities: {number: number}
//	    go: orders
type intents []intent

type intent struct {
	pos
	name        string
	Description string   `flow:"description" doc:"what the customer wants, for engines that read it"`
	Examples    wordings `flow:"examples,required" doc:"how customers say it; a list, or one by language"`
	// Words and Patterns mean the intent for certain.
	Words    wordings `flow:"words" doc:"messages that mean it for certain, as a whole; a list, or one by language"`
	Patterns patterns `flow:"patterns" doc:"regular expressions (RE2, small letters) of which one somewhere in the message means it for certain; named groups become entities"`
	// Entities are the parameters that go with it: variables, and their kinds.
	Entities entities `flow:"entities" doc:"variables that take what is found with it, and their kinds; {values} and {pattern} make kinds of your own"`
	Go       target   `flow:"go,required" doc:"the block that it leads to"`
}

func (l *intents) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"intents\" must map names to what customers say and where that leads")
		return
	}
	for _, p := range n.pairs {
		one := intent{pos: p.key.pos, name: p.key.text}
		if !blockName.MatchString(one.name) || one.name == sdk.OutOfScope {
			r.fail(p.key.pos, "%q cannot name an intent", clip(one.name, 60))
		}
		r.record(p.value, &one, "an intent")
		*l = append(*l, one)
	}
	for i := range *l {
		// Jumps were remembered where they stood before the list grew.
		r.targets = append(r.targets, &(*l)[i].Go)
	}
}

// wordings are what customers say: a list, or lists by language.
type wordings struct {
	all []wording
	// languages are those that have a list of their own; none where there is but one.
	languages []string
}

type wording struct {
	pos
	text string
}

func (w *wordings) read(r *reader, n *node) {
	if n.kind == mapNode {
		for _, p := range n.pairs {
			if !slices.Contains(r.voices.languages, p.key.text) {
				r.fail(p.key.pos, "%q is not a language of this flow", clip(p.key.text, 40))
			}
			w.languages = append(w.languages, p.key.text)
			w.list(r, p.value)
		}
		return
	}
	w.list(r, n)
}

func (w *wordings) list(r *reader, n *node) {
	if n.kind != listNode || len(n.items) == 0 {
		r.fail(n.pos, "examples are a list of what customers say")
	}
	for _, item := range n.items {
		if s, ok := r.plain(item, "an example"); ok {
			w.all = append(w.all, wording{item.pos, s})
		}
	}
}

// texts are the wordings without their places.
func (w *wordings) texts() []string {
	var out []string
	for _, one := range w.all {
		out = append(out, one.text)
	}
	return out
}

// Intents are what the flow can be asked for: what an engine that understands
// language chooses from.
func (p *Program) Intents() []sdk.Intent { return p.intents }

func (d *Document) intents() []sdk.Intent {
	var out []sdk.Intent
	for _, i := range d.head.Intents {
		one := sdk.Intent{Name: i.name, Description: i.Description, Examples: i.Examples.texts()}
		for _, e := range i.Entities {
			if one.Entities == nil {
				one.Entities = map[string]string{}
			}
			one.Entities[e.variable.name] = e.describe()
		}
		out = append(out, one)
	}
	return out
}

// feel takes note of how a message in words of the customer's own sounded. A choice
// or a keyword says nothing of it: its words are the flow's.
func (m *machine) feel() {
	u := m.heard
	if u == nil {
		return
	}
	if slices.Contains([]string{sdk.Positive, sdk.Neutral, sdk.Negative}, u.Sentiment) {
		m.st.Mood = u.Sentiment
		if m.env != nil {
			m.env["mood"] = m.st.Mood
		}
	}
}

// intended gives the intent of the message, if it is sure enough.
func (m *machine) intended(threshold float64) *intent {
	u := m.heard
	if u == nil {
		return nil
	}
	least, margin := m.p.doc.head.Understand.believes(u.Engine, threshold)
	if u.Confidence < least || u.Margin < margin {
		return nil
	}
	for i := range m.p.doc.head.Intents {
		if one := &m.p.doc.head.Intents[i]; one.name == u.Intent {
			return one
		}
	}
	return nil
}

// steers tells whether an intent goes before what the flow would do with a
// message: where nothing is asked, and, if it is sure enough, at questions that
// take any text. Other questions see first whether it is an answer.
func (m *machine) steers(q question, asks bool) bool {
	u := m.p.doc.head.Understand
	switch {
	case !asks:
		m.wanting = true
		return m.intended(u.threshold()) != nil
	case q.rules(m).open:
		return m.intended(u.Interrupt.or(0.85)) != nil
	}
	return false
}

// steer goes where the intent leads, with what was found beside it.
func (m *machine) steer() move {
	i := m.intended(0)
	for _, e := range i.Entities {
		if err := m.store(e.variable.name, m.parameter(e, m.said)); err != nil {
			m.fault(err)
		}
	}
	m.heard = nil
	return i.Go.to
}

// freshAfter is how long a customer must have been silent for a message to begin a
// conversation rather than go on with it: as long as a session lasts.
const freshAfter = 30 * time.Minute

// begins takes note of whether a message begins a conversation.
func (m *machine) begins(at time.Time) {
	if len(m.p.intents) == 0 {
		return
	}
	m.beginning = m.st.HeardAt.IsZero() || at.Sub(m.st.HeardAt) > freshAfter
	m.st.HeardAt = at.UTC().Round(0)
}

// missed takes note of a message that was not understood. Wrong codes are no
// words to learn from.
func (m *machine) missed() {
	m.out.Missed = true
	if _, code := m.standing().(*otpStep); code || m.said == "" || m.p.wanted == nil {
		return
	}
	m.out.Misses = append(m.out.Misses, Miss{Number: m.number, Block: m.st.Block})
}
