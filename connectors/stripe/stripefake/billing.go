package stripefake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// kept is an object that is stored as Stripe writes it.
type kept struct {
	Owner  string    `json:"owner"`
	Made   time.Time `json:"made"`
	Object object    `json:"object"`
}

func text(o object, field string) string {
	t, _ := o[field].(string)
	return t
}

func number(o object, field string) int64 {
	switch n := o[field].(type) {
	case float64:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// create makes an object of the parameters; fill completes it, if it is given.
func (s *server) create(prefix, kind string, fill func(call, object) *apiError) endpoint {
	return func(c call) (any, *apiError) {
		o := object{"id": s.env.NextID(prefix), "object": kind, "livemode": false, "created": s.env.Now().Unix(), "metadata": group(c, "metadata")}
		for _, field := range []string{"customer", "currency", "description", "email", "name", "phone", "collection_method"} {
			if c.params.Has(field) {
				o[field] = c.params.Get(field)
			}
		}
		if fill != nil {
			if err := fill(c, o); err != nil {
				return nil, err
			}
		}
		s.env.State().Put(kind, text(o, "id"), kept{c.owner, s.env.Now(), o})
		return o, nil
	}
}

// update changes an owner's object in one atomic step and returns it as it then is.
func (s *server) update(owner, kind, id string, do func(object) *apiError) (object, *apiError) {
	var out object
	failed := missing(kind, "id")
	s.env.State().Update(kind, id, func(old json.RawMessage) any {
		var k kept
		if old == nil {
			return nil
		}
		if json.Unmarshal(old, &k) != nil || k.Owner != owner {
			return old
		}
		if failed = do(k.Object); failed != nil {
			return old
		}
		out = k.Object
		return k
	})
	return out, failed
}

// change is an endpoint that changes an object and announces it, unless event is "".
func (s *server) change(event, kind string, do func(call, object) *apiError) endpoint {
	return func(c call) (any, *apiError) {
		o, err := s.update(c.owner, kind, c.id(), func(o object) *apiError {
			for name, value := range group(c, "metadata") {
				if m, ok := o["metadata"].(map[string]any); ok {
					m[name] = value
				}
			}
			for _, field := range []string{"email", "name", "phone"} {
				if c.params.Has(field) {
					o[field] = c.params.Get(field)
				}
			}
			if do == nil {
				return nil
			}
			return do(c, o)
		})
		if err == nil && event != "" {
			s.announce(c.owner, event, o)
		}
		return o, err
	}
}

func (s *server) fetch(kind string) endpoint {
	return func(c call) (any, *apiError) {
		var k kept
		if !s.env.State().Get(kind, c.id(), &k) || k.Owner != c.owner {
			return nil, missing(kind, "id")
		}
		return k.Object, nil
	}
}

func newInvoice(c call, o object) *apiError {
	if c.params.Get("customer") == "" {
		return invalid("parameter_missing", "customer", "Missing required param: customer.")
	}
	o["status"], o["total"], o["amount_due"], o["amount_paid"] = "draft", 0, 0, 0
	return nil
}

func (s *server) createItem(c call) (any, *apiError) {
	amount, err := integer(c, "amount", 0)
	if err != nil {
		return nil, err
	}
	_, err = s.update(c.owner, "invoice", c.params.Get("invoice"), func(o object) *apiError {
		if text(o, "status") != "draft" {
			return invalid("invoice_not_editable", "invoice", "The invoice is not editable.")
		}
		o["total"] = number(o, "total") + amount
		o["amount_due"] = o["total"]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.create("ii_", "invoiceitem", func(_ call, o object) *apiError { o["amount"] = amount; return nil })(c)
}

func (s *server) finalized(c call, o object) *apiError {
	if text(o, "status") != "draft" {
		return invalid("invoice_not_editable", "", "This invoice is already finalized.")
	}
	o["status"], o["hosted_invoice_url"] = "open", "https://invoice.stripe.example/"+c.id()
	return nil
}

func voided(_ call, o object) *apiError {
	if text(o, "status") != "open" && text(o, "status") != "uncollectible" {
		return invalid("", "", "You can only void open or uncollectible invoices.")
	}
	o["status"] = "void"
	return nil
}

func (s *server) createPayout(c call) (any, *apiError) {
	amount, err := integer(c, "amount", 0)
	if err != nil {
		return nil, err
	}
	if amount < 1 {
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	}
	made, err := s.create("po_", "payout", func(_ call, o object) *apiError {
		o["amount"], o["status"], o["type"], o["failure_code"] = amount, "pending", "bank_account", nil
		return nil
	})(c)
	if err != nil {
		return nil, err
	}
	o := made.(object)
	s.announce(c.owner, "payout.created", o)
	s.env.State().Put("balance_transaction", s.env.NextID("txn_"), kept{c.owner, s.env.Now(), object{
		"object": "balance_transaction", "amount": -amount, "fee": 0, "net": -amount, "currency": o["currency"], "type": "payout",
		"source": o["id"], "status": "available", "created": s.env.Now().Unix(), "available_on": s.env.Now().Unix()}})
	return o, nil
}

func (s *server) createSubscription(c call) (any, *apiError) {
	if c.params.Get("items[0][price]") == "" {
		return nil, invalid("parameter_missing", "items", "Missing required param: items.")
	}
	made, err := s.create("sub_", "subscription", func(_ call, o object) *apiError {
		o["status"], o["cancel_at_period_end"] = "active", false
		return nil
	})(c)
	if err == nil {
		s.announce(c.owner, "customer.subscription.created", made.(object))
	}
	return made, err
}

func scheduled(c call, o object) *apiError {
	o["cancel_at_period_end"] = c.params.Get("cancel_at_period_end") == "true"
	return nil
}

func ended(_ call, o object) *apiError {
	if text(o, "status") == "canceled" {
		return missing("subscription", "id")
	}
	o["status"] = "canceled"
	return nil
}

// searchCustomers answers one form of query: metadata["NAME"]:"VALUE".
func (s *server) searchCustomers(c call) (any, *apiError) {
	name, value, ok := strings.Cut(strings.TrimPrefix(c.params.Get("query"), `metadata["`), `"]:"`)
	if !ok {
		return nil, invalid("", "query", "We were unable to parse your search query.")
	}
	lag, lagging := s.env.Fault("search_lag", "customer_upsert")
	found := []object{}
	s.env.State().Each("customer", func(_ string, raw json.RawMessage) bool {
		var k kept
		if json.Unmarshal(raw, &k) != nil || k.Owner != c.owner || lagging && s.env.Now().Sub(k.Made) < lag {
			return true
		}
		if m, _ := k.Object["metadata"].(map[string]any); m[name] == strings.TrimSuffix(value, `"`) {
			found = append(found, k.Object)
		}
		return true
	})
	return object{"object": "search_result", "data": found, "has_more": false, "url": "/v1/customers/search"}, nil
}

// listBalance lists movements, the newest first, from starting_after on.
func (s *server) listBalance(c call) (any, *apiError) {
	limit, err := integer(c, "limit", 10)
	if err != nil {
		return nil, err
	}
	all := []object{}
	s.env.State().Each("balance_transaction", func(id string, raw json.RawMessage) bool {
		var k kept
		if json.Unmarshal(raw, &k) == nil && k.Owner == c.owner {
			k.Object["id"] = id
			all = append(all, k.Object)
		}
		return true
	})
	slices.Reverse(all)
	if after := c.params.Get("starting_after"); after != "" {
		i := slices.IndexFunc(all, func(o object) bool { return o["id"] == after })
		if i < 0 {
			return nil, missing("balance_transaction", "starting_after")
		}
		all = all[i+1:]
	}
	page := list(all[:min(int(limit), len(all))], "/v1/balance_transactions")
	page["has_more"] = int(limit) < len(all)
	return page, nil
}

// billing names the connector's operation that makes one of these requests.
func billing(method, path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/v1/"), "/")
	verb := ""
	if len(parts) > 2 {
		verb = parts[len(parts)-1]
	}
	post := method == http.MethodPost
	switch parts[0] {
	case "checkout":
		switch {
		case verb == "expire":
			return "checkout_session_expire"
		case post:
			return "checkout_session_create"
		}
		return "checkout_session_retrieve"
	case "customers":
		return "customer_upsert"
	case "invoiceitems":
		return "invoice_create"
	case "invoices":
		return map[string]string{"finalize": "invoice_finalize", "void": "invoice_void", "": "invoice_create"}[verb]
	case "payouts":
		if post {
			return "payout_create"
		}
		return "payout_retrieve"
	case "subscriptions":
		if len(parts) == 1 {
			return "subscription_create"
		}
		return "subscription_cancel"
	case "balance_transactions":
		return "balance_transaction_list"
	}
	return ""
}
