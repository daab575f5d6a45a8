package shopify

import (
	"context"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// CancelInput says which order to cancel and how.
type CancelInput struct {
	OrderID string `json:"order_id" doc:"The order's global ID, gid://shopify/Order/…"`
	Reason  string `json:"reason" doc:"customer, declined, fraud, inventory, staff or other."`
	Restock bool   `json:"restock" doc:"Put the goods back into stock."`
	Refund  bool   `json:"refund" doc:"Give back what was paid through Shopify, the way it was paid."`
	Notify  bool   `json:"notify,omitempty" doc:"Let Shopify write to the customer."`
}

// cancelReasons are those of Shopify's OrderCancelReason, in lower case.
var cancelReasons = []string{"customer", "declined", "fraud", "inventory", "staff", "other"}

// Validate implements sdk.Validator.
func (in CancelInput) Validate() error {
	if !slices.Contains(cancelReasons, in.Reason) {
		return sdk.Invalidf("reason must be one of %s", strings.Join(cancelReasons, ", "))
	}
	return checkID("Order", in.OrderID)
}

// Cancellation is a cancellation that Shopify has accepted.
type Cancellation struct {
	OrderID string `json:"order_id"`
	// Done is false while Shopify's background job is still at work; the webhook
	// order.cancelled tells when it has finished.
	Done bool `json:"done"`
}

// orderCancel asks for the cancellation unless the order is cancelled already. An
// order can be cancelled only once, so a second request can do no harm.
func (c *conn) orderCancel(ctx context.Context, call sdk.Call, in CancelInput) (Cancellation, error) {
	if out, done, err := c.orderCancelled(ctx, call, in); err != nil {
		return Cancellation{}, notWritten(err)
	} else if done {
		return out, nil
	}
	got, err := admin.OrderCancel(ctx, c.admin, in.OrderID, strings.ToUpper(in.Reason), in.Restock, in.Refund, in.Notify)
	if err != nil {
		return Cancellation{}, err
	}
	if refused := mutationError(got.OrderCancel.OrderCancelUserErrors, sdk.Rejected); refused != nil {
		if out, done, err := c.orderCancelled(ctx, call, in); err == nil && done {
			return out, nil
		}
		return Cancellation{}, refused
	}
	return Cancellation{OrderID: in.OrderID, Done: got.OrderCancel.Job.Done}, nil
}

// orderCancelled tells whether the order is cancelled.
func (c *conn) orderCancelled(ctx context.Context, _ sdk.Call, in CancelInput) (Cancellation, bool, error) {
	order, err := c.findOrder(ctx, OrderRef{OrderID: in.OrderID})
	if err != nil || order.CancelledAt.IsZero() {
		return Cancellation{}, false, err
	}
	return Cancellation{OrderID: in.OrderID, Done: true}, true, nil
}
