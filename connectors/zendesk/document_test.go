package zendesk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/connectors/sdk/sample"
	"parley/connectors/zendesk"
)

// documentOf holds requests against Zendesk's own OpenAPI document, which has all
// endpoints but those of webhooks.
func documentOf(t *testing.T) validator.Validator {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Zendesk's OpenAPI document")
	}
	raw, err := os.ReadFile(filepath.Join(specs, "zendesk", "openapi-src.yaml"))
	require.NoError(t, err)
	document, err := libopenapi.NewDocument(raw)
	require.NoError(t, err)
	v, errs := validator.NewValidator(document)
	require.Empty(t, errs)
	return v
}

// output runs an operation with its first sample, once.
func (r *rig) output(name string) (json.RawMessage, error) {
	if out, ok := r.outputs[name]; ok {
		return out, nil
	}
	return r.run(operation(r.t, name), 0)
}

func (r *rig) run(op sdk.Operation, which int) (json.RawMessage, error) {
	input, err := sample.Resolve(op.Samples[which], r.output)
	require.NoError(r.t, err)
	out, err := op.Run(r.t.Context(), r.conn, keyOf(op, which), input)
	require.NoError(r.t, err)
	if which == 0 {
		r.outputs[op.Name] = out
	}
	return out, nil
}

// idOf is the ID in what an operation gave.
func idOf(r *rig, name string) string {
	var out role.ID
	require.NoError(r.t, json.Unmarshal(r.outputs[name], &out))
	return out.ID
}

func keyOf(op sdk.Operation, sample int) sdk.Call {
	return call(fmt.Sprintf("%s-%d", strings.ReplaceAll(op.Name, "_", "-"), sample))
}

func TestEveryRequestIsAsZendesksDocumentSays(t *testing.T) {
	v := documentOf(t)
	r := newRig(t)
	for _, op := range zendesk.Connector.Operations {
		for i := range op.Samples {
			_, _ = r.run(op, i)
			if op.CanFind() {
				input, err := sample.Resolve(op.Samples[i], r.output)
				require.NoError(t, err)
				_, found, err := op.Find(t.Context(), r.conn, keyOf(op, i), input)
				require.NoError(t, err)
				require.True(t, found)
			}
		}
	}
	require.NoError(t, r.conn.(sdk.Checker).Check(t.Context()))
	r.staff(idOf(r, "ticket_create"), "reply", "Hello!")
	events, _, err := r.conn.(sdk.Poller).Poll(t.Context(), "")
	require.NoError(t, err)
	require.NotEmpty(t, events)
	seen := map[string]bool{}
	for _, s := range r.recorder.sent {
		seen[s.req.Method+" "+s.req.URL.Path] = true
		u, err := url.Parse("https://example.zendesk.com" + s.req.URL.RequestURI())
		require.NoError(t, err)
		req := &http.Request{Method: s.req.Method, URL: u, Host: u.Host, Header: s.req.Header, Body: io.NopCloser(bytes.NewReader(s.body))}
		ok, problems := v.ValidateHttpRequestSync(req)
		for _, p := range problems {
			t.Errorf("%s %s: %s: %s", s.req.Method, s.req.URL.Path, p.Message, p.Reason)
		}
		require.True(t, ok || len(problems) > 0)
	}
	for _, path := range []string{"POST /api/v2/tickets", "GET /api/v2/tickets", "POST /api/v2/uploads", "POST /api/v2/users/create_or_update", "GET /api/v2/users/me", "GET /api/v2/incremental/tickets/cursor"} {
		require.True(t, seen[path], path)
	}

	broken := &http.Request{Method: http.MethodPut, URL: &url.URL{Scheme: "https", Host: "example.zendesk.com", Path: "/api/v2/tickets/1"}, Host: "example.zendesk.com",
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Basic eDp5"}}, Body: io.NopCloser(strings.NewReader(`{"ticket":{"status":"asleep"}}`))}
	ok, _ := v.ValidateHttpRequestSync(broken)
	require.False(t, ok, "the document is really applied")
}
