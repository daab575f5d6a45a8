// Package declared makes connectors out of data: a folder with a connector.yaml
// becomes an [sdk.Connector] at run time, without Go.
//
// A folder holds connector.yaml (see [Definition]), optionally JSON files with
// schemas that it names, and optionally overrides.yaml, which is laid over
// connector.yaml key by key (null removes) so that a generated one can be made
// anew without losing what was changed by hand.
//
// Package hook verifies its webhooks, package template is the language of its
// texts, and package openapi makes such folders of OpenAPI documents.
package declared

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"parley/connectors/sdk"
)

// The files of a folder.
const (
	File          = "connector.yaml"
	OverridesFile = "overrides.yaml"
)

// Load reads the connectors of a folder: of the folder itself if it has a
// connector.yaml, and of the folders right beneath it that have one. The empty
// name has none. Errors name the file.
func Load(dir string) ([]sdk.Connector, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("connectors: %w", err)
	}
	candidates := []string{dir}
	for _, e := range entries {
		candidates = append(candidates, filepath.Join(dir, e.Name()))
	}
	var out []sdk.Connector
	for _, folder := range candidates {
		if _, err := os.Stat(filepath.Join(folder, File)); err != nil {
			continue
		}
		c, err := Read(os.DirFS(folder))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(folder, File), err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("connectors: neither %s nor a folder in it has a %s", dir, File)
	}
	return out, nil
}

// Add returns a list with the connectors of a folder added, sorted by name. A name
// may stand once only.
func Add(list []sdk.Connector, dir string) ([]sdk.Connector, error) {
	more, err := Load(dir)
	if err != nil {
		return nil, err
	}
	out := slices.Concat(list, more)
	slices.SortStableFunc(out, func(a, b sdk.Connector) int { return strings.Compare(a.Name, b.Name) })
	for i := range len(out) - 1 {
		if out[i].Name == out[i+1].Name {
			return nil, fmt.Errorf("connectors: %s: there is already a connector %q; give it another name", dir, out[i].Name)
		}
	}
	return out, nil
}

// Read makes the connector of one folder.
func Read(fsys fs.FS) (sdk.Connector, error) {
	d, err := readDefinition(fsys)
	if err != nil {
		return sdk.Connector{}, err
	}
	return Build(d, fsys)
}

func readDefinition(fsys fs.FS) (Definition, error) {
	var d Definition
	raw, err := fs.ReadFile(fsys, File)
	if err != nil {
		return d, err
	}
	over, err := fs.ReadFile(fsys, OverridesFile)
	switch {
	case err == nil:
		if raw, err = overlay(raw, over); err != nil {
			return d, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return d, err
	}
	if err := yaml.UnmarshalWithOptions(raw, &d, yaml.Strict()); err != nil {
		return d, errors.New(yaml.FormatError(err, false, false))
	}
	return d, nil
}

// overlay lays one YAML document over another.
func overlay(raw, over []byte) ([]byte, error) {
	var below, above any
	if err := yaml.Unmarshal(raw, &below); err != nil {
		return nil, errors.New(yaml.FormatError(err, false, false))
	}
	if err := yaml.Unmarshal(over, &above); err != nil {
		return nil, fmt.Errorf("%s: %s", OverridesFile, yaml.FormatError(err, false, false))
	}
	if above == nil { // comments only
		return raw, nil
	}
	merged, err := json.Marshal(lay(below, above)) // JSON is YAML, and read faster
	if err != nil {
		return nil, fmt.Errorf("%s: %w", OverridesFile, err)
	}
	return merged, nil
}

// lay merges mappings key by key; null removes a key, all else replaces.
func lay(below, above any) any {
	b, ok1 := below.(map[string]any)
	a, ok2 := above.(map[string]any)
	if !ok1 || !ok2 {
		return above
	}
	for k, v := range a {
		if v == nil {
			delete(b, k)
			continue
		}
		b[k] = lay(b[k], v)
	}
	return b
}
