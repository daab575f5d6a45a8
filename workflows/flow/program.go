package flow

// Program is a checked flow, ready to be stepped. It is immutable and safe for
// concurrent use.
type Program struct {
	doc      *Document
	texts    texts
	commands map[string]command
	misses   int
	defaults map[string]any
	keep     map[string]bool
}

// Compile makes a program of a document. A document with problems is refused
// with an error of type [Problems]. What depends on the connectors is checked by
// [Check] with a catalogue.
func Compile(doc *Document) (*Program, error) {
	if problems := Check(doc, nil); len(problems) > 0 {
		return nil, Problems(problems)
	}
	p := &Program{
		doc: doc, texts: doc.head.Texts.or(english), commands: doc.commands(), misses: 2,
		defaults: map[string]any{}, keep: map[string]bool{},
	}
	if doc.head.Misses != nil {
		p.misses = *doc.head.Misses
	}
	m := &machine{p: p}
	for _, a := range doc.head.Vars {
		v, err := m.value(a.value)
		if err == nil {
			v, _, err = normalise(v)
		}
		if err != nil {
			return nil, Problems(sorted(doc.file, []Problem{a.value.problem("%s", err)}))
		}
		p.defaults[a.variable.name] = v
	}
	for _, k := range doc.head.Keep {
		p.keep[k.name] = true
	}
	return p, nil
}

// Name is the flow's name, as the document gives it.
func (p *Program) Name() string { return p.doc.head.Name }

// Title is the flow's name for people.
func (p *Program) Title() string { return p.doc.head.Title }

// Hash names the version: the hexadecimal SHA-256 of the document's content.
// Formatting and comments do not change it; the order of keys does.
func (p *Program) Hash() string { return p.doc.hash }

// Connectors lists the connectors that the flow calls.
func (p *Program) Connectors() []string { return p.doc.Connectors() }

// Step takes a conversation's state and what has happened, and decides what is
// to be done. It neither blocks nor fails, for any state and any events; the
// input is not changed. The same input gives the same output.
func (p *Program) Step(in Input) Output {
	m := &machine{p: p, in: in, st: in.State}
	m.st.Payments = append([]Payment(nil), in.State.Payments...)
	m.st.Turns++
	for i := range in.Events {
		m.budget = maxStepsPerEvent
		m.handle(&in.Events[i])
	}
	m.out.State = m.st
	return m.out
}
