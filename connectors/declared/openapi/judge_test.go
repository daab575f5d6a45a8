package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

type object = map[string]any

// judge judges requests by a document: with a validator of whole requests, and
// where that cannot compile the schema of a body, with one of schemas. Neither
// shares code with the importer.
type judge struct {
	t          *testing.T
	doc        object
	paths      []string
	validators map[string]validator.Validator // by path, for those that look alike; "" is for the others
	bodies     *jsonschema.Compiler
}

func newJudge(t *testing.T, name string, raw []byte) *judge {
	t.Helper()
	d, err := libopenapi.NewDocument(raw)
	require.NoError(t, err)
	info := d.GetSpecInfo()
	require.NoError(t, info.GetSpecJSONError())
	j := &judge{t: t, validators: map[string]validator.Validator{}, bodies: jsonschema.NewCompiler()}
	require.NotNil(t, info.GetSpecJSON())
	j.doc = textKeys(*info.GetSpecJSON()).(object)
	if corrections[name] != nil {
		corrections[name](j.doc)
	}
	paths, _ := j.doc["paths"].(object)
	j.paths = slices.Sorted(maps.Keys(paths))
	j.validators[""] = j.validator(j.doc)

	asSchemas, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded(t, j.doc)))
	require.NoError(t, err)
	repair(asSchemas)
	j.bodies.UseRegexpEngine(ecmaScript)
	require.NoError(t, j.bodies.AddResource(documentURL, asSchemas))
	return j
}

const documentURL = "https://document.example/openapi.json"

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return raw
}

// textKeys makes texts of the numbers that are keys in YAML, such as a status.
func textKeys(v any) any {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			v[i] = textKeys(e)
		}
	case object:
		for k, e := range v {
			v[k] = textKeys(e)
		}
	case map[any]any:
		out := make(object, len(v))
		for k, e := range v {
			out[fmt.Sprint(k)] = textKeys(e)
		}
		return out
	}
	return v
}

func (j *judge) validator(doc object) validator.Validator {
	// A schema that requires itself is no reason not to judge the others.
	d, err := libopenapi.NewDocumentWithConfiguration(encoded(j.t, doc), &datamodel.DocumentConfiguration{SkipCircularReferenceCheck: true})
	require.NoError(j.t, err)
	v, errs := validator.NewValidator(d)
	require.Empty(j.t, errs)
	return v
}

var (
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
	notName     = regexp.MustCompile(`\W+`)
)

func form(path string) string { return placeholder.ReplaceAllString(path, "{}") }

// alike are the document's paths of the same form, which no request tells apart.
func (j *judge) alike(path string) (out []string) {
	for _, p := range j.paths {
		if form(p) == form(path) {
			out = append(out, p)
		}
	}
	return out
}

// template is the document's path that one of the connector was made of: the names
// in it are the same but for what is not of a word.
func (j *judge) template(path string) string {
	words := func(p string) string {
		return placeholder.ReplaceAllStringFunc(p, func(m string) string {
			return "{" + strings.Trim(notName.ReplaceAllString(m, "_"), "_") + "}"
		})
	}
	all := j.alike(path)
	for _, p := range all {
		if words(p) == words(path) {
			return p
		}
	}
	require.Len(j.t, all, 1, path)
	return all[0]
}

// cannot is how the validator tells that it cannot compile a schema: of patterns
// that are none in Go, of nullable in 3.1, of circles.
const cannot = "failed schema compilation"

// judge tells what is wrong with a request, and what cannot be judged.
func (j *judge) judge(path string, req *http.Request, body []byte) (wrong, beyond []string) {
	template, key := j.template(path), ""
	if len(j.alike(path)) > 1 {
		key = template
	}
	if j.validators[key] == nil {
		only := maps.Clone(j.doc)
		only["paths"] = object{template: j.doc["paths"].(object)[template]}
		j.validators[key] = j.validator(only)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	_, problems := j.validators[key].ValidateHttpRequestSync(req)
	for _, p := range problems {
		why := p.Message + ": " + p.Reason
		for _, s := range p.SchemaValidationErrors {
			why += "; " + s.FieldPath + " " + s.Reason
		}
		if !strings.Contains(why, cannot) {
			wrong = append(wrong, why)
		} else if p.ValidationType != "requestBody" {
			beyond = append(beyond, why)
		} else if err := j.body(template, req, body); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return wrong, beyond
}

// body holds a JSON body to its schema.
func (j *judge) body(template string, req *http.Request, body []byte) error {
	place := []string{"paths", template, strings.ToLower(req.Method), "requestBody"}
	declared := j.at(&place)
	if len(body) == 0 {
		if declared["required"] == true {
			return fmt.Errorf("the body is missing")
		}
		return nil
	}
	kind, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
	place = append(place, "content", kind)
	if j.at(&place)["schema"] == nil {
		return fmt.Errorf("the body is %s", kind)
	}
	pointer := ""
	for _, p := range append(place, "schema") {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D").Replace(p)
	}
	schema, err := j.bodies.Compile(documentURL + "#" + pointer)
	if err != nil {
		return fmt.Errorf("the schema of the body cannot be compiled: %w", err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// at is the object at a place, which becomes the one that it refers to.
func (j *judge) at(place *[]string) object {
	v := j.doc
	for i := 0; i < len(*place); i++ {
		v, _ = v[(*place)[i]].(object)
		if ref, ok := v["$ref"].(string); ok && strings.HasPrefix(ref, "#/") {
			*place = append(strings.Split(ref[2:], "/"), (*place)[i+1:]...)
			v, i = j.doc, -1
		}
	}
	return v
}

// ecmaScript reads the patterns of JSON Schema (ECMA 262).
func ecmaScript(pattern string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	return ecma{re}, err
}

type ecma struct{ *regexp2.Regexp }

func (e ecma) MatchString(s string) bool {
	ok, err := e.Regexp.MatchString(s)
	return err == nil && ok
}

// repair makes JSON Schema of what OpenAPI writes otherwise, and takes back what
// documents say but cannot mean: see each.
func repair(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			repair(e)
		}
	case object:
		repairAllOf(v)
		repairKeywords(v)
		for _, e := range v {
			repair(e)
		}
	}
}

// A part of an allOf that closes its properties excludes those of the other parts,
// so that nothing at all would be valid (Meta): the whole is closed instead.
func repairAllOf(v object) {
	parts, _ := v["allOf"].([]any)
	for _, p := range parts {
		if part, ok := p.(object); ok && part["additionalProperties"] == false {
			delete(part, "additionalProperties")
			v["unevaluatedProperties"] = false
		}
	}
}

// OpenAPI 3.0's nullable and its flags beside bounds; what only an answer has is
// not required of a request (OpenAPI 3.0.3, Schema Object).
func repairKeywords(v object) {
	if kind, ok := v["type"].(string); ok && v["nullable"] == true {
		v["type"] = []any{kind, "null"}
	}
	for flag, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if on, ok := v[flag].(bool); ok {
			delete(v, flag)
			if on {
				v[flag] = v[bound]
				delete(v, bound)
			}
		}
	}
	required, _ := v["required"].([]any)
	properties, _ := v["properties"].(object)
	if len(required) > 0 && len(properties) > 0 {
		v["required"] = slices.DeleteFunc(required, func(name any) bool {
			p, _ := properties[fmt.Sprint(name)].(object)
			return p["readOnly"] == true
		})
	}
}

// corrections are errors of single documents without which no request could fit
// them.
var corrections = map[string]func(doc object){
	// A parameter that the document refers to and does not have.
	"zoho/v8.0-local/notes.json": func(doc object) {
		parameters := doc["components"].(object)["parameters"].(object)
		parameters["If-Modified-Since"] = object{"name": "If-Modified-Since", "in": "header", "schema": object{"type": "string"}}
	},
	// A scheme of RFC 7617 by another name than its own, Basic.
	"worldpay/worldpay-hosted-payment-pages-openapi.yaml": func(doc object) {
		doc["components"].(object)["securitySchemes"].(object)["BasicAuth"].(object)["scheme"] = "basic"
	},
	// A currency of three characters whose pattern allows one, ^[A-Z]$.
	"worldpay/worldpay-card-payments-openapi.yaml": func(doc object) {
		currency := doc
		for _, k := range []string{"components", "schemas", "value", "properties", "currency"} {
			currency = currency[k].(object)
		}
		delete(currency, "pattern")
	},
}

// What the samples are judged by can refuse: a wrong body, also where its schema is
// one that only the second validator reads, and a path that looks like another's.
func TestTheJudgeRefuses(t *testing.T) {
	const document = `
openapi: 3.1.0
info: {title: Judged, version: "1"}
servers: [{url: "https://api.example.test"}]
paths:
  /a/{one}:
    get: {parameters: [{name: one, in: path, required: true, schema: {type: string, pattern: "^[0-9]+$"}}], responses: {"200": {description: fine}}}
  /a/{the-other}:
    get: {parameters: [{name: the-other, in: path, required: true, schema: {type: string, pattern: "^[a-z]+$"}}], responses: {"200": {description: fine}}}
  /plain:
    post: {requestBody: {required: true, content: {application/json: {schema: {type: object, required: [n], properties: {n: {type: integer}}}}}}, responses: {"200": {description: fine}}}
  /strange:
    post: {requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Strange"}}}}, responses: {"200": {description: fine}}}
components:
  schemas:
    Strange: {type: object, required: [word], properties: {word: {type: string, pattern: "^(?!x)a+$"}, none: {type: string, nullable: true}, again: {$ref: "#/components/schemas/Strange"}}}
`
	j := newJudge(t, "", []byte(document))
	for _, tc := range []struct {
		path, method, address, body string
		ok                          bool
	}{
		{"/a/{one}", "GET", "/a/1", "", true},
		{"/a/{one}", "GET", "/a/x", "", false},
		{"/a/{the_other}", "GET", "/a/x", "", true},
		{"/a/{the_other}", "GET", "/a/1", "", false},
		{"/plain", "POST", "/plain", `{"n":1}`, true},
		{"/plain", "POST", "/plain", `{"n":"1"}`, false},
		{"/strange", "POST", "/strange", `{"word":"aa","none":null,"again":{"word":"a"}}`, true},
		{"/strange", "POST", "/strange", `{"word":"xa"}`, false},
		{"/strange", "POST", "/strange", `{"word":"a","again":{}}`, false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "https://api.example.test"+tc.address, http.NoBody)
		require.NoError(t, err)
		if tc.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		wrong, beyond := j.judge(tc.path, req, []byte(tc.body))
		require.Empty(t, beyond)
		require.Equal(t, tc.ok, len(wrong) == 0, "%s %s: %v", tc.address, tc.body, wrong)
	}
}
