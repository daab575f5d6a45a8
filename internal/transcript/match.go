package transcript

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"parley/workflows/flow"
)

// Matcher is what a text must be: all that is set must hold.
type Matcher struct {
	exact    *string
	contains []string
	pattern  *regexp.Regexp
	any      []*Matcher
}

func exactly(s string) *Matcher { return &Matcher{exact: &s} }

// matcher reads what a text must be.
func (r *reader) matcher(n *flow.Node) *Matcher {
	switch n.Kind {
	case flow.ListNode:
		m := &Matcher{any: r.matchers(n)}
		if len(m.any) == 0 {
			r.fail(n, "the list is empty")
		}
		return m
	case flow.MappingNode:
		keys := r.keys(n, "what a text must be", matchKeys)
		m := &Matcher{any: r.matchers(keys["any"])}
		if c := keys["contains"]; c != nil {
			m.contains = r.texts(c)
		}
		if p := keys["matches"]; p != nil {
			var err error
			if m.pattern, err = regexp.Compile(r.text(p)); err != nil {
				r.fail(p, "this is not a regular expression (RE2 syntax)")
			}
		}
		return m
	}
	return exactly(r.text(n))
}

func (r *reader) matchers(n *flow.Node) []*Matcher {
	if n == nil {
		return nil
	}
	if n.Kind != flow.ListNode {
		r.fail(n, "a list must stand here, not %s", n.Kind)
		return nil
	}
	out := []*Matcher{}
	for _, item := range n.Items {
		out = append(out, r.matcher(item))
	}
	return out
}

// Captures are what patterns have found, by the names of their groups.
type Captures map[string]string

var captured = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// Fill writes what was found in place of {{ name }}; other braces stay.
func (c Captures) Fill(s string) string {
	return captured.ReplaceAllStringFunc(s, func(ref string) string {
		if v, ok := c[captured.FindStringSubmatch(ref)[1]]; ok {
			return v
		}
		return ref
	})
}

// fillValue does so in all texts of a value.
func (c Captures) fillValue(v any) any {
	switch v := v.(type) {
	case string:
		return c.Fill(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = c.fillValue(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = c.fillValue(item)
		}
		return out
	}
	return v
}

// fits tells whether a text is what it must be, and notes what patterns found.
// Spaces at the ends of lines do not count.
func (m *Matcher) fits(s string, found Captures) bool {
	s = tidy(s)
	if m.exact != nil && tidy(found.Fill(*m.exact)) != s {
		return false
	}
	for _, part := range m.contains {
		if !strings.Contains(s, found.Fill(part)) {
			return false
		}
	}
	if m.pattern != nil {
		groups := m.pattern.FindStringSubmatch(s)
		if groups == nil {
			return false
		}
		for i, name := range m.pattern.SubexpNames() {
			if name != "" {
				found[name] = groups[i]
			}
		}
	}
	return m.any == nil || slices.ContainsFunc(m.any, func(one *Matcher) bool { return one.fits(s, found) })
}

func tidy(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.Join(lines, "\n")
}

// String writes what is expected, for people.
func (m *Matcher) String() string {
	var out []string
	if m.exact != nil {
		out = append(out, *m.exact)
	}
	for _, c := range m.contains {
		out = append(out, "… "+c+" …")
	}
	if m.pattern != nil {
		out = append(out, "/"+m.pattern.String()+"/")
	}
	for i, one := range m.any {
		if i > 0 {
			out = append(out, "or")
		}
		out = append(out, one.String())
	}
	return strings.Join(out, "\n")
}

// MarshalJSON writes a matcher in messages about values as it reads.
func (m *Matcher) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// part tells whether want is part of got: of mappings each key that is named, of
// lists each item in its place, anything else as a whole. A mapping of contains,
// matches or any is what a text must be. It gives the path to what differs.
func part(want, got any, found Captures) (string, bool) {
	switch want := want.(type) {
	case *Matcher:
		s, ok := got.(string)
		return "", ok && want.fits(s, found)
	case string:
		s, ok := got.(string)
		return "", ok && found.Fill(want) == s
	case map[string]any:
		if m, ok := matcherOf(want); ok {
			s, isText := got.(string)
			return "", isText && m.fits(s, found)
		}
		return partOfMap(want, got, found)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return "", false
		}
		for i, item := range want {
			if path, ok := part(item, list[i], found); !ok {
				return fmt.Sprintf("[%d]%s", i, dotted(path)), false
			}
		}
		return "", true
	}
	return "", reflect.DeepEqual(want, got)
}

func partOfMap(want map[string]any, got any, found Captures) (string, bool) {
	fields, ok := got.(map[string]any)
	if !ok {
		return "", false
	}
	keys := make([]string, 0, len(want))
	for k := range want {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if path, ok := part(want[k], fields[k], found); !ok {
			return k + dotted(path), false
		}
	}
	return "", true
}

func dotted(path string) string {
	if path == "" || path[0] == '[' {
		return path
	}
	return "." + path
}

// matcherOf reads a mapping that says what a text must be.
func matcherOf(v map[string]any) (*Matcher, bool) {
	if len(v) == 0 {
		return nil, false
	}
	m := &Matcher{}
	for k, value := range v {
		switch k {
		case "contains":
			s, ok := value.(string)
			if !ok {
				return nil, false
			}
			m.contains = []string{s}
		case "matches":
			s, ok := value.(string)
			pattern, err := regexp.Compile(s)
			if !ok || err != nil {
				return nil, false
			}
			m.pattern = pattern
		case "any":
			list, ok := value.([]any)
			if !ok {
				return nil, false
			}
			for _, item := range list {
				s, ok := item.(string)
				if !ok {
					return nil, false
				}
				m.any = append(m.any, exactly(s))
			}
		default:
			return nil, false
		}
	}
	return m, true
}
