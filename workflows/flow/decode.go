package flow

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr/conf"
)

// reader turns nodes into the structs of a document, and remembers on the way
// what the checks need: every expression, jump and variable.
//
// What a part of the language looks like is said by a struct alone: a field with
// the tag `flow:"key"` is a key, with `flow:"key,required"` one that must be
// there. A field's type says what the key may hold.
type reader struct {
	config   *conf.Config // of expressions
	problems []Problem
	exprs    []*expr
	targets  []*target
	sets     []*variable
	// phrases are the texts for customers.
	phrases []*phrase
	voices  voices
	// uses are the names for connectors.
	uses aliases
	// block is the one whose steps are being read, sub the sub-flow that it
	// belongs to; inner are the lists of steps within steps that were read so far.
	block *block
	sub   string
	inner []*block
	// mine are the expressions of the step that is being read.
	mine []*expr
}

// field is a type that reads itself from a node.
type field interface{ read(r *reader, n *node) }

func (r *reader) fail(at pos, format string, args ...any) {
	r.problems = append(r.problems, at.problem(format, args...))
}

// record reads a mapping into the struct that into points to; what names it in
// problems.
func (r *reader) record(n *node, into any, what string) {
	if n.kind != mapNode {
		r.fail(n.pos, "%s must be a mapping, and is %s", what, n.kind)
		return
	}
	v := reflect.ValueOf(into).Elem()
	keys := keysOf(v.Type())
	for _, p := range n.pairs {
		i := slices.IndexFunc(keys, func(k keySpec) bool { return k.name == p.key.text })
		if i < 0 {
			r.fail(p.key.pos, "%s has no key %q%s", what, p.key.text, didYouMean(p.key.text, keyNames(keys)))
			continue
		}
		r.value(p.value, v.FieldByIndex(keys[i].index), quote(p.key.text))
	}
	for _, k := range keys {
		if k.required && n.get(k.name) == nil {
			r.fail(n.pos, "%s needs the key %q", what, k.name)
		}
	}
}

type keySpec struct {
	name     string
	required bool
	index    []int
}

// knownKeys holds what keysOf found, by type: a large document has many records
// of few types.
var knownKeys sync.Map

// keysOf lists a record's keys, those of embedded records included.
func keysOf(t reflect.Type) []keySpec {
	if known, ok := knownKeys.Load(t); ok {
		return known.([]keySpec)
	}
	var keys []keySpec
	for _, f := range reflect.VisibleFields(t) {
		if name, rest, _ := strings.Cut(f.Tag.Get("flow"), ","); name != "" {
			keys = append(keys, keySpec{name, rest == "required", f.Index})
		}
	}
	knownKeys.Store(t, keys)
	return keys
}

func keyNames(keys []keySpec) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// value reads one key's value into a field.
func (r *reader) value(n *node, v reflect.Value, what string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if f, ok := v.Addr().Interface().(field); ok {
		f.read(r, n)
		return
	}
	switch v.Kind() {
	case reflect.String:
		if s, ok := r.plain(n, what); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		if n.kind != boolNode {
			r.fail(n.pos, "%s must be true or false", what)
		}
		v.SetBool(n.flag)
	case reflect.Int:
		if n.kind != numberNode || n.number != float64(int(n.number)) {
			r.fail(n.pos, "%s must be a whole number", what)
			return
		}
		v.SetInt(int64(n.number))
	case reflect.Slice:
		if n.kind != listNode {
			r.fail(n.pos, "%s must be a list, and is %s", what, n.kind)
			return
		}
		for _, item := range n.items {
			e := reflect.New(v.Type().Elem()).Elem()
			r.value(item, e, "an entry of "+what)
			v.Set(reflect.Append(v, e))
		}
	case reflect.Struct:
		r.record(n, v.Addr().Interface(), what)
		if f, ok := v.Addr().Interface().(finisher); ok && n.kind == mapNode {
			f.finish(r, n)
		}
	default:
		panic("flow: the struct field of " + what + " has a type that documents cannot hold")
	}
}

// plain reads a text without expressions.
func (r *reader) plain(n *node, what string) (string, bool) {
	switch n.kind {
	case stringNode:
		return n.text, true
	case numberNode:
		return formatNumber(n.number), true
	}
	r.fail(n.pos, "%s must be a text, and is %s", what, n.kind)
	return "", false
}

// words reads a text or a list of texts.
func (r *reader) words(n *node, what string) []word {
	items := n.items
	if n.kind != listNode {
		items = []*node{n}
	}
	var out []word
	for _, item := range items {
		s, ok := r.plain(item, "an entry of "+what)
		if ok && fold(s) == "" {
			r.fail(item.pos, "an entry of %s is empty", what)
			continue
		}
		out = append(out, word{pos: item.pos, text: fold(s)})
	}
	return out
}

// word is what a customer may write, folded by [fold].
type word struct {
	pos
	text string
}
