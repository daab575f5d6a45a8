package flow

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"parley/connectors/sdk"
)

// Check gives everything that is wrong with a document, in the order of its
// lines; nothing means that it can be published. The catalogue may be empty.
func Check(doc *Document, catalogue Catalogue) []Problem {
	c := &linter{doc: doc, catalogue: catalogue, problems: slices.Clone(doc.problems)}
	readable := len(c.problems) == 0
	c.sound(readable)
	if readable { // else what could not be read would be missed everywhere
		c.spoken()
		c.enginesKnown()
		c.examples()
		newTracker(c).unset()
	}
	return sorted(doc.file, c.problems)
}

// sound gives what makes a document unsafe to step.
func sound(doc *Document, catalogue Catalogue) []Problem {
	c := &linter{doc: doc, catalogue: catalogue, problems: slices.Clone(doc.problems)}
	c.sound(len(c.problems) == 0)
	return sorted(doc.file, c.problems)
}

func (c *linter) sound(readable bool) {
	if c.doc.root == nil {
		return
	}
	c.secrets(c.doc.root)
	if c.names() {
		c.types()
	}
	c.steps()
	if readable {
		c.routes = mapRoutes(c.doc)
		c.graph()
	}
}

// spoken finds texts that are missing in a language of the flow.
func (c *linter) spoken() {
	for _, p := range c.doc.phrases {
		var missing []string
		for _, l := range c.doc.voices.languages[1:] {
			if p.lacks(l) {
				missing = append(missing, l)
			}
		}
		if len(missing) > 0 {
			c.fail(p.pos, "this text has no translation into %s", strings.Join(missing, ", "))
		}
	}
}

// linter collects problems.
type linter struct {
	doc       *Document
	catalogue Catalogue
	problems  []Problem
	routes    *routeMap
}

func (c *linter) fail(at pos, format string, args ...any) {
	c.problems = append(c.problems, at.problem(format, args...))
}

// names finds variables that are read but never set. It reports whether all is
// well.
func (c *linter) names() bool {
	known := slices.Clone(reserved)
	for _, s := range c.doc.sets {
		known = append(known, s.name)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	ok := true
	for _, e := range c.doc.exprs {
		for _, use := range e.names {
			if _, found := slices.BinarySearch(known, use.name); found || slices.Contains(e.locals, use.name) {
				continue
			}
			ok = false
			c.fail(use.at, "%q is never set%s", use.name, didYouMean(use.name, append(slices.Clone(e.locals), known...)))
		}
	}
	for _, k := range c.doc.head.Keep {
		if _, found := slices.BinarySearch(known, k.name); !found {
			ok = false
			c.fail(k.pos, "%q is never set%s", k.name, didYouMean(k.name, known))
		}
	}
	return ok
}

// types checks the expressions with what is known of the variables.
func (c *linter) types() {
	env := types.Map{
		"contact": types.TypeOf(map[string]any{}), "channel": types.String,
		"now": types.TypeOf(time.Time{}), "error": types.Any, "mood": types.String,
		"bot": types.TypeOf(map[string]any{}), "hours": types.TypeOf(map[string]any{}),
	}
	known := map[string]string{}
	for _, s := range c.doc.sets {
		typ := s.typ
		if before, seen := known[s.name]; seen && before != typ {
			typ = ""
		}
		known[s.name] = typ
	}
	for name, typ := range known {
		env[name] = typeOf(typ)
	}
	configs := map[string]*conf.Config{} // by the names of locals
	for _, e := range c.doc.exprs {
		key := strings.Join(e.locals, " ")
		if configs[key] == nil {
			local := maps.Clone(env)
			for _, name := range e.locals {
				local[name] = types.Any
			}
			configs[key] = newConfig(local)
		}
		if problem := e.typeCheck(configs[key]); problem != nil {
			c.problems = append(c.problems, *problem)
		}
	}
}

// typeOf gives expr's type for what is known of a variable.
func typeOf(typ string) types.Type {
	switch typ {
	case "text":
		return types.String
	case "number":
		return types.Float64
	case "bool":
		return types.Bool
	case "list":
		return types.TypeOf([]any{})
	case "map":
		return types.TypeOf(map[string]any{})
	}
	if record, ok := records[typ]; ok {
		return record
	}
	return types.Any
}

// steps checks what each step must have.
func (c *linter) steps() {
	for _, b := range c.doc.blocks {
		for i, s := range b.steps {
			switch s := s.(type) {
			case *callStep:
				c.call(s.Operation, s.With, s.Errors)
			case *otpStep:
				c.call(s.Call, s.With, append(s.Errors, errorJump{"default", s.Failed}))
			case *caseStep:
				if s.Errors.of("") == nil {
					c.fail(b.at[i], "starting a case can fail: say with the key \"errors\" where to go then")
				}
			case *payStep:
				if s.Expired == nil || s.Failed == nil {
					c.fail(b.at[i], "a payment needs the keys \"expired\" and \"failed\": say where to go when it is not made")
				}
			case performs:
				c.performed(b.at[i], s)
			case *handoffStep:
				if s.Queue.text == "" && c.doc.head.AgentQueue == "" {
					c.fail(b.at[i], "a handoff needs a queue: name one here, or for the whole flow with \"agent_queue\"")
				}
			}
		}
	}
}

func (c *linter) call(o operation, with *arguments, errs errorJumps) {
	if o.name == "" {
		return // not readable, and reported
	}
	op, problem := c.catalogue.find(o)
	if problem != "" {
		c.fail(o.pos, "%s", problem)
		return
	}
	if op.Effect != sdk.Read && errs.of("") == nil {
		c.fail(o.pos, "%s.%s changes something and can fail: say with the key \"errors\" where to go then", o.connector, o.name)
	}
	c.input(o, with, op)
}

// secretPatterns are the shapes of credentials that providers document.
var secretPatterns = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"a Stripe key", regexp.MustCompile(`\b[sr]k_(live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9+/]{8,}`)},
	{"a Razorpay key", regexp.MustCompile(`\brzp_(live|test)_[A-Za-z0-9]{8,}`)},
	{"a Shopify token", regexp.MustCompile(`\bshp(at|ca|pa|ss)_[A-Fa-f0-9]{16,}`)},
	{"a Slack token", regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}`)},
	{"a GitHub token", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{20,}`)},
	{"a Meta token", regexp.MustCompile(`\bEAA[A-Za-z0-9]{30,}`)},
	{"an AWS key", regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"an OpenAI key", regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`)},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY`)},
	{"a signed token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}`)},
	{"a password in an address", regexp.MustCompile(`://[^/\s:@]+:[^/\s:@{]+@`)},
}

// secrets finds credentials written into the document, without quoting them.
func (c *linter) secrets(n *node) {
	for _, s := range secretPatterns {
		if n.kind == stringNode && s.pattern.MatchString(n.text) {
			c.fail(n.pos, "this looks like %s: secrets belong into a connection's configuration, never into a flow", s.what)
			break
		}
	}
	for _, item := range n.items {
		c.secrets(item)
	}
	for _, p := range n.pairs {
		c.secrets(p.key)
		c.secrets(p.value)
	}
}
