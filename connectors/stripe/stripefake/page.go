package stripefake

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// What a visitor of a payment page is told.
const (
	pageOpen     = "open"
	pagePaid     = "paid"     // just now
	pageDeclined = "declined" // and may be tried again
	pageDone     = "done"     // paid before: nothing was charged
	pageClosed   = "closed"   // deactivated
	pageUnknown  = "unknown"
)

var pageStatus = map[string]int{
	pageOpen: http.StatusOK, pagePaid: http.StatusOK, pageDeclined: http.StatusPaymentRequired,
	pageDone: http.StatusConflict, pageClosed: http.StatusGone, pageUnknown: http.StatusNotFound,
}

type pageView struct {
	State, Total, Description, SuccessMessage string
	Lines                                     []pageLine
}

type pageLine struct {
	Title, Total string
	Quantity     int64
}

func (s *server) showPage(w http.ResponseWriter, r *http.Request) {
	var l link
	if !s.env.State().Get("links", r.PathValue("link"), &l) {
		renderPage(w, pageUnknown, http.StatusNotFound, l)
		return
	}
	state := l.state()
	status := pageStatus[state]
	if state == pageDone {
		status = http.StatusOK // to look at it is no conflict
	}
	renderPage(w, state, status, l)
}

func (l link) state() string {
	switch {
	case l.full():
		return pageDone
	case !l.Active:
		return pageClosed
	}
	return pageOpen
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
	case state != pageOpen:
	case action == "pay":
		s.settle(l)
		state = pagePaid
	case s.decline(l):
		state = pageDeclined
	default:
		state = pageDone
	}
	renderPage(w, state, pageStatus[state], l)
}

// claim opens a checkout on a link, and for a payment takes one of the sessions
// that the link allows, in one atomic step: of two that pay at once one finds
// the link used. The state is pageOpen if the checkout may go on.
func (s *server) claim(id string, paying bool) (l link, state string) {
	session, intent := s.env.NextID("cs_test_"), s.env.NextID("pi_")
	state = pageUnknown
	s.env.State().Update("links", id, func(old json.RawMessage) any {
		found := decodeLink(old)
		if found == nil {
			return nil
		}
		state = found.state()
		if state == pageOpen {
			if found.Intent == "" {
				found.Session, found.Intent = session, intent
			}
			if paying {
				found.Count++
			}
		}
		l = *found
		if paying && state == pageOpen {
			found.Session, found.Intent = "", "" // a link without a limit starts afresh
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

func renderPage(w http.ResponseWriter, state string, status int, l link) {
	view := pageView{State: state, Description: l.Description, SuccessMessage: l.SuccessMessage, Total: money(l.total(), l.Currency)}
	for _, i := range l.Items {
		view.Lines = append(view.Lines, pageLine{Title: i.Title, Quantity: i.Quantity, Total: money(i.Amount*i.Quantity, l.Currency)})
	}
	if len(l.Items) == 1 && l.Items[0].Title == l.Description {
		view.Lines = nil // it would say the same once more
	}
	var page strings.Builder
	if err := pageTemplate.Execute(&page, view); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	write(w, status, []byte(page.String()))
}

// money writes an amount of minor units, by the decimals of ISO 4217.
func money(amount int64, currency string) string {
	code, decimals := strings.ToUpper(currency), 2
	switch code {
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return fmt.Sprintf("%d %s", amount, code)
	case "BHD", "JOD", "KWD", "OMR", "TND":
		decimals = 3
	}
	unit := int64(100)
	if decimals == 3 {
		unit = 1000
	}
	return fmt.Sprintf("%d.%0*d %s", amount/unit, decimals, amount%unit, code)
}
