package flow

import (
	"slices"

	"parley/connectors/sdk"
)

// intents are what customers may want, in words of their own.
//
//	intents:
//	  order_status:
//	    examples: [where is my order, has my parcel left]
//	    entities: {number: number}
//	    go: orders
type intents []intent

type intent struct {
	name        string
	Description string   `flow:"description" doc:"what the customer wants, for engines that read it"`
	Examples    wordings `flow:"examples,required" doc:"how customers say it; a list, or one by language"`
	// Entities are the parameters that go with it: variables, and their kinds.
	Entities entities `flow:"entities" doc:"variables that take what is found with it, and their kinds"`
	Go       target   `flow:"go,required" doc:"the block that it leads to"`
}

func (l *intents) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"intents\" must map names to what customers say and where that leads")
		return
	}
	for _, p := range n.pairs {
		one := intent{name: p.key.text}
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

// wordings are examples: a list, or lists by language.
type wordings []string

func (w *wordings) read(r *reader, n *node) {
	if n.kind == mapNode {
		for _, p := range n.pairs {
			if !slices.Contains(r.voices.languages, p.key.text) {
				r.fail(p.key.pos, "%q is not a language of this flow", clip(p.key.text, 40))
			}
			w.read(r, p.value)
		}
		return
	}
	if n.kind != listNode || len(n.items) == 0 {
		r.fail(n.pos, "examples are a list of what customers say")
	}
	for _, item := range n.items {
		if s, ok := r.plain(item, "an example"); ok {
			*w = append(*w, s)
		}
	}
}

// entities are written as `variable: kind`.
type entities []entity

type entity struct {
	variable *variable
	kind     string
}

func (e *entities) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"entities\" must map variables to kinds")
		return
	}
	for _, p := range n.pairs {
		one := entity{variable: &variable{}}
		one.variable.read(r, p.key)
		if one.kind, _ = r.plain(p.value, "a kind"); kinds[one.kind].parse == nil {
			r.fail(p.value.pos, "there is no kind %q%s", clip(one.kind, 40), didYouMean(one.kind, kindNames()))
		}
		*e = append(*e, one)
	}
}

// understand says how sure an understanding must be.
type understand struct {
	// Threshold is the least confidence that leads anywhere, Margin the least lead
	// over the second intent; Interrupt is the confidence that leads away from a
	// question which takes any text.
	Threshold *number01 `flow:"threshold" doc:"least confidence of an intent that leads anywhere; 0.7 where not said"`
	Margin    *number01 `flow:"margin" doc:"least lead over the second intent; 0.1 where not said"`
	Interrupt *number01 `flow:"interrupt" doc:"confidence that leads away from a question which takes any text; 0.85 where not said"`
}

// number01 is a number from 0 to 1.
type number01 float64

func (f *number01) read(r *reader, n *node) {
	if n.kind != numberNode || n.number < 0 || n.number > 1 {
		r.fail(n.pos, "a number from 0 to 1 must stand here")
		return
	}
	*f = number01(n.number)
}

func (f *number01) or(otherwise float64) float64 {
	if f == nil {
		return otherwise
	}
	return float64(*f)
}

func (u understand) threshold() float64 { return u.Threshold.or(0.7) }

// Intents are what the flow can be asked for: what an engine that understands
// language chooses from.
func (p *Program) Intents() []sdk.Intent { return p.intents }

func (d *Document) intents() []sdk.Intent {
	var out []sdk.Intent
	for _, i := range d.head.Intents {
		one := sdk.Intent{Name: i.name, Description: i.Description, Examples: i.Examples}
		for _, e := range i.Entities {
			if one.Entities == nil {
				one.Entities = map[string]string{}
			}
			one.Entities[e.variable.name] = e.kind
		}
		out = append(out, one)
	}
	return out
}

// understood takes note of what was made of a message.
func (m *machine) understood(u *sdk.Understanding) {
	m.heard = u
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
	if u == nil || u.Confidence < threshold || u.Margin < m.p.doc.head.Understand.Margin.or(0.1) {
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
		if err := m.store(e.variable.name, m.heard.Entities[e.variable.name]); err != nil {
			m.fault(err)
		}
	}
	m.heard = nil
	return i.Go.to
}

// answers says the answer that an understanding found, if it did.
func (m *machine) answers() bool {
	if m.heard == nil || m.heard.Answer == "" {
		return false
	}
	m.send(sdk.Content{Text: clip(m.heard.Answer, maxText)})
	m.heard = nil
	return true
}
