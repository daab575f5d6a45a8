package flow

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Mapping says where those who stand in one version of a flow go on in another:
//
//	blocks: {orders: my_orders}   # where they are called otherwise
//	vars: {mail: email}           # variables that have another name
//	set: {country: IN}            # values for variables that are new
type Mapping struct {
	// Blocks maps old names to new ones; a block that is not named is called the
	// same. Those of sub-flows are SUB/NAME.
	Blocks map[string]string `yaml:"blocks"`
	// Vars maps the old names of variables to new ones.
	Vars map[string]string `yaml:"vars"`
	// Set gives variables a value that have none.
	Set map[string]any `yaml:"set"`
}

// ParseMapping reads a mapping; an empty one maps every block to the one of its
// name.
func ParseMapping(src []byte) (m Mapping, err error) {
	defer func() {
		// The YAML library panics on some malformed documents.
		if recover() != nil {
			err = errors.New("the mapping cannot be read as YAML")
		}
	}()
	if len(bytes.TrimSpace(src)) == 0 {
		return m, nil
	}
	if refused := refuseSource(src); refused != nil {
		return m, fmt.Errorf("the mapping, line %d: %s", refused.Line, refused.Message)
	}
	if err := yaml.UnmarshalWithOptions(src, &m, yaml.Strict()); err != nil {
		at := yamlProblem(err)
		return m, fmt.Errorf("the mapping, line %d: %s", at.Line, at.Message)
	}
	for name, v := range m.Set {
		clean, _, err := normalise(plain(v))
		if err != nil {
			return m, fmt.Errorf("the mapping: the value of %q: %w", clip(name, 40), err)
		}
		m.Set[name] = clean
	}
	return m, nil
}

// plain turns what the YAML library makes of mappings into what JSON does.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for k, item := range v {
			out[fmt.Sprint(k)] = plain(item)
		}
		return out
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

// Why a conversation cannot be taken to another version.
const (
	// NotUnderWay: there is nothing to take; it begins anew with what runs then.
	NotUnderWay = "not_under_way"
	// BlockGone: the new version has no such block.
	BlockGone = "block_gone"
	// StepGone: the block has no step, or several, that could be the one.
	StepGone = "step_gone"
	// WaitsOtherwise: the step waits for something else there.
	WaitsOtherwise = "waits_otherwise"
	// CallUnderWay: the step makes another call, and one is under way.
	CallUnderWay = "call_under_way"
	// PaymentOpen: a payment may still be made whose step is not there.
	PaymentOpen = "payment_open"
	// SubFlowChanged: the sub-flow that is under way is not there, or has other variables.
	SubFlowChanged = "sub_flow_changed"
	// VariableMissing: the new version takes for granted that a variable has a value.
	VariableMissing = "variable_missing"
	// VariableType: a variable holds what the new version does not expect.
	VariableType = "variable_type"
)

// Reason says why a state cannot be moved, in the flow author's words: names of
// blocks, operations and variables, never a value.
type Reason struct {
	Code   string `json:"code"`
	Block  string `json:"block,omitempty"` // where the conversation stands
	Detail string `json:"detail,omitempty"`
}

// Migration takes states from one version of a flow to another. It is safe for
// concurrent use.
type Migration struct {
	old, new *Program
	mapping  Mapping
	known    map[string]string // types of the new version's variables
	sure     *tracker          // which have a value before each step of it
	written  map[*Program]map[pos]string
}

// NewMigration refuses a mapping that names what is not there.
func NewMigration(old, new *Program, m Mapping) (*Migration, error) {
	for from, to := range m.Blocks {
		if b := old.doc.index; !has(b, from) {
			return nil, fmt.Errorf("the mapping: the old version has no block %q%s", clip(from, 60), didYouMean(from, old.doc.blockNames()))
		}
		if !has(new.doc.index, to) {
			return nil, fmt.Errorf("the mapping: the new version has no block %q%s", clip(to, 60), didYouMean(to, new.doc.blockNames()))
		}
	}
	g := &Migration{old: old, new: new, mapping: m, known: new.doc.knownTypes(), written: map[*Program]map[pos]string{old: old.doc.written(), new: new.doc.written()}}
	for _, to := range m.Vars {
		if !has(g.known, to) {
			return nil, fmt.Errorf("the mapping: the new version has no variable %q", clip(to, 60))
		}
	}
	for name := range m.Set {
		if !has(g.known, name) {
			return nil, fmt.Errorf("the mapping: the new version has no variable %q", clip(name, 60))
		}
	}
	g.sure = newTracker(&linter{doc: new.doc, routes: mapRoutes(new.doc)})
	g.sure.spread()
	return g, nil
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// knownTypes are the variables that a document sets, with what is known of their
// values.
func (d *Document) knownTypes() map[string]string {
	known := map[string]string{}
	for _, s := range d.sets {
		typ := s.typ
		if before, seen := known[s.name]; seen && before != typ {
			typ = ""
		}
		known[s.name] = typ
	}
	return known
}

// written gives every mapping of the document as it is written, by its place.
func (d *Document) written() map[pos]string {
	out := map[pos]string{}
	var walk func(n *node)
	walk = func(n *node) {
		if n.kind == mapNode {
			var b bytes.Buffer
			n.canonical(&b)
			out[n.pos] = b.String()
		}
		for _, item := range n.items {
			walk(item)
		}
		for _, p := range n.pairs {
			walk(p.value)
		}
	}
	walk(d.root)
	return out
}

// Move gives the state with which a conversation goes on in the new version, at
// the step that waits for the same, or why it cannot. Nothing is said to the
// customer. Calls under way, timers and scheduled messages go on. A tap on a
// choice that was offered before counts where block and step have kept their
// places; elsewhere the question is put again.
//
// The state given is not changed.
func (g *Migration) Move(s State) (State, []Reason) {
	if !s.UnderWay() {
		return s, []Reason{{Code: NotUnderWay}}
	}
	mv := mover{g: g, from: s}
	out := s
	if s.Block != "" {
		mv.place(&out)
	}
	out.Vars = mv.vars(s.Vars)
	out.Stack = mv.stack(s)
	out.Loops = mv.loops(s.Loops)
	out.Trail = mv.trail(s.Trail)
	out.Payments = mv.payments(s.Payments, out.Vars)
	if s.Block != "" && len(mv.reasons) == 0 {
		mv.missing(out.Block, out.Step, out.Vars)
	}
	if len(mv.reasons) > 0 {
		return s, mv.reasons
	}
	return out, nil
}

// mover is one run of [Migration.Move].
type mover struct {
	g       *Migration
	from    State
	reasons []Reason
}

func (m *mover) refuse(code, detail string, args ...any) {
	r := Reason{code, m.from.Block, fmt.Sprintf(detail, args...)}
	if !slices.Contains(m.reasons, r) {
		m.reasons = append(m.reasons, r)
	}
}

// place finds where the conversation goes on, and whether it can wait there.
func (m *mover) place(out *State) {
	block, step, why := m.g.find(m.from.Block, m.from.Step)
	if why != nil {
		m.refuse(why.Code, "%s", why.Detail)
		return
	}
	out.Block, out.Step = block.name, step
	if why := waitsAlike(m.g.old.doc.step(m.from.Block, m.from.Step), block.steps[step], m.from); why != nil {
		m.refuse(why.Code, "%s", why.Detail)
	}
	before, after := choicePrefix(m.from.Block, m.from.Step), choicePrefix(block.name, step)
	out.Choices = slices.Clone(m.from.Choices)
	for i := range out.Choices {
		if id, ok := strings.CutPrefix(out.Choices[i].ID, before); ok {
			out.Choices[i].ID = after + id
		}
	}
	out.Asked.Picked = slices.Clone(m.from.Asked.Picked)
	for i, id := range out.Asked.Picked {
		if id, ok := strings.CutPrefix(id, before); ok {
			out.Asked.Picked[i] = after + id
		}
	}
}

func choicePrefix(block string, step int) string { return fmt.Sprintf("%s/%d/", block, step) }

func (m *mover) vars(old map[string]any) map[string]any {
	out := make(map[string]any, len(old)+len(m.g.mapping.Set))
	for name, v := range old {
		if to, ok := m.g.mapping.Vars[name]; ok {
			name = to
		}
		out[name] = v
	}
	for name, v := range m.g.mapping.Set {
		if _, there := out[name]; !there {
			out[name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if want := m.g.known[name]; want != "" && kindOf(out[name]) != want {
			m.refuse(VariableType, "the variable %s is expected to be a %s and is a %s", name, want, kindOf(out[name]))
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "bool"
	case []any:
		return "list"
	}
	return "map"
}

// missing finds variables that surely have a value at a place of the new version,
// are read there or later, and have none.
func (m *mover) missing(block string, step int, vars map[string]any) {
	known := m.g.sure.in[m.g.sure.c.routes.number(m.g.new.doc.blocks[m.g.new.doc.index[block]], step)]
	if known == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m.g.sure.bits)) {
		_, there := vars[name]
		if known.has(m.g.sure.bits[name]) && m.g.new.reads[name] && !there {
			m.refuse(VariableMissing, "the variable %s has no value: give it one under \"set\"", name)
		}
	}
}

func (m *mover) stack(s State) []Frame {
	out := slices.Clone(s.Stack)
	for i, f := range out {
		before, after := m.g.old.doc.sub(f.Sub), m.g.new.doc.sub(f.Sub)
		block, step, why := m.g.find(f.Block, f.Step)
		if before == nil || after == nil || why != nil || !sameVariables(before.own(), after.own()) {
			m.refuse(SubFlowChanged, "the sub-flow %s is under way, and is another one there", f.Sub)
			return nil
		}
		if sub, ok := block.steps[step].(*subStep); !ok || sub.Sub != f.Sub {
			m.refuse(SubFlowChanged, "the sub-flow %s is under way, and is not run there", f.Sub)
			return nil
		}
		out[i].Block, out[i].Step, out[i].Loops = block.name, step, m.loops(f.Loops)
	}
	if n := len(out); n > 0 && len(m.reasons) == 0 {
		if b, _, why := m.g.find(s.Block, s.Step); why == nil && (b.sub == nil || b.sub.name != out[n-1].Sub) {
			m.refuse(SubFlowChanged, "the sub-flow %s is under way, and the block is no part of it there", out[n-1].Sub)
		}
	}
	return out
}

func sameVariables(a, b []*variable) bool {
	return slices.EqualFunc(a, b, func(x, y *variable) bool { return x.name == y.name })
}

func (m *mover) loops(old []Loop) []Loop {
	out := slices.Clone(old)
	for i, l := range out {
		block, step, why := m.g.find(l.Block, l.Step)
		if why != nil || reflect.TypeOf(block.steps[step]) != reflect.TypeFor[*eachStep]() {
			m.refuse(StepGone, "the list that is gone through in block %s is not there", l.Block)
			return nil
		}
		out[i].Block, out[i].Step = block.name, step
	}
	return out
}

// trail keeps the questions that the word back can still lead to.
func (m *mover) trail(old []Place) []Place {
	var out []Place
	for _, p := range old {
		if block, step, why := m.g.find(p.Block, p.Step); why == nil {
			out = append(out, Place{block.name, step})
		}
	}
	return out
}

func (m *mover) payments(old []Payment, vars map[string]any) []Payment {
	var out []Payment
	for _, p := range old {
		block, step, why := m.g.find(p.Block, p.Step)
		if why == nil {
			if _, pays := block.steps[step].(*payStep); pays {
				m.missing(block.name, step, vars)
				p.Block, p.Step = block.name, step
				out = append(out, p)
				continue
			}
		}
		if !expired(p) {
			m.refuse(PaymentOpen, "a payment of block %s is open, and nothing answers it there", p.Block)
		}
	}
	return out
}
