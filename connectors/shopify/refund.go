package shopify

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
	"parley/connectors/shopify/admin"
)

// RefundInput says how much to give back for an order.
type RefundInput struct {
	OrderID string `json:"order_id" doc:"The order's global ID, gid://shopify/Order/…"`
	Amount  int64  `json:"amount,omitempty" doc:"In the currency's minor unit; all that was paid if not set."`
	// Currency guards against a mix-up; it must be the one that was paid in.
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code; needed with amount."`
	Note     string `json:"note,omitempty" doc:"Why, for the shop's staff."`
	Notify   bool   `json:"notify,omitempty" doc:"Let Shopify write to the customer."`
}

// Validate implements sdk.Validator.
func (in RefundInput) Validate() error {
	switch {
	case in.Amount < 0:
		return sdk.Invalidf("amount must be positive")
	case in.Amount > 0 && !money.IsCurrency(in.Currency):
		return sdk.Invalidf("currency is needed with amount: an ISO 4217 code in capitals")
	}
	if err := (Buyer{Note: in.Note}).check(); err != nil {
		return err
	}
	return checkID("Order", in.OrderID)
}

// Refund is money given back.
type Refund struct {
	ID     string `json:"id"`
	Amount Money  `json:"amount"`
}

// refundCreate gives money back by the payments that brought it. Which payments,
// and how much of each, follows from the input and from what was paid at first,
// never from what is left: a repeat must be the same request, or Shopify refuses
// the key.
func (c *conn) refundCreate(ctx context.Context, call sdk.Call, in RefundInput) (Refund, error) {
	if call.Key == "" {
		return Refund{}, sdk.Invalidf("a refund needs an idempotency key: Shopify demands one")
	}
	got, err := admin.OrderPayments(ctx, c.admin, in.OrderID)
	if err != nil {
		return Refund{}, notWritten(err)
	}
	if got.Order.Id == "" {
		return Refund{}, errNoOrder
	}
	input, err := refundPlan(in, got.Order.Transactions)
	if err != nil {
		return Refund{}, err
	}
	made, err := admin.RefundCreate(ctx, c.admin, input, call.Key)
	if err != nil {
		return Refund{}, err
	}
	if err := mutationError(made.RefundCreate.UserErrors, sdk.Rejected); err != nil {
		return Refund{}, err
	}
	total := made.RefundCreate.Refund.TotalRefundedSet.PresentmentMoney
	amount, err := c.money(total.Amount, total.CurrencyCode)
	return Refund{ID: made.RefundCreate.Refund.Id, Amount: amount}, err
}

// refundPlan spreads the amount over the order's payments, oldest first.
func refundPlan(in RefundInput, payments []admin.Payment) (admin.RefundInput, error) {
	paid := slices.DeleteFunc(slices.Clone(payments), func(p admin.Payment) bool {
		return p.Status != "SUCCESS" || (p.Kind != "SALE" && p.Kind != "CAPTURE")
	})
	slices.SortStableFunc(paid, func(a, b admin.Payment) int { return cmp.Compare(serial(a.Id), serial(b.Id)) })
	plan := admin.RefundInput{OrderID: in.OrderID, Note: in.Note, Notify: in.Notify}
	left := in.Amount
	for _, p := range paid {
		part, err := parseMoney(p.AmountSet.PresentmentMoney.Amount, p.AmountSet.PresentmentMoney.CurrencyCode)
		if err != nil {
			return plan, notWritten(err)
		}
		if in.Currency != "" && part.Currency != in.Currency {
			return plan, sdk.Invalidf("the order was paid in another currency than the refund's")
		}
		if in.Amount > 0 {
			part.Amount = min(part.Amount, left)
			left -= part.Amount
		}
		if part.Amount == 0 {
			continue
		}
		plan.Currency = part.Currency
		plan.Transactions = append(plan.Transactions, admin.TransactionInput{
			OrderID: in.OrderID, ParentID: p.Id, Kind: "REFUND", Gateway: p.Gateway, Amount: money.Decimal(part.Amount, part.Currency)})
	}
	if len(plan.Transactions) == 0 {
		return plan, &sdk.Error{Class: sdk.Rejected, Code: "NOT_PAID", Message: "nothing was paid for this order, so nothing can be given back"}
	}
	if left > 0 {
		return plan, &sdk.Error{Class: sdk.Rejected, Code: "TOO_MUCH", Message: "the refund is more than was paid for the order"}
	}
	return plan, nil
}

// serial is the number in a global ID, which grows with time.
func serial(id string) uint64 {
	n, _ := strconv.ParseUint(numericID(id), 10, 64) // what is no number keeps its place
	return n
}
