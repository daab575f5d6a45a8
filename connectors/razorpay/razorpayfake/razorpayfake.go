// Package razorpayfake stands in for Razorpay in development and tests: payment
// links, invoices and subscriptions with pages on which they can be paid, orders,
// payments, refunds, payouts and settlements, idempotency keys, signed webhooks,
// and a dashboard that does what banks and time do.
package razorpayfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "razorpay",
	Page:      "dashboard",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: func(r *http.Request, _ []byte) string { return operation(r.Method, r.URL.Path) },
	Account: func(baseURL string, secret func(string) string) json.RawMessage {
		raw, err := json.Marshal(account{BaseURL: baseURL, KeyID: "rzp_test_" + secret("key_id"), KeySecret: secret("key_secret"),
			WebhookSecret: secret("webhook_secret"), AccountNumber: "7878780080316316"})
		if err != nil {
			panic(err) // five strings
		}
		return raw
	},
}

// account is what the fake reads of a connection's configuration.
type account struct {
	BaseURL       string `json:"base_url"`
	KeyID         string `json:"key_id"`
	KeySecret     string `json:"key_secret"`
	WebhookSecret string `json:"webhook_secret"`
	AccountNumber string `json:"account_number"`
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
		"POST /v1/payment_links":                         s.createLink,
		"GET /v1/payment_links":                          s.listLinks,
		"GET /v1/payment_links/{id}":                     s.fetch("payment_links"),
		"POST /v1/payment_links/{id}/cancel":             s.cancelLink,
		"POST /v1/payment_links/{id}/notify_by/{medium}": s.notifyLink,
		"POST /v1/orders":                                s.createOrder,
		"GET /v1/orders":                                 s.list("orders", "receipt"),
		"GET /v1/orders/{id}":                            s.fetch("orders"),
		"GET /v1/payments":                               s.list("payments"),
		"GET /v1/payments/{id}":                          s.fetch("payments"),
		"POST /v1/payments/{id}/capture":                 s.capture,
		"POST /v1/payments/{id}/refund":                  s.keyed("X-Refund-Idempotency", 10, 255, s.createRefund),
		"GET /v1/refunds/{id}":                           s.fetch("refunds"),
		"POST /v1/contacts":                              s.createContact,
		"POST /v1/fund_accounts":                         s.createFundAccount,
		"POST /v1/payouts":                               s.keyed("X-Payout-Idempotency", 4, 36, s.createPayout),
		"GET /v1/payouts/{id}":                           s.fetch("payouts"),
		"POST /v1/invoices":                              s.createInvoice,
		"GET /v1/invoices":                               s.list("invoices", "receipt"),
		"GET /v1/invoices/{id}":                          s.fetch("invoices"),
		"POST /v1/invoices/{id}/issue":                   s.moveInvoice("draft", "issued"),
		"POST /v1/invoices/{id}/cancel":                  s.moveInvoice("issued", "cancelled"),
		"GET /v1/settlements/{id}":                       s.fetch("settlements"),
		"GET /v1/settlements/recon/combined":             s.reconcile,
		"POST /v1/subscriptions":                         s.createSubscription,
		"GET /v1/subscriptions":                          s.list("subscriptions", "plan_id"),
		"GET /v1/subscriptions/{id}":                     s.fetch("subscriptions"),
		"POST /v1/subscriptions/{id}/cancel":             s.cancelSubscription,
	} {
		s.mux.HandleFunc(pattern, s.api(do))
	}
	s.mux.HandleFunc("/v1/", s.api(func(call) (any, *apiError) {
		return nil, &apiError{status: http.StatusNotFound, Code: "BAD_REQUEST_ERROR", Description: "The requested URL was not found on the server."}
	}))
	s.mux.HandleFunc("GET /pay/{id}", s.showPage)
	s.mux.HandleFunc("POST /pay/{id}", s.pay)
	s.mux.HandleFunc("GET /dashboard", s.dashboard)
	s.mux.HandleFunc("POST /dashboard/{id}", s.act)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// operations names the connector's operation by method and path; an ID is "*".
var operations = map[string]string{
	"POST payment_links":               "payment_link_create",
	"GET payment_links/*":              "payment_link_fetch",
	"POST payment_links/*/cancel":      "payment_link_deactivate",
	"POST payment_links/*/notify_by/*": "payment_link_notify",
	"POST orders":                      "order_create",
	"GET orders/*":                     "order_fetch",
	"GET payments/*":                   "payment_retrieve",
	"POST payments/*/capture":          "payment_capture",
	"POST payments/*/refund":           "refund_create",
	"GET refunds/*":                    "refund_fetch",
	"POST contacts":                    "contact_create",
	"POST fund_accounts":               "fund_account_create",
	"POST payouts":                     "payout_create",
	"GET payouts/*":                    "payout_fetch",
	"POST invoices":                    "invoice_create",
	"POST invoices/*/issue":            "invoice_issue",
	"POST invoices/*/cancel":           "invoice_cancel",
	"GET settlements/*":                "settlement_fetch",
	"GET settlements/recon/combined":   "settlement_report",
	"POST subscriptions":               "subscription_create",
	"POST subscriptions/*/cancel":      "subscription_cancel",
	// Searches are part of what they search for.
	"GET payment_links": "payment_link_create",
	"GET orders":        "order_create",
	"GET invoices":      "invoice_create",
	"GET subscriptions": "subscription_create",
}

func operation(method, path string) string {
	_, path, ok := strings.Cut(path, "/v1/")
	if !ok {
		return ""
	}
	parts := strings.Split(path, "/")
	if len(parts) > 1 && parts[1] != "recon" {
		parts[1] = "*"
	}
	if len(parts) > 3 {
		parts[3] = "*"
	}
	return operations[method+" "+strings.Join(parts, "/")]
}
