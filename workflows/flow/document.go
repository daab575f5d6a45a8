package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/expr-lang/expr/types"
)

// Document is a parsed flow. It is immutable after [Parse] and safe for
// concurrent use.
type Document struct {
	file   string
	head   head
	blocks []*block
	index  map[string]int
	hash   string
	// what the checks look at
	root     *node
	exprs    []*expr
	targets  []*target
	sets     []*variable
	problems []Problem
}

// head is the top level of a document.
type head struct {
	// Name identifies the flow within a workspace; Title is for people.
	Name  string `flow:"name,required"`
	Title string `flow:"title"`
	// Language of the texts, a BCP 47 tag.
	Language string `flow:"language"`
	// Start is the block entered by a message when no flow is under way; the one
	// called start where none is named.
	Start *target `flow:"start"`
	// Keywords enter blocks from anywhere, where they are the whole message.
	Keywords keywords `flow:"keywords"`
	// AgentQueue is where conversations go that need a person.
	AgentQueue string `flow:"agent_queue"`
	// Misses is how many answers in a row may be misunderstood before the
	// fallback (2 by default); Fallback the block then entered, where it is not
	// to be a person.
	Misses   *int    `flow:"misses"`
	Fallback *target `flow:"fallback"`
	// Returned is entered when a person gives the conversation back and the flow
	// has no place to go on from; the start block where none is named.
	Returned *target `flow:"returned"`
	// Vars are the variables' first values. Keep names those that outlive the
	// end of the flow.
	Vars assignments `flow:"vars"`
	Keep []kept      `flow:"keep"`
	// Texts replace the engine's own; Words its global words.
	Texts  texts       `flow:"texts"`
	Words  globalWords `flow:"words"`
	Blocks blockList   `flow:"blocks,required"`
}

// block is a named list of steps.
type block struct {
	pos
	name  string
	steps []step
	// at gives each step's place, for problems.
	at []pos
}

// step is one thing that a flow does.
type step interface {
	// run does it when the flow reaches it.
	run(m *machine) move
	// exits tells checks and graphs where the flow can go from here.
	exits() exits
}

// exits are the ways out of a step.
type exits struct {
	jumps []exit
	// next tells that the flow can go on with the following step, and waits that
	// it then has waited for the customer or for time to pass.
	next, waits bool
}

// exit is a jump; waits as in exits.
type exit struct {
	to    *target
	waits bool
}

// jump adds a jump to the exits, if there is one.
func (e exits) jump(t *target, waits bool) exits {
	if t != nil && t.name != "" {
		e.jumps = append(e.jumps, exit{t, waits})
	}
	return e
}

// verbs lists the steps of the language by the key that they begin with.
var verbs map[string]func() step

func init() { // here, since the steps refer to the language in turn
	verbs = map[string]func() step{
		"say":     func() step { return &sayStep{} },
		"ask":     func() step { return &askStep{} },
		"choices": func() step { return &choicesStep{} },
		"set":     func() step { return &setStep{} },
		"if":      func() step { return &ifStep{} },
		"branch":  func() step { return &branchStep{} },
		"go":      func() step { return &goStep{} },
		"call":    func() step { return &callStep{} },
		"case":    func() step { return &caseStep{} },
		"pay":     func() step { return &payStep{} },
		"wait":    func() step { return &waitStep{} },
		"handoff": func() step { return &handoffStep{} },
		"end":     func() step { return &endStep{} },
	}
}

// finisher is a step that completes itself after its keys were read.
type finisher interface {
	finish(r *reader, n *node)
}

// Parse reads a document. The problems are those of reading it: [Check] gives
// these and all others, so a caller that checks can leave them aside. The
// document is never nil.
func Parse(file string, src []byte) (*Document, []Problem) {
	d := &Document{file: file, index: map[string]int{}}
	root, problems := parseYAML(src)
	if root == nil || len(problems) > 0 {
		d.problems = sorted(file, problems)
		return d, slices.Clone(d.problems)
	}
	d.root = root
	var canonical bytes.Buffer
	root.canonical(&canonical)
	sum := sha256.Sum256(canonical.Bytes())
	d.hash = hex.EncodeToString(sum[:])

	r := &reader{config: newConfig(types.Map{types.Extra: types.Any})}
	r.record(root, &d.head, "a flow")
	d.blocks = d.head.Blocks
	for i, b := range d.blocks {
		d.index[b.name] = i
	}
	d.exprs, d.targets, d.sets = r.exprs, r.targets, r.sets
	d.resolve(r)
	d.problems = sorted(file, r.problems)
	return d, slices.Clone(d.problems)
}

// resolve gives each jump the block that it names.
func (d *Document) resolve(r *reader) {
	if d.head.Start == nil {
		d.head.Start = &target{pos: d.root.pos, name: "start"}
		if _, ok := d.index["start"]; !ok && len(d.blocks) > 0 {
			r.fail(d.root.pos, "there is no block called start; name the first block with the key \"start\"")
		}
		d.head.Start.to = move(d.index["start"])
	}
	d.head.Words.defaults(d)
	for _, t := range d.targets {
		i, ok := d.index[t.name]
		if !ok {
			r.fail(t.pos, "there is no block %q%s", t.name, didYouMean(t.name, d.blockNames()))
		}
		t.to = move(i)
	}
	if m := d.head.Misses; m != nil && (*m < 1 || *m > 10) {
		r.fail(d.root.get("misses").pos, "misses must be from 1 to 10")
	}
	for _, a := range d.head.Vars {
		if !a.value.constant() {
			r.fail(a.value.pos, "first values must be written out; use a set step for expressions")
		}
	}
}

func (d *Document) blockNames() []string {
	names := make([]string, len(d.blocks))
	for i, b := range d.blocks {
		names[i] = b.name
	}
	return names
}

// Name is the flow's name, as the document gives it.
func (d *Document) Name() string { return d.head.Name }

// Connectors lists the connectors that the flow calls, in alphabetical order;
// "parley" is the engine itself.
func (d *Document) Connectors() []string {
	var names []string
	for _, b := range d.blocks {
		for _, s := range b.steps {
			if c, ok := s.(*callStep); ok {
				names = append(names, c.Operation.connector)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

type blockList []*block

func (l *blockList) read(r *reader, n *node) {
	if n.kind != mapNode || len(n.pairs) == 0 {
		r.fail(n.pos, "\"blocks\" must map names to lists of steps")
		return
	}
	for _, p := range n.pairs {
		b := &block{pos: p.key.pos, name: p.key.text}
		if !blockName.MatchString(b.name) {
			r.fail(b.pos, "%q cannot name a block: use small letters, digits and _, at most 40, beginning with a letter", clip(b.name, 60))
		}
		if p.value.kind != listNode || len(p.value.items) == 0 {
			r.fail(p.value.pos, "the block %q must be a list of steps", b.name)
		}
		for _, item := range p.value.items {
			if s := r.step(item); s != nil {
				b.steps, b.at = append(b.steps, s), append(b.at, item.pos)
			}
		}
		*l = append(*l, b)
	}
}

// step reads one step; its first key is its verb.
func (r *reader) step(n *node) step {
	if n.kind == stringNode && (n.text == "end" || n.text == "handoff") {
		verb := &node{pos: n.pos, kind: stringNode, text: n.text, inset: -1}
		n = &node{pos: n.pos, kind: mapNode, pairs: []pair{{verb, &node{pos: n.pos}}}}
	}
	if n.kind != mapNode || len(n.pairs) == 0 {
		r.fail(n.pos, "a step must be a mapping that begins with what to do: %s", verbList())
		return nil
	}
	verb := n.pairs[0].key
	create, ok := verbs[verb.text]
	if !ok {
		hint := didYouMean(verb.text, verbNames())
		if hint == "" {
			hint = "; a step begins with one of " + verbList()
		}
		r.fail(verb.pos, "there is no step %q%s", verb.text, hint)
		return nil
	}
	s := create()
	r.record(n, s, "a step \""+verb.text+"\"")
	if f, ok := s.(finisher); ok {
		f.finish(r, n)
	}
	return s
}

func verbNames() []string {
	names := make([]string, 0, len(verbs))
	for name := range verbs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func verbList() string { return strings.Join(verbNames(), ", ") }
