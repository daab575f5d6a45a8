package connectors_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	jsonschema "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/connectors"
	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

// TestManifests holds what every connector promises in its manifest.
func TestManifests(t *testing.T) {
	all := connectors.All()
	require.True(t, slices.IsSortedFunc(all, func(a, b sdk.Connector) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) }))
	names := map[string]bool{}
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			require.Regexp(t, `^[a-z][a-z0-9]*$`, c.Name)
			require.False(t, names[c.Name], "the name is taken")
			names[c.Name] = true
			require.NotEmpty(t, c.Title)
			found, ok := connectors.Get(c.Name)
			require.True(t, ok)
			require.Equal(t, c.Title, found.Title)
			checkOperations(t, c)
			if c.Channel == nil {
				return
			}
			checkEffect(t, c.Channel.Effect)
		})
	}
	_, ok := connectors.Get("nobody")
	require.False(t, ok)
}

func checkOperations(t *testing.T, c sdk.Connector) {
	ops := map[string]bool{}
	for _, o := range c.Operations {
		require.Regexp(t, `^[a-z][a-z0-9_]*$`, o.Name)
		require.False(t, ops[o.Name], "operation %s stands twice", o.Name)
		ops[o.Name] = true
		require.NotEmpty(t, o.Summary, o.Name)
		checkEffect(t, o.Effect)
	}
	for _, tr := range c.Triggers {
		require.Regexp(t, regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`), tr.Name)
		require.NotEmpty(t, tr.Summary, tr.Name)
		require.NotEmpty(t, tr.Source, tr.Name)
	}
}

func checkEffect(t *testing.T, e sdk.Effect) {
	require.Contains(t, []sdk.EffectKind{sdk.Read, sdk.Keyed, sdk.Lookup, sdk.Once}, e.Kind)
	require.Equal(t, e.Kind == sdk.Keyed, e.KeyLifetime > 0, "a key lifetime belongs to keyed")
	require.True(t, e.Kind == sdk.Lookup || e.Settle == 0, "settle belongs to lookup")
}

func TestEverySchemaIsValid(t *testing.T) {
	compile := func(name string, raw json.RawMessage) {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		require.NoError(t, err, name)
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		require.NoError(t, c.AddResource("mem:"+name, doc))
		_, err = c.Compile("mem:" + name)
		require.NoError(t, err, name)
	}
	for _, c := range connectors.All() {
		d := manifest.Of(c)
		compile(d.Name+"/config", d.Config)
		for _, o := range d.Operations {
			compile(d.Name+"/"+o.Name+"/input", o.Input)
			compile(d.Name+"/"+o.Name+"/output", o.Output)
		}
		for _, tr := range d.Triggers {
			if tr.Payload != nil {
				compile(d.Name+"/"+tr.Name, tr.Payload)
			}
		}
	}
}
