package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/problem"
)

// served is the document as the server gives it.
var served = sync.OnceValues(func() (string, error) {
	h, err := api.New(options(&memory{}, prometheus.NewRegistry(), io.Discard))
	if err != nil {
		return "", err
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	return w.Body.String(), nil
})

func specification(t *testing.T) (raw string, tree map[string]any) {
	t.Helper()
	raw, err := served()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(raw), &tree))
	return raw, tree
}

// TestDocumentAndRoutesAreTheSame: every route that the router knows is described,
// and everything described is routed.
func TestDocumentAndRoutesAreTheSame(t *testing.T) {
	h, err := api.New(options(&memory{}, prometheus.NewRegistry(), io.Discard))
	require.NoError(t, err)
	var routed []string
	for _, r := range h.(*gin.Engine).Routes() {
		path := r.Path
		for _, part := range strings.Split(path, "/") {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				path = strings.Replace(path, part, "{"+name+"}", 1)
			}
		}
		routed = append(routed, strings.ToLower(r.Method)+" "+path)
	}
	_, tree := specification(t)
	var described []string
	for path, item := range tree["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			described = append(described, method+" "+path)
		}
	}
	require.ElementsMatch(t, routed, described)
	for _, resource := range []string{"connections", "contacts", "conversations", "messages", "flows", "cases", "effects", "events", "audit"} {
		require.Contains(t, described, "get /v1/"+resource)
	}
}

// TestDocumentIsValid holds it to OpenAPI's own schema, which comes with the
// library that writes it.
func TestDocumentIsValid(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/swaggest/openapi-go")
	list.Env = append(os.Environ(), "GOFLAGS=") // those of the tests would change what it prints
	dir, err := list.Output()
	require.NoError(t, err)
	file, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "resources", "schema", "openapi31.json"))
	require.NoError(t, err)
	defer file.Close()
	schema, err := jsonschema.UnmarshalJSON(file)
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("urn:openapi31", schema))
	compiled, err := c.Compile("urn:openapi31")
	require.NoError(t, err)

	raw, tree := specification(t)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	require.NoError(t, err)
	require.NoError(t, compiled.Validate(value))
	require.Equal(t, "1.2.3", tree["info"].(map[string]any)["version"])

	delete(value.(map[string]any), "info")
	require.Error(t, compiled.Validate(value), "the schema finds what is missing")
}

// TestSchemasCompile: every schema in the document is a valid one, and all
// references lead somewhere.
func TestSchemasCompile(t *testing.T) {
	raw, tree := specification(t)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("urn:doc", value))
	schemas := tree["components"].(map[string]any)["schemas"].(map[string]any)
	require.Contains(t, schemas, "Contact")
	require.Contains(t, schemas, "PageContact")
	require.Contains(t, schemas, "Problem")
	for name := range schemas {
		_, err := c.Compile("urn:doc#/components/schemas/" + name)
		require.NoError(t, err, name)
	}
	for _, ref := range refs(value) {
		_, err := c.Compile("urn:doc" + ref)
		require.NoError(t, err, ref)
	}
}

func refs(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, sub := range v {
			if ref, ok := sub.(string); ok && k == "$ref" {
				out = append(out, ref)
			}
			out = append(out, refs(sub)...)
		}
	case []any:
		for _, sub := range v {
			out = append(out, refs(sub)...)
		}
	}
	return out
}

// TestEveryOperationIsWhole: an ID of its own, a summary, a scope where a key is
// needed, and problem documents for the refusals.
func TestEveryOperationIsWhole(t *testing.T) {
	_, tree := specification(t)
	refusals := tree["components"].(map[string]any)["responses"].(map[string]any)
	for _, k := range problem.Kinds {
		answer := refusals[fmt.Sprintf("Refused%d", k.Status)].(map[string]any)
		require.Contains(t, answer["content"], "application/problem+json")
		require.Contains(t, answer["description"], k.Type())
	}
	ids := map[string]bool{}
	for path, item := range tree["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			at := method + " " + path
			o := op.(map[string]any)
			id, _ := o["operationId"].(string)
			require.NotEmpty(t, id, at)
			require.False(t, ids[id], "two operations are called %s", id)
			ids[id] = true
			require.NotEmpty(t, o["summary"], at)
			require.Equal(t, strings.HasPrefix(path, "/v1/"), o["security"] != nil, at)
			if strings.HasPrefix(path, "/v1/") {
				require.Contains(t, o["description"], "Needs the scope", at)
				for _, status := range []string{"401", "403"} {
					answer := o["responses"].(map[string]any)[status].(map[string]any)
					require.Equal(t, "#/components/responses/Refused"+status, answer["$ref"], at)
				}
			}
		}
	}
}
