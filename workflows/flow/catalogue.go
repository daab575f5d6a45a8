package flow

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"parley/connectors/sdk"
)

// Catalogue tells what can be called: operations by the connector's and their
// own name. Connectors that it does not name are reported as unknown, unless it
// is empty: then nothing is known and calls are not checked. The engine's own
// operations ("parley") are always known.
type Catalogue map[string]map[string]Operation

// Operation is what a flow needs to know of one.
type Operation struct {
	// Effect tells whether it changes anything.
	Effect sdk.EffectKind
	// Input and Output are JSON Schemas of objects; empty where not known.
	Input, Output json.RawMessage
}

// engineOperations are those of the engine itself, which need no connection.
var engineOperations = Catalogue{"parley": {
	"case_list": {Effect: sdk.Read,
		Input: json.RawMessage(`{"type":"object","properties":{"kind":{"type":"string"}},"required":["kind"],"additionalProperties":false}`)},
	"contact_tag": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"tag":{"type":"string"},"remove":{"type":"boolean"}},"required":["tag"],"additionalProperties":false}`)},
	"contact_consent": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"purpose":{"type":"string"},"granted":{"type":"boolean"}},"required":["purpose"],"additionalProperties":false}`)},
	"contact_remember": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"values":{"type":"object"},"consented":{"type":"boolean"}},"required":["values"],"additionalProperties":false}`)},
	"contact_language": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"language":{"type":"string"}},"required":["language"],"additionalProperties":false}`)},
	"slots": {Effect: sdk.Read,
		Input: json.RawMessage(`{"type":"object","properties":{"calendar":{"type":"string"},"from":{"type":"string"},"limit":{"type":"integer"}},"required":["calendar"],"additionalProperties":false}`)},
	"book": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"calendar":{"type":"string"},"start":{"type":"string"}},"required":["calendar","start"],"additionalProperties":false}`)},
	"booking_move": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"booking_id":{"type":"string"},"start":{"type":"string"}},"required":["booking_id","start"],"additionalProperties":false}`)},
	"booking_cancel": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"booking_id":{"type":"string"}},"required":["booking_id"],"additionalProperties":false}`)},
	"booking_list": {Effect: sdk.Read,
		Input: json.RawMessage(`{"type":"object","properties":{"calendar":{"type":"string"}},"additionalProperties":false}`)},
	"case_signal": {Effect: sdk.Keyed,
		Input: json.RawMessage(`{"type":"object","properties":{"case_id":{"type":"string"},"signal":{"type":"string"}},"required":["case_id","signal"],"additionalProperties":false}`)},
}}

// find gives an operation, or what is wrong with its name.
func (c Catalogue) find(o operation) (Operation, string) {
	operations, ok := c[o.connector]
	if !ok {
		operations, ok = engineOperations[o.connector]
	}
	if !ok {
		if len(c) == 0 {
			return Operation{Effect: sdk.Read}, ""
		}
		names := append(slices.Collect(maps.Keys(c)), "parley")
		return Operation{}, "there is no connector " + quote(o.connector) + didYouMean(o.connector, names)
	}
	op, ok := operations[o.name]
	if !ok {
		return Operation{}, o.connector + " has no operation " + quote(o.name) +
			didYouMean(o.name, slices.Collect(maps.Keys(operations)))
	}
	return op, ""
}

func quote(s string) string { return `"` + s + `"` }

// objectSchema is the part of a JSON Schema that inputs are checked against.
type objectSchema struct {
	Ref         string                     `json:"$ref"`
	Defs        map[string]json.RawMessage `json:"$defs"`
	Properties  map[string]json.RawMessage `json:"properties"`
	Required    []string                   `json:"required"`
	Additional  json.RawMessage            `json:"additionalProperties"`
	Definitions map[string]json.RawMessage `json:"definitions"`
}

// readSchema reads a schema; a reference to one of its own definitions is
// followed. It reports false for what it does not understand.
func readSchema(raw json.RawMessage) (objectSchema, bool) {
	var s objectSchema
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return s, false
	}
	if s.Ref == "" {
		return s, s.Properties != nil
	}
	name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	def, ok := s.Defs[name]
	if !ok {
		def = s.Definitions[name]
	}
	var out objectSchema
	if json.Unmarshal(def, &out) != nil {
		return out, false
	}
	return out, out.Ref == "" && out.Properties != nil
}

// input checks a call's arguments against the operation's schema.
func (c *linter) input(o operation, with *arguments, op Operation) {
	schema, ok := readSchema(op.Input)
	if !ok {
		return
	}
	given := map[string]bool{}
	known := slices.Collect(maps.Keys(schema.Properties))
	if with != nil {
		for i, key := range with.keys {
			given[key] = true
			if _, ok := schema.Properties[key]; !ok && string(schema.Additional) == "false" {
				c.fail(with.items[i].pos, "%s.%s takes no %q%s", o.connector, o.name, clip(key, 40), didYouMean(key, known))
			}
		}
	}
	for _, name := range schema.Required {
		if !given[name] {
			c.fail(o.pos, "%s.%s needs %q in \"with\"", o.connector, o.name, name)
		}
	}
}
