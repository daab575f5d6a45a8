// Package onfidofake stands in for Onfido in development and tests: applicants,
// documents, live photos, workflow runs, checks and reports, signed webhooks, and a
// dashboard that does what applicants and reviewers do.
//
// It reads requests by itself, from Onfido's documentation, so that a mistake of the
// connector is not repeated here.
package onfidofake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "onfido",
	Page:      "dashboard",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: func(r *http.Request, _ []byte) string { return operation(r.Method, r.URL.Path) },
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		return encode(account{BaseURL: baseURL, APIToken: "api_sandbox." + secret("api_token"), WebhookSecret: secret("webhook_secret")})
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL       string `json:"base_url"`
	APIToken      string `json:"api_token"`
	WebhookSecret string `json:"webhook_secret"`
}

func accountOf(a fake.Account) account {
	var out account
	_ = json.Unmarshal(a.Config, &out) // what is missing stays empty
	return out
}

// operations names the connector's operation by method and collection, with /* for
// one object.
var operations = map[string]string{
	"POST applicants":     "applicant_create",
	"GET applicants/*":    "applicant_get",
	"PUT applicants/*":    "applicant_update",
	"POST documents":      "document_upload",
	"POST live_photos":    "live_photo_upload",
	"POST sdk_token":      "sdk_token_create",
	"POST workflow_runs":  "workflow_run_create",
	"GET workflow_runs/*": "workflow_run_get",
	"POST checks":         "check_create",
	"GET checks/*":        "check_get",
	"GET reports":         "report_list",
	"GET reports/*":       "report_get",
	"GET webhooks":        "check",
	// Searches are part of what they search for.
	"GET documents":     "document_upload",
	"GET live_photos":   "live_photo_upload",
	"GET workflow_runs": "workflow_run_create",
	"GET checks":        "check_create",
}

func operation(method, path string) string {
	_, path, ok := strings.Cut(path, "/v3.6/")
	if !ok {
		return ""
	}
	if collection, _, one := strings.Cut(path, "/"); one {
		path = collection + "/*"
	}
	return operations[method+" "+path]
}

// server is the fake. Everything that lasts is in env's state.
type server struct {
	env fake.Env
	mux *http.ServeMux
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	for pattern, do := range map[string]endpoint{
		"POST /v3.6/applicants":        s.createApplicant,
		"GET /v3.6/applicants/{id}":    s.fetch("applicants"),
		"PUT /v3.6/applicants/{id}":    s.updateApplicant,
		"POST /v3.6/documents":         s.upload("documents"),
		"GET /v3.6/documents":          s.list("documents", "applicant_id"),
		"POST /v3.6/live_photos":       s.upload("live_photos"),
		"GET /v3.6/live_photos":        s.list("live_photos", "applicant_id"),
		"POST /v3.6/sdk_token":         s.token,
		"POST /v3.6/workflow_runs":     s.createRun,
		"GET /v3.6/workflow_runs":      s.listRuns,
		"GET /v3.6/workflow_runs/{id}": s.fetch("workflow_runs"),
		"POST /v3.6/checks":            s.createCheck,
		"GET /v3.6/checks":             s.list("checks", "applicant_id"),
		"GET /v3.6/checks/{id}":        s.fetch("checks"),
		"GET /v3.6/reports":            s.list("reports", "check_id"),
		"GET /v3.6/reports/{id}":       s.fetch("reports"),
		"GET /v3.6/webhooks":           s.listWebhooks,
		"/v3.6/":                       func(call) (any, *failure) { return nil, missing() },
	} {
		s.mux.HandleFunc(pattern, s.api(do))
	}
	s.mux.HandleFunc("GET /dashboard", s.dashboard)
	s.mux.HandleFunc("POST /dashboard/{kind}/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// call is an authenticated request.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	owner string // the token
}

func (c call) id() string { return c.r.PathValue("id") }

// body reads a JSON body.
func (c call) body() (object, *failure) {
	out := object{}
	if json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, 1<<20)).Decode(&out) != nil {
		return nil, &failure{status: http.StatusBadRequest, Type: "bad_request", Message: "There was a problem with the request"}
	}
	return out, nil
}

// endpoint answers a call with an object or an error.
type endpoint func(call) (any, *failure)

// failure is Onfido's error object ("Error object" of its documentation).
type failure struct {
	status  int
	Type    string              `json:"type"`
	Message string              `json:"message"`
	Fields  map[string][]string `json:"fields"`
}

func invalid(field, why string) *failure {
	return &failure{status: http.StatusUnprocessableEntity, Type: "validation_error", Message: "There was a validation error on this request",
		Fields: map[string][]string{field: {why}}}
}

func missing() *failure {
	return &failure{status: http.StatusNotFound, Type: "resource_not_found", Message: "The requested resource was not found"}
}

// api wraps an endpoint in what all share: authentication and JSON.
func (s *server) api(do endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Token token=")
		known := given && slices.ContainsFunc(s.env.Accounts(), func(a fake.Account) bool { return accountOf(a).APIToken == token })
		var answer any
		failed := &failure{status: http.StatusUnauthorized, Type: "authorization_error", Message: "Authorization error: please re-check your credentials"}
		if known {
			answer, failed = do(call{w: w, r: r, owner: token})
		}
		status := http.StatusOK
		switch {
		case failed != nil:
			status, answer = failed.status, object{"error": failed}
		case r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/sdk_token"):
			status = http.StatusCreated
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(encode(answer)) // a client that has gone away is no concern of the fake
	}
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the objects are ours
	}
	return raw
}
