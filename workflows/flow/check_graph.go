package flow

import (
	"slices"
	"strings"
)

// graph finds blocks and steps that are never reached, and loops in which
// nobody is asked and no time passes.
func (c *linter) graph() {
	c.deadSteps()
	reached := c.reached()
	for i, b := range c.doc.blocks {
		if !reached[i] {
			c.fail(b.pos, "the block %q is never reached", b.name)
		}
	}
	c.loops()
}

func (c *linter) deadSteps() {
	for _, b := range c.doc.blocks {
		for i, s := range b.steps {
			if !s.exits().next && i+1 < len(b.steps) {
				c.fail(b.at[i+1], "this step is never reached: the one before it always goes elsewhere")
				break
			}
		}
	}
}

// entries are the blocks that can be entered from outside.
func (d *Document) entries() []*target {
	h := &d.head
	out := []*target{h.Start, h.Fallback, h.Returned, h.Words.Menu.to, h.Words.Cancel.to, h.Words.StartOver.to, h.Words.Agent.to}
	for _, k := range h.Keywords {
		out = append(out, k.target)
	}
	return slices.DeleteFunc(out, func(t *target) bool { return t == nil })
}

func (c *linter) reached() []bool {
	reached := make([]bool, len(c.doc.blocks))
	var queue []int
	visit := func(t *target) {
		if to := int(t.to); !reached[to] {
			reached[to] = true
			queue = append(queue, to)
		}
	}
	for _, t := range c.doc.entries() {
		visit(t)
	}
	for len(queue) > 0 {
		b := c.doc.blocks[queue[0]]
		queue = queue[1:]
		for _, s := range b.steps {
			for _, e := range s.exits().jumps {
				visit(e.to)
			}
		}
	}
	return reached
}

// hasty lists the jumps that a block can take without having waited since it
// was entered.
func (b *block) hasty() []*target {
	var out []*target
	for _, s := range b.steps {
		e := s.exits()
		for _, j := range e.jumps {
			if !j.waits {
				out = append(out, j.to)
			}
		}
		if e.waits || !e.next {
			break
		}
	}
	return out
}

// loops walks the hasty jumps depth first: one back to a block that is still
// being walked closes a loop.
func (c *linter) loops() {
	const (
		unseen = iota
		walking
		done
	)
	state := make([]int, len(c.doc.blocks))
	var path []string
	var walk func(i int)
	walk = func(i int) {
		state[i] = walking
		path = append(path, c.doc.blocks[i].name)
		for _, t := range c.doc.blocks[i].hasty() {
			switch state[t.to] {
			case unseen:
				walk(int(t.to))
			case walking:
				from := slices.Index(path, t.name)
				c.fail(t.pos, "this closes a loop without a question or a wait: %s", strings.Join(append(slices.Clone(path[from:]), t.name), " → "))
			}
		}
		path = path[:len(path)-1]
		state[i] = done
	}
	for i := range c.doc.blocks {
		if state[i] == unseen {
			walk(i)
		}
	}
}
