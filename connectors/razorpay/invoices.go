package razorpay

import (
	"context"
	"net/url"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// InvoiceInput asks for an invoice
// (https://razorpay.com/docs/api/payments/invoices/create-with-details).
type InvoiceInput struct {
	Description string            `json:"description" doc:"What it is for, as the customer reads it; at most 2048 characters."`
	Currency    string            `json:"currency" doc:"ISO 4217 code in capitals, such as INR."`
	Lines       []Line            `json:"lines" doc:"What is charged, 1 to 50 lines."`
	Customer    Customer          `json:"customer" doc:"Who is to pay; name is needed."`
	Draft       bool              `json:"draft,omitempty" doc:"Makes a draft, for invoice_issue to issue."`
	Expires     time.Time         `json:"expires,omitzero" doc:"When it can be paid no more."`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 13, kept with the invoice as notes."`
}

// Invoice is an invoice as it now is. It names no customer.
type Invoice struct {
	ID            string `json:"id,omitempty" doc:"Razorpay's ID of the invoice (inv_…)."`
	Status        string `json:"status,omitempty" doc:"draft, issued, partially_paid, paid, cancelled, expired or deleted."`
	Amount        int64  `json:"amount,omitempty" doc:"In the currency's minor unit."`
	Currency      string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	URL           string `json:"url,omitempty" doc:"Address of the page on which it is paid, once it is issued."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Razorpay's ID of the payment (pay_…), once there is one."`
}

// invoice is an invoice as Razorpay writes it.
type invoice struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	ShortURL  string `json:"short_url"`
	PaymentID string `json:"payment_id"`
	OrderID   string `json:"order_id"`
	Notes     notes  `json:"notes"`
}

func (i invoice) output() Invoice {
	return Invoice{ID: i.ID, Status: i.Status, Amount: i.Amount, Currency: i.Currency, URL: i.ShortURL, PaymentIntent: i.PaymentID}
}

// Validate holds what Razorpay would refuse.
func (in InvoiceInput) Validate() error {
	if err := checkText("description", in.Description, maxDescription); err != nil {
		return err
	}
	if !money.IsCurrency(in.Currency) {
		return sdk.Invalidf("currency must be a three-letter ISO 4217 code in capitals")
	}
	if in.Customer.Name == "" {
		return sdk.Invalidf("customer.name is missing")
	}
	if err := in.Customer.check(); err != nil {
		return err
	}
	if len(in.Lines) == 0 {
		return sdk.Invalidf("lines is empty")
	}
	var sum int64
	for _, l := range in.Lines {
		sum += l.Quantity * l.Amount
	}
	if err := checkLines(in.Lines, sum, 50); err != nil {
		return err
	}
	if err := checkMoney(sum, in.Currency); err != nil {
		return err
	}
	return checkNotes(in.Metadata)
}

func (c *connection) createInvoice(ctx context.Context, call sdk.Call, in InvoiceInput) (Invoice, error) {
	items := make([]map[string]any, len(in.Lines))
	for i, l := range in.Lines {
		items[i] = map[string]any{"name": l.Title, "quantity": l.Quantity, "amount": l.Amount, "currency": in.Currency}
	}
	body := map[string]any{"type": "invoice", "description": in.Description, "currency": in.Currency, "line_items": items,
		"customer": in.Customer, "notes": withOrigin(call, in.Metadata), "sms_notify": 0, "email_notify": 0, "partial_payment": false}
	if in.Draft {
		body["draft"] = "1"
	}
	if !in.Expires.IsZero() {
		body["expire_by"] = in.Expires.Unix()
	}
	if call.Key != "" {
		body["receipt"] = reference(call)
	}
	var made invoice
	err := c.post(ctx, "/v1/invoices", body, &made)
	return made.output(), err
}

func (c *connection) findInvoice(ctx context.Context, call sdk.Call, _ InvoiceInput) (Invoice, bool, error) {
	i, found, err := find[invoice](ctx, c, call, "/v1/invoices", url.Values{"receipt": {reference(call)}}, "items")
	return i.output(), found, err
}

func (c *connection) issueInvoice(ctx context.Context, _ sdk.Call, in IDInput) (Invoice, error) {
	return c.moveInvoice(ctx, in.ID, "issue", func(status string) bool { return status == "issued" })
}

func (c *connection) cancelInvoice(ctx context.Context, _ sdk.Call, in IDInput) (Invoice, error) {
	return c.moveInvoice(ctx, in.ID, "cancel", func(status string) bool { return status == "cancelled" })
}

// moveInvoice changes an invoice's status. Razorpay refuses what was done
// before: that the invoice is as was asked for counts as success.
func (c *connection) moveInvoice(ctx context.Context, id, verb string, done func(status string) bool) (Invoice, error) {
	var i invoice
	err := c.post(ctx, "/v1/invoices/"+id+"/"+verb, nil, &i)
	if err != nil && sdk.AsError(err).Class == sdk.Rejected {
		var now invoice
		if c.get(ctx, "/v1/invoices/"+id, nil, &now) == nil && done(now.Status) {
			return now.output(), nil
		}
	}
	return i.output(), err
}
