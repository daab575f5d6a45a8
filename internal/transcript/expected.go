package transcript

import (
	"maps"
	"slices"

	"parley/workflows/flow"
)

// expected is an effect as a line describes it.
type expected struct {
	kind flow.EffectKind
	// name is the operation's, event's or queue's; empty for any.
	name string
	with any
	note *Matcher
}

// wanted reads what a line expects.
func wanted(l *Line) expected {
	e := described(l)
	if l.Blind {
		e.with, e.note = nil, nil
	}
	return e
}

func described(l *Line) expected {
	switch l.Verb {
	case "call", "signal":
		return expected{kind: flow.EffectCall, name: l.Name, with: l.With}
	case "case":
		return expected{kind: flow.EffectStartCase, name: l.Name, with: l.With}
	case "pay":
		return expected{kind: flow.EffectPay, name: "pay", with: l.With}
	case "emit":
		return expected{kind: flow.EffectEmit, name: l.Name, with: l.With}
	case "tag":
		return engine("contact_tag", map[string]any{"tag": l.Name, "remove": !l.Is})
	case "consent":
		return engine("contact_consent", map[string]any{"purpose": l.Name, "granted": l.Is})
	case "subscribe":
		return engine("contact_consent", map[string]any{"purpose": "topic:" + l.Name, "granted": l.Is})
	case "language":
		return engine("contact_language", map[string]any{"language": l.Name})
	}
	return expected{kind: flow.EffectHandoff, name: l.Name, note: l.Text}
}

func engine(operation string, with map[string]any) expected {
	return expected{kind: flow.EffectCall, name: "parley." + operation, with: with}
}

// is tells whether something seen is what is expected, else where it differs.
func (e expected) is(s *Seen, found Captures) (string, bool) {
	if s.Kind != e.kind || e.name != "" && s.Operation != e.name {
		return "", false
	}
	if e.note != nil {
		note, _ := s.Input.(string)
		return "note", e.note.fits(note, found)
	}
	if e.with == nil {
		return "", true
	}
	tried := maps.Clone(found)
	path, ok := part(e.with, s.Input, tried)
	if ok {
		maps.Copy(found, tried)
	}
	return path, ok
}

func (e expected) lines() []string {
	name := e.name
	if name == "" {
		name = "a handoff"
	}
	if e.note != nil {
		return []string{name, e.note.String()}
	}
	if e.with == nil {
		return []string{name}
	}
	return slices.Concat([]string{name}, pretty(e.with))
}
