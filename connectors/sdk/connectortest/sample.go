package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

// reference is {{operation.field}}; the field may be a path, with numbers for
// places in lists: {{search.items.0.id}}.
var reference = regexp.MustCompile(`\{\{\s*([a-z][a-z0-9_]*)\.([A-Za-z0-9_.]+)\s*\}\}`)

// Input is a sample of an operation with its references resolved; see
// [sdk.Operation.Sample]. What Subject.Before prepares is prepared first.
func (r *Rig) Input(op sdk.Operation, sample int) json.RawMessage {
	if before := r.subject.Before[op.Name]; before != nil && r.outputs["before "+op.Name] == nil {
		r.outputs["before "+op.Name] = true
		before(r)
	}
	var v any
	require.NoError(r.t, decodeExact(op.Samples[sample], &v), "sample %d of %s is not JSON", sample, op.Name)
	return sdk.JSONBody(r.resolve(v))
}

func (r *Rig) resolve(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = r.resolve(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = r.resolve(inner)
		}
	case string:
		if m := reference.FindStringSubmatch(v); m != nil && m[0] == v {
			return r.field(m[1], m[2])
		}
		return reference.ReplaceAllStringFunc(v, func(ref string) string {
			m := reference.FindStringSubmatch(ref)
			return fmt.Sprint(r.field(m[1], m[2]))
		})
	}
	return v
}

func (r *Rig) field(name, path string) any {
	var v any = r.Output(name)
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			require.True(r.t, err == nil && i >= 0 && i < len(in), "{{%s.%s}}: the list has no item %s", name, path, part)
			v = in[i]
		default:
			v = nil
		}
	}
	require.NotNil(r.t, v, "{{%s.%s}}: the output has no such field", name, path)
	return v
}

// decodeExact keeps numbers as they are written.
func decodeExact(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

// fits holds a JSON value against the schema of a Go type.
func fits(t *Probe, typ reflect.Type, raw json.RawMessage, what string) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(manifest.Schema(typ)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	require.NoError(t, c.AddResource("mem:schema", doc))
	schema, err := c.Compile("mem:schema")
	require.NoError(t, err, "the schema of %s", what)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err, "%s is not JSON", what)
	require.NoError(t, schema.Validate(value), "%s does not fit its schema", what)
}
