package openapi

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// converter turns schemas of a document into JSON Schema, draft 2020-12. Each
// named one is converted once and referred to.
type converter struct {
	doc  *document
	defs object
	name map[string]string // of references
	// broken are the definitions that refer outside, or nowhere, and why.
	broken map[string]error
	err    error
	// contradictions are what was left out because no value could satisfy it.
	contradictions map[string]bool
}

func newConverter(d *document) *converter {
	return &converter{doc: d, defs: object{}, name: map[string]string{}, broken: map[string]error{}, contradictions: map[string]bool{}}
}

// keep are the keywords that mean the same in both and matter for checking.
var keep = []string{"enum", "const", "format", "minimum", "maximum", "multipleOf", "minLength", "maxLength",
	"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "readOnly", "writeOnly", "contentEncoding", "contentMediaType"}

// nested are keywords that hold one schema, many those that hold lists, named those
// that hold maps of them.
var (
	nested = []string{"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else", "unevaluatedItems"}
	many   = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	named  = []string{"properties", "patternProperties", "dependentSchemas"}
	types  = []string{"null", "boolean", "object", "array", "number", "string", "integer"}
)

// schema converts one schema. What cannot be understood is open to anything; the
// first reason stays in c.err.
func (c *converter) schema(v any) any {
	if b, ok := v.(bool); ok {
		return b
	}
	s, ok := v.(object)
	if !ok {
		return object{}
	}
	if ref, ok := s["$ref"].(string); ok {
		return c.reference(ref, s)
	}
	out := object{}
	for _, k := range keep {
		if v, ok := s[k]; ok && v != nil {
			out[k] = numeric(k, v)
		}
	}
	if d := text(s, "description"); d != "" {
		out["description"] = firstSentence(d)
	}
	for _, k := range nested {
		if v, ok := s[k]; ok {
			out[k] = c.schema(v)
		}
	}
	for _, k := range many {
		if l := list(s, k); len(l) > 0 {
			schemas := make([]any, len(l))
			for i, v := range l {
				schemas[i] = c.schema(v)
			}
			out[k] = schemas
		}
	}
	for _, k := range named {
		if m, ok := s[k].(object); ok {
			schemas := make(object, len(m))
			for name, v := range m {
				schemas[name] = c.schema(v)
			}
			out[k] = schemas
		}
	}
	c.types(s, out)
	c.bounds(s, out)
	c.required(s, out)
	c.pattern(text(s, "pattern"), out)
	return out
}

// numeric reads the bounds that YAML gives as a text, as they are beyond 64 bits.
func numeric(keyword string, v any) any {
	s, ok := v.(string)
	if !ok || !strings.HasSuffix(strings.ToLower(keyword), "imum") {
		return v
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f
	}
	return v
}

// reference converts what is referred to, once, and refers to it.
func (c *converter) reference(ref string, s object) any {
	name, ok := c.name[ref]
	if !ok {
		target, err := c.doc.at(ref)
		if err != nil {
			c.fail(err)
			return object{}
		}
		name = c.free(ref)
		c.name[ref] = name
		before := c.err
		c.err = nil
		c.defs[name] = object{} // for those that come back to it
		c.defs[name] = c.schema(target)
		c.broken[name], c.err = c.err, before
	}
	if err := c.broken[name]; err != nil {
		c.fail(err)
	}
	out := object{"$ref": "#/$defs/" + name}
	if nullable, _ := s["nullable"].(bool); nullable {
		return object{"anyOf": []any{out, object{"type": "null"}}}
	}
	return out
}

func (c *converter) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// free is a name for a definition that none has yet.
func (c *converter) free(ref string) string {
	base := unsafe.ReplaceAllString(ref[strings.LastIndex(ref, "/")+1:], "_")
	name := base
	for i := 2; c.defs[name] != nil; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	return name
}

// types reads type and, of 3.0, nullable.
func (c *converter) types(s, out object) {
	var found []any
	switch t := s["type"].(type) {
	case string:
		if slices.Contains(types, t) {
			found = []any{t}
		}
	case []any:
		for _, v := range t {
			if t, ok := v.(string); ok && slices.Contains(types, t) {
				found = append(found, t)
			}
		}
	}
	nullable, _ := s["nullable"].(bool)
	if nullable && len(found) > 0 && !slices.Contains(found, any("null")) {
		found = append(found, "null")
		if enum, ok := out["enum"].([]any); ok && !slices.Contains(enum, nil) {
			out["enum"] = append(slices.Clone(enum), nil)
		}
	}
	switch len(found) {
	case 0:
	case 1:
		out["type"] = found[0]
	default:
		out["type"] = found
	}
}

// bounds reads exclusive bounds, which are flags in 3.0.
func (c *converter) bounds(s, out object) {
	for exclusive, inclusive := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		switch v := s[exclusive].(type) {
		case bool:
			if v && out[inclusive] != nil {
				out[exclusive] = out[inclusive]
				delete(out, inclusive)
			}
		case nil:
		default:
			out[exclusive] = numeric(exclusive, v)
		}
	}
}

// required keeps the names that must be there. What only an answer has is not
// required of a request, and the other way round (OpenAPI 3.0.3, Schema Object,
// "Fixed Fields").
func (c *converter) required(s, out object) {
	properties := sub(s, "properties")
	var names []any
	for _, v := range list(s, "required") {
		name, ok := v.(string)
		p := sub(properties, name)
		if !ok || p["readOnly"] == true || p["writeOnly"] == true || slices.Contains(names, v) {
			continue
		}
		names = append(names, v)
	}
	if len(names) > 0 {
		out["required"] = names
	}
}

// flat gives the properties of a converted schema that is an object and nothing
// else; allOf is merged.
func (c *converter) flat(v any, depth int) (flat object, ok bool) {
	s, ok := v.(object)
	if !ok || depth > 12 {
		return nil, false
	}
	if ref, isRef := s["$ref"].(string); isRef {
		return c.flat(c.defs[strings.TrimPrefix(ref, "#/$defs/")], depth+1)
	}
	for _, k := range []string{"anyOf", "oneOf", "not", "if", "patternProperties", "enum", "const", "propertyNames", "dependentSchemas"} {
		if s[k] != nil {
			return nil, false
		}
	}
	if t := s["type"]; t != nil && t != "object" {
		return nil, false
	}
	properties, required := maps.Clone(sub(s, "properties")), slices.Clone(list(s, "required"))
	additional := s["additionalProperties"]
	for _, part := range list(s, "allOf") {
		p, ok := c.flat(part, depth+1)
		if !ok {
			return nil, false
		}
		for name, v := range sub(p, "properties") {
			if old, twice := properties[name]; twice {
				v = object{"allOf": []any{old, v}}
			}
			properties[name] = v
		}
		required = append(required, list(p, "required")...)
		if additional == nil {
			additional = p["additionalProperties"]
		}
	}
	if len(properties) == 0 {
		return nil, false
	}
	return object{"properties": properties, "required": required, "additionalProperties": additional}, true
}

// mostDescription is how long a description may be in a connector.
const mostDescription = 240

func firstSentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if i := strings.Index(s, ". "); i > 0 {
		s = s[:i+1]
	}
	if r := []rune(s); len(r) > mostDescription {
		s = string(r[:mostDescription-1]) + "…"
	}
	return s
}
