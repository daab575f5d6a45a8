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

	draft   draft // its ID is empty once the stock is free again
	link    link
	payment string // the provider's ID of the payment
	order   completed

	saidOutage bool
}

// What is read of the providers' answers and news.
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
		Currency      string `json:"currency"`
		Refunded      int64  `json:"refunded"`
		Refund        string `json:"refund"`
	}
	fulfilment struct {
		Tracking []struct {
			Number  string `json:"number"`
			URL     string `json:"url"`
			Company string `json:"company"`
		} `json:"tracking"`
	}
)

// States of a payment.
const (
	statusPending  = "pending"
	statusPaid     = "paid"
	statusFailed   = "failed"
	statusRefunded = "refunded"
)

// Workflow is the order's workflow.
func Workflow(ctx workflow.Context, in Input) error {
	ctx, p := process.Start(ctx, in.Case)
	o := &order{Process: p, cart: in.Cart, settings: in.Settings.withDefaults()}
	p.OnOutage = o.sayOutage
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
		Input:    map[string]any{"lines": lines, "reserve_minutes": int(o.settings.ExpireAfter.Minutes())}, // as long as it can be paid
		Patience: patience, Summary: "reserve the stock and fix the price"}, &o.draft)
	if err == nil {
		return false, nil
	}
	text := textUnavailable
	if process.ClassOf(err) == sdk.Rejected {
		text = textSoldOut
	}
	return true, o.end(ctx, OutcomeUnavailable, text, "unavailable")
}

// sayOutage tells the customer, once, that the order waits for somebody else.
func (o *order) sayOutage(ctx workflow.Context, _ string) error {
	if o.saidOutage {
		return nil
	}
	o.saidOutage = true
	return o.Tell(ctx, "tell-outage", update(o.Number, textOutage(o.Number)))
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
	var closeAt time.Time // set once something was shipped
	for {
		news, heard := o.Next(ctx, closeAt, "close the order if nobody reports its delivery")
		if !heard {
			return o.end(ctx, OutcomeShipped, nil, "")
		}
		var err error
		switch news.Name {
		case "order.fulfilled":
			if closeAt.IsZero() {
				closeAt = workflow.Now(ctx).Add(o.settings.CloseAfter)
			}
			err = o.shipped(ctx, news, closeAt)
		case "order.delivered":
			return o.end(ctx, OutcomeDelivered, textDelivered, "delivered")
		case "order.cancelled": // by the shop's staff
			return o.refund(ctx, textShopCancelled)
		case "payment.refunded": // by the shop's staff, at the payment provider
			err = o.refundedByStaff(ctx, news)
		case process.NewsCancel:
			var done bool
			if done, err = o.cancel(ctx, news, !closeAt.IsZero()); done {
				return err
			}
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

// refundedByStaff tells the customer of money given back. A refund is reported
// twice, of the payment with the sum and of the refund itself: one is enough.
func (o *order) refundedByStaff(ctx workflow.Context, news process.News) error {
	var p payment
	if json.Unmarshal(news.Data, &p) != nil || p.Refund != "" {
		return nil
	}
	text := textRefunded(o.Number)
	if p.Status != statusRefunded {
		text = textPartRefunded(o.Number, Money{p.Refunded, p.Currency})
	}
	return o.Tell(ctx, "tell-refunded-"+itoa(news.Number), update(o.Number, text))
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
