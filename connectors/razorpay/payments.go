package razorpay

import (
	"context"
	"net/http"

	"parley/connectors/sdk"
)

// Status of a payment.
const (
	StatusPending  = "pending"
	StatusPaid     = "paid"
	StatusFailed   = "failed"
	StatusExpired  = "expired"
	StatusRefunded = "refunded"
)

// Payment is the state of a payment: what payment_retrieve gives, and what every
// trigger of payments carries. Its fields are those of every connector that takes
// payments. It names no customer.
type Payment struct {
	Status        string `json:"status,omitempty" doc:"pending, paid, failed, expired or refunded. A payment that was given back in part stays paid. Absent in news of one refund, which does not say whether it was the whole."`
	Amount        int64  `json:"amount,omitempty" doc:"The amount of the payment, in the currency's minor unit."`
	Currency      string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Razorpay's ID of the payment (pay_…)."`
	PaymentLink   string `json:"payment_link,omitempty" doc:"Razorpay's ID of the link (plink_…)."`
	Order         string `json:"order,omitempty" doc:"Razorpay's ID of the order (order_…)."`
	Refunded      int64  `json:"refunded,omitempty" doc:"How much was given back: by the one refund if refund names it, else in total."`
	Refund        string `json:"refund,omitempty" doc:"Razorpay's ID of the refund (rfnd_…), where the news is of one."`
	Reason        string `json:"reason,omitempty" doc:"Razorpay's word for why the payment failed, such as payment_cancelled."`
}

// payment is a payment as Razorpay writes it.
type payment struct {
	ID             string `json:"id"`
	Status         string `json:"status"`
	Amount         int64  `json:"amount"`
	AmountRefunded int64  `json:"amount_refunded"`
	RefundStatus   string `json:"refund_status"`
	Currency       string `json:"currency"`
	OrderID        string `json:"order_id"`
	InvoiceID      string `json:"invoice_id"`
	Description    string `json:"description"`
	ErrorCode      string `json:"error_code"`
	ErrorReason    string `json:"error_reason"`
	Notes          notes  `json:"notes"`
}

// state reads a payment's life cycle
// (https://razorpay.com/docs/payments/payments#payment-life-cycle).
func (p payment) state() Payment {
	out := Payment{Status: StatusPending, Amount: p.Amount, Currency: p.Currency, PaymentIntent: p.ID,
		PaymentLink: p.link(), Order: p.OrderID, Refunded: p.AmountRefunded}
	switch p.Status {
	case "captured":
		out.Status = StatusPaid
	case "refunded":
		out.Status = StatusRefunded
	case "failed":
		out.Status = StatusFailed
		for _, why := range []string{p.ErrorReason, p.ErrorCode} {
			if codeName.MatchString(why) {
				out.Reason = why
				break
			}
		}
	}
	if p.RefundStatus == "full" {
		out.Status = StatusRefunded
	}
	return out
}

// link is the payment link that a payment was made through: its description is
// "#" and the link's ID without the prefix
// (https://razorpay.com/docs/webhooks/payment-links).
func (p payment) link() string {
	if len(p.Description) != 15 || p.Description[0] != '#' || !objectID.MatchString(p.Description[1:]) {
		return ""
	}
	return "plink_" + p.Description[1:]
}

// RetrieveInput names a payment; exactly one of the two.
type RetrieveInput struct {
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Razorpay's ID of the payment (pay_…)."`
	PaymentLink   string `json:"payment_link,omitempty" doc:"Razorpay's ID of the link (plink_…) it is made through."`
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
	if in.PaymentIntent != "" {
		p, err := c.payment(ctx, in.PaymentIntent)
		return p.state(), err
	}
	l, err := c.link(ctx, in.PaymentLink)
	if err != nil {
		return Payment{}, err
	}
	if id := l.payment(); id != "" {
		p, err := c.payment(ctx, id)
		if err != nil {
			return Payment{}, err
		}
		out := p.state()
		out.PaymentLink = l.ID
		return out, nil
	}
	out := Payment{Status: StatusPending, Amount: l.Amount, Currency: l.Currency, PaymentLink: l.ID, Order: l.OrderID}
	switch l.Status {
	case "cancelled":
		out.Status = StatusFailed
	case "expired":
		out.Status = StatusExpired
	}
	return out, nil
}

func (c *connection) payment(ctx context.Context, id string) (p payment, err error) {
	err = c.get(ctx, "/v1/payments/"+id, nil, &p)
	return p, err
}

// CaptureInput names an authorised payment and says how much to take of it.
type CaptureInput struct {
	PaymentIntent string `json:"payment_intent" doc:"Razorpay's ID of the payment (pay_…)."`
	Amount        int64  `json:"amount" doc:"The amount that was authorised, in the currency's minor unit."`
	Currency      string `json:"currency" doc:"ISO 4217 code in capitals."`
}

// Validate checks the ID's form and the amount.
func (in CaptureInput) Validate() error {
	if err := checkID("payment_intent", in.PaymentIntent); err != nil {
		return err
	}
	return checkMoney(in.Amount, in.Currency)
}

// capturePayment takes the money. A payment that is captured already, with the
// same amount, is what was asked for.
func (c *connection) capturePayment(ctx context.Context, _ sdk.Call, in CaptureInput) (Payment, error) {
	var p payment
	err := c.post(ctx, "/v1/payments/"+in.PaymentIntent+"/capture", map[string]any{"amount": in.Amount, "currency": in.Currency}, &p)
	if err != nil && sdk.AsError(err).Class == sdk.Rejected {
		if p, ferr := c.payment(ctx, in.PaymentIntent); ferr == nil && p.Status == "captured" && p.Amount == in.Amount && p.Currency == in.Currency {
			return p.state(), nil
		}
	}
	return p.state(), err
}

// RefundInput asks for a payment to be given back.
type RefundInput struct {
	PaymentIntent string `json:"payment_intent" doc:"Razorpay's ID of the payment (pay_…)."`
	Amount        int64  `json:"amount,omitempty" doc:"How much, in the currency's minor unit; all that is left unless given."`
	Reason        string `json:"reason,omitempty" doc:"duplicate, fraudulent or requested_by_customer; kept as a note."`
	Instant       bool   `json:"instant,omitempty" doc:"Asks for an instant refund where the customer's bank can do it, for a fee."`
}

// RefundOutput is a refund as Razorpay took it.
type RefundOutput struct {
	ID            string `json:"id" doc:"Razorpay's ID of the refund (rfnd_…)."`
	Status        string `json:"status" doc:"succeeded, pending or failed."`
	Amount        int64  `json:"amount" doc:"In the currency's minor unit."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Razorpay's ID of the payment (pay_…)."`
}

// refund is a refund as Razorpay writes it.
type refund struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	PaymentID string `json:"payment_id"`
	Notes     notes  `json:"notes"`
}

func (r refund) output() RefundOutput {
	out := RefundOutput{ID: r.ID, Status: r.Status, Amount: r.Amount, PaymentIntent: r.PaymentID}
	if r.Status == "processed" {
		out.Status = "succeeded"
	}
	return out
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
	origin := withOrigin(call, nil)
	if in.Reason != "" {
		origin["reason"] = in.Reason
	}
	body := map[string]any{"notes": origin, "speed": "normal"}
	if in.Instant {
		body["speed"] = "optimum"
	}
	if in.Amount > 0 {
		body["amount"] = in.Amount
	}
	r := request{method: http.MethodPost, path: "/v1/payments/" + in.PaymentIntent + "/refund", body: body}
	if call.Key != "" {
		r.keyHeader, r.key = "X-Refund-Idempotency", reference(call)
	}
	var made refund
	err := c.call(ctx, r, &made)
	return made.output(), err
}

func (c *connection) fetchRefund(ctx context.Context, _ sdk.Call, in IDInput) (RefundOutput, error) {
	var r refund
	err := c.get(ctx, "/v1/refunds/"+in.ID, nil, &r)
	return r.output(), err
}
