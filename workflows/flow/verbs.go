package flow

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// verbs lists the steps of the language by the key that they begin with.
var verbs map[string]func() step

func init() { // here, since the steps refer to the language in turn
	verbs = map[string]func() step{
		"say":       func() step { return &sayStep{} },
		"ask":       func() step { return &askStep{} },
		"choices":   func() step { return &choicesStep{} },
		"form":      func() step { return &formStep{} },
		"otp":       func() step { return &otpStep{} },
		"sign":      func() step { return &signStep{} },
		"set":       func() step { return &setStep{} },
		"if":        func() step { return &ifStep{} },
		"branch":    func() step { return &branchStep{} },
		"switch":    func() step { return &switchStep{} },
		"each":      func() step { return &eachStep{} },
		"split":     func() step { return &splitStep{} },
		"random":    func() step { return &randomStep{} },
		"go":        func() step { return &goStep{} },
		"sub":       func() step { return &subStep{} },
		"return":    func() step { return &returnStep{} },
		"call":      func() step { return &callStep{} },
		"case":      func() step { return &caseStep{} },
		"signal":    func() step { return &signalStep{} },
		"pay":       func() step { return &payStep{} },
		"refund":    func() step { return &refundStep{} },
		"ticket":    func() step { return &ticketStep{} },
		"crm":       func() step { return &crmStep{} },
		"book":      func() step { return &bookStep{} },
		"unbook":    func() step { return &unbookStep{} },
		"wait":      func() step { return &waitStep{} },
		"schedule":  func() step { return &scheduleStep{} },
		"tag":       func() step { return &tagStep{} },
		"consent":   func() step { return &consentStep{} },
		"remember":  func() step { return &rememberStep{} },
		"subscribe": func() step { return &subscribeStep{} },
		"language":  func() step { return &languageStep{} },
		"emit":      func() step { return &emitStep{} },
		"handoff":   func() step { return &handoffStep{} },
		"stop":      func() step { return &stopStep{} },
		"end":       func() step { return &endStep{} },
	}
}

// alone are the verbs that may be written as a bare word.
var alone = []string{"end", "handoff", "stop", "return"}

// step reads one step; its first key is its verb.
func (r *reader) step(n *node) step {
	if n.kind == stringNode && slices.Contains(alone, n.text) {
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

// Verbs lists the verbs of the language.
func Verbs() []string { return verbNames() }

func verbNames() []string { return slices.Sorted(maps.Keys(verbs)) }

func verbList() string { return strings.Join(verbNames(), ", ") }

// verbOf is the verb of a step, as documents write it.
func verbOf(s step) string {
	for name, create := range verbs {
		if reflect.TypeOf(create()) == reflect.TypeOf(s) {
			return name
		}
	}
	return ""
}
