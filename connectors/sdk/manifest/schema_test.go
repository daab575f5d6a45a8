package manifest_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/manifest"
)

type inner struct {
	Token string `json:"token" secret:"true" doc:"Opens it."`
}

// either reads a string or a list.
type either []string

func (e *either) UnmarshalJSON([]byte) error { return nil }

type sample struct {
	Name   string            `json:"name" doc:"Who."`
	Count  int               `json:"count,omitempty"`
	Parts  []inner           `json:"parts,omitempty"`
	Inner  inner             `json:"inner"`
	Either either            `json:"either,omitempty" doc:"One or many."`
	Any    json.RawMessage   `json:"any,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	hidden string
}

func TestSchema(t *testing.T) {
	_ = sample{}.hidden
	require.JSONEq(t, `{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type": "object", "additionalProperties": false, "required": ["name", "inner"],
		"properties": {
			"name": {"type": "string", "description": "Who."},
			"count": {"type": "integer"},
			"parts": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["token"],
				"properties": {"token": {"type": "string", "description": "Opens it.", "writeOnly": true, "format": "password"}}}},
			"inner": {"type": "object", "additionalProperties": false, "required": ["token"],
				"properties": {"token": {"type": "string", "description": "Opens it.", "writeOnly": true, "format": "password"}}},
			"either": {"description": "One or many."},
			"any": true,
			"labels": {"type": "object", "additionalProperties": {"type": "string"}}
		}}`, string(manifest.Schema(reflect.TypeFor[*sample]())))
}
