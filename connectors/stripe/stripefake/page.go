package stripefake

import (
	"encoding/json"
	"net/http"
	"strings"

	"parley/connectors/sdk/fake/paypage"
	iso "parley/connectors/sdk/money"
)

func (s *server) showPage(w http.ResponseWriter, r *http.Request) {
	var l link
	if !s.env.State().Get("links", r.PathValue("link"), &l) {
		renderPage(w, paypage.Unknown, http.StatusNotFound, l)
		return
	}
	state := l.state()
	status := state.Status()
	if state == paypage.Done {
		status = http.StatusOK // to look at it is no conflict
	}
	renderPage(w, state, status, l)
}

func (l link) state() paypage.State {
	switch {
	case l.full():
		return paypage.Done
	case !l.Active:
		return paypage.Closed
	}
	return paypage.Open
}

// pay acts on the page's buttons: a form post with action=pay or action=decline.
func (s *server) pay(w http.ResponseWriter, r *http.Request) {
	action := r.PostFormValue("action")
	if action != "pay" && action != "decline" {
		http.Error(w, `action must be "pay" or "decline"`, http.StatusBadRequest)
		return
	}
	l, state := s.claim(r.PathValue("link"), action == "pay")
	switch {
	case state != paypage.Open:
	case action == "pay":
		s.settle(l)
		state = paypage.Paid
	case s.decline(l):
		state = paypage.Declined
	default:
		state = paypage.Done
	}
	renderPage(w, state, state.Status(), l)
}

// claim opens a checkout on a link, and for a payment takes one of the sessions
// that the link allows, in one atomic step: of two that pay at once one finds
// the link used. The state is paypage.Open if the checkout may go on.
func (s *server) claim(id string, paying bool) (l link, state paypage.State) {
	session, intent := s.env.NextID("cs_test_"), s.env.NextID("pi_")
	state = paypage.Unknown
	s.env.State().Update("links", id, func(old json.RawMessage) any {
		found := decodeLink(old)
		if found == nil {
			return nil
		}
		state = found.state()
		if state == paypage.Open {
			if found.Intent == "" {
				found.Intent = intent
				if found.Session == "" {
					found.Session = session
				}
			}
			if paying {
				found.Count++
			}
		}
		l = *found
		if paying && state == paypage.Open {
			found.Intent = "" // a link without a limit starts afresh
			if found.Session != found.ID {
				found.Session = ""
			}
		}
		return found
	})
	return l, state
}

func (s *server) settle(l link) {
	p, _ := s.attempt(l, true)
	s.announce(l.Owner, "charge.succeeded", p.charge())
	s.announce(l.Owner, "payment_intent.succeeded", p.intent(false))
	s.announce(l.Owner, "checkout.session.completed", p.session())
}

// decline fails an attempt; it reports false if the payment was made meanwhile.
func (s *server) decline(l link) bool {
	p, done := s.attempt(l, false)
	if !done {
		return false
	}
	s.announce(l.Owner, "charge.failed", p.charge())
	s.announce(l.Owner, "payment_intent.payment_failed", p.intent(false))
	return true
}

// attempt records one try at a link's payment. It reports false, and changes
// nothing, if the payment has been made already.
func (s *server) attempt(l link, succeeds bool) (p payment, done bool) {
	charge, now := s.env.NextID("ch_"), s.env.Now()
	s.env.State().Update("payments", l.Intent, func(old json.RawMessage) any {
		p = payment{Intent: l.Intent, Session: l.Session, Link: l.ID, Owner: l.Owner, Created: now, Amount: l.total(),
			Currency: l.Currency, Description: l.Description, Metadata: l.Metadata, Intended: l.IntentMetadata}
		if old != nil {
			_ = json.Unmarshal(old, &p) // we wrote it
		}
		if done = !p.Paid; done {
			p.Charge, p.Paid = charge, succeeds
		}
		return p
	})
	return p, done
}

func renderPage(w http.ResponseWriter, state paypage.State, status int, l link) {
	view := paypage.View{State: state, Description: l.Description, SuccessMessage: l.SuccessMessage, Total: money(l.total(), l.Currency)}
	for _, i := range l.Items {
		view.Lines = append(view.Lines, paypage.Line{Title: i.Title, Quantity: i.Quantity, Total: money(i.Amount*i.Quantity, l.Currency)})
	}
	if len(l.Items) == 1 && l.Items[0].Title == l.Description {
		view.Lines = nil // it would say the same once more
	}
	paypage.Render(w, status, view)
}

// money writes an amount of minor units.
func money(amount int64, currency string) string {
	code := strings.ToUpper(currency)
	return iso.Decimal(amount, code) + " " + code
}
