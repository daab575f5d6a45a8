package connectortest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

// golden: the manifest is the recorded one. A change that would break a flow
// that uses the connector is named, and -update does not record it.
func (s Subject) golden(p *Probe) {
	if conn := s.connType(); conn != nil {
		require.Equal(p, conn.Implements(reflect.TypeFor[sdk.Understander]()), s.Connector.Understands,
			"Connector.Understands must say whether connections are an sdk.Understander: flows may then name it among their engines")
	}
	file := filepath.Join(s.Dir, "testdata", "manifest.json")
	now := manifest.Of(s.Connector)
	text, err := json.MarshalIndent(now, "", "  ")
	require.NoError(p, err)
	text = append(text, '\n')
	recorded, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(p, err)
		var before manifest.Manifest
		require.NoError(p, json.Unmarshal(recorded, &before), "%s is not readable", file)
		if broken := manifest.Breaks(before, now); len(broken) > 0 {
			p.Errorf("the manifest breaks those who use the recorded one (%s):\n\t%s\nIf it must, delete the file and run again with -update",
				file, strings.Join(broken, "\n\t"))
			return
		}
	}
	if update() {
		require.NoError(p, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(p, os.WriteFile(file, text, 0o644))
		return
	}
	require.Equal(p, string(recorded), string(text), "%s is not the connector's manifest: look at the change and run with -update", file)
}

// settings: every configuration has base_url and webhook_secret, a secret; all
// are explained; and one with an unknown or mistyped setting is refused.
func (s Subject) settings(p *Probe) {
	var schema struct {
		Properties map[string]struct {
			Type, Description string
			WriteOnly         bool
		}
	}
	require.NoError(p, json.Unmarshal(manifest.Schema(reflect.TypeOf(s.Connector.Config)), &schema))
	for _, name := range []string{"base_url", "webhook_secret"} {
		require.Contains(p, schema.Properties, name, "every configuration has the setting")
	}
	require.True(p, schema.Properties["webhook_secret"].WriteOnly, `webhook_secret must be tagged secret:"true"`)
	for name, property := range schema.Properties {
		require.NotEmpty(p, property.Description, "the setting %s is without a doc tag", name)
	}
	config := map[string]any{}
	if s.Fake.Account != nil {
		require.NoError(p, json.Unmarshal(s.Fake.Account("http://127.0.0.1:9", secret), &config))
	}
	for name := range schema.Properties {
		s.refusesSetting(p, config, name, map[string]any{"wrong": []any{}})
	}
	s.refusesSetting(p, config, "parley_no_such_setting", 1)
}

// refusesSetting opens the connector with one setting changed. A map with strings
// that is given a list in one is mistyped as well.
func (s Subject) refusesSetting(p *Probe, config map[string]any, name string, value any) {
	spoiled := map[string]any{}
	for k, v := range config {
		spoiled[k] = v
	}
	spoiled[name] = value
	_, err := s.Connector.Open(sdk.JSONBody(spoiled), s.host(options{}))
	if err == nil {
		p.Errorf("the setting %s is accepted with a wrong type, or is unknown", name)
		return
	}
	if e := seamError(p, err); e.Class != sdk.Invalid {
		p.Errorf("a wrong setting %s is refused as %s, not as invalid", name, e.Class)
	}
}
