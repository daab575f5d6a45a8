package stripefake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"parley/connectors/sdk/fake/dashboard"
)

// createSession makes a checkout session: a link of its own that is good for one
// payment.
func (s *server) createSession(c call) (any, *apiError) {
	if c.params.Get("success_url") == "" {
		return nil, invalid("parameter_missing", "success_url", "Missing required param: success_url.")
	}
	l := link{ID: s.env.NextID("cs_test_"), Owner: c.owner, Active: true, Limit: 1,
		Metadata: group(c, "metadata"), IntentMetadata: group(c, "payment_intent_data[metadata]"),
		Description: c.params.Get("payment_intent_data[description]")}
	l.Session = l.ID
	if err := s.readItems(c, &l); err != nil {
		return nil, err
	}
	s.env.State().Put("links", l.ID, l)
	return l.session(s.env.BaseURL()), nil
}

// session is the session that a link of its own stands for, before it is paid.
func (l link) session(base string) object {
	o := object{"id": l.ID, "object": "checkout.session", "mode": "payment", "livemode": false, "metadata": l.Metadata,
		"amount_total": l.total(), "currency": l.Currency, "payment_status": "unpaid", "status": "open", "url": base + "/pay/" + l.ID}
	if !l.Active {
		o["status"], o["url"] = "expired", nil
	}
	return o
}

func (s *server) expireSession(c call) (any, *apiError) {
	var l *link
	failed := missing("checkout session", "session")
	s.env.State().Update("links", c.id(), func(old json.RawMessage) any {
		if l = decodeLink(old); l == nil {
			return nil
		}
		if failed = nil; !l.Active || l.full() {
			failed = invalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired.")
		}
		l.Active = false
		return l
	})
	if failed != nil {
		return nil, failed
	}
	o := l.session(s.env.BaseURL())
	s.announce(l.Owner, "checkout.session.expired", o)
	return o, nil
}

// happenings are the events that may be let happen to objects of a kind, and the
// status that the object then has.
var happenings = map[string]map[string]string{
	"payout":       {"payout.paid": "paid", "payout.failed": "failed", "payout.canceled": "canceled", "payout.updated": "in_transit"},
	"invoice":      {"invoice.paid": "paid", "invoice.payment_failed": "open"},
	"subscription": {"customer.subscription.updated": "past_due", "customer.subscription.paused": "paused", "customer.subscription.resumed": "active"},
}

// ofPayments are the events that may be let happen to a payment.
var ofPayments = []string{"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "payment_intent.canceled", "payment_intent.processing", "payment_intent.amount_capturable_updated", "refund.updated"}

// act does what a button of the dashboard says: a form post with action=EVENT.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	id, event := r.PathValue("id"), r.PostFormValue("action")
	var p payment
	if s.env.State().Get("payments", id, &p) && slices.Contains(ofPayments, event) {
		s.befall(p, event)
		http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
		return
	}
	for kind, events := range happenings {
		var k kept
		status, ok := events[event]
		if !ok || !s.env.State().Get(kind, id, &k) {
			continue
		}
		o, err := s.update(k.Owner, kind, id, func(o object) *apiError {
			if o["status"] = status; status == "paid" && kind == "invoice" {
				o["amount_paid"] = o["total"]
			}
			return nil
		})
		if err == nil {
			s.announce(k.Owner, event, o)
			http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
			return
		}
	}
	http.NotFound(w, r)
}

func (s *server) befall(p payment, event string) {
	switch {
	case strings.HasPrefix(event, "charge.dispute."):
		// A payment is disputed once: its dispute has an ID made of the payment's.
		status := map[string]string{"charge.dispute.updated": "under_review", "charge.dispute.closed": "lost"}[event]
		if status == "" {
			status = "needs_response"
		}
		s.announce(p.Owner, event, object{"id": "du_" + strings.TrimPrefix(p.Intent, "pi_"), "object": "dispute", "amount": p.Amount, "currency": p.Currency,
			"charge": p.Charge, "payment_intent": p.Intent, "reason": "product_not_received", "status": status, "metadata": object{}})
	case event == "refund.updated":
		s.env.State().Each("refunds", func(_ string, raw json.RawMessage) bool {
			var r refund
			if json.Unmarshal(raw, &r) == nil && r.Intent == p.Intent {
				s.announce(p.Owner, event, r.render())
			}
			return true
		})
	default:
		s.announce(p.Owner, event, p.intent(false))
	}
}

func (s *server) dashboard(w http.ResponseWriter, _ *http.Request) {
	var rows []dashboard.Row
	s.payments(func(p payment) bool {
		status := "unpaid"
		if p.Paid {
			status = "paid"
		}
		rows = append(rows, dashboard.Row{ID: p.Intent, Status: status, Events: ofPayments})
		return true
	})
	for kind, events := range happenings {
		var names []string
		for name := range events {
			names = append(names, name)
		}
		slices.Sort(names)
		s.env.State().Each(kind, func(id string, raw json.RawMessage) bool {
			var k kept
			if json.Unmarshal(raw, &k) == nil {
				rows = append(rows, dashboard.Row{ID: id, Status: text(k.Object, "status"), Events: names})
			}
			return true
		})
	}
	slices.Reverse(rows)
	dashboard.Render(w, "Stripe", s.env.BaseURL(), rows)
}
