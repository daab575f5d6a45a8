package flow

import "slices"

// tracker finds variables that may have no value where they are read.
type tracker struct {
	c    *linter
	bits map[string]int
	// in is what surely has a value before each step, nil where not reached yet;
	// back what has one when a sub-flow returns.
	in   []bitset
	back map[string]bitset
	all  bitset
}

// bitset is a set of variables by their numbers.
type bitset []uint64

func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }

// meet keeps what both have and tells whether that changed b.
func (b bitset) meet(other bitset) bool {
	changed := false
	for i, w := range other {
		if b[i]&^w != 0 {
			b[i] &= w
			changed = true
		}
	}
	return changed
}

func newTracker(c *linter) *tracker {
	t := &tracker{c: c, bits: map[string]int{}, back: map[string]bitset{}}
	first := map[string]bool{}
	for _, a := range c.doc.head.Vars {
		first[a.variable.name] = true
	}
	for _, v := range c.doc.sets {
		if _, seen := t.bits[v.name]; !seen && !first[v.name] {
			t.bits[v.name] = len(t.bits)
		}
	}
	t.all = make(bitset, len(t.bits)/64+1)
	for i := range t.all {
		t.all[i] = ^uint64(0)
	}
	return t
}

// unset reports variables that are read on some way before they were set.
func (t *tracker) unset() {
	if len(t.c.problems) > 0 {
		return // what is wrong already would be told once more for each use
	}
	t.spread()
	for n, at := range t.c.routes.nodes {
		if t.in[n] != nil {
			t.reads(at, slices.Clone(t.in[n]))
		}
	}
}

// reads looks at what a step reads.
func (t *tracker) reads(at stand, known bitset) {
	set := func(v *variable) {
		if i, ok := t.bits[v.name]; ok {
			known.add(i)
		}
	}
	switch s := at.block.steps[at.step].(type) {
	case *setStep: // each value may use those before it
		for _, a := range s.Set {
			t.use(a.value.exprs(), known)
			set(a.variable)
		}
		return
	case *choicesStep: // an option's values are worked out when it was chosen
		if s.Save != nil {
			set(s.Save)
		}
		for _, o := range s.Options {
			for _, a := range o.Set {
				set(a.variable)
			}
		}
	case *formStep:
		set(&s.Save)
	}
	t.use(at.block.reads[at.step], known)
}

func (t *tracker) use(exprs []*expr, known bitset) {
	for _, e := range exprs {
		for _, use := range e.names {
			i, tracked := t.bits[use.name]
			if !tracked || use.guarded || known.has(i) || slices.Contains(e.locals, use.name) {
				continue
			}
			t.c.fail(use.at, "%q may have no value yet here: give it a first value under \"vars\", or use it with ??", use.name)
		}
	}
}

// spread works out what surely has a value before each step.
func (t *tracker) spread() {
	r := t.c.routes
	t.in = make([]bitset, len(r.nodes))
	var queue []int
	visit := func(n int, known bitset) {
		if t.in[n] == nil {
			t.in[n] = slices.Clone(known)
			queue = append(queue, n)
		} else if t.in[n].meet(known) {
			queue = append(queue, n)
		}
	}
	none := make(bitset, len(t.all))
	for _, n := range r.entrances() {
		visit(n, none)
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		at := r.nodes[n]
		sub, _ := at.block.steps[at.step].(*subStep)
		for _, e := range r.edges[n] {
			known := t.with(t.in[n], e.sets)
			switch {
			case e.node == atReturn:
				if t.returned(at.block.root().sub, known) {
					queue = append(queue, t.callers(at.block.root().sub)...)
				}
			case e.node >= 0 && sub != nil && e.to == nil: // back from the sub-flow
				back, ok := t.back[sub.flow.name]
				if !ok {
					continue
				}
				for i := range known {
					known[i] |= back[i]
				}
				visit(e.node, known)
			case e.node >= 0:
				visit(e.node, known)
			}
		}
	}
}

func (t *tracker) with(known bitset, sets []*variable) bitset {
	out := slices.Clone(known)
	for _, v := range sets {
		if i, ok := t.bits[v.name]; ok {
			out.add(i)
		}
	}
	return out
}

// returned notes what has a value when a sub-flow returns, but for what is its own.
func (t *tracker) returned(s *subflow, known bitset) bool {
	if s == nil {
		return false
	}
	known = slices.Clone(known)
	for _, v := range s.own() {
		if i, ok := t.bits[v.name]; ok {
			known[i/64] &^= 1 << (i % 64)
		}
	}
	if before, ok := t.back[s.name]; ok {
		return before.meet(known)
	}
	t.back[s.name] = known
	return true
}

// callers are the reached steps that run a sub-flow.
func (t *tracker) callers(s *subflow) []int {
	var out []int
	for n, at := range t.c.routes.nodes {
		if sub, ok := at.block.steps[at.step].(*subStep); ok && sub.flow == s && t.in[n] != nil {
			out = append(out, n)
		}
	}
	return out
}
