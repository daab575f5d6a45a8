package flow

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// entities are written as `variable: kind`, or with a kind of one's own:
//
//	entities:
//	  number: integer
//	  size: {values: {small: [s, tiny], large: [l, big]}}
//	  policy: {pattern: "pol-[0-9]{6}"}
type entities []entity

type entity struct {
	variable *variable
	kind     string
	own      *ownKind
}

// ownKind is a kind of the flow's own.
type ownKind struct {
	Values  values  `flow:"values" doc:"what can be named, each with its other names; slips of the keys are forgiven"`
	Pattern *finder `flow:"pattern" doc:"a regular expression (RE2, without regard to case) that finds it in the text: its first group, or all of it"`
}

func (k *ownKind) finish(r *reader, n *node) {
	if (k.Values == nil) == (k.Pattern == nil) {
		r.fail(n.pos, "a kind of your own needs either \"values\" or \"pattern\"")
	}
}

// values are names by what they stand for.
type values map[string][]string

func (v *values) read(r *reader, n *node) {
	if n.kind != mapNode || len(n.pairs) == 0 {
		r.fail(n.pos, "\"values\" must map what can be named to lists of its other names")
		return
	}
	*v = values{}
	for _, p := range n.pairs {
		names := []string{}
		for _, w := range r.words(p.value, quote(p.key.text)) {
			names = append(names, w.text)
		}
		(*v)[p.key.text] = names
	}
}

// finder is a regular expression that is looked for in a text.
type finder struct{ *regexp.Regexp }

func (f *finder) read(r *reader, n *node) {
	text, ok := r.plain(n, "a pattern")
	if !ok {
		return
	}
	var err error
	if f.Regexp, err = regexp.Compile(text); err != nil || f.MatchString("") {
		r.fail(n.pos, "this is not a regular expression that finds anything (RE2 syntax; it must not match nothing)")
	}
}

// patterns is a list of them.
type patterns []finder

func (p *patterns) read(r *reader, n *node) {
	items := n.items
	if n.kind != listNode {
		items = []*node{n}
	}
	for _, item := range items {
		one := finder{}
		one.read(r, item)
		*p = append(*p, one)
	}
}

func (e *entities) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"entities\" must map variables to kinds")
		return
	}
	for _, p := range n.pairs {
		one := entity{variable: &variable{}}
		one.variable.read(r, p.key)
		if p.value.kind == mapNode {
			one.kind, one.own = "text", &ownKind{}
			r.record(p.value, one.own, "a kind of your own")
			one.own.finish(r, p.value)
		} else if one.kind, _ = r.plain(p.value, "a kind"); kinds[one.kind].parse == nil {
			r.fail(p.value.pos, "there is no kind %q%s", clip(one.kind, 40), didYouMean(one.kind, kindNames()))
		}
		*e = append(*e, one)
	}
}

// describe says what the entity is, for engines that read it.
func (e entity) describe() string {
	if e.own != nil && e.own.Values != nil {
		return "one of: " + strings.Join(slices.Sorted(maps.Keys(e.own.Values)), ", ")
	}
	return e.kind
}

// parameter is the value of an entity: what an engine found, if it is of its kind,
// else what the text itself holds of that kind; nil for nothing.
func (m *machine) parameter(e entity, text string) any {
	got := m.heard.Entities[e.variable.name]
	said, isText := got.(string)
	switch {
	case e.own != nil && e.own.Values != nil:
		if _, known := e.own.Values[said]; !known {
			return nil
		}
		return said
	case isText:
		if v, ok := m.ofKind(e.kind, said); ok {
			return v
		}
	case got != nil:
		return got
	}
	if e.own != nil {
		return nil // its finder has looked
	}
	return m.find(e.kind, text)
}

func (m *machine) ofKind(kind, text string) (any, bool) {
	return kinds[kind].parse(reading{text: strings.TrimSpace(text), language: m.language(), now: m.in.Now})
}

// sought are the kinds that can be told within a sentence, with how many words a
// value of theirs may have.
var sought = map[string]int{"number": 3, "integer": 3, "amount": 5, "date": 6, "time": 5, "email": 1, "phone": 4}

// numeric kinds are looked for in digits: within a sentence "a" and "one" are seldom
// meant as numbers.
var numeric = map[string]bool{"number": true, "integer": true, "amount": true}

// find looks for a value of a kind in a text: the first one, the longest first. An
// amount needs its currency, since a bare number may be anything.
func (m *machine) find(kind, text string) any {
	longest, ok := sought[kind]
	if !ok || len(text) > maxAnswer {
		return nil
	}
	words := strings.Fields(text)
	for i := range words {
		for n := min(longest, len(words)-i); n > 0; n-- {
			piece := strings.Trim(strings.Join(words[i:i+n], " "), "#.,;:!?()\"'¿¡؟।")
			if piece == "" || numeric[kind] && !strings.ContainsFunc(piece, unicode.IsDigit) {
				continue
			}
			v, ok := m.ofKind(kind, piece)
			if amount, is := v.(map[string]any); is && amount["currency"] == "" {
				ok = false
			}
			if ok {
				return v
			}
		}
	}
	return nil
}
