package flow

import (
	"slices"
	"strings"
	"time"
)

// forever is a silence of the customer that has no bound.
const forever = 10 * 365 * 24 * time.Hour

// routeMap is a document as a graph of steps.
type routeMap struct {
	doc *Document
	// first is the number of each block's first step.
	first []int
	// edges leave each step.
	edges [][]edge
	nodes []stand
}

// stand is a step's place in the document.
type stand struct {
	block *block
	step  int
}

// edge is a way from a step to another one, or out of the flow or sub-flow.
type edge struct {
	exit
	node int
	// round tells that it goes on with the next item of a list.
	round bool
}

// Ways out of the graph.
const (
	atEnd    = -1
	atReturn = -2
)

// mapRoutes draws the graph of a document without problems of reading.
func mapRoutes(d *Document) *routeMap {
	r := &routeMap{doc: d}
	for _, b := range d.blocks {
		r.first = append(r.first, len(r.nodes))
		for i := range b.steps {
			r.nodes = append(r.nodes, stand{b, i})
		}
	}
	r.edges = make([][]edge, len(r.nodes))
	var calls []int
	for n, at := range r.nodes {
		s := at.block.steps[at.step]
		e := s.exits()
		for _, j := range e.jumps {
			r.edges[n] = append(r.edges[n], edge{exit: j, node: r.first[j.to.to.block()]})
		}
		if _, ok := s.(*returnStep); ok {
			r.edges[n] = append(r.edges[n], edge{node: atReturn})
		}
		if _, ok := s.(*subStep); ok {
			calls = append(calls, n)
		} else if e.next {
			r.edges[n] = append(r.edges[n], r.onward(at, exit{waits: e.waits, sets: e.sets, silence: e.silence}))
		}
	}
	r.returns(calls)
	return r
}

// onward is the way to the step that follows.
func (r *routeMap) onward(at stand, e exit) edge {
	b, i := at.block, at.step
	for i+1 >= len(b.steps) {
		if b.outer == nil {
			if b.sub != nil {
				return edge{exit: e, node: atReturn}
			}
			return edge{exit: e, node: atEnd}
		}
		b, i = b.outer, b.outerAt
		if _, ok := b.steps[i].(*eachStep); ok {
			return edge{exit: e, node: r.number(b, i), round: true}
		}
	}
	return edge{exit: e, node: r.number(b, i+1)}
}

func (r *routeMap) number(b *block, step int) int { return r.first[r.doc.index[b.name]] + step }

// returns adds the ways back from sub-flows: where one can return, and as waiting
// where it has always waited by then. What it returns to may itself be in a
// sub-flow, so this goes on until nothing is added.
func (r *routeMap) returns(calls []int) {
	for again := true; again; {
		again = false
		for _, n := range calls {
			at := r.nodes[n]
			s := at.block.steps[at.step].(*subStep)
			start := r.first[s.flow.start.to.block()]
			if len(r.edges[n]) > 1 || !r.leads(start, func(edge) bool { return true }) {
				continue
			}
			r.edges[n] = append(r.edges[n], r.onward(at, exit{waits: true, sets: s.exits().sets}))
			again = true
		}
	}
	for again := true; again; {
		again = false
		for _, n := range calls {
			start := r.nodes[n].block.steps[r.nodes[n].step].(*subStep).flow.start
			if len(r.edges[n]) > 1 && r.edges[n][1].waits && r.leads(r.first[start.to.block()], func(e edge) bool { return !e.waits }) {
				r.edges[n][1].waits = false
				again = true
			}
		}
	}
}

// leads tells whether a return can be reached over some ways.
func (r *routeMap) leads(start int, over func(edge) bool) bool {
	found := false
	r.walk([]int{start}, func(e edge) bool {
		found = found || e.node == atReturn && over(e)
		return over(e)
	})
	return found
}

// walk visits the ways that can be reached, over those that it is told to take,
// and gives what was reached.
func (r *routeMap) walk(from []int, take func(edge) bool) []bool {
	reached := make([]bool, len(r.nodes))
	queue := slices.Clone(from)
	for _, n := range from {
		reached[n] = true
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, e := range r.edges[n] {
			if take(e) && e.node >= 0 && !reached[e.node] {
				reached[e.node] = true
				queue = append(queue, e.node)
			}
		}
	}
	return reached
}

// entrances are the steps that can be entered from outside.
func (r *routeMap) entrances() []int {
	var out []int
	for _, t := range r.doc.entries() {
		out = append(out, r.first[t.to.block()])
	}
	return out
}

// entries are the blocks that can be entered from outside.
func (d *Document) entries() []*target {
	h := &d.head
	out := []*target{h.Start, h.Fallback, h.Returned}
	for _, w := range h.Words.all() {
		out = append(out, w.word.to)
	}
	for _, k := range h.Keywords {
		out = append(out, k.target)
	}
	for _, e := range h.Entries {
		out = append(out, e.to)
	}
	for i := range h.Intents {
		out = append(out, &h.Intents[i].Go)
	}
	return slices.DeleteFunc(out, func(t *target) bool { return t == nil })
}

// graph finds blocks and steps that are never reached, and loops in which
// nobody is asked and no time passes.
func (c *linter) graph() {
	r := c.routes
	reached := r.walk(r.entrances(), func(edge) bool { return true })
	for i, b := range c.doc.blocks {
		switch {
		case !reached[r.first[i]]:
			if b.outer == nil {
				c.fail(b.pos, "the block %q is never reached", b.name)
			}
			c.deadStep(b, r.walk([]int{r.first[i]}, func(edge) bool { return true }))
		default:
			c.deadStep(b, reached)
		}
	}
	c.loops()
	c.lists()
}

// deadStep finds the first step of a block that the ones before it never come to.
func (c *linter) deadStep(b *block, reached []bool) {
	for i := range b.steps {
		if !reached[c.routes.number(b, i)] {
			if i > 0 {
				c.fail(b.at[i], "this step is never reached: the one before it always goes elsewhere")
			}
			return
		}
	}
}

// loops walks the ways without a wait depth first: one back to a step that is
// still being walked closes a loop. Going through a list is none, since it ends.
func (c *linter) loops() {
	const (
		unseen = iota
		walking
		done
	)
	state := make([]int, len(c.routes.nodes))
	var path []int
	var walk func(n int)
	walk = func(n int) {
		state[n] = walking
		path = append(path, n)
		for _, e := range c.routes.edges[n] {
			if e.waits || e.round || e.node < 0 {
				continue
			}
			switch state[e.node] {
			case unseen:
				walk(e.node)
			case walking:
				c.fail(e.to.pos, "this closes a loop without a question or a wait: %s", c.routes.names(append(path[slices.Index(path, e.node):], e.node)))
			}
		}
		path = path[:len(path)-1]
		state[n] = done
	}
	for n := range state {
		if state[n] == unseen {
			walk(n)
		}
	}
}

// names writes a path as the blocks that it goes through.
func (r *routeMap) names(path []int) string {
	var names []string
	for i, n := range path {
		name := r.nodes[n].block.root().name
		if len(names) == 0 || names[len(names)-1] != name || i == len(path)-1 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " → ")
}

// lists finds lists that are gone through within another list without a question
// or a wait: their rounds would multiply.
func (c *linter) lists() {
	r := c.routes
	for n, at := range r.nodes {
		if _, ok := at.block.steps[at.step].(*eachStep); !ok {
			continue
		}
		for b := at.block; b.outer != nil; b = b.outer {
			if _, ok := b.outer.steps[b.outerAt].(*eachStep); !ok {
				continue
			}
			outer := r.number(b.outer, b.outerAt)
			hasty := func(e edge) bool { return !e.waits }
			inward := r.walk([]int{outer}, func(e edge) bool { return hasty(e) && e.node != outer })
			if outward := r.walk([]int{n}, hasty); inward[n] && outward[outer] {
				c.fail(at.block.at[at.step], "a list within a list needs a question or a wait between them")
			}
		}
	}
}
