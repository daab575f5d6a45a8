package stripe

import (
	"encoding/json"
	"strings"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// Dispute is a payment that a customer disputes. It names no customer.
type Dispute struct {
	ID            string `json:"id,omitempty" doc:"Stripe's ID of the dispute (du_… or dp_…)."`
	Status        string `json:"status,omitempty" doc:"warning_needs_response, warning_under_review, warning_closed, needs_response, under_review, won or lost."`
	Reason        string `json:"reason,omitempty" doc:"Stripe's word for why, such as product_not_received."`
	Amount        int64  `json:"amount,omitempty" doc:"What is disputed, in the currency's minor unit."`
	Currency      string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Stripe's ID of the payment (pi_…)."`
}

// triggerOf names the trigger that an event of Stripe's gives, "" if none.
func triggerOf(kind string) string {
	for _, t := range triggers {
		for _, source := range t.Source {
			if source == kind {
				return t.Name
			}
		}
	}
	return ""
}

// told is what the events of these objects have in common.
type told struct {
	ID                string    `json:"id"`
	Status            string    `json:"status"`
	Amount            int64     `json:"amount"`
	Total             int64     `json:"total"`
	AmountPaid        int64     `json:"amount_paid"`
	Currency          string    `json:"currency"`
	Reason            string    `json:"reason"`
	FailureCode       string    `json:"failure_code"`
	URL               string    `json:"hosted_invoice_url"`
	CancelAtPeriodEnd bool      `json:"cancel_at_period_end"`
	PaymentIntent     reference `json:"payment_intent"`
	Charge            reference `json:"charge"`
	Metadata          metadata  `json:"metadata"`
}

// objectEvent is news of an object that carries its own metadata; nil for an
// event of a kind that is not used.
func objectEvent(kind string, raw json.RawMessage) (*sdk.ProviderEvent, error) {
	name := triggerOf(kind)
	if name == "" {
		return nil, nil
	}
	var o told
	if err := decode(raw, &o); err != nil {
		return nil, err
	}
	currency := upper(o.Currency)
	switch {
	case strings.HasPrefix(kind, "payment_intent."):
		p := Payment{Status: StatusPending, Amount: o.Amount, Currency: currency, PaymentIntent: o.ID}
		switch kind {
		case "payment_intent.succeeded":
			p.Status = StatusPaid
		case "payment_intent.canceled":
			p.Status = StatusFailed
		}
		return news(name, p, o.Metadata, o.ID), nil
	case strings.HasPrefix(kind, "charge.dispute."):
		d := Dispute{ID: o.ID, Status: o.Status, Reason: reason(stripego.ErrorCode(o.Reason), ""), Amount: o.Amount, Currency: currency,
			PaymentIntent: string(o.PaymentIntent)}
		return news(name, d, o.Metadata, o.ID, d.PaymentIntent, string(o.Charge)), nil
	case strings.HasPrefix(kind, "invoice."):
		i := Invoice{ID: o.ID, Status: o.Status, Amount: o.Total, Paid: o.AmountPaid, Currency: currency, URL: o.URL}
		return news(name, i, o.Metadata, o.ID), nil
	case strings.HasPrefix(kind, "payout."):
		p := Payout{ID: o.ID, Status: o.Status, Amount: o.Amount, Currency: currency, Reason: reason(stripego.ErrorCode(o.FailureCode), "")}
		return news(name, p, o.Metadata, o.ID), nil
	}
	s := Subscription{ID: o.ID, Status: o.Status, CancelAtPeriodEnd: o.CancelAtPeriodEnd}
	return news(name, s, o.Metadata, o.ID), nil
}
