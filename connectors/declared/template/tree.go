package template

import "fmt"

// Tree is a JSON value whose texts are templates.
type Tree struct {
	text   Template
	isText bool
	fields map[string]Tree
	items  []Tree
	plain  any
}

// ParseTree reads a decoded YAML or JSON value.
func ParseTree(v any) (Tree, error) {
	switch v := v.(type) {
	case string:
		t, err := Parse(v)
		return Tree{text: t, isText: true}, err
	case map[string]any:
		out := Tree{fields: make(map[string]Tree, len(v))}
		for k, child := range v {
			t, err := ParseTree(child)
			if err != nil {
				return out, fmt.Errorf("%s: %w", k, err)
			}
			out.fields[k] = t
		}
		return out, nil
	case []any:
		out := Tree{items: make([]Tree, 0, len(v))}
		for i, child := range v {
			t, err := ParseTree(child)
			if err != nil {
				return out, fmt.Errorf("item %d: %w", i+1, err)
			}
			out.items = append(out.items, t)
		}
		return out, nil
	}
	return Tree{plain: v}, nil
}

// Value fills the tree. What has no value is left out; it reports false if that
// is all of it.
func (t Tree) Value(s Scope) (any, bool) {
	switch {
	case t.isText:
		return t.text.Value(s)
	case t.fields != nil:
		out := make(map[string]any, len(t.fields))
		for k, child := range t.fields {
			if v, ok := child.Value(s); ok {
				out[k] = v
			}
		}
		return out, len(out) > 0 || len(t.fields) == 0
	case t.items != nil:
		out := make([]any, 0, len(t.items))
		for _, child := range t.items {
			if v, ok := child.Value(s); ok {
				out = append(out, v)
			}
		}
		return out, len(out) > 0 || len(t.items) == 0
	}
	return t.plain, t.plain != nil
}

// Paths lists the paths that the tree names, in no order.
func (t Tree) Paths() []string {
	out := t.text.Paths()
	for _, child := range t.fields {
		out = append(out, child.Paths()...)
	}
	for _, child := range t.items {
		out = append(out, child.Paths()...)
	}
	return out
}
