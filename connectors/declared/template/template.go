// Package template is the small language of declared connectors: texts with
// {name} in them, and trees of such texts.
//
// A name is a dotted path ("order.id", "lines.0.sku"); filters follow it after
// bars ("{body|sha256|hex}"). "{{" stands for a brace. A text that is one {name}
// and nothing else keeps the value's type. There are no conditions and no loops:
// what needs them is written in Go.
package template

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Scope gives the value of a dotted path, and whether there is one.
type Scope func(path string) (any, bool)

// Template is a parsed text. The zero value is the empty text.
type Template struct{ parts []part }

// part is a literal text or, with a path, a value.
type part struct {
	text    string
	path    string
	filters []filter
}

// Parse reads a text. Its errors say what is wrong in it.
func Parse(s string) (Template, error) {
	var t Template
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t.parts = append(t.parts, part{text: lit.String()})
			lit.Reset()
		}
	}
	for s != "" {
		switch {
		case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
			lit.WriteByte(s[0])
			s = s[2:]
		case s[0] == '{':
			inner, rest, ok := strings.Cut(s[1:], "}")
			if !ok {
				return t, fmt.Errorf("%q has a { without its }; write {{ for a brace", s)
			}
			p, err := parsePart(inner)
			if err != nil {
				return t, err
			}
			flush()
			t.parts, s = append(t.parts, p), rest
		default:
			lit.WriteByte(s[0])
			s = s[1:]
		}
	}
	flush()
	return t, nil
}

func parsePart(inner string) (part, error) {
	words := strings.Split(inner, "|")
	p := part{path: strings.TrimSpace(words[0])}
	if p.path == "" {
		return p, fmt.Errorf("{%s} names nothing", inner)
	}
	for _, w := range words[1:] {
		f, ok := filters[strings.TrimSpace(w)]
		if !ok {
			return p, fmt.Errorf("{%s}: there is no filter %q; there are %s", inner, strings.TrimSpace(w), filterNames())
		}
		p.filters = append(p.filters, f)
	}
	return p, nil
}

// Paths lists the paths that the text names, in order.
func (t Template) Paths() []string {
	var out []string
	for _, p := range t.parts {
		if p.path != "" {
			out = append(out, p.path)
		}
	}
	return out
}

// Empty tells whether the text is empty.
func (t Template) Empty() bool { return len(t.parts) == 0 }

// Value is the text with its values. It reports false if one of them is absent.
func (t Template) Value(s Scope) (any, bool) {
	if len(t.parts) == 1 && t.parts[0].path != "" && len(t.parts[0].filters) == 0 {
		return s(t.parts[0].path)
	}
	text, ok := t.Text(s)
	return text, ok
}

// Text is the value as text. It reports false if one of the values is absent or null.
func (t Template) Text(s Scope) (string, bool) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.path == "" {
			b.WriteString(p.text)
			continue
		}
		v, ok := s(p.path)
		if !ok || v == nil {
			return "", false
		}
		text := Text(v)
		for _, f := range p.filters {
			text = f(text)
		}
		b.WriteString(text)
	}
	return b.String(), true
}

// Text writes a JSON value as text: strings as they are, whole numbers without an
// exponent, objects and arrays as JSON.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case json.Number:
		return v.String()
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10)
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}

// Lookup follows a dotted path into maps and slices. A key that holds dots itself
// is found before the path is split. The empty path is the value itself.
func Lookup(v any, path string) (any, bool) {
	if path == "" {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		if found, ok := v[path]; ok {
			return found, true
		}
		for at, r := range path {
			if r != '.' {
				continue
			}
			if child, ok := v[path[:at]]; ok {
				if found, ok := Lookup(child, path[at+1:]); ok {
					return found, true
				}
			}
		}
	case []any:
		first, rest, _ := strings.Cut(path, ".")
		if i, err := strconv.Atoi(first); err == nil && i >= 0 && i < len(v) {
			return Lookup(v[i], rest)
		}
	}
	return nil, false
}
