package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"parley/connectors/declared"
	"parley/connectors/sdk"
)

// mostOutput and deepestOutput bound the schema of an output, in schemas and in
// levels: what lies beyond is open. An input keeps all.
const (
	mostOutput    = 200
	deepestOutput = 5
)

// reached gives the definitions that a tree refers to, directly or not.
func (c *converter) reached(v any) object {
	out := object{}
	open := []any{v}
	for len(open) > 0 {
		v := open[len(open)-1]
		open = open[:len(open)-1]
		switch v := v.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, "#/$defs/")
				if def := c.defs[name]; def != nil && out[name] == nil {
					out[name] = def
					open = append(open, def)
				}
			}
			for _, child := range v {
				open = append(open, child)
			}
		case []any:
			open = append(open, v...)
		}
	}
	return out
}

// alone is a schema with the definitions that it needs.
func (c *converter) alone(s object) object {
	out := make(object, len(s)+1)
	for k, v := range s {
		out[k] = v
	}
	if defs := c.reached(s); len(defs) > 0 {
		out["$defs"] = defs
	}
	return out
}

// output is the schema of an operation's output: an object, whose references are
// followed as far as there is room.
func (c *converter) output(answer any) any {
	if c.isList(answer) {
		answer = object{"type": "object", "properties": object{"items": answer}}
	}
	room := mostOutput
	return c.inline(answer, &room, 0)
}

// inline writes a schema without references, level by level until there is no more
// room.
func (c *converter) inline(v any, room *int, depth int) any {
	s := c.resolve(v)
	if s == nil {
		if list, ok := v.([]any); ok {
			out := make([]any, len(list))
			for i, item := range list {
				out[i] = c.inline(item, room, depth)
			}
			return out
		}
		return v
	}
	if *room--; *room <= 0 || depth > deepestOutput {
		out := object{}
		if t := s["type"]; t != nil {
			out["type"] = t
		}
		return out
	}
	out := object{}
	for _, k := range slices.Sorted(maps.Keys(s)) {
		child := s[k]
		switch k {
		case "properties", "patternProperties", "dependentSchemas":
			m := object{}
			for _, name := range slices.Sorted(maps.Keys(sub(s, k))) {
				m[name] = c.inline(sub(s, k)[name], room, depth+1)
			}
			out[k] = m
		case "items", "additionalProperties", "not", "contains", "anyOf", "oneOf", "allOf", "prefixItems", "if", "then", "else", "propertyNames", "unevaluatedItems":
			out[k] = c.inline(child, room, depth+1)
		default:
			out[k] = child
		}
	}
	return out
}

// fits counts the forms that a value has.
func (c *converter) fits(v any, forms []any) (n int) {
	raw, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	for _, f := range forms {
		wrapped := c.alone(object{"type": "object", "properties": object{"v": f}})
		if _, err := declared.NewCheck(sdk.JSONBody(wrapped)).Object(json.RawMessage(`{"v":` + string(raw) + `}`)); err == nil {
			n++
		}
	}
	return n
}
