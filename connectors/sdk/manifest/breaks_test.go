package manifest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/manifest"
)

// TestBreaks: what takes something from those who use a connector is named, and
// what only adds is not.
func TestBreaks(t *testing.T) {
	const before = `{"type": "object", "required": ["a"], "properties": {
		"a": {"type": "string"}, "b": {"type": "integer"}, "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}}}}`
	for name, test := range map[string]struct{ after, input, output string }{
		"the same":        {before, "", ""},
		"a field more":    {`{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {}, "list": true}}`, "", "list was of type array and is now any"},
		"a field gone":    {`{"type": "object", "properties": {"a": {"type": "string"}, "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}}}}`, "b is gone", "b is gone"},
		"now required":    {`{"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "list": {}}}`, "b is now required", "list was of type array and is now any"},
		"another type":    {`{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}}}}`, "b was of type integer and is now string", "b was of type integer and is now string"},
		"an item's field": {`{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "list": {"type": "array", "items": {"type": "object"}}}}`, "list[].x is gone", "list[].x is gone"},
		"values listed":   {`{"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}, "b": {"type": "integer"}, "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}}}}`, "a now accepts a few values only", ""},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(input, output string) manifest.Manifest {
				return manifest.Manifest{Operations: []manifest.Operation{{Name: "do", Input: json.RawMessage(input), Output: json.RawMessage(output)}}}
			}
			var want []string
			if test.input != "" {
				want = []string{"input of do: " + test.input}
			}
			require.Equal(t, want, manifest.Breaks(of(before, before), of(test.after, before)))
			want = nil
			if test.output != "" {
				want = []string{"output of do: " + test.output}
			}
			require.Equal(t, want, manifest.Breaks(of(before, before), of(before, test.after)))
		})
	}
}
