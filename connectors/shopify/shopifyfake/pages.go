package shopifyfake

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"time"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("").Funcs(template.FuncMap{"money": func(cents int64) string { return decimal(cents) + " " + currency },
	"goods": goods, "times": func(l line) int64 { return l.Price * int64(l.Quantity) }}).Parse(pagesHTML))

// listedOrder is an order at GET /_orders.
type listedOrder struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Key         string    `json:"key"`
	Tags        []string  `json:"tags"`
	Draft       string    `json:"draft,omitempty"`
	Amount      int64     `json:"amount"`
	Currency    string    `json:"currency"`
	Financial   string    `json:"financial_status"`
	Fulfillment string    `json:"fulfillment_status"`
	Cancelled   bool      `json:"cancelled"`
	Refunded    int64     `json:"refunded"`
	CreatedAt   time.Time `json:"created_at"`
	Lines       []line    `json:"lines"`
}

// allOrders lists the orders, oldest first.
func (s *shop) allOrders() []listedOrder {
	out := []listedOrder{}
	s.env.State().Each("order", func(_ string, raw json.RawMessage) bool {
		var o order
		if json.Unmarshal(raw, &o) != nil {
			return true
		}
		listed := listedOrder{ID: o.ID, Name: o.Name, Key: o.key(), Tags: o.Tags, Draft: o.Draft, Amount: total(o.Lines),
			Currency: currency, Financial: o.financialStatus(), Fulfillment: "UNFULFILLED", Cancelled: o.Cancelled != nil,
			Refunded: o.Refunded, CreatedAt: o.CreatedAt, Lines: o.Lines}
		if o.Shipment != nil {
			listed.Fulfillment = "FULFILLED"
			if o.Shipment.Delivered {
				listed.Fulfillment = "DELIVERED"
			}
		}
		out = append(out, listed)
		return true
	})
	return out
}

func (s *shop) listOrders(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.allOrders())
}

func (s *shop) adminPage(w http.ResponseWriter, _ *http.Request) {
	orders := s.allOrders()
	slices.Reverse(orders)
	render(w, http.StatusOK, "admin", object{"Shop": shopName, "Base": s.env.BaseURL(), "Orders": orders[:min(len(orders), 200)]})
}

// permalink makes a cart of a link like /cart/101:2,118:1 and shows its checkout.
func (s *shop) permalink(w http.ResponseWriter, r *http.Request) {
	lines, err := permalinkLines(r.PathValue("items"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	var attributes []attribute
	if key := r.URL.Query().Get("attributes[parley_key]"); key != "" {
		attributes = append(attributes, attribute{"parley_key", key})
	}
	c := s.newCart(lines, attributes)
	http.Redirect(w, r, s.env.BaseURL()+"/checkouts/"+c.Token, http.StatusSeeOther)
}

func (s *shop) checkoutPage(w http.ResponseWriter, r *http.Request) {
	var c cart
	if !s.env.State().Get("cart", gid("Cart", r.PathValue("cart")), &c) {
		http.NotFound(w, r)
		return
	}
	o, _ := s.getOrder(c.OrderID)
	render(w, http.StatusOK, "checkout", object{"Shop": shopName, "Base": s.env.BaseURL(), "Cart": c, "Total": total(c.Lines), "Order": o})
}

// checkoutPay makes an order of a cart, once.
func (s *shop) checkoutPay(w http.ResponseWriter, r *http.Request) {
	var c cart
	if !s.env.State().Get("cart", gid("Cart", r.PathValue("cart")), &c) {
		http.NotFound(w, r)
		return
	}
	if c.OrderID == "" {
		if !s.inStock(c.Lines) {
			http.Error(w, "Something in the cart is sold out.", http.StatusConflict)
			return
		}
		o := order{Lines: c.Lines, Attributes: c.Attributes, Source: "web"}
		s.place(&o)
		c.OrderID = o.ID
		s.env.State().Put("cart", c.ID, c)
	}
	http.Redirect(w, r, s.env.BaseURL()+"/checkouts/"+c.Token, http.StatusSeeOther)
}

func render(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // the client may be gone
}
