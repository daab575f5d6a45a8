package stripe

import (
	"context"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// RefundInput asks for a payment to be given back.
type RefundInput struct {
	PaymentIntent string `json:"payment_intent" doc:"Stripe's ID of the payment (pi_…)."`
	Amount        int64  `json:"amount,omitempty" doc:"How much, in the currency's minor unit; all that is left unless given."`
	Reason        string `json:"reason,omitempty" doc:"duplicate, fraudulent or requested_by_customer."`
}

// RefundOutput is a refund as Stripe took it.
type RefundOutput struct {
	ID     string `json:"id" doc:"Stripe's ID of the refund (re_…)."`
	Status string `json:"status" doc:"succeeded, pending, requires_action, failed or canceled."`
	Amount int64  `json:"amount" doc:"In the currency's minor unit."`
}

// Validate checks the ID's form, the amount and the reason.
func (in RefundInput) Validate() error {
	if err := checkID("payment_intent", in.PaymentIntent); err != nil {
		return err
	}
	if in.Amount < 0 || in.Amount > maxAmount {
		return sdk.Invalidf("amount must be above 0, or left out to refund all")
	}
	switch in.Reason {
	case "", "duplicate", "fraudulent", "requested_by_customer":
		return nil
	}
	return sdk.Invalidf("reason must be duplicate, fraudulent or requested_by_customer")
}

func (c *connection) createRefund(ctx context.Context, call sdk.Call, in RefundInput) (RefundOutput, error) {
	if err := c.ready(); err != nil {
		return RefundOutput{}, err
	}
	params := &stripego.RefundCreateParams{
		PaymentIntent: stripego.String(in.PaymentIntent),
		Metadata:      withOrigin(call, nil),
	}
	if in.Amount > 0 {
		params.Amount = stripego.Int64(in.Amount)
	}
	if in.Reason != "" {
		params.Reason = stripego.String(in.Reason)
	}
	params.IdempotencyKey = key(call)
	r, err := c.api.V1Refunds.Create(ctx, params)
	if err != nil {
		return RefundOutput{}, sdk.AsError(err)
	}
	return RefundOutput{ID: r.ID, Status: string(r.Status), Amount: r.Amount}, nil
}

// RetrieveInput names a payment; exactly one of the two.
type RetrieveInput struct {
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Stripe's ID of the payment (pi_…)."`
	PaymentLink   string `json:"payment_link,omitempty" doc:"Stripe's ID of the link (plink_…) it is made through."`
}

// Validate checks that one ID is there and has the form of one.
func (in RetrieveInput) Validate() error {
	switch {
	case (in.PaymentIntent == "") == (in.PaymentLink == ""):
		return sdk.Invalidf("give payment_intent or payment_link, one of the two")
	case in.PaymentIntent != "":
		return checkID("payment_intent", in.PaymentIntent)
	}
	return checkID("payment_link", in.PaymentLink)
}

func (c *connection) retrievePayment(ctx context.Context, _ sdk.Call, in RetrieveInput) (Payment, error) {
	if err := c.ready(); err != nil {
		return Payment{}, err
	}
	if in.PaymentLink != "" {
		return c.paymentOfLink(ctx, in.PaymentLink)
	}
	params := &stripego.PaymentIntentRetrieveParams{Expand: []*string{stripego.String("latest_charge")}}
	pi, err := c.api.V1PaymentIntents.Retrieve(ctx, in.PaymentIntent, params)
	if err != nil {
		return Payment{}, sdk.AsError(err)
	}
	return intentState(pi), nil
}

// paymentOfLink looks for the link's completed session. It has one at most, as
// createLink allows no more; without one the link itself is asked.
func (c *connection) paymentOfLink(ctx context.Context, id string) (Payment, error) {
	params := &stripego.CheckoutSessionListParams{
		PaymentLink: stripego.String(id), Status: stripego.String("complete"),
		Expand: []*string{stripego.String("data.payment_intent.latest_charge")},
	}
	params.Limit, params.Single = stripego.Int64(1), true
	for session, err := range c.api.V1CheckoutSessions.List(ctx, params).All(ctx) {
		if err != nil {
			return Payment{}, sdk.AsError(err)
		}
		if session.PaymentIntent == nil {
			break
		}
		p := intentState(session.PaymentIntent)
		p.PaymentLink = id
		return p, nil
	}
	expand := &stripego.PaymentLinkRetrieveParams{Expand: []*string{stripego.String("line_items")}}
	link, err := c.api.V1PaymentLinks.Retrieve(ctx, id, expand)
	if err != nil {
		return Payment{}, sdk.AsError(err)
	}
	p := Payment{Status: StatusPending, Currency: upper(string(link.Currency)), PaymentLink: link.ID}
	if link.LineItems != nil {
		for _, item := range link.LineItems.Data {
			p.Amount += item.AmountTotal
		}
	}
	if !link.Active {
		p.Status = StatusFailed
	}
	return p, nil
}

// intentState reads a payment intent's life cycle
// (https://docs.stripe.com/payments/paymentintents/lifecycle).
func intentState(pi *stripego.PaymentIntent) Payment {
	p := Payment{
		Status: StatusPending, Amount: pi.Amount, Currency: upper(string(pi.Currency)), PaymentIntent: pi.ID,
	}
	switch pi.Status {
	case stripego.PaymentIntentStatusSucceeded:
		p.Status = StatusPaid
		if pi.LatestCharge != nil && pi.LatestCharge.AmountRefunded > 0 {
			p.Refunded = pi.LatestCharge.AmountRefunded
			if pi.LatestCharge.Refunded {
				p.Status = StatusRefunded
			}
		}
	case stripego.PaymentIntentStatusCanceled:
		p.Status = StatusFailed
	case stripego.PaymentIntentStatusRequiresPaymentMethod:
		if pi.LastPaymentError != nil {
			p.Status = StatusFailed
			p.Reason = reason(pi.LastPaymentError.Code, string(pi.LastPaymentError.DeclineCode))
		}
	}
	return p
}
