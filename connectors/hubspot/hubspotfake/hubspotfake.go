// Package hubspotfake stands in for HubSpot in development and tests: contacts,
// companies, deals and notes with unique properties, associations, pipelines, owners,
// a search that lags on demand, signed webhooks, and a dashboard on which people
// change and delete records.
//
// It is one HubSpot account, whatever the access token, with one webhook for each
// connection that Parley has.
package hubspotfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "hubspot",
	Page:      "dashboard",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		return encode(account{BaseURL: baseURL, AccessToken: "pat-na1-" + secret("access_token"), WebhookSecret: secret("webhook_secret"), Currency: "USD"})
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL       string `json:"base_url"`
	AccessToken   string `json:"access_token"`
	WebhookSecret string `json:"webhook_secret"`
	Currency      string `json:"currency"`
}

// server is the fake. Everything that lasts is in env's state; mu makes of a change
// to several values one step.
type server struct {
	env fake.Env
	mux *http.ServeMux
	mu  sync.Mutex
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	for pattern, do := range map[string]endpoint{
		"POST /crm/v3/objects/{type}":                                       s.create,
		"GET /crm/v3/objects/{type}/{id}":                                   s.get,
		"PATCH /crm/v3/objects/{type}/{id}":                                 s.patch,
		"POST /crm/v3/objects/{type}/batch/upsert":                          s.upsert,
		"POST /crm/v3/objects/{type}/batch/read":                            s.read,
		"POST /crm/v3/objects/{type}/search":                                s.search,
		"GET /crm/v3/properties/{type}/{name}":                              s.property,
		"POST /crm/v3/properties/{type}":                                    s.makeProperty,
		"DELETE /crm/v3/properties/{type}/{name}":                           s.dropProperty,
		"GET /crm/v3/pipelines/deals":                                       pipelines,
		"GET /crm/v3/owners":                                                owners,
		"PUT /crm/v4/objects/{type}/{id}/associations/default/{other}/{to}": s.associate,
	} {
		s.mux.HandleFunc(pattern, api(do))
	}
	s.mux.HandleFunc("GET /dashboard", s.dashboard)
	s.mux.HandleFunc("POST /dashboard/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// operations names the connector's operation by method and path; an ID is "*".
// What only prepares another request has no name.
var operations = map[string]string{
	"POST contacts/batch/upsert":  "contact_upsert",
	"PATCH contacts/*":            "contact_upsert",
	"GET contacts/*":              "contact_get",
	"POST contacts/search":        "contact_search",
	"POST companies/batch/upsert": "company_upsert",
	"PATCH companies/*":           "company_upsert",
	"POST 0-3":                    "deal_create",
	"GET 0-3/*":                   "deal_get",
	"PATCH 0-3/*":                 "deal_update",
	"POST notes":                  "note_create",
	"POST notes/search":           "note_create",
}

func operation(r *http.Request, body []byte) string {
	if strings.HasSuffix(r.URL.Path, "/crm/v3/owners") {
		return "owner_find"
	}
	if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/crm/v3/properties/") {
		return "setup"
	}
	_, path, ok := strings.Cut(r.URL.Path, "/crm/v3/objects/")
	if !ok {
		return ""
	}
	parts := strings.Split(path, "/")
	if len(parts) == 2 && parts[1] != "search" {
		parts[1] = "*"
	}
	name := operations[r.Method+" "+strings.Join(parts, "/")]
	if name == "contact_upsert" && strings.Contains(string(body), `"lifecyclestage":"lead"`) {
		return "lead_upsert"
	}
	return name
}

// pipelines are the account's: HubSpot's default one for deals.
func pipelines(call) (any, *apiError) {
	var stages []map[string]any
	for i, s := range [][2]string{{"appointmentscheduled", "Appointment Scheduled"}, {"qualifiedtobuy", "Qualified To Buy"},
		{"presentationscheduled", "Presentation Scheduled"}, {"contractsent", "Contract Sent"}, {"closedwon", "Closed Won"}, {"closedlost", "Closed Lost"}} {
		stages = append(stages, map[string]any{"id": s[0], "label": s[1], "displayOrder": i, "archived": false})
	}
	return map[string]any{"results": []any{map[string]any{"id": "default", "label": "Sales Pipeline", "displayOrder": 0, "archived": false, "stages": stages}}}, nil
}

// staff by their e-mail address.
var staff = map[string]string{"olga@example.com": "41629779", "omar@example.com": "41629780"}

func owners(c call) (any, *apiError) {
	found := []any{}
	email := strings.ToLower(c.r.URL.Query().Get("email"))
	if id := staff[email]; id != "" {
		found = append(found, map[string]any{"id": id, "email": email, "type": "PERSON", "archived": false})
	}
	return map[string]any{"results": found}, nil
}

func isOwner(id string) bool {
	for _, known := range staff {
		if known == id {
			return true
		}
	}
	return false
}
