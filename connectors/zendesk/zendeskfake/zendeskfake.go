// Package zendeskfake stands in for Zendesk Support in development and tests:
// tickets, comments with their audits, customers, uploads and webhooks, idempotency
// keys for two hours, signed events, and a page on which one answers as the staff.
package zendeskfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "zendesk",
	Page:      "agent",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, err := json.Marshal(account{BaseURL: baseURL, Email: "parley@example.com", APIToken: secret("api_token"), WebhookSecret: secret("webhook_secret")})
		if err != nil {
			panic(err) // four strings
		}
		return raw
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL       string `json:"base_url"`
	Email         string `json:"email"`
	APIToken      string `json:"api_token"`
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
		"GET /api/v2/users/me":                     s.me,
		"POST /api/v2/users/create_or_update":      s.createOrUpdateUser,
		"POST /api/v2/tickets":                     s.keyed(s.createTicket),
		"GET /api/v2/tickets":                      s.listTickets,
		"GET /api/v2/tickets/{id}":                 s.showTicket,
		"PUT /api/v2/tickets/{id}":                 s.updateTicket,
		"PUT /api/v2/tickets/{id}/tags":            s.addTags,
		"GET /api/v2/tickets/{id}/audits":          s.listAudits,
		"GET /api/v2/tickets/{id}/comments":        s.listComments,
		"GET /api/v2/incremental/tickets/cursor":   s.exportTickets,
		"POST /api/v2/uploads":                     s.upload,
		"GET /api/v2/webhooks":                     s.listWebhooks,
		"POST /api/v2/webhooks":                    s.createWebhook,
		"PUT /api/v2/webhooks/{id}":                s.updateWebhook,
		"GET /api/v2/webhooks/{id}/signing_secret": s.signingSecret,
	} {
		s.mux.HandleFunc(pattern, s.api(do))
	}
	s.mux.HandleFunc("/api/", s.api(func(*call) (any, *problem) { return nil, missing("InvalidEndpoint") }))
	s.mux.HandleFunc("GET /agent", s.showAll)
	s.mux.HandleFunc("GET /agent/tickets/{id}", s.showOne)
	s.mux.HandleFunc("POST /agent/tickets/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// operation names the connector's operation by method, path and, of a ticket's
// change, by what is said with it.
func operation(r *http.Request, body []byte) string {
	_, path, ok := strings.Cut(r.URL.Path, "/api/v2/")
	if !ok {
		return ""
	}
	switch what := r.Method + " " + path; {
	case what == "POST tickets":
		return "ticket_create"
	case what == "GET tickets":
		return "ticket_find"
	case what == "POST users/create_or_update":
		return "customer_upsert"
	case strings.HasPrefix(path, "webhooks"):
		return fake.Subscribe
	case strings.HasPrefix(path, "incremental/"), strings.HasSuffix(path, "/comments"):
		return fake.Poll
	case r.Method == "PUT" && strings.HasPrefix(path, "tickets/"):
		return changeOf(body)
	case r.Method == "GET" && strings.HasPrefix(path, "tickets/") && strings.Count(path, "/") == 1:
		return "ticket_get"
	}
	return ""
}

func changeOf(body []byte) string {
	var c struct {
		Ticket struct{ Comment *newComment }
	}
	if json.Unmarshal(body, &c) != nil || c.Ticket.Comment == nil {
		return "ticket_update"
	}
	if said := c.Ticket.Comment; said.Author == 0 && said.public() {
		return "ticket_reply"
	}
	return "ticket_comment"
}
