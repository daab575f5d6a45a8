package hubspot_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"parley/connectors/hubspot"
	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

func TestErrorsByStatusAndCategory(t *testing.T) {
	const personal = "jenny@example.com"
	cases := map[string]struct {
		status int
		header map[string]string
		body   string
		class  sdk.Class
		code   string
		says   string
		wrote  bool
		after  time.Duration
	}{
		"a token that is wrong": {status: 401, body: `{"category":"INVALID_AUTHENTICATION"}`, class: sdk.Auth, code: "INVALID_AUTHENTICATION", says: "access token", wrote: true},
		"a permission that is missing": {status: 403, body: `{"category":"MISSING_SCOPES","errors":[{"message":"x","context":{"requiredGranularScopes":["crm.objects.deals.write"]}}]}`,
			class: sdk.Auth, code: "MISSING_SCOPES", says: "crm.objects.deals.write", wrote: true},
		"nothing there":        {status: 404, body: `{"category":"OBJECT_NOT_FOUND"}`, class: sdk.NotFound, code: "OBJECT_NOT_FOUND", wrote: true},
		"an address taken":     {status: 409, body: `{"category":"CONFLICT","message":"Contact already exists. ` + personal + `"}`, class: sdk.Rejected, code: "CONFLICT", wrote: true},
		"a property unknown":   {status: 400, body: `{"category":"VALIDATION_ERROR","errors":[{"code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["parley_score"]}}]}`, class: sdk.Invalid, code: "PROPERTY_DOESNT_EXIST", says: "parley_score", wrote: true},
		"a property of theirs": {status: 400, body: `{"category":"VALIDATION_ERROR","errors":[{"code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["jenny"]}}]}`, class: sdk.Invalid, code: "PROPERTY_DOESNT_EXIST", wrote: true},
		"a bad address":        {status: 400, body: `{"category":"VALIDATION_ERROR","message":"` + personal + `","errors":[{"code":"INVALID_EMAIL"}]}`, class: sdk.Invalid, code: "INVALID_EMAIL", wrote: true},
		"per second":           {status: 429, body: `{"policyName":"SECONDLY","category":"RATE_LIMITS"}`, class: sdk.Throttled, code: "RATE_LIMITS", after: time.Second},
		"per ten seconds":      {status: 429, header: map[string]string{"X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}, body: `{"policyName":"TEN_SECONDLY_ROLLING","category":"RATE_LIMITS"}`, class: sdk.Throttled, code: "RATE_LIMITS", after: 10 * time.Second},
		"for the day":          {status: 429, body: `{"policyName":"DAILY","category":"RATE_LIMITS"}`, class: sdk.Throttled, code: "RATE_LIMITS", after: 15 * time.Minute},
		"as it says":           {status: 429, header: map[string]string{"Retry-After": "3"}, body: `{"policyName":"DAILY"}`, class: sdk.Throttled, code: "429", after: 3 * time.Second},
		"locked":               {status: 423, body: `{}`, class: sdk.Throttled, code: "423", after: 2 * time.Second},
		"moving house":         {status: 477, header: map[string]string{"Retry-After": "3600"}, class: sdk.Throttled, code: "477", after: time.Hour},
		"broken":               {status: 502, body: `<html>` + personal, class: sdk.Unavailable, code: "502", wrote: true},
		"strange":              {status: 400, body: `{"category":"` + personal + `","context":"x","subCategory":{}}`, class: sdk.Invalid, code: "400", wrote: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			e := fail(t, conn, "contact_get", `{"id":"1"}`)
			require.Equal(t, []any{c.class, c.code, c.wrote, c.after}, []any{e.Class, e.Code, e.Wrote, e.RetryAfter})
			require.Contains(t, e.Message, c.says)
			require.NotContains(t, e.Error(), "jenny")
		})
	}
}

// A batch succeeds as a whole, with status 207, while its one element fails.
func TestAnErrorWithinABatch(t *testing.T) {
	conn := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusMultiStatus)
		if r.URL.Path == "/crm/v3/objects/contacts/batch/read" {
			_, _ = io.WriteString(w, `{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":"OBJECT_NOT_FOUND","message":"x"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"status":"error","category":"VALIDATION_ERROR","subCategory":{},"errors":[{"message":"x","code":"INVALID_EMAIL"}]}]}`)
	})
	e := fail(t, conn, "contact_upsert", `{"email":"a@b.example"}`)
	require.Equal(t, sdk.Invalid, e.Class)
	require.Equal(t, "INVALID_EMAIL", e.Code)
}

func TestLimitsAreLearned(t *testing.T) {
	h := func(left, interval string) http.Header {
		out := http.Header{}
		out.Set("X-HubSpot-RateLimit-Remaining", left)
		out.Set("X-HubSpot-RateLimit-Interval-Milliseconds", interval)
		return out
	}
	learn := hubspot.Connector.Limits.Learn
	require.Equal(t, sdk.Pace{Known: true, Remaining: 7, Reset: 10 * time.Second}, learn(200, h("7", "10000")))
	for _, nothing := range []http.Header{{}, h("", "10000"), h("-1", "10000"), h("7", "x"), h("7", "86400000")} {
		require.Zero(t, learn(200, nothing))
	}
}

// issued hands out tokens in turn.
type issued struct {
	tokens  []string
	refused []string
}

func (i *issued) Token(context.Context) (string, error) { return i.tokens[len(i.refused)], nil }
func (i *issued) Refused(token string)                  { i.refused = append(i.refused, token) }

func TestAPrivateAppsTokenNeedsNoConsent(t *testing.T) {
	require.True(t, connect(t, hubspot.Config{AccessToken: accessToken}, sdk.Host{}).(sdk.Authorized).Authorized())
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"id":"1","properties":{}}`)
	}))
	t.Cleanup(server.Close)
	open := func(tokens *issued) any {
		return connect(t, hubspot.Config{BaseURL: server.URL, ClientID: "id", ClientSecret: "secret"}, sdk.Host{HTTP: server.Client(), Tokens: tokens})
	}
	tokens := &issued{tokens: []string{"old", "new"}}
	require.False(t, open(tokens).(sdk.Authorized).Authorized(), "a person must consent")
	require.Equal(t, "1", run[hubspot.Contact](t, open(tokens), "contact_get", sdk.Call{}, `{"id":"1"}`).ID)
	require.Equal(t, []string{"Bearer old", "Bearer new"}, seen)
	require.Equal(t, sdk.Auth, fail(t, open(&issued{tokens: []string{"a", "b", "c"}}), "contact_get", `{"id":"1"}`).Class)
	require.Len(t, seen, 4, "and no oftener")
	require.Equal(t, sdk.Auth, fail(t, connect(t, hubspot.Config{BaseURL: server.URL, ClientID: "id", ClientSecret: "s"}, sdk.Host{HTTP: server.Client()}), "contact_get", `{"id":"1"}`).Class)
}
