package flow

import (
	"slices"
	"strconv"
	"strings"
)

// A move to a block holds the block's index and, above it, the number of the jump
// that leads there, so that a trace can tell two jumps to one block apart.
const moveBlockBits = 16

// moveTo makes the move of the n-th jump, counted from 1, to a block. A document
// of [MaxSource] bytes has fewer blocks than the index has room for.
func moveTo(block, n int) move { return move(n<<moveBlockBits | block) }

// block is the index of the block that a move leads to.
func (mv move) block() int { return int(mv) & (1<<moveBlockBits - 1) }

// WayKind says what a [Way] is.
type WayKind string

const (
	// WayBlock is a block that an author named, or the menu.
	WayBlock WayKind = "block"
	// WayStep is a step.
	WayStep WayKind = "step"
	// WayBranch is one of several ways on from a step, or an entry at the
	// document's head: a keyword, an intent.
	WayBranch WayKind = "branch"
	// WayError is a branch for when something did not work: a class of errors, no
	// answer in time, too many wrong ones.
	WayError WayKind = "error"
)

// Way is one thing that a conversation can go through.
type Way struct {
	Kind WayKind
	// Block is the named block that it belongs to, empty at the document's head.
	Block string
	// Name is the block's, the step's verb, or the keys that lead to the branch
	// ("errors.throttled"); "on" is the way to the next step.
	Name string
	// Line and Col where it stands in the document.
	Line, Col int
	// Passage is the mark of it in [Output.Passed].
	Passage Passage
}

// Passage marks that a conversation went some way. It means something for the
// version of the document that gave it only, and may be compared.
type Passage struct {
	block string
	// step of the block, and whether it was left for the next one; jump is the
	// number of a jump, which needs no block.
	step int
	on   bool
	jump int
}

// passed notes a move, if that is wanted.
func (m *machine) passed(mv move) {
	switch {
	case !m.in.Trace:
	case mv == advance && m.st.Block != "":
		m.out.Passed = append(m.out.Passed, Passage{block: m.st.Block, step: m.st.Step, on: true})
	case mv >= 0 && mv>>moveBlockBits > 0:
		m.out.Passed = append(m.out.Passed, Passage{jump: int(mv >> moveBlockBits)})
	}
}

// ran notes that the step where the flow stands is run, if that is wanted.
func (m *machine) ran() {
	if m.in.Trace {
		m.out.Passed = append(m.out.Passed, Passage{block: m.st.Block, step: m.st.Step})
	}
}

// Place tells where a step stands in the document, and in which named block; zero
// for one that the document does not have.
func (d *Document) Place(block string, step int) (name string, line, col int) {
	i, ok := d.index[block]
	if !ok || step < 0 || step >= len(d.blocks[i].at) {
		return "", 0, 0
	}
	b := d.blocks[i]
	return b.root().name, b.at[step].line, b.at[step].col
}

// Ways lists all that a conversation can go through, in the order of the blocks;
// what stands at the head comes last. A branch is listed where there are several
// ways. The document must have no problems of reading.
func (d *Document) Ways() []Way {
	if len(d.problems) > 0 || d.root == nil {
		return nil
	}
	w := wayFinder{doc: d, jumps: map[stand][]Way{}, steps: map[pos]stand{}, at: map[pos]signpost{}}
	for _, b := range d.blocks {
		for i, p := range b.at {
			w.steps[p] = stand{b, i}
		}
	}
	w.walk(d.root, stand{}, nil)
	head := w.branches()
	var out []Way
	for _, b := range d.blocks {
		if b.outer == nil {
			out = append(out, Way{WayBlock, b.name, b.name, b.line, b.col, Passage{block: b.name}})
		}
		for i := range b.steps {
			out = append(out, w.step(stand{b, i})...)
		}
	}
	return append(out, head...)
}

// wayFinder finds by what keys of the source each jump is written.
type wayFinder struct {
	doc   *Document
	steps map[pos]stand
	at    map[pos]signpost
	jumps map[stand][]Way
}

// signpost is a place in the source: a step, and the keys that lead on from it.
type signpost struct {
	stand
	path string
}

func (w *wayFinder) walk(n *node, in stand, path []string) {
	if s, ok := w.steps[n.pos]; ok && n.kind == mapNode {
		in, path = s, nil
	}
	sign := func(n *node, path []string) {
		if _, taken := w.at[n.pos]; !taken {
			w.at[n.pos] = signpost{in, strings.Join(path, ".")}
		}
	}
	for i, item := range n.items {
		one := append(slices.Clone(path), strconv.Itoa(i+1))
		sign(item, one)
		w.walk(item, in, one)
	}
	for _, p := range n.pairs {
		one := append(slices.Clone(path), p.key.text)
		sign(p.value, one)
		sign(p.key, one)
		w.walk(p.value, in, one)
	}
}

// branches sorts the jumps by the steps that hold them, and gives those of the head.
func (w *wayFinder) branches() (head []Way) {
	last := map[pos]int{} // a jump that was moved while it was read is there twice
	for i, t := range w.doc.targets {
		last[t.pos] = i
	}
	for i, t := range w.doc.targets {
		post, known := w.at[t.pos]
		if !known || last[t.pos] != i || slices.ContainsFunc(w.doc.head.Subs, func(s *subflow) bool { return s.start == t }) {
			continue
		}
		one := Way{Kind: branchKind(post.path), Name: post.path, Line: t.line, Col: t.col, Passage: Passage{jump: i + 1}}
		if post.block == nil {
			head = append(head, one)
			continue
		}
		one.Block = post.block.root().name
		w.jumps[post.stand] = append(w.jumps[post.stand], one)
	}
	return head
}

// step lists a step and, if there are several, the ways on from it.
func (w *wayFinder) step(at stand) []Way {
	b, p := at.block, at.block.at[at.step]
	name := b.root().name
	out := []Way{{WayStep, name, verbOf(b.steps[at.step]), p.line, p.col, Passage{block: b.name, step: at.step}}}
	jumps := w.jumps[at]
	if b.steps[at.step].exits().next {
		if len(jumps) > 0 {
			jumps = append(jumps, Way{WayBranch, name, "on", p.line, p.col, Passage{block: b.name, step: at.step, on: true}})
		}
	} else if len(jumps) == 1 {
		jumps = nil
	}
	return append(out, jumps...)
}

// Keys under which a step says where it goes when something did not work.
var errorKeys = []string{"errors", "failed", "late", "timeout", "expired", "declined", "fallback"}

func branchKind(path string) WayKind {
	first, _, _ := strings.Cut(path, ".")
	if slices.Contains(errorKeys, first) {
		return WayError
	}
	return WayBranch
}
