package connectortest

import (
	"bytes"
	"encoding/json"
	"reflect"

	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
	"parley/connectors/sdk/sample"
)

// Input is a sample of an operation with its references resolved; see
// [sdk.Operation.Sample]. What Subject.Before prepares is prepared first.
func (r *Rig) Input(op sdk.Operation, which int) json.RawMessage {
	if before := r.subject.Before[op.Name]; before != nil && r.outputs["before "+op.Name] == nil {
		r.outputs["before "+op.Name] = true
		before(r)
	}
	input, err := sample.Resolve(op.Samples[which], func(name string) (json.RawMessage, error) {
		return sdk.JSONBody(r.Output(name)), nil
	})
	require.NoError(r.t, err, "sample %d of %s", which, op.Name)
	return input
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
