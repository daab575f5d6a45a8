package sample_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/sample"
)

func TestResolve(t *testing.T) {
	output := func(operation string) (json.RawMessage, error) {
		if operation != "make" {
			return nil, errors.New("there is no " + operation)
		}
		return json.RawMessage(`{"id": "a1", "n": 12345678901234567890, "list": [{"id": "b2"}], "on": true}`), nil
	}
	for in, want := range map[string]string{
		`{"id": "{{make.id}}"}`:                          `{"id": "a1"}`,
		`{"n": "{{make.n}}", "on": "{{ make.on }}"}`:     `{"n": 12345678901234567890, "on": true}`,
		`{"deep": [{"x": "{{make.list.0.id}}"}]}`:        `{"deep": [{"x": "b2"}]}`,
		`{"text": "Item {{make.id}} of {{make.n}}."}`:    `{"text": "Item a1 of 12345678901234567890."}`,
		`{"all": "{{make.list}}"}`:                       `{"all": [{"id": "b2"}]}`,
		`{"plain": "{{not a reference}}", "null": null}`: `{"plain": "{{not a reference}}", "null": null}`,
	} {
		got, err := sample.Resolve(json.RawMessage(in), output)
		require.NoError(t, err, in)
		require.JSONEq(t, want, string(got), in)
	}
	for in, why := range map[string]string{
		`{"id": "{{make.name}}"}`:      "{{make.name}}: the output has no such field",
		`{"id": "{{make.list.7.id}}"}`: "the list has no item 7",
		`{"id": "x {{lose.id}}"}`:      "there is no lose",
		`{"id"`:                        "not JSON",
	} {
		_, err := sample.Resolve(json.RawMessage(in), output)
		require.ErrorContains(t, err, why, in)
	}
	require.Equal(t, []string{"make", "find"}, sample.References(json.RawMessage(`{"a": "{{make.id}} {{find.id}}", "b": "{{make.n}}"}`)))
}
