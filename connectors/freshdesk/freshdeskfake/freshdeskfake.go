// Package freshdeskfake stands in for Freshdesk in development and tests: tickets,
// notes and replies, contacts, companies, a search that lags on demand, automation
// rules that push, and a page on which one answers as the staff.
package freshdeskfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "freshdesk",
	Page:      "agent",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: func(r *http.Request, _ []byte) string { return operation(r.Method, r.URL.Path) },
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, err := json.Marshal(account{BaseURL: baseURL, APIKey: secret("api_key"), WebhookSecret: secret("webhook_secret")})
		if err != nil {
			panic(err) // three strings
		}
		return raw
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL       string `json:"base_url"`
	APIKey        string `json:"api_key"`
	WebhookSecret string `json:"webhook_secret"`
}

// server is the fake. Everything that lasts is in env's state; mu makes requests that
// change something happen one after the other.
type server struct {
	env fake.Env
	mux *http.ServeMux
	mu  sync.Mutex
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	for pattern, do := range map[string]endpoint{
		"GET /api/v2/agents/me":                  s.me,
		"POST /api/v2/tickets":                   s.createTicket,
		"GET /api/v2/tickets":                    s.listTickets,
		"GET /api/v2/tickets/{id}":               s.viewTicket,
		"PUT /api/v2/tickets/{id}":               s.updateTicket,
		"GET /api/v2/tickets/{id}/conversations": s.listConversations,
		"POST /api/v2/tickets/{id}/notes":        s.createNote,
		"POST /api/v2/tickets/{id}/reply":        s.createReply,
		"GET /api/v2/search/tickets":             s.searchTickets,
		"GET /api/v2/contacts":                   s.listContacts,
		"POST /api/v2/contacts":                  s.createContact,
		"PUT /api/v2/contacts/{id}":              s.updateContact,
		"GET /api/v2/companies/autocomplete":     s.findCompanies,
		"POST /api/v2/companies":                 s.createCompany,
	} {
		s.mux.HandleFunc(pattern, s.api(do))
	}
	s.mux.HandleFunc("/api/", s.api(func(*call) (any, *problem) { return nil, missing() }))
	s.mux.HandleFunc("GET /agent", s.showAll)
	s.mux.HandleFunc("GET /a/tickets/{id}", s.showOne)
	s.mux.HandleFunc("POST /agent/tickets/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// operations names the connector's operation by method and path; an ID is "*".
var operations = map[string]string{
	"POST tickets":         "ticket_create",
	"GET tickets":          "ticket_create", // the search is part of what it searches for
	"GET tickets/*":        "ticket_get",
	"PUT tickets/*":        "ticket_update",
	"POST tickets/*/notes": "ticket_comment",
	"POST tickets/*/reply": "ticket_reply",
	"GET search/tickets":   "ticket_find",
	"POST contacts":        "customer_upsert",
	"PUT contacts/*":       "customer_upsert",
}

func operation(method, path string) string {
	_, path, ok := strings.Cut(path, "/api/v2/")
	if !ok {
		return ""
	}
	parts := strings.Split(path, "/")
	if len(parts) > 1 && parts[0] != "search" {
		parts[1] = "*"
	}
	return operations[method+" "+strings.Join(parts, "/")]
}
