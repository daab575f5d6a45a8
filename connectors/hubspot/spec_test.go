package hubspot_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"parley/connectors/hubspot"
	"parley/connectors/hubspot/hubspotfake"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/sample"
)

// documents are HubSpot's own, by the beginning of the addresses that they describe.
var documents = map[string]string{
	"/crm/v3/objects/contacts":  "Contacts_Rollouts_424_v3_contacts.json",
	"/crm/v3/objects/companies": "Companies_Rollouts_424_v3_companies.json",
	"/crm/v3/objects/0-3":       "Deals_Rollouts_424_v3_deals.json",
	"/crm/objects/2026-03":      "Contacts_Rollouts_424_2026-03_contacts.json",
}

// undocumented are addresses of which there is no document here.
var undocumented = []string{"/crm/v3/properties/", "/crm/v3/pipelines/", "/crm/v3/owners"}

// judged takes note of every request and answer.
type judged struct {
	t          *testing.T
	next       http.RoundTripper
	validators map[string]validator.Validator
	judged     map[string]int
}

func (j *judged) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	require.NoError(j.t, err)
	r.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := j.next.RoundTrip(r)
	require.NoError(j.t, err)
	answer, err := io.ReadAll(resp.Body)
	require.NoError(j.t, err)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	j.judge(r, body, resp, answer)
	return resp, nil
}

func (j *judged) judge(r *http.Request, body []byte, resp *http.Response, answer []byte) {
	path := r.URL.Path
	for _, known := range undocumented {
		if strings.HasPrefix(path, known) {
			return
		}
	}
	// Notes are objects like contacts, and associations stand in the newer document.
	path = strings.Replace(path, "/objects/notes", "/objects/contacts", 1)
	path = strings.Replace(path, "/crm/v4/objects", "/crm/objects/2026-03", 1)
	for prefix, v := range j.validators {
		if !strings.HasPrefix(path, prefix) {
			continue
		}
		copied := r.Clone(r.Context())
		copied.URL.Scheme, copied.URL.Host, copied.URL.Path = "https", "api.hubapi.com", path
		copied.Body = io.NopCloser(bytes.NewReader(body))
		ok, problems := v.ValidateHttpRequestSync(copied)
		for _, p := range problems {
			j.t.Errorf("%s %s %s: %s: %s %v", r.Method, r.URL.Path, body, p.Message, p.Reason, p.SchemaValidationErrors)
		}
		require.True(j.t, ok)
		if resp.StatusCode < 300 && len(answer) > 0 && r.Method != http.MethodPut {
			copied.Body = io.NopCloser(bytes.NewReader(body))
			told := *resp
			told.Body = io.NopCloser(bytes.NewReader(withoutNulls(j.t, answer)))
			_, problems = v.ValidateHttpResponse(copied, &told)
			for _, p := range problems {
				j.t.Errorf("the fake's answer to %s %s: %s: %s %v", r.Method, r.URL.Path, p.Message, p.Reason, p.SchemaValidationErrors)
			}
		}
		j.judged[r.Method+" "+prefix]++
		return
	}
	j.t.Errorf("%s %s is in none of HubSpot's documents", r.Method, r.URL.Path)
}

// withoutNulls leaves out properties without a value: HubSpot writes null, as its
// pages say, where its documents know texts only.
func withoutNulls(t *testing.T, answer []byte) []byte {
	var v any
	require.NoError(t, json.Unmarshal(answer, &v))
	return sdk.JSONBody(pruned(v))
}

func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, inner any) bool { return inner == nil })
		for k, inner := range v {
			v[k] = pruned(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = pruned(inner)
		}
	}
	return v
}

// TestRequestsAreWhatHubSpotsDocumentsSay sends every sample and holds each request,
// and what the fake answers, against HubSpot's OpenAPI documents.
func TestRequestsAreWhatHubSpotsDocumentsSay(t *testing.T) {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with HubSpot's OpenAPI documents")
	}
	j := &judged{t: t, next: http.DefaultTransport, validators: map[string]validator.Validator{}, judged: map[string]int{}}
	for prefix, file := range documents {
		raw, err := os.ReadFile(filepath.Join(specs, "hubspot", file))
		require.NoError(t, err)
		doc, err := libopenapi.NewDocument(raw)
		require.NoError(t, err)
		v, errs := validator.NewValidator(doc)
		require.Empty(t, errs)
		j.validators[prefix] = v
	}
	server := httptest.NewServer(hubspotfake.Provider.New(fake.NewMemory("")))
	t.Cleanup(server.Close)
	conn := connect(t, hubspot.Config{BaseURL: server.URL, AccessToken: accessToken}, sdk.Host{HTTP: &http.Client{Transport: j}})
	outputs := map[string]json.RawMessage{}
	var perform func(name string) (json.RawMessage, error)
	perform = func(name string) (json.RawMessage, error) {
		if outputs[name] != nil {
			return outputs[name], nil
		}
		op := operationNamed(t, name)
		for _, s := range op.Samples {
			for range 2 { // what makes at first changes then
				input, err := sample.Resolve(s, perform)
				require.NoError(t, err)
				out, err := op.Run(t.Context(), conn, call("key-"+strings.ReplaceAll(name, "_", "-")), input)
				require.NoError(t, err, name)
				if outputs[name] == nil {
					outputs[name] = out
				}
				if op.CanFind() {
					_, _, err = op.Find(t.Context(), conn, call("key-x"), input)
					require.NoError(t, err)
				}
			}
		}
		return outputs[name], nil
	}
	for _, op := range hubspot.Connector.Operations {
		_, err := perform(op.Name)
		require.NoError(t, err)
	}
	for _, want := range []string{"POST /crm/v3/objects/contacts", "PATCH /crm/v3/objects/contacts", "GET /crm/v3/objects/contacts",
		"POST /crm/v3/objects/companies", "POST /crm/v3/objects/0-3", "PATCH /crm/v3/objects/0-3", "PUT /crm/objects/2026-03"} {
		require.Positive(t, j.judged[want], want)
	}
}
