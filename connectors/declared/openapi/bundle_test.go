package openapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"parley/connectors/declared/openapi"
)

func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// bundled is the bundle of main.yaml and what it could not follow.
func bundled(t *testing.T, files map[string]string) (map[string]any, map[string]string) {
	t.Helper()
	raw, notes, err := openapi.Bundle(folder(files), "main.yaml")
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(raw, &doc), "%s", raw)
	left := map[string]string{}
	for _, n := range notes {
		left[n.Where] = n.Why
	}
	return doc, left
}

func asJSON(t *testing.T, want string, doc map[string]any, path ...string) {
	t.Helper()
	var v any = doc
	for _, p := range path {
		v = v.(map[string]any)[p]
	}
	got, err := json.Marshal(v)
	require.NoError(t, err)
	require.JSONEq(t, want, string(got))
}

func TestBundleFollowsReferencesToFiles(t *testing.T) {
	doc, left := bundled(t, map[string]string{
		"main.yaml": `
openapi: 3.0.3
paths:
  /a: {$ref: "paths/a.yaml"}
components:
  schemas:
    User: {description: its own}
    Own: {$ref: "./users.json#/components/schemas/User"}
    Kind: {oneOf: [], discriminator: {propertyName: kind, mapping: {user: "users.json#/components/schemas/User", own: Own}}}
    Deep: {$ref: "users.json#/components/schemas/User/properties/boss%20name"}
`,
		"paths/a.yaml": `
get:
  parameters: [{$ref: "../users.json#/components/parameters/page"}]
  responses: {default: {$ref: "more/answers.yaml#/Fine"}}
`,
		"paths/more/answers.yaml": `Fine: {description: fine, content: {application/json: {schema: {$ref: "../../main.yaml#/components/schemas/User"}}}}`,
		"users.json": `{"components": {
			"schemas": {"User": {"properties": {"boss": {"$ref": "#/components/schemas/User"}, "boss name": {"type": "string"}, "team": {"$ref": "team.json#"}}}},
			"parameters": {"page": {"name": "page", "in": "query"}}}}`,
		"team.json": `{"properties": {"members": {"items": {"$ref": "users.json#/components/schemas/User"}}}}`,
	})
	require.Empty(t, left)
	asJSON(t, `{"description": "its own"}`, doc, "components", "schemas", "User")
	asJSON(t, `{"$ref": "#/components/schemas/User_2"}`, doc, "components", "schemas", "Own")
	asJSON(t, `{"$ref": "#/components/schemas/User_2/properties/boss%20name"}`, doc, "components", "schemas", "Deep")
	asJSON(t, `{"user": "#/components/schemas/User_2", "own": "Own"}`, doc, "components", "schemas", "Kind", "discriminator", "mapping")
	asJSON(t, `{"properties": {"boss": {"$ref": "#/components/schemas/User_2"}, "boss name": {"type": "string"}, "team": {"$ref": "#/x-bundled/team"}}}`,
		doc, "components", "schemas", "User_2")
	asJSON(t, `{"properties": {"members": {"items": {"$ref": "#/components/schemas/User_2"}}}}`, doc, "x-bundled", "team")
	asJSON(t, `{"$ref": "#/x-bundled/a"}`, doc, "paths", "/a")
	asJSON(t, `[{"$ref": "#/components/parameters/page"}]`, doc, "x-bundled", "a", "get", "parameters")
	asJSON(t, `{"$ref": "#/x-bundled/Fine"}`, doc, "x-bundled", "a", "get", "responses", "default")
	asJSON(t, `{"$ref": "#/components/schemas/User"}`, doc, "x-bundled", "Fine", "content", "application/json", "schema")
}

func TestBundleTellsWhatItDoesNotFollow(t *testing.T) {
	doc, left := bundled(t, map[string]string{
		"main.yaml": `
openapi: 3.0.3
components:
  schemas:
    Away: {$ref: "https://elsewhere.test/a.json#/X"}
    Out: {$ref: "../secret.json#/X"}
    Up: {$ref: "/etc/passwd"}
    None: {$ref: "none.json"}
    Bad: {$ref: "bad.json#/X"}
    Lost: {$ref: "other.json#/Y"}
    Fine: {$ref: "other.json#/X"}
    Same: {description: what other.json does not have}
    Named: {properties: {$ref: {type: string}, example: {$ref: "other.json#/X"}}, example: {$ref: "none of ours"}}
`,
		"bad.json":   `[`,
		"other.json": `{"X": {"$ref": "#/components/schemas/Same"}}`,
	})
	for ref, want := range map[string]string{
		"https://elsewhere.test/a.json#/X":    "nothing is fetched",
		"../secret.json#/X":                   "out of the document's folder",
		"/etc/passwd":                         "out of the document's folder",
		"none.json":                           "no such file",
		"bad.json#/X":                         "neither JSON nor YAML",
		"other.json#/Y":                       "no such place",
		"other.json#/components/schemas/Same": "no such place",
	} {
		require.Contains(t, left[ref], want, ref)
		delete(left, ref)
	}
	require.Empty(t, left)
	asJSON(t, `{"$ref": "https://elsewhere.test/a.json#/X"}`, doc, "components", "schemas", "Away")
	asJSON(t, `{"$ref": "other.json#/components/schemas/Same"}`, doc, "x-bundled", "X")
	asJSON(t, `{"properties": {"$ref": {"type": "string"}, "example": {"$ref": "#/x-bundled/X"}}, "example": {"$ref": "none of ours"}}`,
		doc, "components", "schemas", "Named")
}

func TestBundleLeavesADocumentAloneThatNeedsNoOther(t *testing.T) {
	for _, text := range []string{petShopAlone, "swagger: '2.0'", "{"} {
		raw, left, err := openapi.Bundle(folder(map[string]string{"main.yaml": text}), "main.yaml")
		require.NoError(t, err)
		require.Empty(t, left)
		require.Equal(t, text, string(raw))
	}
	_, _, err := openapi.Bundle(folder(nil), "main.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

const petShopAlone = `{"openapi": "3.0.0", "paths": {"/a": {"$ref": "main.yaml#/paths/b"}, "/b": {}}, "components": {"schemas": {"A": {"$ref": "#/components/schemas/A"}}}}`

func TestBundleIsBounded(t *testing.T) {
	files := map[string]string{"main.yaml": `{"openapi": "3.0.0", "x": {"$ref": "0.json"}}`}
	for i := range 600 {
		files[fmt.Sprintf("%d.json", i)] = fmt.Sprintf(`{"next": {"$ref": "%d.json"}}`, i+1)
	}
	_, _, err := openapi.Bundle(folder(files), "main.yaml")
	require.ErrorContains(t, err, "more than 500 files")

	deep := `{"openapi": "3.0.0", "x": ` + strings.Repeat(`[`, 2000) + strings.Repeat(`]`, 2000) + `}`
	_, _, err = openapi.Bundle(folder(map[string]string{"main.yaml": deep}), "main.yaml")
	require.ErrorContains(t, err, "too deeply nested")
}

func TestBundleFollowsNoLinkOutOfItsFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret.json"), []byte(`{"X": {"type": "string"}}`), 0o600))
	inner := filepath.Join(dir, "inner")
	require.NoError(t, os.Mkdir(inner, 0o700))
	require.NoError(t, os.Symlink("../secret.json", filepath.Join(inner, "link.json")))
	require.NoError(t, os.WriteFile(filepath.Join(inner, "main.json"), []byte(`{"openapi": "3.0.0", "x": {"$ref": "link.json#/X"}}`), 0o600))
	root, err := os.OpenRoot(inner)
	require.NoError(t, err)
	defer root.Close()
	raw, left, err := openapi.Bundle(root.FS(), "main.json")
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NotContains(t, string(raw), "string")
}

// FuzzBundle: whatever the files hold, it ends, and a bundle is bundled already.
func FuzzBundle(f *testing.F) {
	f.Add(`{"openapi": "3.0.0", "x": {"$ref": "b.json#/X"}, "y": {"$ref": "c.json"}}`, `{"X": {"$ref": "a.json#/y"}}`)
	f.Add(`{"openapi": "3.0.0", "components": {"schemas": {"X": {"$ref": "b.json#/components/schemas/X/a"}}}}`, `{"components": {"schemas": {"X": {"a": {"$ref": "#/components/schemas/X"}}}}}`)
	f.Add(`{"openapi": "3", "components": {"schemas": 1}, "x": {"$ref": "b.json#/components/schemas/X"}}`, `{"components": {"schemas": {"X": 1}}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 1<<14 || strings.Count(a+b, "*") > 100 {
			return
		}
		raw, left, err := openapi.Bundle(folder(map[string]string{"a.json": a, "b.json": b}), "a.json")
		if err != nil || !json.Valid(raw) {
			return
		}
		again, leftAgain, err := openapi.Bundle(folder(map[string]string{"a.json": string(raw)}), "a.json")
		require.NoError(t, err)
		require.Len(t, leftAgain, len(left))
		require.JSONEq(t, string(raw), string(again))
	})
}
