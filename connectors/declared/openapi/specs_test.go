package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"parley/connectors/declared"
	"parley/connectors/declared/openapi"
	"parley/connectors/sdk"
)

// documents are those of the folder that are OpenAPI 3.
func documents(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("PARLEY_SPECS")
	if dir == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder of the providers' specifications")
	}
	var out []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !slices.Contains([]string{".json", ".yaml"}, filepath.Ext(path)) {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte("openapi: 3")) || bytes.Contains(raw, []byte(`"openapi"`)) {
			out = append(out, path)
		}
		if err != nil {
			return err
		}
		return nil
	}))
	require.NotEmpty(t, out)
	return out
}

// captured keeps a request instead of sending it.
type captured struct {
	req  *http.Request
	body []byte
}

func (c *captured) RoundTrip(r *http.Request) (*http.Response, error) {
	c.req = r
	c.body, _ = io.ReadAll(r.Body)
	return &http.Response{StatusCode: http.StatusTeapot, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// TestSampleRequestsAreWhatTheDocumentAsksFor imports every document, makes the
// sample request of every operation, and lets a validator that shares no code with
// the importer judge it by the document.
func TestSampleRequestsAreWhatTheDocumentAsksFor(t *testing.T) {
	var table bytes.Buffer
	fmt.Fprintf(&table, "%-52s %9s %8s %8s %8s %8s %8s\n", "document", "imported", "skipped", "samples", "accepted", "unjudged", "import")
	var total [5]int
	for _, path := range documents(t) {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		name := strings.TrimPrefix(path, os.Getenv("PARLEY_SPECS")+"/")
		start := time.Now()
		r, err := openapi.Import(raw, openapi.Options{Name: "imported"})
		took := time.Since(start)
		if err != nil {
			if !elsewhere.Match(raw) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if took > 20*time.Second {
			t.Errorf("%s took %s to import", name, took)
		}
		accepted, unjudged, refused := judge(t, raw, r)
		for i, n := range []int{len(r.Report.Operations), len(r.Report.Skipped), len(r.Report.Operations) - len(r.Report.NoSample), accepted, unjudged} {
			total[i] += n
		}
		fmt.Fprintf(&table, "%-52s %9d %8d %8d %8d %8d %8s\n", name, len(r.Report.Operations), len(r.Report.Skipped),
			len(r.Report.Operations)-len(r.Report.NoSample), accepted, unjudged, took.Round(time.Millisecond))
		for _, why := range refused {
			t.Errorf("%s: %s", name, why)
		}
		for _, op := range r.Report.NoSample {
			t.Logf("%s: no sample for %s", name, op)
		}
		for _, s := range r.Report.Skipped {
			if !elsewhere.Match(raw) {
				t.Logf("%s: skipped %s: %s", name, s.Where, s.Why)
			}
		}
	}
	fmt.Fprintf(&table, "%-52s %9d %8d %8d %8d %8d\n", "all", total[0], total[1], total[2], total[3], total[4])
	t.Logf("\n%s", table.String())
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("memory of the whole test: %d MiB", m.Sys>>20)
}

// built makes the connector as the programs do, from its files.
func built(t *testing.T, r *openapi.Result) sdk.Connector {
	t.Helper()
	y, err := r.YAML()
	require.NoError(t, err)
	j, err := r.JSON()
	require.NoError(t, err)
	c, err := declared.Read(fstest.MapFS{declared.File: {Data: y}, openapi.SchemasFile: {Data: j}})
	require.NoError(t, err)
	return c
}

// configured is a configuration with something in every setting.
func configured(t *testing.T, c sdk.Connector) json.RawMessage {
	t.Helper()
	var schema struct{ Properties map[string]any }
	require.NoError(t, json.Unmarshal(c.ConfigSchema, &schema))
	config := map[string]string{}
	for name := range schema.Properties {
		config[name] = "x"
	}
	delete(config, "base_url")
	if strings.Contains(string(c.ConfigSchema), `"base_url"`) && strings.Contains(string(c.ConfigSchema), `"required":["base_url"`) {
		config["base_url"] = "https://api.example.test"
	}
	return sdk.JSONBody(config)
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// elsewhere are references to other files.
var elsewhere = regexp.MustCompile(`"\$ref"\s*:\s*"[^#"]`)

// beyond are what the validator itself cannot do: schemas that it cannot compile
// (patterns that are none in Go, nullable in 3.1, circles).
var beyond = []string{"failed schema compilation", "not valid regex", "failed to compile"}

// judge sends the samples. unjudged are those whose schemas in the document the
// validator cannot compile, and all where it cannot read the document.
func judge(t *testing.T, raw []byte, r *openapi.Result) (accepted, unjudged int, refused []string) {
	t.Helper()
	if elsewhere.Match(raw) { // the validator's parser overflows its stack on some of these
		return 0, len(r.Report.Operations), nil
	}
	doc, err := libopenapi.NewDocument(raw)
	require.NoError(t, err)
	v, errs := validator.NewValidator(doc)
	require.Empty(t, errs)
	c := built(t, r)
	templates := map[string]map[string]bool{} // a validator cannot tell those of one form apart
	form := func(path string) string { return placeholder.ReplaceAllString(path, "{}") }
	for _, d := range r.Definition.Operations {
		if templates[form(d.Path)] == nil {
			templates[form(d.Path)] = map[string]bool{}
		}
		templates[form(d.Path)][d.Path] = true
	}
	transport := &captured{}
	conn, err := c.Open(configured(t, c), sdk.Host{HTTP: &http.Client{Transport: transport}})
	require.NoError(t, err)
	for _, op := range c.Operations {
		if len(op.Samples) == 0 {
			continue
		}
		transport.req = nil
		_, err := op.Run(t.Context(), conn, sdk.Call{Key: "123e4567-e89b-42d3-a456-426614174000", Attempt: 1}, op.Samples[0])
		if transport.req == nil {
			refused = append(refused, fmt.Sprintf("%s made no request: %v", op.Name, err))
			continue
		}
		req := transport.req
		req.Body = io.NopCloser(bytes.NewReader(transport.body))
		ok, problems := v.ValidateHttpRequestSync(req)
		if ok {
			accepted++
			continue
		}
		var why []string
		for _, p := range problems {
			why = append(why, p.Message+": "+p.Reason)
			for _, s := range p.SchemaValidationErrors {
				why = append(why, s.FieldPath+" "+s.Reason)
			}
		}
		if len(templates[form(r.Definition.Operations[op.Name].Path)]) > 1 || slices.ContainsFunc(beyond, func(s string) bool { return strings.Contains(strings.Join(why, " "), s) }) {
			unjudged++
			continue
		}
		refused = append(refused, fmt.Sprintf("%s %s %s %.300s: %.600s", op.Name, req.Method, req.URL, transport.body, strings.Join(why, "; ")))
	}
	return accepted, unjudged, refused
}
