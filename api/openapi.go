package api

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	jsonschemago "github.com/swaggest/jsonschema-go"
	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"

	"parley/api/problem"
)

const (
	docPath = "/openapi.json"
	docURL  = "urn:parley:openapi"
	bearer  = "key"
)

// everywhere are the problems that every route with a key may answer.
var everywhere = []problem.Kind{problem.Unauthorized, problem.Forbidden, problem.Internal, problem.Unavailable, problem.Late}

// openDoc is the OpenAPI document, and the schemas that stand in it.
type openDoc struct {
	json     []byte
	tree     map[string]any
	compiler *jsonschema.Compiler
}

// document describes the routes in OpenAPI 3.1, itself included.
func document(version string, routes []route) (*openDoc, error) {
	r := openapi31.NewReflector()
	r.DefaultOptions = append(r.DefaultOptions, jsonschemago.InterceptDefName(defName))
	r.Spec.Info.WithTitle("Parley").WithVersion(version).
		WithDescription("The HTTP edge of Parley. Refusals are problem documents (RFC 9457) whose type URIs are stable. " +
			"Lists are paged: give next as after until it is absent.")
	r.Spec.SetHTTPBearerTokenSecurity(bearer, "", "An API key of the workspace, with the scope that the operation names. A request may name the workspace that it means in the header "+WorkspaceHeader+"; a key of another one is then refused.")
	if err := describeProblems(r); err != nil {
		return nil, err
	}
	for _, rt := range append(slices.Clone(routes), documentRoute(nil)) {
		if err := describe(r, rt); err != nil {
			return nil, fmt.Errorf("api: %s %s cannot be described: %w", rt.method, rt.path, err)
		}
	}
	js, err := r.Spec.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("api: the OpenAPI document: %w", err)
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(js))
	if err != nil {
		return nil, fmt.Errorf("api: the OpenAPI document: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(docURL, tree); err != nil {
		return nil, fmt.Errorf("api: the OpenAPI document: %w", err)
	}
	return &openDoc{json: js, tree: tree.(map[string]any), compiler: c}, nil
}

// defName shortens the names of schemas: ApiPageParleyApiContact is PageContact.
func defName(t reflect.Type, name string) string {
	if t == reflect.TypeFor[uuid.UUID]() {
		return "UUID"
	}
	name = strings.NewReplacer("ParleyApi", "", "ParleyConnectorsSdk", "", "[", "", "]", "", "/", "", ".", "").Replace(name)
	for _, prefix := range []string{"Api", "Sdk", "Problem"} {
		if rest := strings.TrimPrefix(name, prefix); rest != name && rest != "" {
			return rest
		}
	}
	return name
}

func describe(r *openapi31.Reflector, rt route) error {
	oc, err := r.NewOperationContext(rt.method, rt.path)
	if err != nil {
		return err
	}
	oc.SetID(rt.id)
	oc.SetSummary(rt.summary)
	oc.SetTags(rt.tag)
	problems := rt.problems
	if rt.scope != "" {
		oc.AddSecurity(bearer)
		oc.SetDescription("Needs the scope " + rt.scope + ".")
		problems = append(slices.Clone(problems), everywhere...)
	}
	if rt.in != nil {
		var opts []openapi.ContentOption
		if rt.bind != nil && len(rt.bind.params) > 0 {
			problems = append(problems, problem.Invalid)
		}
		if rt.bind != nil && rt.bind.hasBody {
			problems = append(problems, problem.Invalid, problem.Malformed, problem.TooLarge, problem.MediaType)
			opts = append(opts, openapi.WithCustomize(requireBody))
		}
		oc.AddReqStructure(reflect.New(rt.in).Interface(), opts...)
	}
	if rt.bodyType != "" {
		oc.AddReqStructure(nil, openapi.WithContentType(rt.bodyType))
	}
	ok := []openapi.ContentOption{openapi.WithHTTPStatus(rt.status)}
	if rt.outType != "" {
		ok = append(ok, openapi.WithContentType(rt.outType))
	}
	var out any
	if rt.out != nil {
		out = reflect.New(rt.out).Interface()
	}
	oc.AddRespStructure(out, ok...)
	if rt.failed != 0 {
		oc.AddRespStructure(out, openapi.WithHTTPStatus(rt.failed))
	}
	described := map[int]bool{}
	for _, k := range problems {
		if !described[k.Status] {
			described[k.Status] = true
			oc.AddRespStructure(nil, openapi.WithHTTPStatus(k.Status), openapi.WithReference("#/components/responses/"+refusalName(k.Status)))
		}
	}
	return r.AddOperation(oc)
}

func refusalName(status int) string { return fmt.Sprintf("Refused%d", status) }

// describeProblems puts one response for each status into the components, which
// says what types of problem have it.
func describeProblems(r *openapi31.Reflector) error {
	schema, err := r.Reflect(problem.Problem{}, jsonschemago.DefinitionsPrefix("#/components/schemas/"), jsonschemago.RootRef,
		jsonschemago.CollectDefinitions(func(name string, def jsonschemago.Schema) {
			if m, err := def.ToSchemaOrBool().ToSimpleMap(); err == nil {
				r.SpecEns().ComponentsEns().WithSchemasItem(name, m)
			}
		}))
	if err != nil {
		return fmt.Errorf("api: problems cannot be described: %w", err)
	}
	ref, err := schema.ToSchemaOrBool().ToSimpleMap()
	if err != nil {
		return fmt.Errorf("api: problems cannot be described: %w", err)
	}
	types := map[int][]string{}
	for _, k := range problem.Kinds {
		types[k.Status] = append(types[k.Status], k.Type()+": "+k.Title+".")
	}
	for status, of := range types {
		r.Spec.ComponentsEns().WithResponsesItem(refusalName(status), openapi31.ResponseOrReference{Response: &openapi31.Response{
			Description: strings.Join(of, " "),
			Content:     map[string]openapi31.MediaType{problem.ContentType: {Schema: ref}},
		}})
	}
	return nil
}

func requireBody(c openapi.ContentOrReference) {
	if body, ok := c.(*openapi31.RequestBodyOrReference); ok && body.RequestBody != nil {
		body.RequestBody.WithRequired(true)
	}
}

// operation finds a route in the document.
func (d *openDoc) operation(r route) (op map[string]any, pointer string) {
	paths, _ := d.tree["paths"].(map[string]any)
	item, _ := paths[r.path].(map[string]any)
	method := strings.ToLower(r.method)
	op, _ = item[method].(map[string]any)
	return op, "/paths/" + pointerEscape.Replace(r.path) + "/" + method
}

func (d *openDoc) paramSchema(r route, in, name string) (*jsonschema.Schema, error) {
	op, at := d.operation(r)
	params, _ := op["parameters"].([]any)
	for i, p := range params {
		if p, _ := p.(map[string]any); p["in"] == in && p["name"] == name {
			return d.schema(fmt.Sprintf("%s/parameters/%d/schema", at, i))
		}
	}
	return nil, fmt.Errorf("api: %s %s: the document lacks the %s parameter %s", r.method, r.path, in, name)
}

func (d *openDoc) bodySchema(r route) (*jsonschema.Schema, error) {
	_, at := d.operation(r)
	return d.schema(at + "/requestBody/content/application~1json/schema")
}

func (d *openDoc) schema(pointer string) (*jsonschema.Schema, error) {
	// In the fragment of a URI, braces are written as escapes.
	s, err := d.compiler.Compile(docURL + "#" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(pointer))
	if err != nil {
		return nil, fmt.Errorf("api: the schema at %s of the OpenAPI document: %w", pointer, err)
	}
	return s, nil
}

func documentRoute(doc []byte) route {
	return route{method: http.MethodGet, path: docPath, id: "getOpenAPI", summary: "This document.", tag: "operation",
		status: http.StatusOK, out: reflect.TypeFor[map[string]any](),
		serve: func(c *gin.Context) { c.Data(http.StatusOK, "application/json", doc) }}
}
