package flow

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// step gives a step by its place; nil if there is none.
func (d *Document) step(block string, i int) step {
	at, ok := d.index[block]
	if !ok || i < 0 || i >= len(d.blocks[at].steps) {
		return nil
	}
	return d.blocks[at].steps[i]
}

func (d *Document) sub(name string) *subflow {
	i := slices.IndexFunc(d.head.Subs, func(s *subflow) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return d.head.Subs[i]
}

// verb names what a step does, as documents do.
func verb(s step) string {
	return strings.TrimSuffix(reflect.TypeOf(s).Elem().Name(), "Step")
}

// find gives the step of the new version that a place in the old one means.
func (g *Migration) find(name string, at int) (*block, int, *Reason) {
	i, ok := g.old.doc.index[name]
	if !ok || at < 0 || at >= len(g.old.doc.blocks[i].steps) {
		return nil, 0, &Reason{Code: BlockGone, Detail: fmt.Sprintf("the state is not of the old version: it has no step %d in block %s", at+1, name)}
	}
	before := g.old.doc.blocks[i]
	after, why := g.block(before)
	if why != nil {
		return nil, 0, why
	}
	step, why := g.stepIn(before, after, at)
	return after, step, why
}

// block finds the block of the new version: a named one by the mapping, one
// within a step by that step.
func (g *Migration) block(before *block) (*block, *Reason) {
	if before.outer == nil {
		name := before.name
		if to, ok := g.mapping.Blocks[name]; ok {
			name = to
		}
		if i, ok := g.new.doc.index[name]; ok {
			return g.new.doc.blocks[i], nil
		}
		return nil, &Reason{Code: BlockGone, Detail: fmt.Sprintf("the new version has no block %s: say under \"blocks\" which one takes its place", name)}
	}
	outer, why := g.block(before.outer)
	if why != nil {
		return nil, why
	}
	at, why := g.stepIn(before.outer, outer, before.outerAt)
	if why != nil {
		return nil, why
	}
	old, now := g.old.doc.within(before.outer, before.outerAt), g.new.doc.within(outer, at)
	if len(old) != len(now) {
		return nil, &Reason{Code: StepGone, Detail: fmt.Sprintf("step %d of block %s holds other lists of steps there", before.outerAt+1, before.outer.name)}
	}
	return now[slices.Index(old, before)], nil
}

// within lists the lists that a step holds, in their order.
func (d *Document) within(outer *block, at int) []*block {
	var out []*block
	for _, b := range d.blocks {
		if b.outer == outer && b.outerAt == at {
			out = append(out, b)
		}
	}
	return out
}

// stepIn finds the step that takes the place of one of the old block: the one that
// is written the same, else the one at the same place among those of its verb, else
// the only one of its verb.
func (g *Migration) stepIn(before, after *block, at int) (int, *Reason) {
	kind := reflect.TypeOf(before.steps[at])
	text := g.written[g.old][before.at[at]]
	var same, old, now []int
	for i, s := range before.steps {
		if reflect.TypeOf(s) == kind {
			old = append(old, i)
		}
	}
	for i, s := range after.steps {
		if reflect.TypeOf(s) != kind {
			continue
		}
		now = append(now, i)
		if g.written[g.new][after.at[i]] == text {
			same = append(same, i)
		}
	}
	switch {
	case len(same) == 1:
		return same[0], nil
	case len(now) > 0 && len(now) == len(old):
		return now[slices.Index(old, at)], nil
	case len(now) == 1:
		return now[0], nil
	case len(now) == 0:
		return 0, &Reason{Code: WaitsOtherwise, Detail: fmt.Sprintf("block %s has no %s there, at which the conversation stands", after.name, verb(before.steps[at]))}
	}
	return 0, &Reason{Code: StepGone, Detail: fmt.Sprintf("block %s has %d steps of the kind %s there, and it cannot be told which is meant", after.name, len(now), verb(before.steps[at]))}
}

// waitsAlike tells whether what the old step waits for is what the new one, of the
// same verb, knows how to take.
func waitsAlike(old, now step, s State) *Reason {
	if old == nil {
		return nil
	}
	var before, after string
	switch o := old.(type) {
	case *callStep:
		before, after = o.Operation.full(), now.(*callStep).Operation.full()
	case *caseStep:
		before, after = "case "+o.Case, "case "+now.(*caseStep).Case
	case *otpStep:
		before, after = o.Call.full(), now.(*otpStep).Call.full()
	}
	if before != after && s.Pending != "" {
		return &Reason{Code: CallUnderWay, Detail: fmt.Sprintf("a call of %s is under way, and %s is called there", before, after)}
	}
	other := func(what string) *Reason { return &Reason{Code: WaitsOtherwise, Detail: what} }
	switch o := old.(type) {
	case *waitStep:
		if n := now.(*waitStep); o.Event != n.Event {
			return other(fmt.Sprintf("it waits for the news %q, and for %q there", o.Event, n.Event))
		}
	case *choicesStep:
		if (o.Many == nil) != (now.(*choicesStep).Many == nil) {
			return other("one choice is made, and several are there, or the other way round")
		}
	case *formStep:
		if !slices.EqualFunc(o.Fields, now.(*formStep).Fields, func(a, b *formField) bool { return a.name == b.name }) {
			return other("the form asks for other things there")
		}
	}
	return nil
}

func (o operation) full() string { return o.connector + "." + o.name }
