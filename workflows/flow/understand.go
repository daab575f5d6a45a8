package flow

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// understand says who understands what customers write, and how sure it must be.
//
//	understand:
//	  engines: [builtin, {engine: openai, threshold: 0.8}]
//	  budget: 1s
//	  facts: {plan: =plan}
type understand struct {
	Engines engines `flow:"engines" doc:"who tells what a customer wants, in the order in which they are asked until one is sure: builtin, which learns from the examples, and connectors that understand; builtin alone where not said"`
	// Threshold is the least confidence that leads anywhere, Margin the least lead
	// over the second intent; Interrupt is the confidence that leads away from a
	// question which takes any text.
	Threshold *number01 `flow:"threshold" doc:"least confidence of an intent that leads anywhere; 0.7 where not said"`
	Margin    *number01 `flow:"margin" doc:"least lead over the second intent; 0.1 where not said"`
	Interrupt *number01 `flow:"interrupt" doc:"confidence that leads away from a question which takes any text; 0.85 where not said"`
	// Budget is how long the services among the engines may hold up a turn.
	Budget span `flow:"budget" doc:"how long connectors may take for one turn, all together, from 50ms to 5s; 2s where not said"`
	// Facts are what they are told beside the text.
	Facts *arguments `flow:"facts" doc:"what connectors are told beside the text: names and values"`
}

// Bounds of the time that services may take for one turn.
const (
	leastBudget   = 50 * time.Millisecond
	defaultBudget = 2 * time.Second
	mostBudget    = 5 * time.Second
)

func (u *understand) finish(r *reader, n *node) {
	if b := time.Duration(u.Budget); b != 0 && (b < leastBudget || b > mostBudget) {
		r.fail(n.get("budget").pos, "a budget is from %s to %s: the customer waits for it", leastBudget, mostBudget)
	}
	seen := map[string]bool{}
	for _, e := range u.Engines {
		if seen[e.name()] {
			r.fail(e.Engine.pos, "the engine %q stands here twice", e.name())
		}
		seen[e.name()] = true
	}
}

// Builtin is the name of the engine that learns from a flow's own examples.
const Builtin = "builtin"

// engines are written as names, or as records with thresholds of their own.
type engines []engine

type engine struct {
	Engine    connectorName `flow:"engine,required" doc:"builtin, a connector that understands, or a name given under use"`
	Threshold *number01     `flow:"threshold" doc:"least confidence with which it is believed; the flow's where not said"`
	Margin    *number01     `flow:"margin" doc:"least lead over its second intent; the flow's where not said"`
	Budget    span          `flow:"budget" doc:"how long it may take; the flow's budget where not said"`
}

func (e engine) name() string { return e.Engine.connector }

func (e *engines) read(r *reader, n *node) {
	if n.kind != listNode || len(n.items) == 0 {
		r.fail(n.pos, "\"engines\" must be a list, such as [builtin, openai]")
		return
	}
	for _, item := range n.items {
		one := engine{}
		if item.kind == mapNode {
			r.record(item, &one, "an engine")
		} else {
			one.Engine.read(r, item)
		}
		*e = append(*e, one)
	}
}

// number01 is a number from 0 to 1.
type number01 float64

func (f *number01) read(r *reader, n *node) {
	if n.kind != numberNode || n.number < 0 || n.number > 1 {
		r.fail(n.pos, "a number from 0 to 1 must stand here")
		return
	}
	*f = number01(n.number)
}

func (f *number01) or(otherwise float64) float64 {
	if f == nil {
		return otherwise
	}
	return float64(*f)
}

func (u *understand) threshold() float64 { return u.Threshold.or(0.7) }
func (u *understand) margin() float64    { return u.Margin.or(0.1) }

// believes is how sure an engine must be of an intent: what holds for itself goes
// before what holds for all.
func (u *understand) believes(name string, threshold float64) (least, margin float64) {
	least, margin = threshold, u.margin()
	for _, e := range u.Engines {
		if e.name() != name {
			continue
		}
		if threshold == u.threshold() {
			least = e.Threshold.or(threshold)
		}
		margin = e.Margin.or(margin)
	}
	return least, margin
}

// Wanted is what a flow wants to be understood of its customers' messages.
type Wanted struct {
	// Engines are asked for an intent in their order, until one is sure.
	Engines []Engine
	// Budget is how long the services among them may take for one turn.
	Budget time.Duration
	// Rules tell an intent for certain.
	Rules []Rule
	// Finders are the entities with kinds of the flow's own, by variable.
	Finders map[string]Finder
	// Answers are an information desk.
	Answers []Answer
}

// Engine is one that tells intents: [Builtin], or a connector by its name.
type Engine struct {
	Name string
	// Confidence and Margin are the least with which it is believed.
	Confidence, Margin float64
	Budget             time.Duration
}

// Rule is what means an intent for certain: Words as a whole message, Patterns
// somewhere in one.
type Rule struct {
	Intent          string
	Words, Patterns []string
}

// Finder finds an entity: by the names of its values, or by a pattern.
type Finder struct {
	Values  map[string][]string
	Pattern string
}

// Answer is one of an information desk, by its ID in the document.
type Answer struct {
	ID        string
	Questions []string
}

// Wanted says how customers' messages are to be understood before the flow is
// stepped; nil if it makes nothing of that.
func (p *Program) Wanted() *Wanted { return p.wanted }

func (d *Document) wanted(reads map[string]bool) *Wanted {
	h := &d.head
	if len(h.Intents) == 0 && len(h.Answers) == 0 && !reads["mood"] {
		return nil
	}
	w := &Wanted{Budget: defaultBudget, Finders: map[string]Finder{}}
	if h.Understand.Budget != 0 {
		w.Budget = time.Duration(h.Understand.Budget)
	}
	w.Engines = h.Understand.asked(w.Budget)
	for _, i := range h.Intents {
		rule := Rule{Intent: i.name, Words: i.Words.texts()}
		for _, p := range i.Patterns {
			rule.Patterns = append(rule.Patterns, p.String())
		}
		if len(rule.Words)+len(rule.Patterns) > 0 {
			w.Rules = append(w.Rules, rule)
		}
		for _, e := range i.Entities {
			if e.own == nil {
				continue
			}
			f := Finder{Values: e.own.Values}
			if e.own.Pattern != nil {
				f.Pattern = "(?i)" + e.own.Pattern.String()
			}
			w.Finders[e.variable.name] = f
		}
	}
	for _, a := range h.Answers {
		w.Answers = append(w.Answers, Answer{ID: a.name, Questions: a.Questions.texts()})
	}
	return w
}

// asked are the engines with what holds for each.
func (u *understand) asked(budget time.Duration) []Engine {
	list := u.Engines
	if list == nil {
		list = engines{{Engine: connectorName{connector: Builtin}}}
	}
	var out []Engine
	for _, e := range list {
		one := Engine{Name: e.name(), Confidence: e.Threshold.or(u.threshold()), Margin: e.Margin.or(u.margin()), Budget: budget}
		if e.Budget != 0 {
			one.Budget = min(time.Duration(e.Budget), budget)
		}
		out = append(out, one)
	}
	return out
}

// Wants tells whether the flow would look at what a service made of the last of the
// events: whether its text is neither an answer to what was asked, nor a word or
// choice of the flow's. Such a text need not leave.
func (p *Program) Wants(in Input) bool {
	m := p.machine(in)
	for i := range in.Events {
		m.wanting = false
		m.budget = maxStepsPerEvent
		m.handle(&in.Events[i])
	}
	return m.wanting
}

// Facts are what the flow lets services know of the contact and the case; what
// has no value is left out.
func (p *Program) Facts(in Input) map[string]string {
	facts := p.doc.head.Understand.Facts
	if facts == nil {
		return nil
	}
	m := p.machine(in)
	out := map[string]string{}
	for i, key := range facts.keys {
		v, err := m.value(facts.items[i])
		if err != nil {
			continue // as where it has no value
		}
		if s := clip(text(v), maxFact); s != "" {
			out[key] = s
		}
	}
	return out
}

// maxFact bounds a fact, in bytes.
const maxFact = 500

// enginesKnown finds engines that do not exist, or do not understand.
func (c *linter) enginesKnown() {
	understanding := []string{Builtin}
	for name, operations := range c.catalogue {
		if _, ok := operations[Understands]; ok {
			understanding = append(understanding, name)
		}
	}
	for _, e := range c.doc.head.Understand.Engines {
		name := e.name()
		switch _, exists := c.catalogue[name]; {
		case name == "" || len(c.catalogue) == 0 || slices.Contains(understanding, name):
		case exists:
			c.fail(e.Engine.pos, "the connector %q does not understand language; these do: %s", name, strings.Join(slices.Sorted(slices.Values(understanding)), ", "))
		default:
			c.fail(e.Engine.pos, "there is no engine %q%s", clip(name, 40), didYouMean(name, understanding))
		}
	}
}

// leastExamples is how few examples the built-in engine can tell an intent by.
const leastExamples = 3

// examples finds intents that cannot be told: with too few examples, without any in
// a language that others have, or with another's.
func (c *linter) examples() {
	builtin := slices.ContainsFunc(c.doc.head.Understand.asked(0), func(e Engine) bool { return e.Name == Builtin })
	owner, words := map[string]string{}, map[string]string{}
	for _, i := range c.doc.head.Intents {
		for _, w := range i.Words.all {
			if other, taken := words[fold(w.text)]; taken && other != i.name {
				c.fail(w.pos, "%q is a word of the intent %q too: nobody could tell them apart", clip(w.text, 60), other)
			}
			words[fold(w.text)] = i.name
		}
		own := map[string]bool{}
		for _, w := range i.Examples.all {
			folded := fold(w.text)
			if other, taken := owner[folded]; taken && other != i.name {
				c.fail(w.pos, "%q is an example of the intent %q too: nobody could tell them apart", clip(w.text, 60), other)
			}
			owner[folded], own[folded] = i.name, true
		}
		if builtin && len(own) < leastExamples {
			c.fail(i.pos, "the intent %q has too few examples to learn from: give it %d at least, better 10, all different", i.name, leastExamples)
		}
		if i.Examples.languages == nil || !builtin {
			continue
		}
		for _, l := range c.doc.voices.languages {
			if !slices.Contains(i.Examples.languages, l) {
				c.fail(i.pos, "the intent %q has no examples in %s, which the flow speaks", i.name, l)
			}
		}
	}
	for _, n := range slices.Sorted(maps.Keys(c.ownKinds())) {
		c.fail(c.ownKinds()[n], "the variable %q is found in different ways by two intents; give one of them another variable", n)
	}
}

// ownKinds are variables that two intents find in ways of their own.
func (c *linter) ownKinds() map[string]pos {
	found, twice := map[string]bool{}, map[string]pos{}
	for _, i := range c.doc.head.Intents {
		for _, e := range i.Entities {
			if e.own != nil && found[e.variable.name] {
				twice[e.variable.name] = e.variable.pos
			}
			found[e.variable.name] = found[e.variable.name] || e.own != nil
		}
	}
	return twice
}

// Understands stands among a connector's operations in a [Catalogue] if the
// connector understands language. It is no operation's name.
const Understands = "(understands)"

// Miss is a message that was not understood, and the block in which it came; an
// empty one where no flow was under way.
type Miss struct {
	Number int64
	Block  string
}
