package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// deepestSample bounds recursion: a schema that requires itself has no sample.
const deepestSample = 24

// sample makes up an input that fits a schema, with as little as it requires. It
// reports false if it knows none.
func (c *converter) sample(schema any) (any, bool) { return c.made(schema, 0) }

func (c *converter) made(schema any, depth int) (any, bool) {
	if b, ok := schema.(bool); ok {
		return "x", b
	}
	s := c.resolve(schema)
	if depth > deepestSample {
		return nil, false
	}
	s = c.merged(s, depth)
	if v, ok := s["const"]; ok {
		return v, true
	}
	if enum := list(s, "enum"); len(enum) > 0 {
		return enum[0], true
	}
	for _, k := range []string{"oneOf", "anyOf"} {
		if forms := list(s, k); len(forms) > 0 {
			return c.form(s, k, forms, depth)
		}
	}
	switch c.kind(s) {
	case "object":
		return c.object(s, depth)
	case "array":
		return c.list(s, depth)
	case "string":
		return textFor(s)
	case "integer", "number":
		return numberFor(s)
	case "boolean":
		return true, true
	case "null":
		return nil, true
	}
	return "x", true
}

// kind is the type to be made; the first that is not null.
func (c *converter) kind(s object) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		for _, v := range t {
			if v != "null" {
				return fmt.Sprint(v)
			}
		}
	}
	switch {
	case s["properties"] != nil || s["required"] != nil || s["additionalProperties"] != nil || s["minProperties"] != nil:
		return "object"
	case s["items"] != nil:
		return "array"
	case s["minimum"] != nil || s["maximum"] != nil:
		return "number"
	}
	return "string"
}

// merged lays the parts of allOf over a schema.
func (c *converter) merged(s object, depth int) object {
	parts := list(s, "allOf")
	if len(parts) == 0 || depth > deepestSample {
		return s
	}
	out := maps.Clone(s)
	delete(out, "allOf")
	for _, part := range parts {
		p := c.merged(c.resolve(part), depth+1)
		for k, v := range p {
			switch k {
			case "properties":
				m := maps.Clone(sub(out, k))
				for name, child := range sub(p, k) {
					if old, twice := m[name]; twice {
						child = object{"allOf": []any{old, child}}
					}
					m[name] = child
				}
				out[k] = m
			case "required":
				out[k] = append(slices.Clone(list(out, k)), v.([]any)...)
			case "oneOf", "anyOf":
				if out[k] == nil {
					out[k] = v
				}
			default:
				if out[k] == nil {
					out[k] = v
				}
			}
		}
	}
	return out
}

// form makes the first of several forms that can be made, together with what
// stands beside them. Where only one may fit, those that fit fewer come first.
func (c *converter) form(s object, k string, forms []any, depth int) (any, bool) {
	rest := maps.Clone(s)
	delete(rest, k)
	for _, f := range forms {
		if c.resolve(f)["type"] == "null" {
			continue
		}
		both := object{"allOf": []any{rest, f}}
		v, ok := c.made(both, depth+1)
		if ok && (k == "anyOf" || c.fits(v, forms) == 1) {
			return v, true
		}
	}
	// Nothing but required fields may be told apart only by the optional ones.
	for _, f := range forms {
		if v, ok := c.full(f, rest, depth); ok && (k == "anyOf" || c.fits(v, forms) == 1) {
			return v, true
		}
	}
	return nil, false
}

// full makes an object with its optional fields, too, and something in its lists.
func (c *converter) full(f any, rest object, depth int) (any, bool) {
	s := c.merged(object{"allOf": []any{rest, f}}, depth)
	if c.kind(s) != "object" {
		return nil, false
	}
	all := maps.Clone(s)
	properties := maps.Clone(sub(s, "properties"))
	var names []any
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p := c.resolve(properties[name])
		if p["readOnly"] == true {
			continue
		}
		names = append(names, name)
		if p["type"] == "array" {
			properties[name] = object{"allOf": []any{p, object{"minItems": 1}}}
		}
	}
	all["properties"], all["required"] = properties, names
	return c.object(all, depth+8)
}

func (c *converter) object(s object, depth int) (any, bool) {
	out := object{}
	properties := sub(s, "properties")
	for _, v := range list(s, "required") {
		name, _ := v.(string)
		child, ok := properties[name]
		if !ok {
			if child, ok = s["additionalProperties"].(object); !ok {
				child = object{"type": "string"}
			}
		}
		if out[name], ok = c.made(child, depth+1); !ok {
			return nil, false
		}
	}
	least := int(number(s["minProperties"], 0))
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if len(out) >= least {
			break
		}
		if v, ok := c.made(properties[name], depth+1); ok && out[name] == nil {
			out[name] = v
		}
	}
	for n := 1; len(out) < least && n <= least && s["additionalProperties"] != false; n++ {
		v, ok := c.made(s["additionalProperties"], depth+1)
		if !ok {
			return nil, false
		}
		out[fmt.Sprintf("key%d", n)] = v
	}
	return out, true
}

func (c *converter) list(s object, depth int) (any, bool) {
	out := []any{}
	for _, p := range list(s, "prefixItems") {
		v, ok := c.made(p, depth+1)
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	least := int(min(number(s["minItems"], 0), 1000))
	for n := len(out); n < least; n++ {
		v, ok := c.made(s["items"], depth+1)
		if !ok {
			return nil, false
		}
		if s["uniqueItems"] == true && n > 0 {
			v = c.different(s["items"], v, n)
		}
		out = append(out, v)
	}
	return out, true
}

// different makes an item unlike the others.
func (c *converter) different(items, v any, n int) any {
	if enum := list(c.resolve(items), "enum"); len(enum) > n {
		return enum[n]
	}
	switch v := v.(type) {
	case string:
		return v + strings.Repeat("x", n)
	case float64:
		return v + float64(n)
	}
	return v
}

func number(v any, otherwise float64) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	}
	return otherwise
}

func numberFor(s object) (any, bool) {
	step := 1.0
	if m := number(s["multipleOf"], 0); m > 0 {
		step = m
	}
	low := number(s["minimum"], math.Inf(-1))
	if e := number(s["exclusiveMinimum"], math.Inf(-1)); e >= low {
		low = math.Nextafter(e, math.Inf(1))
	}
	high := number(s["maximum"], math.Inf(1))
	if e := number(s["exclusiveMaximum"], math.Inf(1)); e <= high {
		high = math.Nextafter(e, math.Inf(-1))
	}
	v := step // a natural number, where it may be
	if v < low {
		v = math.Ceil(low/step) * step
	}
	if v > high {
		if v = math.Floor(high/step) * step; v < low && s["type"] == "number" {
			v = low + (high-low)/2
		}
	}
	return v, v >= low && v <= high
}

var formats = map[string]string{
	"date-time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "time": "03:04:05Z", "duration": "PT1H",
	"uuid": "123e4567-e89b-42d3-a456-426614174000", "email": "someone@example.com", "idn-email": "someone@example.com",
	"uri": "https://example.com/", "url": "https://example.com/", "uri-reference": "https://example.com/", "iri": "https://example.com/",
	"hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "eA==", "binary": "eA==", "base64": "eA==",
	"phone": "+15550001111", "regex": "x", "json-pointer": "/x",
}

func textFor(s object) (any, bool) {
	v, known := formats[text(s, "format")]
	if s["contentEncoding"] == "base64" {
		v, known = "eA==", true
	}
	low, high := int(min(number(s["minLength"], 0), 1<<16)), int(min(number(s["maxLength"], math.MaxInt32), math.MaxInt32))
	if p := text(s, "pattern"); p != "" {
		made, ok := fromPattern(p, low)
		return made, ok && len([]rune(made)) <= high
	}
	if p := text(s, foreignPattern); p != "" {
		return fromForeign(p, low, high)
	}
	if !known {
		v = "x"
	}
	if n := len([]rune(v)); n < low {
		v += strings.Repeat("x", low-n)
	}
	if r := []rune(v); len(r) > high {
		v = string(r[:high])
	}
	return v, true
}
