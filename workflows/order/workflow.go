package order

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/workflows/process"
)

// patience is how long an unavailable provider is tried again.
const (
	patience = 24 * time.Hour
	// longPatience is for what must not be given up: money taken is either
	// answered with goods or given back.
	longPatience = 30 * 24 * time.Hour
)

// order is one order under way.
type order struct {
	*process.Process
	cart     Cart
	settings Settings

	draft   draft
	link    link
	payment string // the provider's ID of the payment
	order   completed
	// cancel tells that a cancellation was asked for.
	cancel bool
	// refunded tells that the provider has said so already.
	refunded bool
}

// What is read of the providers' answers.
type (
	draft struct {
		ID    string `json:"id"`
		Total Money  `json:"total"`
	}
	link struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	}
	completed struct {
		OrderID string `json:"order_id"`
		Name    string `json:"name"`
	}
	payment struct {
		Status        string `json:"status"`
		PaymentIntent string `json:"payment_intent"`
	}
	fulfilment struct {
		Tracking []struct {
			Number  string `json:"number"`
			URL     string `json:"url"`
			Company string `json:"company"`
		} `json:"tracking"`
	}
)

// Workflow is the order's workflow.
func Workflow(ctx workflow.Context, in Input) error {
	o := &order{Process: process.Start(ctx, in.Case), cart: in.Cart, settings: in.Settings.withDefaults()}
	if done, err := o.reserve(ctx); done || err != nil {
		return err
	}
	paid, err := o.awaitPayment(ctx)
	if err != nil || !paid {
		return err
	}
	if done, err := o.confirm(ctx); done || err != nil {
		return err
	}
	return o.follow(ctx)
}

// reserve makes the draft order, which holds the stock and fixes the price. It
// reports true if the order ends here.
func (o *order) reserve(ctx workflow.Context) (bool, error) {
	if err := o.stage(ctx, StageReserving, "the shop", time.Time{}, textReserving, true); err != nil {
		return false, err
	}
	type line struct {
		VariantID string `json:"variant_id"`
		Quantity  int    `json:"quantity"`
	}
	lines := make([]line, len(o.cart.Lines))
	for i, l := range o.cart.Lines {
		lines[i] = line{l.VariantID, l.Quantity}
	}
	err := o.Do(ctx, process.Operation{Name: "draft", Connector: o.settings.Shop, Operation: "draft_order_create",
		Input: map[string]any{"lines": lines}, Patience: patience, Summary: "reserve the stock and fix the price"}, &o.draft)
	if err == nil {
		return false, nil
	}
	text := textUnavailable
	if process.ClassOf(err) == sdk.Rejected {
		text = textSoldOut
	}
	return true, o.end(ctx, OutcomeUnavailable, text, "unavailable")
}

// awaitPayment asks for the money and waits until it is there, is not coming any
// more, or the order is cancelled. It reports whether the order goes on.
func (o *order) awaitPayment(ctx workflow.Context) (bool, error) {
	deadline := workflow.Now(ctx).Add(o.settings.ExpireAfter)
	err := o.Do(ctx, process.Operation{Name: "pay", Connector: o.settings.Payments, Operation: "payment_link_create",
		Input:    map[string]any{"description": o.title(), "amount": o.draft.Total.Amount, "currency": o.draft.Total.Currency, "expires": deadline},
		Patience: patience, Summary: "make the payment link"}, &o.link)
	if err != nil {
		return false, o.giveUp(ctx, OutcomeUnavailable, textNoPayment, "no-payment")
	}
	if err := o.stage(ctx, StagePayment, "payment", deadline, textAwaiting(o.draft.Total), true); err != nil {
		return false, err
	}
	if err := o.Tell(ctx, "tell-pay", payMessage(o.Number, o.draft.Total, o.link.URL)); err != nil {
		return false, err
	}
	remind := workflow.Now(ctx).Add(o.settings.RemindAfter)
	for {
		next, why := deadline, "give the unpaid order up"
		if !remind.IsZero() && remind.Before(deadline) {
			next, why = remind, "remind of the payment"
		}
		news, heard, err := o.Next(ctx, next, why)
		if err != nil {
			return false, err
		}
		switch {
		case heard && news.Name == "payment.paid":
			o.paidBy(news.Data)
			return true, nil
		case heard && news.Name == "payment.failed":
			err = o.Tell(ctx, "tell-failed-"+itoa(news.Number), failedMessage(o.Number, o.link.URL))
		case heard && news.Name == NewsCancel:
			return o.closePayment(ctx, OutcomeCancelled, textCancelled, "cancelled")
		case heard: // news of something else, or of an attempt that is over
		case !remind.IsZero() && next.Equal(remind):
			remind = time.Time{}
			err = o.Tell(ctx, "tell-reminder", reminderMessage(o.Number, o.draft.Total, o.link.URL))
		default:
			return o.closePayment(ctx, OutcomeExpired, textExpired, "expired")
		}
		if err != nil {
			return false, err
		}
	}
}

func (o *order) paidBy(data json.RawMessage) {
	var p payment
	if json.Unmarshal(data, &p) == nil && p.PaymentIntent != "" {
		o.payment = p.PaymentIntent
	}
}

// closePayment takes the payment link away and looks once more whether it was
// paid at the last moment. If so the order goes on, unless it was cancelled: then
// the money is given back.
func (o *order) closePayment(ctx workflow.Context, outcome string, text func(int64) string, name string) (bool, error) {
	err := o.Do(ctx, process.Operation{Name: "unlink", Connector: o.settings.Payments, Operation: "payment_link_deactivate",
		Input: map[string]any{"id": o.link.ID}, Patience: longPatience, Summary: "take the payment link away"}, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the payment link could not be taken away", "error", err)
	}
	var p payment
	err = o.Do(ctx, process.Operation{Name: "look-" + name, Connector: o.settings.Payments, Operation: "payment_retrieve",
		Input: map[string]any{"payment_link": o.link.ID}, Patience: longPatience, Summary: "was it paid at the last moment?"}, &p)
	if err != nil && process.ClassOf(err) != sdk.NotFound {
		return false, err
	}
	if p.Status != "paid" {
		return false, o.giveUp(ctx, outcome, text, name)
	}
	o.payment = p.PaymentIntent
	if outcome == OutcomeCancelled {
		return false, o.refund(ctx, textCancelledRefund)
	}
	return true, nil
}

// giveUp frees the stock and ends an order that was not paid.
func (o *order) giveUp(ctx workflow.Context, outcome string, text func(int64) string, name string) error {
	err := o.Do(ctx, process.Operation{Name: "undraft", Connector: o.settings.Shop, Operation: "draft_order_delete",
		Input: map[string]any{"draft_id": o.draft.ID}, Patience: patience, Summary: "free the stock"}, nil)
	if err != nil { // the reservation ends by itself
		workflow.GetLogger(ctx).Warn("the draft order could not be deleted", "error", err)
	}
	return o.end(ctx, outcome, text, name)
}

// confirm turns the paid draft into an order, once. If the shop refuses, the
// money is given back. It reports true if the order ends here.
func (o *order) confirm(ctx workflow.Context) (bool, error) {
	if err := o.stage(ctx, StageConfirming, "the shop", time.Time{}, textConfirming, false); err != nil {
		return false, err
	}
	err := o.Do(ctx, process.Operation{Name: "complete", Connector: o.settings.Shop, Operation: "draft_order_complete",
		Input: map[string]any{"draft_id": o.draft.ID}, Patience: longPatience, Summary: "make the order at the shop"}, &o.order)
	if err != nil {
		return true, o.refund(ctx, textRefusedRefund)
	}
	if err := o.stage(ctx, StageConfirmed, "fulfilment", time.Time{}, textConfirmed(o.order.Name), true); err != nil {
		return false, err
	}
	return false, o.Tell(ctx, "tell-confirmed", confirmedMessage(o.Number, o.order.Name, o.draft.Total))
}

// follow tells the customer what the shop and the carrier report, until the
// order is delivered, cancelled or long enough on its way.
func (o *order) follow(ctx workflow.Context) error {
	var closeAt time.Time
	for {
		news, heard, err := o.Next(ctx, closeAt, "close the order if nobody reports its delivery")
		if err != nil {
			return err
		}
		if !heard {
			return o.end(ctx, OutcomeShipped, nil, "")
		}
		shipped := !closeAt.IsZero()
		switch news.Name {
		case "order.fulfilled":
			if !shipped {
				closeAt = workflow.Now(ctx).Add(o.settings.CloseAfter)
			}
			err = o.shipped(ctx, news, closeAt)
		case "order.delivered":
			return o.end(ctx, OutcomeDelivered, textDelivered, "delivered")
		case "order.cancelled": // by the shop's staff
			return o.refund(ctx, textShopCancelled)
		case "payment.refunded": // by the shop's staff, at the payment provider
			err = o.Tell(ctx, "tell-refunded-"+itoa(news.Number), update(o.Number, textRefunded(o.Number)))
		case NewsCancel:
			if shipped {
				err = o.Tell(ctx, "tell-too-late-"+itoa(news.Number), update(o.Number, textTooLate(o.Number)))
				break
			}
			return o.cancelOrder(ctx)
		}
		if err != nil {
			return err
		}
	}
}

func (o *order) shipped(ctx workflow.Context, news process.News, closeAt time.Time) error {
	var f fulfilment
	if err := json.Unmarshal(news.Data, &f); err != nil {
		workflow.GetLogger(ctx).Warn("fulfilment news without tracking")
	}
	text := textShipped(o.Number)
	for _, t := range f.Tracking {
		text += "\n" + joinNonEmpty(t.Company, t.Number, t.URL)
	}
	if err := o.stage(ctx, StageShipped, "delivery", closeAt, func(int64) string { return text }, false); err != nil {
		return err
	}
	return o.Tell(ctx, "tell-shipped-"+itoa(news.Number), update(o.Number, text))
}

// cancelOrder cancels at the shop and gives the money back.
func (o *order) cancelOrder(ctx workflow.Context) error {
	err := o.Do(ctx, process.Operation{Name: "cancel", Connector: o.settings.Shop, Operation: "order_cancel",
		Input:    map[string]any{"order_id": o.order.OrderID, "reason": "customer", "restock": true, "refund": false},
		Patience: longPatience, Summary: "cancel the order at the shop"}, nil)
	if err != nil { // the shop refuses: it has been packed, say
		if tell := o.Tell(ctx, "tell-not-cancelled", update(o.Number, textTooLate(o.Number))); tell != nil {
			return tell
		}
		return o.follow(ctx)
	}
	return o.refund(ctx, textCancelledRefund)
}

// refund gives the money back: the compensation of a payment.
func (o *order) refund(ctx workflow.Context, text func(int64) string) error {
	if err := o.stage(ctx, StageRefunding, "the payment provider", time.Time{}, textRefunding, false); err != nil {
		return err
	}
	err := o.Do(ctx, process.Operation{Name: "refund", Connector: o.settings.Payments, Operation: "refund_create",
		Input: map[string]any{"payment_intent": o.payment, "reason": "requested_by_customer"}, Patience: longPatience, Summary: "give the money back"}, nil)
	if err != nil {
		// Never silently: the workflow stays failed and open to a reset, and the
		// effect stands in the ledger.
		return err
	}
	return o.end(ctx, OutcomeRefunded, text, "refund")
}

// end closes the case and tells the customer why, if text is given.
func (o *order) end(ctx workflow.Context, outcome string, text func(int64) string, name string) error {
	last := textClosed(outcome)
	if text != nil {
		last = text
	}
	s := process.ProgressInput{Stage: StageClosed, Outcome: outcome, Text: last(o.Number)}
	if err := o.Stage(ctx, s, time.Time{}); err != nil {
		return err
	}
	if text == nil {
		return nil
	}
	return o.Tell(ctx, "tell-"+name, update(o.Number, text(o.Number)))
}

func (o *order) stage(ctx workflow.Context, stage, waitingFor string, deadline time.Time, text func(int64) string, canCancel bool) error {
	return o.Stage(ctx, process.ProgressInput{Stage: stage, WaitingFor: waitingFor, Open: true, Text: text(o.Number), CanCancel: canCancel}, deadline)
}
