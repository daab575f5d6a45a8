// Package livechatfake stands in for LiveChat in development and tests: customers'
// tokens, chats with what is said in them, groups and who of the agents accepts
// chats, webhooks, and a desk at which one can answer as the agent.
package livechatfake

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "livechat",
	Page:      "desk",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: func(r *http.Request, _ []byte) string { return operations[action(r.URL.Path)] },
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, err := json.Marshal(account{BaseURL: baseURL, ClientID: "0805e283233042b37f460ed8fbf22160", ClientSecret: secret("client_secret"),
			AccessToken: secret("access_token"), OrganizationID: "390e44e6-f1e6-4368-a6dd-74a14508c2e0", WebhookSecret: secret("webhook_secret")})
		if err != nil {
			panic(err) // six strings
		}
		return raw
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL        string `json:"base_url"`
	ClientID       string `json:"client_id"`
	ClientSecret   string `json:"client_secret"`
	AccessToken    string `json:"access_token"`
	OrganizationID string `json:"organization_id"`
	WebhookSecret  string `json:"webhook_secret"`
}

// operations names the connector's operation by API and action. What only comes
// before an effect belongs to none.
var operations = map[string]string{
	"customer/start_chat":            "chat_start",
	"agent/list_chats":               "chat_start",
	"customer/send_event":            "chat_say",
	"customer/send_sneak_peek":       "chat_typing",
	"agent/transfer_chat":            "chat_transfer",
	"agent/deactivate_chat":          "chat_close",
	"agent/list_routing_statuses":    "agents_available",
	"configuration/list_webhooks":    fake.Subscribe,
	"configuration/register_webhook": fake.Subscribe,
}

// action is what a path of the API asks for: "agent/get_chat".
func action(path string) string {
	_, rest, ok := strings.Cut(path, "/v3.6/")
	if !ok {
		return ""
	}
	return strings.Replace(rest, "/action/", "/", 1)
}

// server is the fake. Everything that lasts is in env's state.
type server struct {
	env fake.Env
	mux *http.ServeMux
	// agents and customers are the actions by API and name.
	agents, customers map[string]endpoint
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	s.agents = map[string]endpoint{
		"agent/get_chat": s.getChat, "agent/list_chats": s.listChats, "agent/transfer_chat": s.transferChat, "agent/deactivate_chat": s.deactivateChat,
		"agent/list_routing_statuses": s.routingStatuses, "configuration/list_webhooks": s.listWebhooks, "configuration/register_webhook": s.registerWebhook, "configuration/unregister_webhook": s.unregisterWebhook,
		"configuration/list_properties": s.listProperties, "configuration/register_property": s.registerProperty,
	}
	s.customers = map[string]endpoint{
		"customer/start_chat": s.startChat, "customer/send_event": s.sendEvent, "customer/update_customer": s.updateCustomer, "customer/send_sneak_peek": s.sneakPeek,
	}
	s.mux.HandleFunc("POST /v2/customer/token", s.issueToken)
	s.mux.HandleFunc("POST /v3.6/{api}/action/{action}", s.act)
	s.mux.HandleFunc("GET /desk", s.desk)
	s.mux.HandleFunc("POST /desk", s.setStatus)
	s.mux.HandleFunc("POST /desk/{chat}", s.work)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// apiError is an error as LiveChat writes it ("Errors").
type apiError struct {
	status        int
	Type, Message string
}

func failed(status int, kind, message string) *apiError { return &apiError{status, kind, message} }

func invalid(message string) *apiError { return failed(http.StatusBadRequest, "validation", message) }

var notFound = failed(http.StatusNotFound, "not_found", "Not found")

// call is an authenticated request with its body read.
type call struct {
	owner account
	// customer who calls; empty for an agent.
	customer string
	raw      json.RawMessage
}

func (c call) into(v any) *apiError {
	if json.Unmarshal(c.raw, v) != nil {
		return invalid("Wrong format of request")
	}
	return nil
}

// endpoint answers a call with an object, nil for no payload, or an error.
type endpoint func(call) (any, *apiError)

func (s *server) act(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("api") + "/" + r.PathValue("action")
	do, asAgent := s.agents[name]
	if !asAgent {
		do = s.customers[name]
	}
	if do == nil {
		answer(w, nil, notFound)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		answer(w, nil, failed(http.StatusRequestEntityTooLarge, "entity_too_large", "Request too large"))
		return
	}
	c, denied := s.authenticate(r, !asAgent)
	if denied != nil {
		answer(w, nil, denied)
		return
	}
	c.raw = raw
	got, wrong := do(c)
	answer(w, got, wrong)
}

// authenticate finds out whose token came: an agent's is that of a connection's
// configuration, a customer's was issued here.
func (s *server) authenticate(r *http.Request, customer bool) (call, *apiError) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	denied := failed(http.StatusUnauthorized, "authentication", "Invalid access token")
	if !ok || token == "" {
		return call{}, denied
	}
	var c call
	if customer {
		if !s.env.State().Get("tokens", token, &c.customer) {
			return call{}, denied
		}
	}
	for _, a := range s.env.Accounts() {
		if json.Unmarshal(a.Config, &c.owner) != nil {
			continue
		}
		switch {
		case !customer && c.owner.AccessToken == token:
			return c, nil
		case customer && r.URL.Query().Get("organization_id") == c.owner.OrganizationID:
			return c, nil
		}
	}
	if customer {
		return call{}, invalid("organization_id is missing or unknown")
	}
	return call{}, denied
}

func answer(w http.ResponseWriter, got any, wrong *apiError) {
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusOK
	switch {
	case wrong != nil:
		status = wrong.status
		got = map[string]any{"error": map[string]string{"type": wrong.Type, "message": wrong.Message}}
	case got == nil:
		got = struct{}{}
	}
	w.WriteHeader(status)
	_, _ = w.Write(encode(got)) // a client that has gone away is no concern of the fake
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the objects are ours
	}
	return body
}
