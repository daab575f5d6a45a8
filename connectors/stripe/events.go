package stripe

import (
	"bytes"
	"encoding/json"
	"time"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// Status of a payment.
const (
	StatusPending  = "pending"
	StatusPaid     = "paid"
	StatusFailed   = "failed"
	StatusExpired  = "expired"
	StatusRefunded = "refunded"
)

// Payment is the state of a payment: what payment_retrieve gives, and what
// every trigger carries. It names no customer.
type Payment struct {
	Status        string `json:"status,omitempty" doc:"pending, paid, failed, expired or refunded. A payment that was given back in part stays paid. Absent in news of one refund, which does not say whether it was the whole."`
	Amount        int64  `json:"amount,omitempty" doc:"The amount of the payment, in the currency's minor unit."`
	Currency      string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Stripe's ID of the payment (pi_…)."`
	PaymentLink   string `json:"payment_link,omitempty" doc:"Stripe's ID of the link (plink_…)."`
	Refunded      int64  `json:"refunded,omitempty" doc:"How much was given back: by the one refund if refund names it, else in total."`
	Refund        string `json:"refund,omitempty" doc:"Stripe's ID of the refund (re_…), where the news is of one."`
	Reason        string `json:"reason,omitempty" doc:"Stripe's code for why the payment failed, such as card_declined or insufficient_funds."`
}

var triggers = []sdk.Trigger{
	{Name: "payment.paid", Payload: Payment{},
		Summary: "The money is certain. There is exactly one for each payment.",
		Source:  []string{"checkout.session.completed", "checkout.session.async_payment_succeeded"}},
	{Name: "payment.failed", Payload: Payment{},
		Summary: "An attempt to pay failed. The customer may try again on the same page.",
		Source:  []string{"payment_intent.payment_failed", "checkout.session.async_payment_failed"}},
	{Name: "payment.expired", Payload: Payment{},
		Summary: "A payment page that was opened has been left unpaid for too long. Its link stays good until it is deactivated.",
		Source:  []string{"checkout.session.expired"}},
	{Name: "payment.refunded", Payload: Payment{},
		Summary: "Money was given back. A refund may be told twice: once for the payment, with the total, and once for the refund itself.",
		Source:  []string{"charge.refunded", "refund.updated"}},
	{Name: "payment.captured", Payload: Payment{}, Source: []string{"payment_intent.succeeded"},
		Summary: "A payment intent has succeeded, through a page or not. Of a page, payment.paid says the same."},
	{Name: "payment.authorized", Payload: Payment{}, Source: []string{"payment_intent.amount_capturable_updated"},
		Summary: "The customer's bank agrees to a payment, which is yet to be captured."},
	{Name: "payment.processing", Payload: Payment{}, Source: []string{"payment_intent.processing"},
		Summary: "A payment was made by a slow method; the money is on its way."},
	{Name: "payment.cancelled", Payload: Payment{}, Source: []string{"payment_intent.canceled"},
		Summary: "A payment intent was cancelled."},
	{Name: "dispute.opened", Payload: Dispute{}, Source: []string{"charge.dispute.created"}, Summary: "A customer disputes a payment at their bank."},
	{Name: "dispute.updated", Payload: Dispute{}, Source: []string{"charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"},
		Summary: "A dispute has moved on."},
	{Name: "dispute.closed", Payload: Dispute{}, Source: []string{"charge.dispute.closed"}, Summary: "A dispute is over; its status tells who has won."},
	{Name: "invoice.issued", Payload: Invoice{}, Source: []string{"invoice.finalized"}, Summary: "An invoice can be paid."},
	{Name: "invoice.paid", Payload: Invoice{}, Source: []string{"invoice.paid"}, Summary: "An invoice was paid."},
	{Name: "invoice.payment_failed", Payload: Invoice{}, Source: []string{"invoice.payment_failed"}, Summary: "An attempt to pay an invoice failed."},
	{Name: "invoice.cancelled", Payload: Invoice{}, Source: []string{"invoice.voided"}, Summary: "An invoice was cancelled."},
	{Name: "payout.paid", Payload: Payout{}, Source: []string{"payout.paid"}, Summary: "A payout is expected to have arrived."},
	{Name: "payout.failed", Payload: Payout{}, Source: []string{"payout.failed"}, Summary: "A payout failed; the money is with the account again."},
	{Name: "payout.cancelled", Payload: Payout{}, Source: []string{"payout.canceled"}, Summary: "A payout was cancelled."},
	{Name: "payout.updated", Payload: Payout{}, Source: []string{"payout.created", "payout.updated"}, Summary: "A payout is under way; its status tells how far."},
	{Name: "subscription.created", Payload: Subscription{}, Source: []string{"customer.subscription.created"}, Summary: "A subscription was made."},
	{Name: "subscription.updated", Payload: Subscription{}, Source: []string{"customer.subscription.updated"}, Summary: "A subscription was changed; its status tells whether it is paid."},
	{Name: "subscription.paused", Payload: Subscription{}, Source: []string{"customer.subscription.paused"}, Summary: "A subscription was paused."},
	{Name: "subscription.resumed", Payload: Subscription{}, Source: []string{"customer.subscription.resumed"}, Summary: "A paused subscription goes on."},
	{Name: "subscription.cancelled", Payload: Subscription{}, Source: []string{"customer.subscription.deleted"}, Summary: "A subscription has ended."},
}

// event is the envelope of every webhook (https://docs.stripe.com/api/events/object).
type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// Parse gives the one event of a webhook. Of a payment through a page both the
// session and the intent tell, under different names: payment.paid is told once.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var e event
	if err := json.Unmarshal(req.Body, &e); err != nil {
		return nil, sdk.Invalidf("the webhook's body is not a Stripe event in JSON")
	}
	if e.ID == "" || e.Type == "" {
		return nil, sdk.Invalidf("the webhook's body has no id or no type of an event")
	}
	out := sdk.Event{ID: e.ID, Type: e.Type, Kind: sdk.EventIgnored}
	if e.Created > 0 {
		out.At = time.Unix(e.Created, 0).UTC()
	}
	var found *sdk.ProviderEvent
	var err error
	switch e.Type {
	case "checkout.session.completed", "checkout.session.async_payment_succeeded",
		"checkout.session.async_payment_failed", "checkout.session.expired":
		found, err = sessionEvent(e.Type, e.Data.Object)
	case "payment_intent.payment_failed":
		found, err = failedIntent(e.Data.Object)
	case "charge.refunded":
		found, err = refundedCharge(e.Data.Object)
	case "refund.updated":
		found, err = updatedRefund(e.Data.Object)
	default:
		found, err = objectEvent(e.Type, e.Data.Object)
	}
	if err != nil {
		return nil, err
	}
	if found != nil {
		out.Kind, out.Provider = sdk.EventProvider, found
	}
	return []sdk.Event{out}, nil
}

// reference is an object's ID, which Stripe gives bare or within the object.
type reference string

func (r *reference) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		var object struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal(raw, &object)
		*r = reference(object.ID)
		return err
	}
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	return json.Unmarshal(raw, (*string)(r))
}

type metadata map[string]string

// effectKey returns our key, if the metadata holds what can be one.
func (m metadata) effectKey() string {
	if k := m[metaEffect]; len(k) <= 64 {
		return k
	}
	return ""
}

func decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 || json.Unmarshal(raw, into) != nil {
		return sdk.Invalidf("the event's data.object is missing or not what its type says")
	}
	return nil
}

func sessionEvent(kind string, raw json.RawMessage) (*sdk.ProviderEvent, error) {
	var s struct {
		ID            string    `json:"id"`
		Mode          string    `json:"mode"`
		PaymentStatus string    `json:"payment_status"`
		AmountTotal   int64     `json:"amount_total"`
		Currency      string    `json:"currency"`
		PaymentIntent reference `json:"payment_intent"`
		PaymentLink   reference `json:"payment_link"`
		Metadata      metadata  `json:"metadata"`
	}
	if err := decode(raw, &s); err != nil {
		return nil, err
	}
	if s.Mode != "" && s.Mode != "payment" {
		return nil, nil // a subscription or a card to be stored
	}
	p := Payment{Amount: s.AmountTotal, Currency: upper(s.Currency),
		PaymentIntent: string(s.PaymentIntent), PaymentLink: string(s.PaymentLink)}
	name := ""
	switch kind {
	case "checkout.session.completed":
		if s.PaymentStatus != "paid" {
			return nil, nil // a slow method: async_payment_succeeded or _failed will follow
		}
		name, p.Status = "payment.paid", StatusPaid
	case "checkout.session.async_payment_succeeded":
		name, p.Status = "payment.paid", StatusPaid
	case "checkout.session.async_payment_failed":
		name, p.Status = "payment.failed", StatusFailed
	case "checkout.session.expired":
		name, p.Status = "payment.expired", StatusExpired
	}
	return news(name, p, s.Metadata, p.PaymentIntent, p.PaymentLink, s.ID), nil
}

func failedIntent(raw json.RawMessage) (*sdk.ProviderEvent, error) {
	var pi struct {
		ID        string   `json:"id"`
		Amount    int64    `json:"amount"`
		Currency  string   `json:"currency"`
		Metadata  metadata `json:"metadata"`
		LastError struct {
			Code        stripego.ErrorCode `json:"code"`
			DeclineCode string             `json:"decline_code"`
		} `json:"last_payment_error"`
	}
	if err := decode(raw, &pi); err != nil {
		return nil, err
	}
	p := Payment{Status: StatusFailed, Amount: pi.Amount, Currency: upper(pi.Currency), PaymentIntent: pi.ID,
		Reason: reason(pi.LastError.Code, pi.LastError.DeclineCode)}
	return news("payment.failed", p, pi.Metadata, pi.ID), nil
}

func refundedCharge(raw json.RawMessage) (*sdk.ProviderEvent, error) {
	var ch struct {
		ID             string    `json:"id"`
		Amount         int64     `json:"amount"`
		AmountRefunded int64     `json:"amount_refunded"`
		Refunded       bool      `json:"refunded"`
		Currency       string    `json:"currency"`
		PaymentIntent  reference `json:"payment_intent"`
		Metadata       metadata  `json:"metadata"`
	}
	if err := decode(raw, &ch); err != nil {
		return nil, err
	}
	p := Payment{Status: StatusPaid, Amount: ch.Amount, Currency: upper(ch.Currency),
		PaymentIntent: string(ch.PaymentIntent), Refunded: ch.AmountRefunded}
	if ch.Refunded {
		p.Status = StatusRefunded
	}
	return news("payment.refunded", p, ch.Metadata, p.PaymentIntent, ch.ID), nil
}

// updatedRefund tells of a refund that has arrived; its key is the one of
// refund_create, so that an uncertain refund is settled by it.
func updatedRefund(raw json.RawMessage) (*sdk.ProviderEvent, error) {
	var r struct {
		ID            string    `json:"id"`
		Status        string    `json:"status"`
		Amount        int64     `json:"amount"`
		Currency      string    `json:"currency"`
		PaymentIntent reference `json:"payment_intent"`
		Charge        reference `json:"charge"`
		Metadata      metadata  `json:"metadata"`
	}
	if err := decode(raw, &r); err != nil {
		return nil, err
	}
	if r.Status != "succeeded" {
		return nil, nil
	}
	p := Payment{Currency: upper(r.Currency),
		PaymentIntent: string(r.PaymentIntent), Refunded: r.Amount, Refund: r.ID}
	return news("payment.refunded", p, r.Metadata, r.ID, p.PaymentIntent, string(r.Charge)), nil
}

func news(name string, p any, m metadata, refs ...string) *sdk.ProviderEvent {
	out := &sdk.ProviderEvent{Name: name, EffectKey: m.effectKey(), Data: sdk.JSONBody(p)}
	for _, ref := range refs {
		if ref != "" {
			out.Refs = append(out.Refs, ref)
		}
	}
	return out
}

// reason prefers the finer of Stripe's two codes.
func reason(code stripego.ErrorCode, decline string) string {
	if codeName.MatchString(decline) {
		return decline
	}
	if codeName.MatchString(string(code)) {
		return string(code)
	}
	return ""
}
