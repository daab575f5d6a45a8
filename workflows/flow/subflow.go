package flow

import (
	"errors"
	"regexp"
	"slices"
)

// maxStack is how many sub-flows may be under way within one another.
const maxStack = 8

var errStack = errors.New("too many sub-flows are under way within one another")

var subName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// subflow is a part of a flow that is entered with parameters and gives a result.
//
//	subs:
//	  address:
//	    params: [country]
//	    blocks:
//	      start:
//	        - ask: Where do you live in {{ country }}?
//	          save: street
//	        - return: {street: =street, country: =country}
type subflow struct {
	name   string
	Params []*variable `flow:"params" doc:"variables that must be given with the key with"`
	// Vars are variables of its own, with first values. They and the parameters
	// hide the flow's of the same name while the sub-flow runs.
	Vars   assignments `flow:"vars" doc:"variables of its own, with first values"`
	Blocks blockList   `flow:"blocks,required" doc:"its blocks; it begins with the one called start"`
	start  *target
}

type subList []*subflow

func (l *subList) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"subs\" must map names to sub-flows")
		return
	}
	for _, p := range n.pairs {
		s := &subflow{name: p.key.text}
		if !subName.MatchString(s.name) {
			r.fail(p.key.pos, "%q cannot name a sub-flow: use small letters, digits and _, at most 30, beginning with a letter", clip(s.name, 60))
			continue
		}
		r.sub = s.name
		r.record(p.value, s, "a sub-flow")
		s.start = &target{pos: p.key.pos, name: "start", sub: s.name}
		if p.value.kind == mapNode {
			r.targets = append(r.targets, s.start)
		}
		r.sub = ""
		for _, b := range s.Blocks {
			b.sub = s
		}
		for _, b := range r.inner {
			b.sub = b.root().sub
		}
		if !slices.ContainsFunc(s.Blocks, func(b *block) bool { return b.name == s.name+"/start" }) && len(s.Blocks) > 0 {
			r.fail(p.key.pos, "the sub-flow %q has no block called start", s.name)
		}
		*l = append(*l, s)
	}
}

// own are the variables that only the sub-flow sees.
func (s *subflow) own() []*variable {
	out := slices.Clone(s.Params)
	for _, a := range s.Vars {
		out = append(out, a.variable)
	}
	return out
}

// subStep runs a sub-flow and goes on with what it returns.
//
//   - sub: address
//     with: {country: France}
//     save: home
type subStep struct {
	Sub  string      `flow:"sub,required" doc:"the sub-flow"`
	With assignments `flow:"with" doc:"its parameters"`
	Save *variable   `flow:"save" doc:"the variable that takes what it returns"`
	at   pos
	flow *subflow
}

func (s *subStep) finish(_ *reader, n *node) { s.at = n.pairs[0].value.pos }

func (s *subStep) resolve(r *reader, d *Document) {
	var names []string
	for _, f := range d.head.Subs {
		if names = append(names, f.name); f.name == s.Sub {
			s.flow = f
		}
	}
	if s.flow == nil {
		r.fail(s.at, "there is no sub-flow %q%s", clip(s.Sub, 60), didYouMean(s.Sub, names))
		return
	}
	given := map[string]bool{}
	for _, a := range s.With {
		given[a.variable.name] = true
		if !slices.ContainsFunc(s.flow.Params, func(v *variable) bool { return v.name == a.variable.name }) {
			r.fail(a.variable.pos, "the sub-flow %s has no parameter %q", s.Sub, a.variable.name)
		}
	}
	for _, p := range s.flow.Params {
		if !given[p.name] {
			r.fail(s.at, "the sub-flow %s needs %q in \"with\"", s.Sub, p.name)
		}
	}
}

// exits has the way into the sub-flow; the way back is added by the checks, which
// know whether it returns.
func (s *subStep) exits() exits {
	e := exits{next: true}
	if s.Save != nil {
		e.sets = []*variable{s.Save}
	}
	if s.flow != nil {
		e = e.jump(s.flow.start, false, s.flow.own()...)
	}
	return e
}

func (s *subStep) run(m *machine) move {
	if len(m.st.Stack) >= maxStack {
		return m.trouble(errStack)
	}
	values := make([]any, len(s.With))
	for i, a := range s.With {
		v, err := m.value(a.value)
		if err != nil {
			return m.trouble(err)
		}
		values[i] = v
	}
	if err := m.push(s.flow); err != nil {
		return m.trouble(err)
	}
	for i, a := range s.With {
		if err := m.store(a.variable.name, values[i]); err != nil {
			return m.trouble(err)
		}
	}
	if err := m.assign(s.flow.Vars); err != nil {
		return m.trouble(err)
	}
	return s.flow.start.to
}

// returnStep ends a sub-flow with a result.
//
//   - return: =street
type returnStep struct {
	Return *template `flow:"return" doc:"what the sub-flow gives"`
}

func (s *returnStep) finish(r *reader, n *node) {
	if r.sub == "" {
		r.fail(n.pos, "return stands in sub-flows only; use end to end the flow")
	}
}

func (s *returnStep) exits() exits { return exits{} }

func (s *returnStep) run(m *machine) move {
	v, err := m.value(s.Return)
	if err == nil {
		err = m.back(v)
	}
	if err != nil {
		return m.trouble(err)
	}
	return advance
}

// push enters a sub-flow: the variables that it hides are set aside.
func (m *machine) push(s *subflow) error {
	f := Frame{Sub: s.name, Block: m.st.Block, Step: m.st.Step, Loops: m.st.Loops}
	size := 0
	for _, v := range s.own() {
		if old, ok := m.st.Vars[v.name]; ok {
			if f.Saved == nil {
				f.Saved = map[string]any{}
			}
			f.Saved[v.name] = old
			size += entrySize(v.name, sizeOf(old))
		}
	}
	for _, g := range m.st.Stack {
		size += sizeOf(g.Saved)
	}
	if size > MaxVars {
		return errTooLarge
	}
	m.st.Stack = append(slices.Clip(m.st.Stack), f)
	m.st.Loops, m.st.Trail = nil, nil
	return nil
}

// pop leaves a sub-flow and brings back what it hid.
func (m *machine) pop() (Frame, bool) {
	n := len(m.st.Stack)
	if n == 0 {
		return Frame{}, false
	}
	f := m.st.Stack[n-1]
	m.st.Stack = m.st.Stack[: n-1 : n-1]
	for _, s := range m.p.doc.head.Subs {
		if s.name != f.Sub {
			continue
		}
		for _, v := range s.own() {
			if err := m.store(v.name, f.Saved[v.name]); err != nil {
				m.fault(err)
			}
		}
	}
	m.st.Loops, m.st.Trail = f.Loops, nil
	return f, true
}

// back returns from a sub-flow with a result: the flow then stands at the step
// that ran it.
func (m *machine) back(v any) error {
	v, _, err := normalise(v)
	if err != nil {
		return err
	}
	f, ok := m.pop()
	if !ok {
		return errNoSub
	}
	m.st.Block, m.st.Step = f.Block, f.Step
	if s, ok := m.stepAt(f.Block, f.Step).(*subStep); ok && s.Save != nil {
		return m.store(s.Save.name, v)
	}
	return nil
}

var errNoSub = errors.New("there is no sub-flow to return from")
