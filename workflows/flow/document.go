package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"

	"parley/connectors/sdk/role"
)

// Document is a parsed flow. It is immutable after [Parse] and safe for
// concurrent use.
type Document struct {
	file   string
	head   head
	voices voices
	blocks []*block
	index  map[string]int
	hash   string
	// what the checks look at
	root     *node
	exprs    []*expr
	targets  []*target
	sets     []*variable
	phrases  []*phrase
	problems []Problem
}

// head is the top level of a document.
type head struct {
	// Name identifies the flow within a workspace; Title is for people.
	Name  string `flow:"name,required" doc:"identifies the flow within a workspace"`
	Title string `flow:"title" doc:"the flow's name for people"`
	// Language of the texts, a BCP 47 tag; Languages are all that the flow speaks.
	Language     string       `flow:"language" doc:"language of the texts, a BCP 47 tag; en where none is named"`
	Languages    []string     `flow:"languages" doc:"all languages that the flow speaks; each text must then have all of them"`
	Translations translations `flow:"translations" doc:"texts in other languages: language, then text to translation; usually kept in files beside the document"`
	Bot          bot          `flow:"bot" doc:"who speaks"`
	Personas     personas     `flow:"personas" doc:"named tones, with what they are like; texts may be written for each"`
	// Start is the block entered by a message when no flow is under way; the one
	// called start where none is named.
	Start *target `flow:"start" doc:"the block entered by a message when no flow is under way; start where none is named"`
	// Keywords enter blocks from anywhere, where they are the whole message.
	Keywords keywords `flow:"keywords" doc:"blocks, and the words, numbers or signs that enter them from anywhere as a whole message"`
	// Entries are blocks entered by taps on what stands outside of the flow: ice
	// breakers, a persistent menu, the code behind a link.
	Entries entries `flow:"entries" doc:"IDs of taps from outside the flow (ice breakers, a persistent menu), and the blocks they enter"`
	// Menu is the services menu: a block called menu that need not be written.
	Menu *menu `flow:"menu" doc:"the services menu: choices, as a block called menu"`
	// Header is said before all else when a flow begins, Footer when it has ended.
	Header *phrase `flow:"header" doc:"said first whenever the flow begins"`
	Footer *phrase `flow:"footer" doc:"said last when the flow has come to its end"`
	// AgentQueue is where conversations go that need a person.
	AgentQueue string `flow:"agent_queue" doc:"where conversations go that need a person"`
	// HandoffTo says whether people take them from that queue, or in a live chat.
	HandoffTo handoffPlace `flow:"handoff_to" doc:"livechat where people answer in the workspace's live chat; queue unless given"`
	// Misses is how many answers in a row may be misunderstood before the
	// fallback (2 by default); Fallback the block then entered, where it is not
	// to be a person.
	Misses   *int    `flow:"misses" doc:"how many misunderstood answers in a row lead to the fallback; 2 where not said"`
	Fallback *target `flow:"fallback" doc:"the block entered then, where it is not to be a person"`
	// Returned is entered when a person gives the conversation back and the flow
	// has no place to go on from; the start block where none is named.
	Returned *target `flow:"returned" doc:"entered when a person gives the conversation back and there is no place to go on from"`
	// Intents are what customers may want, in words of their own.
	Intents    intents    `flow:"intents" doc:"what customers may want, in their own words"`
	Understand understand `flow:"understand" doc:"who understands what customers write, and how sure it must be"`
	// Answers are given to questions that nothing else takes.
	Answers desk `flow:"answers" doc:"an information desk: answers by name, with the questions that they are for"`
	// Vars are the variables' first values. Keep names those that outlive the
	// end of the flow.
	Vars assignments `flow:"vars" doc:"the variables' first values"`
	Keep []kept      `flow:"keep" doc:"variables that outlive the end of the flow"`
	// Hours are calendars of business hours.
	Hours calendars `flow:"hours" doc:"calendars of business hours, read as hours.NAME.open and hours.NAME.next"`
	// Use names connectors by what they are for.
	Use aliases `flow:"use" doc:"names for connectors by what they are for, e.g. payments: stripe"`
	// Texts replace the engine's own; Words its global words.
	Texts  texts       `flow:"texts" doc:"what the engine itself says, in your words"`
	Words  globalWords `flow:"words" doc:"the global words, in your words"`
	Steps  stepList    `flow:"steps" doc:"a linear flow: the steps of the block start"`
	Subs   subList     `flow:"subs" doc:"sub-flows, each with params, vars and blocks"`
	Blocks blockList   `flow:"blocks" doc:"named lists of steps"`
}

// block is a list of steps: one that is named, or one within a step.
type block struct {
	pos
	name  string
	steps []step
	// at gives each step's place, for problems.
	at []pos
	// reads are the expressions of each step.
	reads [][]*expr
	// sub is the sub-flow that it belongs to, nil for the flow's own.
	sub *subflow
	// outer and outerAt are the step that holds this list, if one does.
	outer   *block
	outerAt int
	// lists counts the lists within a named block, for their names.
	lists int
}

// root is the named block that a list is part of.
func (b *block) root() *block {
	for b.outer != nil {
		b = b.outer
	}
	return b
}

// within tells whether the block is, or is part of, the list of a step.
func (b *block) within(name string, at int) bool {
	for ; b.outer != nil; b = b.outer {
		if b.outer.name == name && b.outerAt == at {
			return true
		}
	}
	return false
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
	// sets are the variables that have a value when it goes on with the next step.
	sets []*variable
	// silence is how long the customer may have been silent meanwhile; with waits,
	// zero means that it was the customer who spoke.
	silence time.Duration
}

// exit is a jump; waits, sets and silence as in exits.
type exit struct {
	to      *target
	waits   bool
	sets    []*variable
	silence time.Duration
}

// jump adds a jump to the exits, if there is one.
func (e exits) jump(t *target, waits bool, sets ...*variable) exits {
	if t != nil && t.name != "" {
		e.jumps = append(e.jumps, exit{t, waits, sets, 0})
	}
	return e
}

// late adds a jump that is made after the customer was silent for a time.
func (e exits) late(t *target, silence time.Duration, sets ...*variable) exits {
	if e = e.jump(t, true, sets...); t != nil && t.name != "" {
		e.jumps[len(e.jumps)-1].silence = silence
	}
	return e
}

// unanswered adds the way of a timeout.
func (e exits) unanswered(t *timeout) exits {
	if t == nil {
		return e
	}
	return e.late(t.Go, time.Duration(t.After)*time.Duration(1+t.reminders()))
}

// finisher is a step or record that completes itself after its keys were read.
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

	r := &reader{config: newConfig(types.Map{types.Extra: types.Any}), voices: voicesOf(root)}
	d.voices = r.voices
	if n := root.get("use"); n != nil { // wherever it stands, for all calls
		(&r.uses).read(&reader{}, n)
	}
	r.record(root, &d.head, "a flow")
	r.translate(d.head.Translations)
	d.collect(r)
	d.exprs, d.targets, d.sets, d.phrases = r.exprs, r.targets, r.sets, r.phrases
	d.resolve(r)
	d.problems = sorted(file, r.problems)
	return d, slices.Clone(d.problems)
}

// collect gathers the blocks from wherever they are written.
func (d *Document) collect(r *reader) {
	add := func(b *block) {
		if _, twice := d.index[b.name]; twice {
			r.fail(b.pos, "there are two blocks called %q", b.name)
			return
		}
		d.index[b.name] = len(d.blocks)
		d.blocks = append(d.blocks, b)
	}
	if b := d.head.Steps.block; b != nil {
		add(b)
	}
	for _, b := range d.head.Blocks {
		add(b)
	}
	if d.head.Menu != nil {
		add(d.head.Menu.block)
	}
	for _, s := range d.head.Subs {
		for _, b := range s.Blocks {
			add(b)
		}
	}
	for _, b := range r.inner {
		add(b)
	}
	if d.root.kind == mapNode && d.root.get("blocks") == nil && d.root.get("steps") == nil && d.root.get("menu") == nil {
		r.fail(d.root.pos, "a flow needs the key \"blocks\", or \"steps\"")
	}
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
	for n, t := range d.targets {
		i, ok := d.find(t)
		if !ok {
			r.fail(t.pos, "there is no block %q%s", t.name, didYouMean(t.name, d.blockNames()))
		}
		t.to = moveTo(i, n+1)
	}
	for _, b := range d.blocks {
		for _, s := range b.steps {
			if s, ok := s.(*subStep); ok {
				s.resolve(r, d)
			}
		}
	}
	d.settings(r)
}

// find gives the block that a jump names: the sub-flow's own before the flow's.
func (d *Document) find(t *target) (int, bool) {
	if t.sub != "" && !t.list {
		if i, ok := d.index[t.sub+"/"+t.name]; ok {
			return i, true
		}
	}
	i, ok := d.index[t.name]
	return i, ok && (t.list || !strings.ContainsAny(t.name, "/."))
}

// settings checks what stands at the head.
func (d *Document) settings(r *reader) {
	if m := d.head.Misses; m != nil && (*m < 1 || *m > 10) {
		r.fail(d.root.get("misses").pos, "misses must be from 1 to 10")
	}
	for _, a := range d.head.Vars {
		if !a.value.constant() {
			r.fail(a.value.pos, "first values must be written out; use a set step for expressions")
		}
	}
	for _, key := range []string{"language", "languages"} {
		n := d.root.get(key)
		if n == nil {
			continue
		}
		for _, one := range append(n.items, n) {
			if one.kind == stringNode && !languageTag.MatchString(one.text) {
				r.fail(one.pos, "%q is not the tag of a language: write en, hi, pt-BR", clip(one.text, 40))
			}
		}
	}
	if d.head.Bot.Persona != nil && len(d.voices.personas) == 0 {
		r.fail(d.head.Bot.Persona.pos, "the flow has no personas")
	}
}

// blockNames are the names that authors gave.
func (d *Document) blockNames() []string {
	var names []string
	for _, b := range d.blocks {
		if b.outer == nil && !strings.Contains(b.name, "/") {
			names = append(names, b.name)
		}
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
			switch s := s.(type) {
			case *callStep:
				names = append(names, s.Operation.connector)
			case *otpStep:
				names = append(names, s.Call.connector)
			case performs:
				if p, _ := s.performedBy(); p.By != nil {
					names = append(names, p.By.connector)
				}
			case *payStep:
				if s.By != nil {
					names = append(names, s.By.connector)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Roles lists the roles that a connection of the workspace must have taken on, in
// alphabetical order: those of the steps that name no connector.
func (d *Document) Roles() []role.Name {
	var names []role.Name
	for _, b := range d.blocks {
		for _, s := range b.steps {
			switch s := s.(type) {
			case *payStep:
				if s.By == nil {
					names = append(names, role.Payments)
				}
			case performs:
				if p, name := s.performedBy(); p.By == nil {
					names = append(names, name)
				}
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
		if r.sub != "" {
			b.name = r.sub + "/" + b.name
		}
		r.fill(b, p.value, "the block "+quote(p.key.text))
		*l = append(*l, b)
	}
}

// stepList is a document without blocks: the block called start.
type stepList struct{ block *block }

func (l *stepList) read(r *reader, n *node) {
	l.block = &block{pos: n.pos, name: "start"}
	r.fill(l.block, n, quote("steps"))
}

// menu is the services menu.
type menu struct{ block *block }

func (l *menu) read(r *reader, n *node) {
	l.block = &block{pos: n.pos, name: "menu"}
	r.fill(l.block, &node{pos: n.pos, kind: listNode, items: []*node{n}}, quote("menu"))
	for _, s := range l.block.steps {
		if _, ok := s.(*choicesStep); !ok {
			r.fail(n.pos, "the menu must be choices; write a block called menu for anything else")
		}
	}
}

// fill reads the steps of a block.
func (r *reader) fill(b *block, n *node, what string) {
	if n.kind != listNode || len(n.items) == 0 {
		r.fail(n.pos, "%s must be a list of steps", what)
	}
	before := r.block
	r.block = b
	outer := r.mine
	for _, item := range n.items {
		r.mine = nil
		if s := r.step(item); s != nil {
			b.steps, b.at, b.reads = append(b.steps, s), append(b.at, item.pos), append(b.reads, r.mine)
		}
	}
	r.block, r.mine = before, outer
}

// maxLists is how deep lists of steps may stand within one another.
const maxLists = 5

// steps reads a list of steps that stands within a step, as a block of its own.
func (r *reader) steps(n *node) string {
	root, depth := r.block, 1
	for ; root.outer != nil; root = root.outer {
		depth++
	}
	if depth > maxLists {
		r.fail(n.pos, "steps stand %d deep in one another; give these a block of their own", maxLists)
		return ""
	}
	root.lists++
	b := &block{pos: n.pos, name: root.name + "." + strconv.Itoa(root.lists), outer: r.block, outerAt: len(r.block.steps)}
	r.fill(b, n, "this")
	r.inner = append(r.inner, b)
	return b.name
}
