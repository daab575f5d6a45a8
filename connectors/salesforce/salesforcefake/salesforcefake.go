// Package salesforcefake stands in for a Salesforce org in development and tests:
// contacts, leads, accounts, opportunities, tasks and users, external IDs, SOQL with
// pages, describe, OAuth 2.0's client credentials, and a dashboard on which people
// change and delete records.
//
// It is one org, whatever the client.
package salesforcefake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "salesforce",
	Page:      "dashboard",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		return encode(map[string]string{"base_url": baseURL, "client_id": "3MVG9" + secret("client_id"), "client_secret": secret("client_secret"),
			"score_field": "Parley_Score__c", "currency": "USD"})
	},
}

// server is the fake. Everything that lasts is in env's state; mu makes of a change to
// several values one step.
type server struct {
	env fake.Env
	mux *http.ServeMux
	mu  sync.Mutex
}

// data is where the REST API is.
const data = "/services/data/v68.0"

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	for pattern, do := range map[string]endpoint{
		"GET " + data + "/sobjects/{type}/describe":          s.describe,
		"POST " + data + "/sobjects/{type}":                  s.create,
		"PATCH " + data + "/sobjects/{type}/{id}":            s.patch,
		"PATCH " + data + "/sobjects/{type}/{field}/{value}": s.upsert,
		"GET " + data + "/query":                             s.query(false),
		"GET " + data + "/queryAll":                          s.query(true),
		"GET " + data + "/query/{locator}":                   s.more,
	} {
		s.mux.HandleFunc(pattern, s.api(do))
	}
	s.mux.HandleFunc("POST /services/oauth2/token", s.token)
	s.mux.HandleFunc("GET /dashboard", s.dashboard)
	s.mux.HandleFunc("POST /dashboard/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// writes names the connector's operation by the object that is written.
var writes = map[string]string{"Contact": "contact_upsert", "Lead": "lead_upsert", "Account": "company_upsert", "Task": "note_create"}

func operation(r *http.Request, _ []byte) string {
	_, path, _ := strings.Cut(r.URL.Path, data)
	soql := r.URL.Query().Get("q")
	if rest, ok := strings.CutPrefix(path, "/sobjects/"); ok && r.Method != http.MethodGet {
		object, _, _ := strings.Cut(rest, "/")
		switch {
		case object != "Opportunity":
			return writes[object]
		case r.Method == http.MethodPost:
			return "deal_create"
		}
		return "deal_update"
	}
	switch {
	case path == "/queryAll":
		return fake.Poll
	case strings.Contains(soql, " FROM User "):
		return "owner_find"
	case strings.Contains(soql, " FROM Contact WHERE Id = ") && strings.Contains(soql, "Name"):
		return "contact_get"
	case strings.Contains(soql, " FROM Contact WHERE ") && strings.Contains(soql, "Account.Name"):
		return "contact_search"
	case strings.Contains(soql, " FROM Opportunity WHERE Id = "):
		return "deal_get"
	}
	return "" // what only prepares another request
}
