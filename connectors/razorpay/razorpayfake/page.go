package razorpayfake

import (
	"encoding/json"
	"net/http"
	"net/url"

	"parley/connectors/sdk/fake/paypage"
	"parley/connectors/sdk/money"
)

// The page's customer, who is told of in webhooks as at Razorpay; the connector
// must keep none of it.
const (
	payerEmail   = "gaurav.kumar@example.com"
	payerContact = "+919000090000"
)

// planAmount is what every plan costs each cycle, in paise.
const planAmount = 69900

// known gives an object and its owner by its ID alone, as a page knows it.
func (s *server) known(id string) (record, bool) {
	var r record
	ok := kindOf(id) != "" && s.env.State().Get(kindOf(id), id, &r)
	return r, ok
}

// pageState is what a visitor of an object's page may do.
func pageState(o object) paypage.State {
	switch o.text("status") {
	case "created", "issued":
		return paypage.Open
	case "paid", "active", "authenticated", "completed":
		return paypage.Done
	}
	return paypage.Closed
}

func (s *server) showPage(w http.ResponseWriter, r *http.Request) {
	found, ok := s.known(r.PathValue("id"))
	if !ok {
		paypage.Render(w, http.StatusNotFound, paypage.View{State: paypage.Unknown})
		return
	}
	state := pageState(found.Object)
	status := state.Status()
	if state == paypage.Done {
		status = http.StatusOK // to look at it is no conflict
	}
	paypage.Render(w, status, view(found.Object, state))
}

func view(o object, state paypage.State) paypage.View {
	amount, currency := price(o)
	v := paypage.View{State: state, Description: o.text("description"), Total: money.Format(amount, currency)}
	if v.Description == "" {
		v.Description = "Subscription"
	}
	return v
}

func price(o object) (int64, string) {
	if o["plan_id"] != nil {
		return planAmount, "INR"
	}
	return o.number("amount"), o.text("currency")
}

// pay acts on the page's buttons: a form post with action=pay or action=decline.
func (s *server) pay(w http.ResponseWriter, r *http.Request) {
	action := r.PostFormValue("action")
	if action != "pay" && action != "decline" {
		http.Error(w, `action must be "pay" or "decline"`, http.StatusBadRequest)
		return
	}
	found, ok := s.known(r.PathValue("id"))
	if !ok {
		paypage.Render(w, http.StatusNotFound, paypage.View{State: paypage.Unknown})
		return
	}
	state := pageState(found.Object)
	if state == paypage.Open {
		state = s.attempt(&found, action == "pay")
	}
	if state == paypage.Paid {
		if back := s.callback(found); back != "" {
			http.Redirect(w, r, back, http.StatusSeeOther)
			return
		}
	}
	paypage.Render(w, state.Status(), view(found.Object, state))
}

// attempt is one try at paying for an object. Paying takes it in one atomic step:
// of two that pay at once, one finds it paid.
func (s *server) attempt(r *record, succeeds bool) paypage.State {
	id := r.Object.text("id")
	if !succeeds {
		p := s.payment(r.Owner, r.Object, false)
		s.announce(r.Owner, "payment.failed", part{"payment", p})
		if kindOf(id) == "subscriptions" {
			s.announce(r.Owner, "subscription.pending", part{"subscription", with(r.Object, "status", "pending")}, part{"payment", p})
		}
		return paypage.Declined
	}
	pay := s.newID("pay")
	after, err := s.change(r.Owner, id, func(o object) *apiError {
		if pageState(o) != paypage.Open {
			return bad("paid")
		}
		switch kindOf(id) {
		case "payment_links":
			o["status"], o["amount_paid"] = "paid", o["amount"]
			o["payments"] = []any{object{"payment_id": pay, "amount": o["amount"], "status": "captured", "method": "upi"}}
			o["updated_at"] = s.env.Now().Unix()
		case "invoices":
			o["status"], o["payment_id"], o["paid_at"] = "paid", pay, s.env.Now().Unix()
		case "subscriptions":
			o["status"], o["paid_count"] = "active", 1
		}
		return nil
	})
	if err != nil {
		return paypage.Done
	}
	r.Object = after
	made := with(after, "pay", pay)
	p := s.payment(r.Owner, made, true)
	s.tellPaid(*r, p)
	return paypage.Paid
}

func with(o object, field string, value any) object {
	out := clone(o)
	out[field] = value
	return out
}

// payment keeps a payment for an object, whose new ID stands in its field "pay".
func (s *server) payment(owner string, o object, succeeds bool) object {
	amount, currency := price(o)
	p := object{"amount": amount, "currency": currency, "status": "failed", "captured": false, "method": "upi", "amount_refunded": 0,
		"refund_status": nil, "order_id": nil, "invoice_id": nil, "email": payerEmail, "contact": payerContact, "notes": o["notes"],
		"description": "#" + idTail(o.text("id")), "error_code": nil, "error_reason": nil}
	if o["pay"] != nil {
		p["id"] = o["pay"]
	}
	if succeeds {
		p["status"], p["captured"] = "captured", true
	} else {
		p["error_code"], p["error_reason"] = "BAD_REQUEST_ERROR", "payment_failed"
	}
	return s.make(owner, "pay", "payment", p)
}

func idTail(id string) string { return id[max(0, len(id)-14):] }

func (s *server) tellPaid(r record, p object) {
	s.announce(r.Owner, "payment.authorized", part{"payment", with(p, "status", "authorized")})
	s.announce(r.Owner, "payment.captured", part{"payment", p})
	switch kindOf(r.Object.text("id")) {
	case "payment_links":
		s.announce(r.Owner, "payment_link.paid", part{"payment_link", r.Object}, part{"payment", p})
	case "invoices":
		s.announce(r.Owner, "invoice.paid", part{"invoice", r.Object}, part{"payment", p})
	case "subscriptions":
		for _, kind := range []string{"subscription.authenticated", "subscription.activated", "subscription.charged"} {
			s.announce(r.Owner, kind, part{"subscription", r.Object}, part{"payment", p})
		}
	}
}

// callback is where a paid link sends its visitor back to, signed with the key's
// secret; "" if nowhere.
func (s *server) callback(r record) string {
	to, err := url.Parse(r.Object.text("callback_url"))
	if err != nil || to.Host == "" {
		return ""
	}
	for _, a := range s.env.Accounts() {
		var c account
		if json.Unmarshal(a.Config, &c) != nil || c.KeyID != r.Owner {
			continue
		}
		link, reference, status := r.Object.text("id"), r.Object.text("reference_id"), r.Object.text("status")
		pay := ""
		if made, ok := r.Object["payments"].([]any); ok && len(made) > 0 {
			pay = object{"p": made[0]}.object("p").text("payment_id")
		}
		q := to.Query()
		q.Set("razorpay_payment_id", pay)
		q.Set("razorpay_payment_link_id", link)
		q.Set("razorpay_payment_link_reference_id", reference)
		q.Set("razorpay_payment_link_status", status)
		q.Set("razorpay_signature", sign(c.KeySecret, []byte(link+"|"+reference+"|"+status+"|"+pay)))
		to.RawQuery = q.Encode()
		return to.String()
	}
	return ""
}
