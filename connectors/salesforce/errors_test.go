package salesforce_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/connectors/salesforce"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/require"
)

func TestErrorsByCode(t *testing.T) {
	const personal = "jenny@example.com"
	cases := map[string]struct {
		status int
		body   string
		class  sdk.Class
		code   string
		says   string
		wrote  bool
		after  time.Duration
	}{
		"all requests of the day":   {403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`, sdk.Throttled, "REQUEST_LIMIT_EXCEEDED", "of the day", false, 15 * time.Minute},
		"too many at once":          {403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]`, sdk.Throttled, "REQUEST_LIMIT_EXCEEDED", "under way", false, 5 * time.Second},
		"a session that has ended":  {401, `[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]`, sdk.Auth, "INVALID_SESSION_ID", "client_id", true, 0},
		"a record that is locked":   {400, `[{"errorCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access"}]`, sdk.Throttled, "UNABLE_TO_LOCK_ROW", "", false, 2 * time.Second},
		"a duplicate":               {400, `[{"errorCode":"DUPLICATES_DETECTED","message":"` + personal + `"}]`, sdk.Rejected, "DUPLICATES_DETECTED", "duplicate rule", true, 0},
		"a rule of the org":         {400, `[{"errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","message":"` + personal + ` is banned","fields":["Email"]}]`, sdk.Rejected, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "(Email)", true, 0},
		"a field that is not there": {400, `[{"errorCode":"INVALID_FIELD","message":"x"}]`, sdk.Invalid, "INVALID_FIELD", "Check", true, 0},
		"a permission":              {400, `[{"errorCode":"INSUFFICIENT_ACCESS_OR_READONLY","message":"x"}]`, sdk.Auth, "INSUFFICIENT_ACCESS_OR_READONLY", "", true, 0},
		"a required field":          {400, `[{"errorCode":"REQUIRED_FIELD_MISSING","message":"x","fields":["Region__c","` + personal + `"]}]`, sdk.Invalid, "REQUIRED_FIELD_MISSING", "(Region__c)", true, 0},
		"a reference":               {400, `[{"errorCode":"INVALID_CROSS_REFERENCE_KEY","message":"x"}]`, sdk.NotFound, "INVALID_CROSS_REFERENCE_KEY", "", true, 0},
		"nothing there":             {404, `[{"errorCode":"NOT_FOUND","message":"x"}]`, sdk.NotFound, "NOT_FOUND", "", true, 0},
		"several of one identifier": {300, `["/services/data/v68.0/sobjects/Contact/003x"]`, sdk.Rejected, "300", "several", true, 0},
		"down":                      {503, `[{"errorCode":"SERVER_UNAVAILABLE","message":"x"}]`, sdk.Unavailable, "SERVER_UNAVAILABLE", "", true, 0},
		"no list":                   {500, `<html>` + personal, sdk.Unavailable, "500", "", true, 0},
		"a code of tomorrow":        {400, `[{"errorCode":"` + personal + `"}]`, sdk.Invalid, "400", "", true, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, `{"records":[],"done":true}`)
					return
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			e := fail(t, conn, "contact_upsert", `{"external_id":"c-1"}`)
			require.Equal(t, []any{c.class, c.code, c.wrote, c.after}, []any{e.Class, e.Code, e.Wrote, e.RetryAfter})
			require.Contains(t, e.Message, c.says)
			require.NotContains(t, e.Error(), "jenny")
		})
	}
}

// Older versions of the API answer an upsert that changes a record with 204 and no ID.
func TestAnUpsertThatSaysNothing(t *testing.T) {
	asked := 0
	conn := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if asked++; asked == 1 {
			_, _ = io.WriteString(w, `{"records":[],"done":true}`)
			return
		}
		_, _ = io.WriteString(w, `{"records":[{"Id":"003000000000001"}],"done":true}`)
	})
	require.Equal(t, role.Upserted{ID: "003000000000001"}, run[role.Upserted](t, conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`))
}

func TestAPageElsewhereIsNotFollowed(t *testing.T) {
	asked := 0
	conn := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{"records":[{"Id":"003000000000001"}],"done":false,"nextRecordsUrl":"@elsewhere.example/x"}`)
	})
	require.Equal(t, sdk.Unavailable, fail(t, conn, "contact_search", `{"name":"x"}`).Class)
	require.Equal(t, 1, asked)
}

func TestNothingPersonalStandsInTheAddressOfAnUpsert(t *testing.T) {
	var paths []string
	conn := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if paths = append(paths, r.URL.Path); r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"records":[],"done":true}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"003000000000001","success":true,"errors":[]}`)
	})
	run[role.Upserted](t, conn, "contact_upsert", call("k"), `{"email":"jenny@example.com","phone":"+15550001111"}`)
	require.Len(t, paths, 2)
	require.True(t, strings.HasPrefix(paths[1], "/services/data/v68.0/sobjects/Contact/Parley_Id__c/parley-"))
	require.NotContains(t, strings.Join(paths, " "), "jenny")
	require.NotContains(t, strings.Join(paths, " "), "1111")
}

func TestLimitsAreLearned(t *testing.T) {
	h := func(info string) http.Header { return http.Header{"Sforce-Limit-Info": {info}} }
	learn := salesforce.Connector.Limits.Learn
	require.Equal(t, sdk.Pace{Known: true, Remaining: 4982, Reset: 15 * time.Minute}, learn(200, h("api-usage=18/5000")))
	require.Equal(t, sdk.Pace{Known: true, Reset: 15 * time.Minute}, learn(200, h("api-usage=5001/5000, per-app-api-usage=17/250(appName=x)")))
	for _, nothing := range []string{"", "api-usage=x/y", "api-usage=5", "per-app-api-usage=17/250", "api-usage=-1/5"} {
		require.Zero(t, learn(200, h(nothing)), nothing)
	}
}
