package onfido

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/sample"
)

// document is Onfido's own OpenAPI document.
func document(t *testing.T) validator.Validator {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with onfido/openapi.json")
	}
	raw, err := os.ReadFile(filepath.Join(specs, "onfido", "openapi.json"))
	require.NoError(t, err)
	// A report is one of 21 schemas, told apart by its name alone, which none of them
	// fixes: a report fits several, so that exactly one can never be asked for.
	var whole map[string]any
	require.NoError(t, json.Unmarshal(raw, &whole))
	report := whole["components"].(map[string]any)["schemas"].(map[string]any)["report"].(map[string]any)
	report["anyOf"] = report["oneOf"]
	delete(report, "oneOf")
	raw, err = json.Marshal(whole)
	require.NoError(t, err)
	doc, err := libopenapi.NewDocument(raw)
	require.NoError(t, err)
	v, errs := validator.NewValidator(doc)
	require.Empty(t, errs)
	return v
}

// asSent is the request as it would have gone to Onfido itself.
func (e exchange) asSent(t *testing.T) *http.Request {
	u, err := url.Parse("https://api.eu.onfido.com" + e.request.URL.RequestURI())
	require.NoError(t, err)
	req := &http.Request{Method: e.request.Method, URL: u, Host: u.Host, Header: e.request.Header.Clone(), Body: io.NopCloser(bytes.NewReader(e.body))}
	return req
}

func why(problems []*errors.ValidationError) string {
	var out strings.Builder
	for _, p := range problems {
		out.WriteString(p.Message + ": " + p.Reason + "\n")
		for _, s := range p.SchemaValidationErrors {
			out.WriteString("  " + s.FieldPath + " " + s.Reason + "\n")
		}
	}
	return out.String()
}

// TestRequestsAndAnswersKeepToTheSpecification runs and searches with every sample,
// and holds each request and the fake's answer against Onfido's document.
func TestRequestsAndAnswersKeepToTheSpecification(t *testing.T) {
	v := document(t)
	r := newRig(t)
	outputs := map[string]json.RawMessage{}
	var output func(name string) (json.RawMessage, error)
	output = func(name string) (json.RawMessage, error) {
		if out, ok := outputs[name]; ok {
			return out, nil
		}
		op := operationNamed(t, name)
		in, err := sample.Resolve(op.Samples[0], output)
		require.NoError(t, err)
		out, err := op.Run(t.Context(), r.conn, call("k-"+strings.ReplaceAll(name, "_", "-")), in)
		require.NoError(t, err, name)
		if op.CanFind() {
			_, _, err = op.Find(t.Context(), r.conn, call("k-"+strings.ReplaceAll(name, "_", "-")), in)
			require.NoError(t, err, name)
		}
		outputs[name] = out
		return out, nil
	}
	for _, op := range Connector.Operations {
		_, err := output(op.Name)
		require.NoError(t, err)
	}
	do[Applicant](r, "applicant_create", "k-full", person())
	require.NoError(t, r.conn.Check(t.Context()))
	require.GreaterOrEqual(t, len(r.exchanges), len(Connector.Operations)+7)
	for _, e := range r.exchanges {
		what := e.request.Method + " " + e.request.URL.Path
		ok, problems := v.ValidateHttpRequestSync(e.asSent(t))
		require.True(t, ok, "%s: %s\n%s", what, why(problems), e.body)
		answer := &http.Response{StatusCode: e.answer.StatusCode, Header: e.answer.Header, Body: io.NopCloser(bytes.NewReader(e.sent))}
		ok, problems = v.ValidateHttpResponse(e.asSent(t), answer)
		require.True(t, ok, "%s answers: %s\n%s", what, why(problems), e.sent)
	}
}

// TestTheSpecificationIsReallyApplied: a request that breaks it is noticed.
func TestTheSpecificationIsReallyApplied(t *testing.T) {
	v := document(t)
	r := newRig(t)
	do[Applicant](r, "applicant_create", "k1", person())
	bad := r.exchanges[0]
	bad.body = []byte(`{"first_name":"Ines","last_name":"a<b"}`)
	ok, _ := v.ValidateHttpRequestSync(bad.asSent(t))
	require.False(t, ok)
}
