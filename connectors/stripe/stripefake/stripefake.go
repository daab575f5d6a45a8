// Package stripefake stands in for Stripe in development and tests: payment
// links with a page on which they can be paid, the checkout sessions, payment
// intents and refunds that follow, idempotency keys, and signed webhooks.
package stripefake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "stripe",
	Page:      "dashboard",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: func(r *http.Request, body []byte) string { return operation(r.Method, r.URL.Path, body) },
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, err := json.Marshal(account{
			BaseURL: baseURL, SecretKey: "sk_test_" + secret("secret_key"), WebhookSecret: "whsec_" + secret("webhook_secret"),
		})
		if err != nil {
			panic(err) // three strings
		}
		return raw
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL       string `json:"base_url"`
	SecretKey     string `json:"secret_key"`
	WebhookSecret string `json:"webhook_secret"`
}

// server is the fake. Everything that lasts is in env's state; busy holds the
// idempotency keys whose requests are being worked on.
type server struct {
	env  fake.Env
	mux  *http.ServeMux
	mu   sync.Mutex
	busy map[string]bool
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux(), busy: map[string]bool{}}
	for pattern, do := range map[string]endpoint{
		"POST /v1/payment_links":                 s.createLink,
		"GET /v1/payment_links/{id}":             s.getLink,
		"POST /v1/payment_links/{id}":            s.updateLink,
		"GET /v1/checkout/sessions":              s.listSessions,
		"GET /v1/checkout/sessions/{id}":         s.getSession,
		"GET /v1/payment_intents/{id}":           s.getIntent,
		"POST /v1/refunds":                       s.createRefund,
		"GET /v1/refunds/{id}":                   s.getRefund,
		"GET /v1/balance":                        s.balance,
		"POST /v1/checkout/sessions":             s.createSession,
		"POST /v1/checkout/sessions/{id}/expire": s.expireSession,
		"GET /v1/customers/search":               s.searchCustomers,
		"POST /v1/customers":                     s.create("cus_", "customer", nil),
		"POST /v1/customers/{id}":                s.change("", "customer", nil),
		"POST /v1/invoices":                      s.create("in_", "invoice", newInvoice),
		"GET /v1/invoices/{id}":                  s.fetch("invoice"),
		"POST /v1/invoiceitems":                  s.createItem,
		"POST /v1/invoices/{id}/finalize":        s.change("invoice.finalized", "invoice", s.finalized),
		"POST /v1/invoices/{id}/void":            s.change("invoice.voided", "invoice", voided),
		"POST /v1/payouts":                       s.createPayout,
		"GET /v1/payouts/{id}":                   s.fetch("payout"),
		"POST /v1/subscriptions":                 s.createSubscription,
		"GET /v1/subscriptions/{id}":             s.fetch("subscription"),
		"POST /v1/subscriptions/{id}":            s.change("customer.subscription.updated", "subscription", scheduled),
		"DELETE /v1/subscriptions/{id}":          s.change("customer.subscription.deleted", "subscription", ended),
		"GET /v1/balance_transactions":           s.listBalance,
		"GET /v1/events":                         s.listEvents,
	} {
		s.mux.HandleFunc(pattern, s.api(do))
	}
	s.mux.HandleFunc("/v1/", s.api(func(call) (any, *apiError) {
		return nil, &apiError{status: http.StatusNotFound, Type: "invalid_request_error", Message: "Unrecognized request URL."}
	}))
	s.mux.HandleFunc("GET /pay/{link}", s.showPage)
	s.mux.HandleFunc("POST /pay/{link}", s.pay)
	s.mux.HandleFunc("GET /dashboard", s.dashboard)
	s.mux.HandleFunc("POST /dashboard/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// operation names the connector's operation that makes a request.
func operation(method, path string, body []byte) string {
	if i := strings.Index(path, "/v1/"); i >= 0 {
		path = path[i:]
	}
	switch {
	case method == http.MethodPost && path == "/v1/payment_links":
		return "payment_link_create"
	case method == http.MethodPost && strings.HasPrefix(path, "/v1/payment_links/") && strings.Contains(string(body), "active=false"):
		return "payment_link_deactivate"
	case method == http.MethodPost && path == "/v1/refunds":
		return "refund_create"
	case method == http.MethodGet && (strings.HasPrefix(path, "/v1/payment_intents/") ||
		strings.HasPrefix(path, "/v1/payment_links/") || path == "/v1/checkout/sessions"):
		return "payment_retrieve"
	case method == http.MethodGet && path == "/v1/events":
		return fake.Poll
	}
	return billing(method, path)
}

// ownerOf names the Stripe account of a secret key without keeping the key.
func ownerOf(secretKey string) string {
	sum := sha256.Sum256([]byte(secretKey))
	return hex.EncodeToString(sum[:8])
}
