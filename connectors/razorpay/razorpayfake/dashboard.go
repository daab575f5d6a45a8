package razorpayfake

import (
	"encoding/json"
	"net/http"
	"slices"

	"parley/connectors/sdk/fake/dashboard"
)

// actions are what people, banks and time do to objects of a kind: the event that
// it makes, and the status that the object then has.
var actions = map[string][]action{
	"payment_links": {{"payment_link.expired", "expired"}, {"payment_link.partially_paid", "partially_paid"}},
	"refunds":       {{"refund.failed", "failed"}},
	"payouts": {{"payout.pending", "pending"}, {"payout.queued", "queued"}, {"payout.updated", "processing"}, {"payout.processed", "processed"},
		{"payout.reversed", "reversed"}, {"payout.failed", "failed"}, {"payout.rejected", "rejected"}},
	"invoices": {{"invoice.expired", "expired"}, {"invoice.partially_paid", "partially_paid"}},
	"subscriptions": {{"subscription.updated", "active"}, {"subscription.paused", "paused"}, {"subscription.resumed", "active"},
		{"subscription.halted", "halted"}, {"subscription.completed", "completed"}},
}

type action struct{ event, status string }

// names of the objects in a webhook's payload.
var parts = map[string]string{"payment_links": "payment_link", "refunds": "refund", "payouts": "payout", "invoices": "invoice", "subscriptions": "subscription"}

// move brings an object into the status that an event tells of.
func (s *server) move(owner, id, event string) (object, *apiError) {
	return s.change(owner, id, func(o object) *apiError {
		for _, a := range actions[kindOf(id)] {
			if a.event == event {
				o["status"] = a.status
				return nil
			}
		}
		return bad("there is no such action")
	})
}

// act does what a button of the dashboard says: a form post with action=EVENT.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	found, ok := s.known(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	event := r.PostFormValue("action")
	id := found.Object.text("id")
	o, err := s.move(found.Owner, id, event)
	if err != nil {
		http.Error(w, err.Description, http.StatusBadRequest)
		return
	}
	told := []part{{parts[kindOf(id)], o}}
	if kindOf(id) == "refunds" {
		if p, err := s.get(found.Owner, o.text("payment_id")); err == nil {
			told = append(told, part{"payment", p})
		}
	}
	s.announce(found.Owner, event, told...)
	http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
}

func (s *server) dashboard(w http.ResponseWriter, _ *http.Request) {
	var rows []dashboard.Row
	for kind, can := range actions {
		events := make([]string, len(can))
		for i, a := range can {
			events[i] = a.event
		}
		s.env.State().Each(kind, func(id string, raw json.RawMessage) bool {
			var r record
			if json.Unmarshal(raw, &r) == nil {
				rows = append(rows, dashboard.Row{ID: id, Status: r.Object.text("status"), Events: events})
			}
			return true
		})
	}
	slices.SortFunc(rows, func(a, b dashboard.Row) int { // the newest first: the IDs' ends grow
		if idTail(a.ID) > idTail(b.ID) {
			return -1
		}
		return 1
	})
	dashboard.Render(w, "Razorpay", s.env.BaseURL(), rows)
}
