// Package shopifyfake stands in for a Shopify shop: a small coffee and tea shop
// with a catalogue, stock, draft orders, orders, refunds and carts, behind
// GraphQL endpoints that execute the queries they are sent, and with signed
// webhooks. A page at /admin lists the orders and fulfils them; GET /_orders lists
// them as JSON, with the keys they carry.
package shopifyfake

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"unicode"

	"parley/connectors/sdk/fake"
)

// Provider describes the fake to the sandbox.
var Provider = fake.Provider{
	Connector: "shopify",
	New:       New,
	Operation: operation,
	Account:   account,
	Page:      "admin",
}

// shop is the fake. Its mutex makes every request atomic: a shop this small needs
// no more.
type shop struct {
	mu  sync.Mutex
	env fake.Env
	mux *http.ServeMux
}

// New builds the fake.
func New(env fake.Env) http.Handler {
	s := &shop{env: env, mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /admin/api/{version}/graphql.json", s.graphql(s.adminRoots(), s.adminToken))
	s.mux.HandleFunc("POST /api/{version}/graphql.json", s.graphql(s.storefrontRoots(), s.storefrontToken))
	s.mux.HandleFunc("GET /admin", s.adminPage)
	s.mux.HandleFunc("POST /_fulfil", s.fulfilRequest)
	s.mux.HandleFunc("POST /_events", s.happen)
	s.mux.HandleFunc("GET /_orders", s.listOrders)
	s.mux.HandleFunc("GET /images/{name}", s.image)
	s.mux.HandleFunc("GET /cart/{items}", s.permalink)
	s.mux.HandleFunc("GET /checkouts/{cart}", s.checkoutPage)
	s.mux.HandleFunc("POST /checkouts/{cart}", s.checkoutPay)
	return s
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// operation names a GraphQL request by its operation, "DraftOrderCreate" being
// draft_order_create. Those about webhooks are [fake.Subscribe].
func operation(r *http.Request, body []byte) string {
	if !strings.HasSuffix(r.URL.Path, "/graphql.json") {
		return ""
	}
	var req struct {
		OperationName string `json:"operationName"`
	}
	if json.Unmarshal(body, &req) != nil {
		return ""
	}
	if strings.HasPrefix(req.OperationName, "Webhook") {
		return fake.Subscribe
	}
	return snake(req.OperationName)
}

func snake(name string) string {
	var out strings.Builder
	for i, c := range name {
		if unicode.IsUpper(c) && i > 0 {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(c))
	}
	return out.String()
}

func account(baseURL string, secret func(string) string) json.RawMessage {
	raw, err := json.Marshal(map[string]any{
		"base_url":         baseURL,
		"access_token":     "shpat_" + secret("access_token"),
		"storefront_token": secret("storefront_token"),
		"webhook_secret":   secret("webhook_secret"),
		"currency":         currency,
	})
	if err != nil {
		panic(err) // strings cannot fail to encode
	}
	return raw
}

// settings is what the fake reads of a connection's configuration.
type settings struct {
	AccessToken     string `json:"access_token"`
	StorefrontToken string `json:"storefront_token"`
	WebhookSecret   string `json:"webhook_secret"`
}

func (s *shop) adminToken(h http.Header) bool {
	return s.accepts(h.Get("X-Shopify-Access-Token"), func(c settings) string { return c.AccessToken })
}

func (s *shop) storefrontToken(h http.Header) bool {
	token := h.Get("X-Shopify-Storefront-Access-Token")
	if token == "" {
		token = h.Get("Shopify-Storefront-Private-Token")
	}
	return s.accepts(token, func(c settings) string { return c.StorefrontToken })
}

// accepts tells whether a connection has the token; while nobody is connected,
// any token will do.
func (s *shop) accepts(token string, of func(settings) string) bool {
	accounts := s.env.Accounts()
	for _, a := range accounts {
		var c settings
		if json.Unmarshal(a.Config, &c) == nil && of(c) == token && token != "" {
			return true
		}
	}
	return len(accounts) == 0 && token != ""
}

// count returns the next number of a kind of object, from 1, over restarts.
func (s *shop) count(kind string) int64 {
	var n int64
	s.env.State().Update("counter", kind, func(old json.RawMessage) any {
		if old != nil && json.Unmarshal(old, &n) != nil {
			n = 0
		}
		n++
		return n
	})
	return n
}
