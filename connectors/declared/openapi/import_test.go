package openapi_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/declared"
	"parley/connectors/declared/openapi"
	"parley/connectors/sdk"
)

func imported(t *testing.T, doc string) *openapi.Result {
	t.Helper()
	r, err := openapi.Import([]byte(doc), openapi.Options{Name: "x"})
	require.NoError(t, err)
	return r
}

const petShop = `
openapi: 3.0.3
info: {title: Pet Shop}
servers: [{url: "https://sandbox.pets.test"}, {url: "https://{region}.pets.test/v1", variables: {region: {default: eu}}}]
security: [{token: []}]
paths:
  /pets/{petId}:
    parameters: [{name: petId, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getPet
      responses: {"200": {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
    delete: {responses: {"204": {}}}
    patch:
      parameters: [{name: fields, in: cookie, required: true, schema: {type: string}}]
      responses: {}
  /pets:
    get:
      operationId: listPets
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: "tags[]", in: query, explode: false, schema: {type: array, items: {type: string}}}
      responses: {"200": {content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}}}}}
    post:
      operationId: getPet
      parameters: [{name: Idempotency-Key, in: header, description: Keys are kept for 12 hours., schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
      responses: {"201": {}}
    put:
      requestBody: {content: {application/xml: {schema: {}}}, required: true}
      responses: {}
  /photos:
    post:
      requestBody: {content: {multipart/form-data: {schema: {type: object, required: [file], properties: {file: {type: string, format: binary}, note: {type: string}}}}}}
      responses: {}
  /choice:
    post:
      requestBody: {required: true, content: {application/json: {schema: {oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]}}}}
      responses: {}
  /away:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "other.yaml#/X"}}}}
      responses: {}
  /lost:
    get: {parameters: [{$ref: "#/components/parameters/none"}], responses: {}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  schemas:
    Pet:
      allOf:
        - {type: object, required: [id, name], properties: {id: {type: integer, readOnly: true}, name: {type: string, pattern: "^[A-Z][a-z]{2,}$", nullable: true}}}
        - {properties: {parent: {$ref: "#/components/schemas/Pet"}, weight: {type: number, minimum: 0, exclusiveMinimum: true}}}
    Cat: {type: object, required: [lives], properties: {lives: {type: integer}}}
    Dog: {type: object, required: [tricks], properties: {tricks: {type: array, minItems: 1, items: {type: string}}}}
`

func TestImport(t *testing.T) {
	r := imported(t, petShop)
	d := r.Definition
	require.Equal(t, "https://{$settings.region}.pets.test/v1", d.BaseURL, "not the trial system")
	require.Equal(t, "eu", d.Settings["region"].Default)
	require.Equal(t, []declared.Auth{{Type: "bearer"}}, d.Auth)
	require.ElementsMatch(t, []string{"get_pet", "list_pets", "get_pet_2", "delete_pets_pet_id", "post_photos", "post_choice"}, r.Report.Operations)

	skipped := map[string]string{}
	for _, n := range r.Report.Skipped {
		skipped[n.Where] = n.Why
	}
	require.Contains(t, skipped["PATCH /pets/{petId}"], "cookie")
	require.Contains(t, skipped["PUT /pets"], "application/xml")
	require.Contains(t, skipped["POST /away"], "outside of the document")
	require.Contains(t, skipped["GET /lost"], "not there")
	require.Len(t, skipped, 4)

	require.Equal(t, declared.Effect{Kind: sdk.Read}, d.Operations["get_pet_2"].Effect)
	require.Equal(t, declared.Effect{Kind: sdk.Keyed, KeyHeader: "Idempotency-Key", KeyLifetime: "12h"}, d.Operations["get_pet"].Effect)
	require.Equal(t, sdk.Once, d.Operations["post_photos"].Effect.Kind)
	require.Equal(t, sdk.Keyed, d.Operations["delete_pets_pet_id"].Effect.Kind)
	require.Contains(t, d.Operations["delete_pets_pet_id"].Note, "idempotent")
	require.Equal(t, &declared.Pages{Kind: "page", Param: "page"}, d.Operations["list_pets"].Pages)
	require.Equal(t, declared.Value{Value: "{tags}", Style: "comma"}, d.Operations["list_pets"].Query["tags[]"])
	require.Equal(t, []string{"file"}, d.Operations["post_photos"].Body.Files)
	require.Empty(t, r.Report.NoSample)

	c := built(t, r)
	i := slices.IndexFunc(c.Operations, func(o sdk.Operation) bool { return o.Name == "get_pet" })
	require.JSONEq(t, `{"name":"Aaa"}`, string(c.Operations[i].Samples[0]))
	require.Contains(t, string(c.Operations[i].InputSchema), `"$defs":{"Pet"`, "recursion stays a reference")
}

func TestImportIsTheSameEachTime(t *testing.T) {
	first := imported(t, petShop)
	y1, err := first.YAML()
	require.NoError(t, err)
	j1, err := first.JSON()
	require.NoError(t, err)
	for range 5 {
		r := imported(t, petShop)
		y, err := r.YAML()
		require.NoError(t, err)
		j, err := r.JSON()
		require.NoError(t, err)
		require.Equal(t, string(y1), string(y))
		require.Equal(t, string(j1), string(j))
	}
}

func TestOverridesSurviveAnotherImport(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, imported(t, petShop).Write(dir))
	over := filepath.Join(dir, declared.OverridesFile)
	require.NoError(t, os.WriteFile(over, []byte("title: Ours\noperations: {post_choice: null}\n"), 0o600))
	require.NoError(t, imported(t, petShop).Write(dir))
	list, err := declared.Load(dir)
	require.NoError(t, err)
	require.Equal(t, "Ours", list[0].Title)
	require.Len(t, list[0].Operations, 5)
}

func TestDocumentsThatCannotBeImported(t *testing.T) {
	for doc, want := range map[string]string{
		"swagger: '2.0'\npaths: {}": "Swagger 2.0",
		"a: b":                      "no OpenAPI document",
		"openapi: 4.0.0":            "version of OpenAPI is not known",
		"- x":                       "neither JSON nor YAML",
		"{":                         "neither JSON nor YAML",
		"openapi: 3.1.0\npaths: {}": "has no operations",
		`{"openapi":"3.0.0","paths":{"/x":{"$ref":"#/paths/~1x"}}}`:           "refers to itself",
		`{"openapi":"3.0.0","paths":{"/x":{"$ref":"elsewhere.yaml"}}}`:        "outside of the document",
		`{"openapi":"3.0.0","paths":{"/x?y=1":{"get":{"responses":null}}}}`:   "has a query in it",
		`{"openapi":"3.0.0","paths":{"/x":{"get":{"parameters":[{"a":1}]}}}}`: "its parameter",
	} {
		_, err := openapi.Import([]byte(doc), openapi.Options{Name: "x"})
		require.ErrorContains(t, err, want, doc)
	}
	_, err := openapi.Import([]byte(petShop), openapi.Options{Name: "Pet Shop"})
	require.ErrorContains(t, err, "name of a connector")
}

// FuzzImport: no document makes it fall, and what it makes can be loaded.
func FuzzImport(f *testing.F) {
	f.Add(petShop)
	f.Add(`{"openapi":"3.1.0","paths":{"/a":{"post":{"requestBody":{"content":{"*/*":{"schema":{"type":["object","null"],"$ref":"#/x"}}}}}}},"x":{"allOf":[{"$ref":"#/x"}]}}`)
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 1<<14 || strings.Count(doc, "*") > 100 {
			return
		}
		r, err := openapi.Import([]byte(doc), openapi.Options{Name: "x"})
		if err == nil {
			if _, err := r.JSON(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
