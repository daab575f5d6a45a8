package order

import (
	"time"

	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/workflows/process"
)

// cancel answers the wish to cancel a confirmed order: the shop cancels and the
// money is given back, unless it is too late. It reports true if the order ends.
func (o *order) cancel(ctx workflow.Context, news process.News, shipped bool) (bool, error) {
	number := itoa(news.Number)
	if !shipped {
		err := o.Do(ctx, process.Operation{Name: "cancel-" + number, Connector: o.settings.Shop, Operation: "order_cancel",
			Input:    map[string]any{"order_id": o.order.OrderID, "reason": "customer", "restock": true, "refund": false},
			Patience: longPatience, Summary: "cancel the order at the shop"}, nil)
		if err == nil {
			return true, o.refund(ctx, textCancelledRefund)
		}
		workflow.GetLogger(ctx).Info("the shop does not cancel the order", "error", err) // it has been packed, say
	}
	return false, o.Tell(ctx, "tell-too-late-"+number, update(o.Number, textTooLate(o.Number)))
}

// refund gives the money back and ends the order: the compensation of a payment.
// If that fails, the workflow fails and is open to a reset, and the effect stands
// in the ledger: never silently.
func (o *order) refund(ctx workflow.Context, text func(int64) string) error {
	if err := o.stage(ctx, StageRefunding, "the payment provider", time.Time{}, textRefunding, false); err != nil {
		return err
	}
	err := o.Do(ctx, process.Operation{Name: "refund", Connector: o.settings.Payments, Operation: "refund_create",
		Input: map[string]any{"payment_intent": o.payment, "reason": "requested_by_customer"}, Patience: longPatience, Summary: "give the money back"}, nil)
	if err != nil && !o.refunded(ctx, err) {
		return err
	}
	if err := o.end(ctx, OutcomeRefunded, text, "refund"); err != nil {
		return err
	}
	if o.order.OrderID == "" {
		o.free(ctx)
	}
	return nil
}

// refunded tells whether a refund was refused because the shop's staff had given
// the money back already.
func (o *order) refunded(ctx workflow.Context, refusal error) bool {
	if process.ClassOf(refusal) != sdk.Rejected {
		return false
	}
	var p payment
	err := o.Do(ctx, process.Operation{Name: "look-refund", Connector: o.settings.Payments, Operation: "payment_retrieve",
		Input: map[string]any{"payment_intent": o.payment}, Patience: longPatience, Summary: "was the money given back already?"}, &p)
	return err == nil && p.Status == statusRefunded
}

// free lets go of the stock, once. If that fails, the reservation ends by itself.
func (o *order) free(ctx workflow.Context) {
	if o.draft.ID == "" {
		return
	}
	err := o.Do(ctx, process.Operation{Name: "undraft", Connector: o.settings.Shop, Operation: "draft_order_delete",
		Input: map[string]any{"draft_id": o.draft.ID}, Patience: patience, Summary: "free the stock"}, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the draft order could not be deleted", "error", err)
	}
	o.draft.ID = ""
}
