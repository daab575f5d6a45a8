package flow

import "parley/connectors/sdk"

// Program is a checked flow, ready to be stepped. It is immutable and safe for
// concurrent use.
type Program struct {
	doc      *Document
	voices   voices
	intents  []sdk.Intent
	texts    texts
	commands map[string][]command
	misses   int
	defaults map[string]any
	keep     map[string]bool
	wanted   *Wanted
	// reads are the names that expressions read.
	reads map[string]bool
}

// Compile makes a program of a document. A document with problems is refused
// with an error of type [Problems]. It looks for what would make stepping it
// unsafe; [Check] finds more, which keeps a document from being published.
func Compile(doc *Document) (*Program, error) {
	if problems := sound(doc, nil); len(problems) > 0 {
		return nil, Problems(problems)
	}
	p := &Program{
		doc: doc, voices: doc.voices, intents: doc.intents(),
		texts: doc.head.Texts.or(ownTexts), commands: doc.commands(), misses: 2,
		defaults: map[string]any{}, keep: map[string]bool{}, reads: map[string]bool{},
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
	for _, e := range doc.exprs {
		for _, use := range e.names {
			p.reads[use.name] = true
		}
	}
	for _, k := range doc.head.Keep {
		p.keep[k.name] = true
	}
	p.wanted = doc.wanted(p.reads)
	return p, nil
}

// Name is the flow's name, as the document gives it.
func (p *Program) Name() string { return p.doc.head.Name }

// Title is the flow's name for people.
func (p *Program) Title() string { return p.doc.head.Title }

// Hash names the version: the hexadecimal SHA-256 of the document's content.
// Formatting and comments do not change it; the order of keys does.
func (p *Program) Hash() string { return p.doc.hash }

// Bot gives the name and the picture's address of who speaks; either may be empty.
func (p *Program) Bot() (name, picture string) { return p.doc.head.Bot.Name, p.doc.head.Bot.Picture }

// Connectors lists the connectors that the flow calls.
func (p *Program) Connectors() []string { return p.doc.Connectors() }

// Step takes a conversation's state and what has happened, and decides what is
// to be done. It neither blocks nor fails, for any state and any events; the
// input is not changed. The same input gives the same output.
func (p *Program) Step(in Input) Output {
	m := p.machine(in)
	for i := range in.Events {
		m.budget = maxStepsPerEvent
		m.handle(&in.Events[i])
	}
	m.out.State = m.st
	return m.out
}

// machine makes a run of the program. The input is not changed by it.
func (p *Program) machine(in Input) *machine {
	m := &machine{p: p, in: in, st: in.State}
	m.st.Payments = append([]Payment(nil), in.State.Payments...)
	m.st.Scheduled = append([]Scheduled(nil), in.State.Scheduled...)
	m.st.Turns++
	return m
}
