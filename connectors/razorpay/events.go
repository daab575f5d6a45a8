package razorpay

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"parley/connectors/sdk"
)

var triggers = []sdk.Trigger{
	{Name: "payment.paid", Payload: Payment{}, Source: []string{"payment_link.paid"},
		Summary: "A payment link was paid and the money is certain. There is exactly one for each link."},
	{Name: "payment.partially_paid", Payload: Payment{}, Source: []string{"payment_link.partially_paid"},
		Summary: "A part of a payment link that takes parts was paid."},
	{Name: "payment.expired", Payload: Payment{}, Source: []string{"payment_link.expired"},
		Summary: "A payment link has closed unpaid."},
	{Name: "payment.cancelled", Payload: Payment{}, Source: []string{"payment_link.cancelled"},
		Summary: "A payment link was cancelled."},
	{Name: "payment.authorized", Payload: Payment{}, Source: []string{"payment.authorized"},
		Summary: "The customer's bank agrees to a payment, which is yet to be captured."},
	{Name: "payment.captured", Payload: Payment{}, Source: []string{"payment.captured"},
		Summary: "A payment was captured, made through a link or not. Of a link, payment.paid says the same."},
	{Name: "payment.failed", Payload: Payment{}, Source: []string{"payment.failed"},
		Summary: "An attempt to pay failed. The customer may try again on the same page."},
	{Name: "payment.refunded", Payload: Payment{}, Source: []string{"refund.processed"},
		Summary: "Money was given back. A refund is told twice: once for the payment, with the total, and once for the refund itself."},
	{Name: "refund.created", Payload: Payment{}, Source: []string{"refund.created"}, Summary: "A refund is on its way."},
	{Name: "refund.failed", Payload: Payment{}, Source: []string{"refund.failed"}, Summary: "A refund failed; the money is with the account again."},
	{Name: "payout.paid", Payload: Payout{}, Source: []string{"payout.processed"}, Summary: "A payout has arrived."},
	{Name: "payout.failed", Payload: Payout{}, Source: []string{"payout.failed", "payout.rejected"}, Summary: "A payout failed or was rejected; no money has moved."},
	{Name: "payout.reversed", Payload: Payout{}, Source: []string{"payout.reversed"}, Summary: "A payout was given back by the bank; the money is with the account again."},
	{Name: "payout.updated", Payload: Payout{}, Source: []string{"payout.pending", "payout.queued", "payout.initiated", "payout.updated"},
		Summary: "A payout is under way; its status tells how far."},
	{Name: "invoice.paid", Payload: Invoice{}, Source: []string{"invoice.paid"}, Summary: "An invoice was paid."},
	{Name: "invoice.partially_paid", Payload: Invoice{}, Source: []string{"invoice.partially_paid"}, Summary: "A part of an invoice was paid."},
	{Name: "invoice.expired", Payload: Invoice{}, Source: []string{"invoice.expired"}, Summary: "An invoice can be paid no more."},
	{Name: "subscription.authenticated", Payload: Subscription{}, Source: []string{"subscription.authenticated"}, Summary: "The customer has authorised a subscription."},
	{Name: "subscription.activated", Payload: Subscription{}, Source: []string{"subscription.activated"}, Summary: "A subscription is active, for the first time or again."},
	{Name: "subscription.charged", Payload: Subscription{}, Source: []string{"subscription.charged"}, Summary: "A cycle of a subscription was paid."},
	{Name: "subscription.pending", Payload: Subscription{}, Source: []string{"subscription.pending"}, Summary: "A charge failed and is tried again."},
	{Name: "subscription.halted", Payload: Subscription{}, Source: []string{"subscription.halted"}, Summary: "All charges have failed; the customer must act."},
	{Name: "subscription.updated", Payload: Subscription{}, Source: []string{"subscription.updated"}, Summary: "A subscription was changed."},
	{Name: "subscription.paused", Payload: Subscription{}, Source: []string{"subscription.paused"}, Summary: "A subscription was paused."},
	{Name: "subscription.resumed", Payload: Subscription{}, Source: []string{"subscription.resumed"}, Summary: "A paused subscription goes on."},
	{Name: "subscription.cancelled", Payload: Subscription{}, Source: []string{"subscription.cancelled"}, Summary: "A subscription was cancelled."},
	{Name: "subscription.completed", Payload: Subscription{}, Source: []string{"subscription.completed"}, Summary: "All cycles of a subscription are over."},
}

// names gives a trigger's name by Razorpay's.
var names = func() map[string]string {
	out := map[string]string{}
	for _, t := range triggers {
		for _, s := range t.Source {
			out[s] = t.Name
		}
	}
	return out
}()

// event is the envelope of every webhook (https://razorpay.com/docs/webhooks/payments).
type event struct {
	Event   string `json:"event"`
	Created int64  `json:"created_at"`
	Payload struct {
		PaymentLink  *entity[link]         `json:"payment_link"`
		Payment      *entity[payment]      `json:"payment"`
		Refund       *entity[refund]       `json:"refund"`
		Payout       *entity[payout]       `json:"payout"`
		Invoice      *entity[invoice]      `json:"invoice"`
		Subscription *entity[subscription] `json:"subscription"`
	} `json:"payload"`
}

type entity[T any] struct {
	Entity T `json:"entity"`
}

// Parse gives the events of a webhook: one, or two of a refund. The ID is
// X-Razorpay-Event-Id, which Razorpay repeats with the event; without it, the
// body's SHA-256. The callback of a payment link is nothing new: the webhook of
// the payment says more.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	if req.Method == http.MethodGet {
		sum := sha256.Sum256([]byte(req.URL))
		return []sdk.Event{{ID: "callback-" + hex.EncodeToString(sum[:16]), Kind: sdk.EventIgnored, Type: "payment_link.callback"}}, nil
	}
	var e event
	if err := json.Unmarshal(req.Body, &e); err != nil {
		return nil, sdk.Invalidf("the webhook's body is not a Razorpay event in JSON")
	}
	if e.Event == "" {
		return nil, sdk.Invalidf("the webhook's body has no event")
	}
	out := sdk.Event{ID: req.Header.Get("X-Razorpay-Event-Id"), Type: e.Event, Kind: sdk.EventIgnored}
	if out.ID == "" {
		sum := sha256.Sum256(req.Body)
		out.ID = hex.EncodeToString(sum[:])
	}
	if e.Created > 0 {
		out.At = time.Unix(e.Created, 0).UTC()
	}
	name := names[e.Event]
	if name == "" {
		return []sdk.Event{out}, nil
	}
	found, err := e.news()
	if err != nil {
		return nil, err
	}
	events := make([]sdk.Event, len(found))
	for i, n := range found {
		n.Name = name
		events[i] = out
		events[i].Kind, events[i].Provider = sdk.EventProvider, &n
		if i > 0 {
			events[i].ID += "/refund"
		}
	}
	return events, nil
}

// news reads the payload of an event of a kind that is known.
func (e event) news() ([]sdk.ProviderEvent, error) {
	p := e.Payload
	kind, _, _ := strings.Cut(e.Event, ".")
	switch {
	case kind == "payment_link" && p.PaymentLink != nil:
		return one(e.linkNews())
	case kind == "payment" && p.Payment != nil:
		made := p.Payment.Entity
		return one(newsOf(made.state(), made.Notes, made.ID, made.link(), made.OrderID, made.InvoiceID))
	case kind == "refund" && p.Refund != nil && p.Payment != nil:
		return e.refundNews(), nil
	case kind == "payout" && p.Payout != nil:
		made := p.Payout.Entity
		return one(newsOf(made.output(), made.Notes, made.ID))
	case kind == "invoice" && p.Invoice != nil:
		made := p.Invoice.Entity
		return one(newsOf(made.output(), made.Notes, made.ID, made.PaymentID, made.OrderID))
	case kind == "subscription" && p.Subscription != nil:
		made := p.Subscription.Entity
		out := made.output()
		if p.Payment != nil {
			out.PaymentIntent, out.Amount, out.Currency = p.Payment.Entity.ID, p.Payment.Entity.Amount, p.Payment.Entity.Currency
		}
		return one(newsOf(out, made.Notes, made.ID, out.PaymentIntent))
	}
	return nil, sdk.Invalidf("the event's payload is missing or not what its name says")
}

func one(n sdk.ProviderEvent) ([]sdk.ProviderEvent, error) { return []sdk.ProviderEvent{n}, nil }

func (e event) linkNews() sdk.ProviderEvent {
	l := e.Payload.PaymentLink.Entity
	p := Payment{Amount: l.Amount, Currency: l.Currency, PaymentLink: l.ID, Order: l.OrderID, PaymentIntent: l.payment()}
	origin := l.Notes
	if e.Payload.Payment != nil {
		p.PaymentIntent = e.Payload.Payment.Entity.ID
		if origin.effectKey() == "" {
			origin = e.Payload.Payment.Entity.Notes
		}
	}
	switch e.Event {
	case "payment_link.paid":
		p.Status = StatusPaid
	case "payment_link.partially_paid":
		p.Status = StatusPending
	case "payment_link.expired":
		p.Status = StatusExpired
	case "payment_link.cancelled":
		p.Status = StatusFailed
	}
	return newsOf(p, origin, p.PaymentIntent, l.ID, l.OrderID)
}

// refundNews tells of a refund. One that has arrived is news of the payment,
// with the total, and of the refund itself, whose key is that of refund_create,
// so that an uncertain refund is settled by it.
func (e event) refundNews() []sdk.ProviderEvent {
	r, paid := e.Payload.Refund.Entity, e.Payload.Payment.Entity
	itself := newsOf(Payment{Currency: r.Currency, PaymentIntent: paid.ID, PaymentLink: paid.link(), Refunded: r.Amount, Refund: r.ID},
		r.Notes, r.ID, paid.ID)
	if e.Event != "refund.processed" {
		return []sdk.ProviderEvent{itself}
	}
	whole := newsOf(paid.state(), paid.Notes, paid.ID, paid.link(), paid.OrderID)
	return []sdk.ProviderEvent{whole, itself}
}

func newsOf(payload any, n notes, refs ...string) sdk.ProviderEvent {
	out := sdk.ProviderEvent{EffectKey: n.effectKey(), Data: sdk.JSONBody(payload)}
	for _, ref := range refs {
		if ref != "" {
			out.Refs = append(out.Refs, ref)
		}
	}
	return out
}
