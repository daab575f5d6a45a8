package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/observe"
)

func (e *edge) metrics(t *testing.T) string {
	_, answer := e.send(t, "GET", "/metrics", "", nil)
	return answer
}

func TestKeys(t *testing.T) {
	cases := []struct {
		name, header string
		status       int
		kind         string
		challenge    string
	}{
		{"none", "", 401, "unauthorized", `Bearer realm="parley"`},
		{"another scheme", "Basic " + canary, 401, "unauthorized", `Bearer realm="parley"`},
		{"empty", "Bearer ", 401, "unauthorized", `Bearer realm="parley"`},
		{"unknown", "Bearer " + canary, 401, "unauthorized", `error="invalid_token"`},
		{"endless", "Bearer " + strings.Repeat("x", 5000), 401, "unauthorized", `error="invalid_token"`},
		{"insufficient", "Bearer read-key", 403, "forbidden", `scope="connections:read"`},
		{"storage down", "Bearer storage-down", 503, "unavailable", ""},
		{"good", "bearer " + admin, 200, "", ""},
	}
	e := start(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e.logs.Reset()
			resp, answer := e.send(t, "GET", "/v1/connections", "", http.Header{"Authorization": {c.header}})
			require.Equal(t, c.status, resp.StatusCode, answer)
			require.Contains(t, resp.Header.Get("WWW-Authenticate"), c.challenge)
			require.NotContains(t, answer+e.logs.String(), canary)
			if c.kind != "" {
				p := refusal(t, answer)
				require.Equal(t, "urn:parley:problem:"+c.kind, p.Type)
				require.Equal(t, "urn:uuid:"+resp.Header.Get("X-Request-Id"), p.Instance)
				require.Equal(t, problem.ContentType, resp.Header.Get("Content-Type"))
			}
		})
	}
}

// TestAKeyOfAnotherWorkspaceIsRefused where the request says which one it means.
func TestAKeyOfAnotherWorkspaceIsRefused(t *testing.T) {
	e := start(t, nil)
	e.keys["lost"] = api.Principal{Workspace: uuid.New(), Scopes: []string{"*"}}
	for _, c := range []struct {
		key, means string
		status     int
	}{
		{admin, "", 200}, {admin, "demo", 200}, {admin, "other", 403}, {admin, canary, 403}, {"lost", "demo", 503},
	} {
		resp, answer := e.send(t, "GET", "/v1/connections", "", http.Header{"Authorization": {"Bearer " + c.key}, api.WorkspaceHeader: {c.means}})
		require.Equal(t, c.status, resp.StatusCode, answer)
		require.NotContains(t, answer, canary)
	}
}

// TestNothingWithoutAKey asks every route under /v1 without one.
func TestNothingWithoutAKey(t *testing.T) {
	e := start(t, nil)
	_, tree := specification(t)
	asked := 0
	for path, item := range tree["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if strings.HasPrefix(path, "/v1/") {
				resp, answer := e.send(t, strings.ToUpper(method), strings.NewReplacer("{", "", "}", "").Replace(path), "{}", nil)
				require.Equal(t, http.StatusUnauthorized, resp.StatusCode, "%s %s: %s", method, path, answer)
				asked++
			}
		}
	}
	require.Greater(t, asked, 20)
	require.Empty(t, e.seen)
}

// TestScopes: the scope that the document names is the one that is needed.
func TestScopes(t *testing.T) {
	e := start(t, nil)
	_, tree := specification(t)
	for path, item := range tree["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if !strings.HasPrefix(path, "/v1/") {
				continue
			}
			scope := strings.TrimSuffix(strings.TrimPrefix(op.(map[string]any)["description"].(string), "Needs the scope "), ".")
			e.keys["just"] = api.Principal{Workspace: workspace, Scopes: []string{scope}}
			e.keys["other"] = api.Principal{Workspace: workspace, Scopes: []string{"tasks:read", scope + "x"}}
			target := strings.NewReplacer("{", "", "}", "").Replace(path)
			resp, _ := e.send(t, strings.ToUpper(method), target, "{}", http.Header{"Authorization": {"Bearer just"}})
			require.NotContains(t, []int{401, 403}, resp.StatusCode, "%s %s", method, path)
			resp, _ = e.send(t, strings.ToUpper(method), target, "{}", http.Header{"Authorization": {"Bearer other"}})
			require.Equal(t, 403, resp.StatusCode, "%s %s", method, path)
		}
	}
}

func TestRefusals(t *testing.T) {
	good := `{"connector":"whatsapp","account":"demo","config":{"base_url":"https://x.test"}}`
	big := `{"connector":"` + strings.Repeat(canary, 500) + `"}`
	cases := []struct {
		name, method, path, body string
		status                   int
		kind                     string
		errors                   []string // "pointer: detail"
	}{
		{"no such path", "GET", "/v2/" + canary, "", 404, "not-found", nil},
		{"no such method", "PATCH", "/v1/contacts", "", 405, "method-not-allowed", nil},
		{"webhook by PUT", "PUT", "/hooks/whatsapp/demo", canary, 405, "method-not-allowed", nil},
		{"webhook of nobody", "POST", "/hooks/whatsapp/" + canary, canary, 404, "unknown-account", nil},
		{"handshake of nobody", "GET", "/hooks/whatsapp/demo?hub.challenge=" + canary, "", 404, "unknown-account", nil},
		{"no such thing", "GET", "/v1/contacts/" + order.String(), "", 404, "not-found", nil},
		{"not JSON", "PUT", "/v1/connections/wa", `{"connector": "` + canary, 400, "malformed", nil},
		{"two values", "PUT", "/v1/connections/wa", good + good, 400, "malformed", nil},
		{"too large", "PUT", "/v1/connections/wa", big, 413, "too-large", nil},
		{"empty", "PUT", "/v1/connections/wa", "", 422, "invalid", []string{"/connector: is required", "/account: is required", "/config: is required"}},
		{"an array", "PUT", "/v1/connections/wa", "[]", 422, "invalid", []string{": must be object, not array"}},
		{"unknown field", "PUT", "/v1/connections/wa", `{"connector":"w","account":"d","config":{},"acount":"` + canary + `"}`, 422, "invalid", []string{"/acount: there is no such field"}},
		{"secret as a field", "PUT", "/v1/connections/wa", `{"connector":"w","account":"d","config":{},"4111111111111111":1}`, 422, "invalid", []string{"/(name): there is no such field"}},
		{"wrong type", "PUT", "/v1/connections/wa", `{"connector":7,"account":"d","config":{}}`, 422, "invalid", []string{"/connector: must be string, not number"}},
		{"null", "PUT", "/v1/connections/wa", `{"connector":"w","account":"d","config":null}`, 422, "invalid", []string{"/config: must be object, not null"}},
		{"pattern", "PUT", "/v1/connections/wa", `{"connector":"w","account":"` + canary + ` x","config":{}}`, 422, "invalid", []string{"/account: must match ^[a-z0-9][a-z0-9_-]{0,62}$"}},
		{"name in path", "PUT", "/v1/connections/W%20A", good, 422, "invalid", []string{"path/name: must match ^[a-z0-9][a-z0-9_-]{0,62}$"}},
		{"id in path", "GET", "/v1/contacts/" + canary, "", 422, "invalid", []string{"path/id: must be a UUID"}},
		{"unknown parameter", "GET", "/v1/contacts?stat=open", "", 422, "invalid", []string{"query/stat: there is no such parameter"}},
		{"limit", "GET", "/v1/contacts?limit=201", "", 422, "invalid", []string{"query/limit: must be at most 200"}},
		{"limit zero", "GET", "/v1/contacts?limit=0", "", 422, "invalid", []string{"query/limit: must be at least 1"}},
		{"limit text", "GET", "/v1/contacts?limit=" + canary, "", 422, "invalid", []string{"query/limit: must be a whole number"}},
		{"enum", "GET", "/v1/conversations?owner=" + canary, "", 422, "invalid", []string{"query/owner: must be one of bot human case"}},
		{"time", "GET", "/v1/effects?since=yesterday", "", 422, "invalid", []string{"query/since: must be a time such as 2026-11-23T08:00:00Z"}},
		{"bool", "GET", "/v1/cases?open=perhaps", "", 422, "invalid", []string{"query/open: must be true or false"}},
		{"uuid", "GET", "/v1/cases?contact=" + canary, "", 422, "invalid", []string{"query/contact: must be a UUID"}},
		{"missing parameter", "GET", "/v1/messages", "", 422, "invalid", []string{"query/conversation: is required"}},
		{"cursor", "GET", "/v1/contacts?after=" + canary, "", 400, "bad-cursor", nil},
		{"merge with itself", "POST", "/v1/contacts/" + contact.String() + "/merge", `{"from":"` + contact.String() + `"}`, 409, "conflict", nil},
		{"agent's mail address", "POST", "/v1/conversations/" + conversation.String() + "/take", `{"agent":"a@b.test"}`, 422, "invalid", []string{"/agent: must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}},
		{"say nothing", "POST", "/v1/conversations/" + conversation.String() + "/messages", `{"agent":"ann"}`, 422, "invalid", []string{"/text: either text or content is needed, not both"}},
		{"unknown field within", "POST", "/v1/conversations/" + conversation.String() + "/messages", `{"agent":"ann","content":{"txt":"x"}}`, 422, "invalid", []string{`: json: unknown field "txt"`}},
		{"broken flow", "PUT", "/v1/flows/shop", `{"document":"` + canary + `"}`, 422, "invalid", []string{": blocks is missing"}},
	}
	e := start(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e.logs.Reset()
			status, answer := e.call(t, c.method, c.path, c.body)
			require.Equal(t, c.status, status, answer)
			p := refusal(t, answer)
			require.Equal(t, "urn:parley:problem:"+c.kind, p.Type)
			require.Equal(t, c.status, p.Status)
			var got []string
			for _, f := range p.Errors {
				got = append(got, f.Pointer+": "+f.Detail)
			}
			require.ElementsMatch(t, c.errors, got)
			require.NotContains(t, answer+e.logs.String()+e.metrics(t), canary)
			require.NotContains(t, answer, "4111111111111111")
			require.Empty(t, e.put)
		})
	}
}

func TestOtherMediaTypesAreRefused(t *testing.T) {
	e := start(t, nil)
	resp, answer := e.send(t, "PUT", "/v1/connections/wa", "a=b", http.Header{"Authorization": {"Bearer " + admin},
		"Content-Type": {"application/x-www-form-urlencoded"}})
	require.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, answer)
}

func TestMethodNotAllowedNamesTheOthers(t *testing.T) {
	e := start(t, nil)
	resp, _ := e.send(t, "PATCH", "/v1/connections/wa", "", nil)
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	for _, m := range []string{"GET", "PUT", "DELETE"} {
		require.Contains(t, resp.Header.Get("Allow"), m)
	}
}

func TestConnections(t *testing.T) {
	e := start(t, nil)
	status, answer := e.call(t, "PUT", "/v1/connections/wa", `{"connector":"whatsapp","account":"demo","config":{"access_token":"`+canary+`"}}`)
	require.Equal(t, 200, status, answer)
	require.NotContains(t, answer, canary, "what was configured is not shown again")
	require.NotContains(t, e.logs.String(), canary)
	require.JSONEq(t, `{"access_token":"`+canary+`"}`, string(e.put["wa"].Config))
	require.Equal(t, "key/"+uuid.Nil.String(), e.put["wa"].Actor)

	status, answer = e.call(t, "GET", "/v1/connections/wa", "")
	require.Equal(t, 200, status)
	require.NotContains(t, answer, canary)

	status, answer = e.call(t, "DELETE", "/v1/connections/wa", "")
	require.Equal(t, http.StatusNoContent, status)
	require.Empty(t, answer)
	status, _ = e.call(t, "DELETE", "/v1/connections/wa", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestOutages(t *testing.T) {
	e := start(t, nil)
	e.put["pay"] = api.NewConnection{Connector: "stripe"}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/connections/pay/pause", "", 204},
		{"PUT", "/v1/connections/pay/drain-rate", `{"per_second":2.5}`, 204},
		{"POST", "/v1/connections/pay/resume", "", 204},
		{"PUT", "/v1/connections/pay/drain-rate", `{"per_second":-1}`, 422},
		{"PUT", "/v1/connections/pay/drain-rate", `{}`, 422},
		{"POST", "/v1/connections/none/pause", "", 404},
		{"GET", "/v1/connections/none/outages", "", 404},
	} {
		status, answer := e.call(t, c.method, c.path, c.body)
		require.Equal(t, c.status, status, answer)
	}
	actor := "key/" + uuid.Nil.String()
	require.Equal(t, []string{"pause by " + actor, "drain 2.5", "resume by " + actor}, e.seen)
	status, answer := e.call(t, "GET", "/v1/connections/pay/outages", "")
	require.Equal(t, 200, status)
	var got api.Page[api.Outage]
	require.NoError(t, json.Unmarshal([]byte(answer), &got))
	require.Equal(t, 3, got.Items[0].Parked)
}

func TestErrorsOfPorts(t *testing.T) {
	cases := map[string]struct {
		err    error
		status int
		kind   string
		says   string
	}{
		"connector's refusal": {&sdk.Error{Class: sdk.Invalid, Message: "access_token is missing"}, 422, "invalid", "access_token is missing"},
		"conflict":            {problem.Conflict.New("The account is connected elsewhere."), 409, "conflict", "elsewhere"},
		"wrapped problem":     {fmt.Errorf("store: %w", problem.NotFound.New("gone")), 404, "not-found", "gone"},
		"late":                {fmt.Errorf("query: %w", context.DeadlineExceeded), 504, "timeout", "try again"},
		"unexpected":          {errors.New(`duplicate key "` + canary + `"`), 500, "internal", "logged"},
	}
	e := start(t, nil)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e.logs.Reset()
			e.fail = c.err
			status, answer := e.call(t, "PUT", "/v1/connections/wa", `{"connector":"w","account":"d","config":{}}`)
			require.Equal(t, c.status, status)
			p := refusal(t, answer)
			require.Equal(t, "urn:parley:problem:"+c.kind, p.Type)
			require.Contains(t, p.Detail, c.says)
			require.NotContains(t, answer+e.logs.String(), canary)
			require.Equal(t, c.status >= 500, strings.Contains(e.logs.String(), "a request failed"))
			if c.status >= 500 {
				require.Contains(t, e.logs.String(), strings.TrimPrefix(p.Instance, "urn:uuid:"), "the problem leads to its log line")
			}
		})
	}
}

func TestPaging(t *testing.T) {
	e := start(t, nil)
	var names []string
	after, pages := "", 0
	for {
		status, answer := e.call(t, "GET", "/v1/connections?limit=1&after="+after, "")
		require.Equal(t, 200, status, answer)
		var page api.Page[api.Connection]
		require.NoError(t, json.Unmarshal([]byte(answer), &page))
		for _, c := range page.Items {
			names = append(names, c.Name)
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
		status, _ = e.call(t, "GET", "/v1/contacts?after="+after, "")
		require.Equal(t, http.StatusBadRequest, status, "a cursor of another list is refused")
	}
	require.Equal(t, []string{"c0", "c1", "c2"}, names)
	require.Equal(t, 3, pages)
	require.Equal(t, api.PageQuery{After: "", Limit: 1}, e.filters[0])
	e.call(t, "GET", "/v1/connections", "")
	require.Equal(t, api.PageQuery{Limit: 50}, e.filters[len(e.filters)-1])
}

func TestEmptyListIsAnEmptyArray(t *testing.T) {
	e := start(t, nil)
	for _, list := range []string{"flows", "cases", "audit"} {
		_, answer := e.call(t, "GET", "/v1/"+list, "")
		require.JSONEq(t, `{"items":[]}`, answer, list)
	}
}

func TestFilters(t *testing.T) {
	e := start(t, nil)
	open := false
	for path, want := range map[string]any{
		"/v1/conversations?state=queued&owner=human&agent=ann&queue=sales&contact=" + contact.String(): api.ConversationFilter{State: "queued", Owner: "human", Agent: "ann", Queue: "sales", Contact: contact},
		"/v1/cases?kind=order&stage=paid&waiting_for=payment&open=false":                               api.CaseFilter{Kind: "order", Stage: "paid", WaitingFor: "payment", Open: &open},
		"/v1/effects?state=uncertain&connector=stripe&since=2026-11-23T08:00:00Z":                      api.EffectFilter{State: "uncertain", Connector: "stripe", Since: moment},
		"/v1/misses?flow=shop&guess=track&language=en":                                                 api.MissFilter{Flow: "shop", Guess: "track", Language: "en"},
		"/v1/events?type=parley.message.received&subject=conversation/x":                               api.EventFilter{Type: "message.received", Subject: "conversation/x"},
	} {
		e.filters = nil
		status, answer := e.call(t, "GET", path, "")
		require.Equal(t, 200, status, answer)
		require.Equal(t, want, e.filters[0])
	}
}

func TestAHumanTakesAnswersAndReturns(t *testing.T) {
	e := start(t, nil)
	at := "/v1/conversations/" + conversation.String()
	step := func(status int, path, body string) string {
		t.Helper()
		got, answer := e.call(t, "POST", at+path, body)
		require.Equal(t, status, got, answer)
		return answer
	}
	step(409, "/messages", `{"agent":"ann","text":"too early"}`)
	require.Contains(t, step(200, "/take", `{"agent":"ann"}`), `"kind":"human","id":"ann"`)
	step(200, "/take", `{"agent":"ann"}`)
	step(409, "/take", `{"agent":"bob"}`)
	id := uuid.New()
	require.Contains(t, step(202, "/messages", `{"agent":"ann","text":"Hello","id":"`+id.String()+`"}`), id.String())
	step(202, "/messages", `{"agent":"ann","content":{"text":"A picture","media":{"kind":"image","url":"https://x.test/a.png"}}}`)
	step(409, "/messages", `{"agent":"bob","text":"me too"}`)
	require.Len(t, e.said, 2)
	require.Equal(t, id, e.said[0].ID)
	require.Equal(t, "Hello", e.said[0].Content.Text)
	require.NotEqual(t, uuid.Nil, e.said[1].ID)
	require.Equal(t, "image", e.said[1].Content.Media.Kind)
	step(409, "/handoff", `{"queue":"sales","agent":"bob"}`)
	step(422, "/handoff", `{"queue":"sales","to":"mars"}`)
	require.Contains(t, step(200, "/handoff", `{"queue":"sales","to":"livechat","group":"3","agent":"ann"}`), `"queue":"livechat/3"`)
	require.Contains(t, step(200, "/handoff", `{"queue":"sales"}`), `"queue":"sales"`)
	step(200, "/take", `{"agent":"ann"}`)
	require.Contains(t, step(200, "/return", `{"agent":"ann"}`), `"kind":"bot"`)
	step(409, "/messages", `{"agent":"ann","text":"too late"}`)
}

func TestWhoLookedIsRecorded(t *testing.T) {
	e := start(t, nil)
	for path, want := range map[string]string{
		"/v1/contacts":                     "contacts.list ",
		"/v1/contacts/" + contact.String(): "contact.view " + contact.String(),
		"/v1/messages/1":                   "message.read 1",
		"/v1/misses?flow=shop":             "misses.read shop",
		"/v1/conversations/" + conversation.String() + "/messages": "conversation.read " + conversation.String(),
		"/v1/messages?conversation=" + conversation.String():       "conversation.read " + conversation.String(),
	} {
		e.seen, e.unsealed = nil, false
		status, answer := e.call(t, "GET", path, "")
		require.Equal(t, 200, status, answer)
		require.Equal(t, []string{want}, e.seen)

		e.unsealed = true
		status, answer = e.call(t, "GET", path, "")
		require.Equal(t, http.StatusServiceUnavailable, status, "what cannot be recorded is not shown")
		require.NotContains(t, answer, "Asha")
	}
}

func TestContactsAreBlockedAndMerged(t *testing.T) {
	e := start(t, nil)
	at := "/v1/contacts/" + contact.String()
	_, answer := e.call(t, "POST", at+"/block", "")
	require.Contains(t, answer, `"blocked":true`)
	_, answer = e.call(t, "POST", at+"/unblock", "")
	require.Contains(t, answer, `"blocked":false`)
	status, _ := e.call(t, "POST", at+"/merge", `{"from":"`+order.String()+`"}`)
	require.Equal(t, 200, status)
	require.True(t, e.merged)
}

func TestFlowsArePublished(t *testing.T) {
	e := start(t, nil)
	status, answer := e.call(t, "PUT", "/v1/flows/shop", `{"document":"blocks: {}","bind":["whatsapp/demo"]}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"live":true`)
	_, answer = e.call(t, "PUT", "/v1/flows/shop", `{"document":"nothing"}`)
	require.Equal(t, 1, refusal(t, answer).Errors[0].Line)
}

func TestCasesAreSignalled(t *testing.T) {
	e := start(t, nil)
	status, answer := e.call(t, "POST", "/v1/cases/"+order.String()+"/signal", `{"name":"cancel","data":{"reason":"changed mind"}}`)
	require.Equal(t, http.StatusNoContent, status, answer)
	require.Equal(t, "cancel", e.signals[0].Name)
	require.JSONEq(t, `{"reason":"changed mind"}`, string(e.signals[0].Data))
}

func TestEventsAreCloudEventsAndCanBeFollowed(t *testing.T) {
	e := start(t, nil)
	status, answer := e.call(t, "GET", "/v1/events", "")
	require.Equal(t, 200, status)
	var first api.Page[map[string]any]
	require.NoError(t, json.Unmarshal([]byte(answer), &first))
	require.Equal(t, map[string]any{"specversion": "1.0", "id": "7", "source": "urn:parley:workspace:" + workspace.String(),
		"type": "parley.message.received", "subject": "conversation/x", "time": "2026-11-23T08:00:00Z",
		"datacontenttype": "application/json", "data": map[string]any{"number": 1.0}}, first.Items[0])
	_, answer = e.call(t, "GET", "/v1/events?after="+first.Next, "")
	var second api.Page[map[string]any]
	require.NoError(t, json.Unmarshal([]byte(answer), &second))
	require.Empty(t, second.Items)
	require.Equal(t, first.Next, second.Next, "a reader at the end keeps its place")
}

func TestPanicsAreAnsweredAndHoldNothing(t *testing.T) {
	e := start(t, func(o *api.Options) {
		o.Mount = []func(gin.IRouter){func(r gin.IRouter) {
			r.GET("/broken", func(*gin.Context) { panic("card " + canary) })
		}}
	})
	resp, answer := e.send(t, "GET", "/broken", "", nil)
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	require.Equal(t, "urn:parley:problem:internal", refusal(t, answer).Type)
	require.Contains(t, e.logs.String(), "panic of type string")
	require.Contains(t, e.logs.String(), "parley/api")
	require.NotContains(t, answer+e.logs.String(), canary)
	require.Contains(t, e.metrics(t), `parley_http_requests_total{method="GET",route="/broken",status="5xx"} 1`)
}

func TestHeaders(t *testing.T) {
	e := start(t, nil)
	resp, _ := e.send(t, "GET", "/v1/contacts", "", http.Header{"Authorization": {"Bearer " + admin}, "X-Request-Id": {canary}})
	require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotEqual(t, canary, resp.Header.Get("X-Request-Id"))
	require.NoError(t, uuid.Validate(resp.Header.Get("X-Request-Id")))
}

func TestMetricsHaveFewLabels(t *testing.T) {
	e := start(t, nil)
	e.call(t, "GET", "/v1/contacts/"+contact.String(), "")
	e.send(t, "GET", "/"+canary, "", nil)
	e.send(t, strings.ToUpper("CANARY"), "/v1/contacts", "", nil)
	m := e.metrics(t)
	require.Contains(t, m, `parley_http_requests_total{method="GET",route="/v1/contacts/{id}",status="2xx"} 1`)
	require.Contains(t, m, `route="none",status="4xx"} 1`)
	require.Contains(t, m, `method="other"`)
	require.NotContains(t, m, contact.String())
	require.NotContains(t, strings.ToLower(m), "canary")
}

func TestMountedRoutesContinueTheTrace(t *testing.T) {
	stop, err := observe.StartTracing(t.Context(), observe.TraceOptions{})
	require.NoError(t, err)
	defer stop(t.Context())
	parents := make(chan string, 1)
	e := start(t, func(o *api.Options) {
		o.Mount = []func(gin.IRouter){func(r gin.IRouter) {
			r.GET("/mounted", func(c *gin.Context) { parents <- observe.TraceParent(c.Request.Context()) })
		}}
	})
	e.send(t, "GET", "/mounted", "", nil)
	require.NotEmpty(t, <-parents)
}

func TestWrongProxiesAreRefused(t *testing.T) {
	o := options(&memory{}, nil, &strings.Builder{})
	o.TrustedProxies = []string{"everyone"}
	_, err := api.New(o)
	require.ErrorContains(t, err, "trusted proxies")
}
