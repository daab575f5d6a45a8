package razorpay

import (
	"context"
	"net/url"

	"parley/connectors/sdk"
)

// OrderInput asks for an order.
type OrderInput struct {
	Amount   int64             `json:"amount" doc:"What is to be paid, in the currency's minor unit."`
	Currency string            `json:"currency" doc:"ISO 4217 code in capitals, such as INR."`
	Metadata map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 13, kept with the order as notes."`
}

// Order is an order as it now is.
type Order struct {
	ID         string `json:"id" doc:"Razorpay's ID of the order (order_…)."`
	Status     string `json:"status" doc:"created, attempted or paid."`
	Amount     int64  `json:"amount" doc:"In the currency's minor unit."`
	AmountPaid int64  `json:"amount_paid" doc:"What was paid of it."`
	Currency   string `json:"currency" doc:"ISO 4217 code in capitals."`
	Receipt    string `json:"receipt,omitempty" doc:"The reference that Parley gave it."`
}

// Validate checks the amount and the metadata.
func (in OrderInput) Validate() error {
	if err := checkMoney(in.Amount, in.Currency); err != nil {
		return err
	}
	return checkNotes(in.Metadata)
}

func (c *connection) createOrder(ctx context.Context, call sdk.Call, in OrderInput) (made Order, err error) {
	body := map[string]any{"amount": in.Amount, "currency": in.Currency, "notes": withOrigin(call, in.Metadata)}
	if call.Key != "" {
		body["receipt"] = reference(call)
	}
	err = c.post(ctx, "/v1/orders", body, &made)
	return made, err
}

func (c *connection) findOrder(ctx context.Context, call sdk.Call, _ OrderInput) (Order, bool, error) {
	return find[Order](ctx, c, call, "/v1/orders", url.Values{"receipt": {reference(call)}, "count": {"100"}}, "items")
}

func (c *connection) fetchOrder(ctx context.Context, _ sdk.Call, in IDInput) (o Order, err error) {
	err = c.get(ctx, "/v1/orders/"+in.ID, nil, &o)
	return o, err
}
