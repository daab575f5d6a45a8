package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

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

// TestSampleRequestsAreWhatTheDocumentAsksFor imports every document, with the
// files that it refers to, makes the sample request of every operation, and lets
// validators that share no code with the importer judge it by the document. It
// prints a table of what was imported and accepted.
func TestSampleRequestsAreWhatTheDocumentAsksFor(t *testing.T) {
	var table bytes.Buffer
	fmt.Fprintf(&table, "%-52s %9s %8s %8s %8s %8s %8s\n", "document", "imported", "skipped", "samples", "accepted", "unjudged", "import")
	var total [5]int
	for _, path := range documents(t) {
		name := strings.TrimPrefix(path, os.Getenv("PARLEY_SPECS")+"/")
		t.Run(name, func(t *testing.T) {
			folder, err := os.OpenRoot(filepath.Dir(path))
			require.NoError(t, err)
			defer folder.Close()
			start := time.Now()
			raw, left, err := openapi.Bundle(folder.FS(), filepath.Base(path))
			require.NoError(t, err)
			require.Empty(t, left, "references that are not followed")
			r, err := openapi.Import(raw, openapi.Options{Name: "imported"})
			require.NoError(t, err)
			took := time.Since(start)
			require.Less(t, took, 20*time.Second)
			accepted, unjudged := judgeAll(t, name, raw, r)
			row := [5]int{len(r.Report.Operations), len(r.Report.Skipped), len(r.Report.Operations) - len(r.Report.NoSample), accepted, unjudged}
			for i, n := range row {
				total[i] += n
			}
			fmt.Fprintf(&table, "%-52s %9d %8d %8d %8d %8d %8s\n", name, row[0], row[1], row[2], row[3], row[4], took.Round(time.Millisecond))
			for _, op := range r.Report.NoSample {
				t.Logf("no sample for %s", op)
			}
			for _, s := range r.Report.Skipped {
				t.Logf("skipped %s: %s", s.Where, s.Why)
			}
		})
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

// judgeAll sends the samples and has them judged.
func judgeAll(t *testing.T, name string, raw []byte, r *openapi.Result) (accepted, unjudged int) {
	t.Helper()
	j := newJudge(t, name, raw)
	c := built(t, r)
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
			t.Errorf("%s made no request: %v", op.Name, err)
			continue
		}
		wrong, beyond := j.judge(r.Definition.Operations[op.Name].Path, transport.req, transport.body)
		switch what := fmt.Sprintf("%s %s %s %.300s", op.Name, transport.req.Method, transport.req.URL, transport.body); {
		case len(wrong) > 0:
			t.Errorf("%s: %.600s", what, strings.Join(wrong, "; "))
		case len(beyond) > 0:
			unjudged++
			t.Logf("not judged: %s: %.600s", what, strings.Join(beyond, "; "))
		default:
			accepted++
		}
	}
	return accepted, unjudged
}
