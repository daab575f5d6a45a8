package declared

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"parley/connectors/sdk"
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// files reads the JSON files of a connector's folder, each once.
type files struct {
	fsys fs.FS
	read map[string]map[string]any
}

// resolve gives what stands in the YAML, or in the file that it names.
// defs are the definitions beside it.
func (f *files) resolve(v any) (value any, defs map[string]any, err error) {
	ref, ok := v.(string)
	if !ok {
		return v, nil, nil
	}
	name, pointer, _ := strings.Cut(ref, "#")
	doc, err := f.file(name)
	if err != nil {
		return nil, nil, err
	}
	value = doc
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if part == "" {
			continue
		}
		m, _ := value.(map[string]any)
		if value, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]; !ok {
			return nil, nil, fmt.Errorf("%s has no %s", name, pointer)
		}
	}
	defs, _ = doc["$defs"].(map[string]any)
	return value, defs, nil
}

func (f *files) file(name string) (map[string]any, error) {
	if doc, ok := f.read[name]; ok {
		return doc, nil
	}
	if f.fsys == nil || !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q does not name a file of the connector's folder", name)
	}
	raw, err := fs.ReadFile(f.fsys, name)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", name, err)
	}
	f.read[name] = doc
	return doc, nil
}

// schema gives an object's schema that stands alone: with those definitions of its
// file that it reaches. Where nothing is declared, anything may be there.
func (f *files) schema(v any) (map[string]any, error) {
	v, defs, err := f.resolve(v)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return map[string]any{"$schema": dialect, "type": "object"}, nil
	}
	s, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("a schema must be an object")
	}
	s = maps.Clone(s)
	s["$schema"] = dialect
	if reached := reach(s, defs); len(reached) > 0 {
		s["$defs"] = reached
	}
	return s, nil
}

const defsRef = "#/$defs/"

// reach gives the definitions that a schema refers to, directly or not.
func reach(schema any, defs map[string]any) map[string]any {
	out := map[string]any{}
	open := []any{schema}
	for len(open) > 0 {
		v := open[len(open)-1]
		open = open[:len(open)-1]
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && strings.HasPrefix(ref, defsRef) {
				name := ref[len(defsRef):]
				if def, ok := defs[name]; ok && out[name] == nil {
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

// Check is a compiled JSON Schema. It is compiled when it is first used and is
// safe for concurrent use.
type Check struct {
	raw     json.RawMessage
	compile func() (*jsonschema.Schema, error)
}

// NewCheck takes the schema (draft 2020-12) of an object.
func NewCheck(schema json.RawMessage) *Check {
	return &Check{raw: schema, compile: sync.OnceValues(func() (*jsonschema.Schema, error) {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		if err := c.AddResource("mem:schema", doc); err != nil {
			return nil, err
		}
		return c.Compile("mem:schema")
	})}
}

// Usable tells whether the schema itself is right.
func (c *Check) Usable() error {
	_, err := c.compile()
	return err
}

// Object decodes a JSON object and holds it against the schema. Its errors are of
// class invalid and name fields, never values.
func (c *Check) Object(raw json.RawMessage) (map[string]any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, sdk.Invalidf("the input is not one JSON value")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, sdk.Invalidf("the input must be a JSON object")
	}
	s, err := c.compile()
	if err != nil {
		return nil, &sdk.Error{Class: sdk.Invalid, Message: "the connector's schema cannot be used: mend its connector.yaml", Err: err}
	}
	if err := s.Validate(object); err != nil {
		return nil, &sdk.Error{Class: sdk.Invalid, Message: wording(err)}
	}
	return object, nil
}

// mostProblems is how many problems of an input are told at once.
const mostProblems = 3

func wording(err error) string {
	ve, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return "the input does not fit its schema"
	}
	var all []string
	leaves(ve, func(e *jsonschema.ValidationError) { all = append(all, problem(e)) })
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > mostProblems {
		all = append(all[:mostProblems], fmt.Sprintf("and %d more", len(all)-mostProblems))
	}
	return strings.Join(all, "; ")
}

// leaves visits what is wrong. What fits none of several forms is one problem:
// what each of the forms misses would confuse.
func leaves(e *jsonschema.ValidationError, visit func(*jsonschema.ValidationError)) {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		visit(e)
		return
	}
	if len(e.Causes) == 0 {
		visit(e)
	}
	for _, c := range e.Causes {
		leaves(c, visit)
	}
}

func problem(e *jsonschema.ValidationError) string {
	at := strings.Join(e.InstanceLocation, ".")
	field := func(name string) string {
		if at == "" {
			return fmt.Sprintf("field %q", name)
		}
		return fmt.Sprintf("field %q", at+"."+name)
	}
	here := fmt.Sprintf("field %q", at)
	if at == "" {
		here = "the input"
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return field(k.Missing[0]) + " is missing"
	case *kind.AdditionalProperties:
		return field(k.Properties[0]) + " is not known"
	case *kind.Type:
		return here + " must be " + strings.Join(k.Want, " or ")
	case *kind.Enum, *kind.Const:
		return here + " must be one of the values that the schema lists"
	case *kind.AnyOf, *kind.OneOf:
		return here + " fits none of the forms that it may have, or more than one"
	case *kind.FalseSchema:
		return here + " must not be there"
	}
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		return here + " does not meet " + path[len(path)-1]
	}
	return here + " does not fit its schema"
}
