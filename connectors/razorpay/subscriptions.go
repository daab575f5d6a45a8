package razorpay

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

// SubscriptionInput asks for a subscription
// (https://razorpay.com/docs/api/payments/subscriptions/create-subscription).
type SubscriptionInput struct {
	PlanID     string            `json:"plan_id" doc:"Razorpay's ID of the plan (plan_…)."`
	TotalCount int               `json:"total_count" doc:"How many billing cycles, from 1."`
	Quantity   int               `json:"quantity,omitempty" doc:"How many of the plan; 1 unless given."`
	Starts     time.Time         `json:"starts,omitzero" doc:"When the first cycle begins; at the first payment unless given."`
	Expires    time.Time         `json:"expires,omitzero" doc:"Until when the customer can authorise it."`
	Metadata   map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 13, kept with the subscription as notes."`
}

// Subscription is a subscription as it now is. It names no customer.
type Subscription struct {
	ID            string `json:"id,omitempty" doc:"Razorpay's ID of the subscription (sub_…)."`
	Status        string `json:"status,omitempty" doc:"created, authenticated, active, pending, halted, paused, cancelled, completed or expired."`
	PlanID        string `json:"plan_id,omitempty" doc:"Razorpay's ID of the plan."`
	TotalCount    int    `json:"total_count,omitempty" doc:"How many billing cycles."`
	PaidCount     int    `json:"paid_count,omitempty" doc:"How many of them are paid."`
	CurrentEnd    int64  `json:"current_end,omitempty" doc:"When the current cycle ends: Unix time in seconds."`
	URL           string `json:"url,omitempty" doc:"Address of the page on which the customer authorises it."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Razorpay's ID of the payment (pay_…), in news of one."`
	Amount        int64  `json:"amount,omitempty" doc:"The amount of that payment, in the currency's minor unit."`
	Currency      string `json:"currency,omitempty" doc:"ISO 4217 code of that payment, in capitals."`
}

// subscription is a subscription as Razorpay writes it.
type subscription struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	PlanID     string `json:"plan_id"`
	TotalCount int    `json:"total_count"`
	PaidCount  int    `json:"paid_count"`
	CurrentEnd int64  `json:"current_end"`
	ShortURL   string `json:"short_url"`
	Notes      notes  `json:"notes"`
}

func (s subscription) output() Subscription {
	return Subscription{ID: s.ID, Status: s.Status, PlanID: s.PlanID, TotalCount: s.TotalCount, PaidCount: s.PaidCount,
		CurrentEnd: s.CurrentEnd, URL: s.ShortURL}
}

// Validate holds what Razorpay would refuse.
func (in SubscriptionInput) Validate() error {
	switch {
	case in.TotalCount < 1 || in.TotalCount > 1200:
		return sdk.Invalidf("total_count must be from 1 to 1200")
	case in.Quantity < 0 || in.Quantity > 999_999:
		return sdk.Invalidf("quantity must be from 1 to 999999")
	}
	if err := checkID("plan_id", in.PlanID); err != nil {
		return err
	}
	return checkNotes(in.Metadata)
}

func (c *connection) createSubscription(ctx context.Context, call sdk.Call, in SubscriptionInput) (Subscription, error) {
	body := map[string]any{"plan_id": in.PlanID, "total_count": in.TotalCount, "quantity": max(in.Quantity, 1),
		"customer_notify": false, "notes": withOrigin(call, in.Metadata)}
	if !in.Starts.IsZero() {
		body["start_at"] = in.Starts.Unix()
	}
	if !in.Expires.IsZero() {
		body["expire_by"] = in.Expires.Unix()
	}
	var made subscription
	err := c.post(ctx, "/v1/subscriptions", body, &made)
	return made.output(), err
}

// searched is how many of a plan's newest subscriptions are looked through for a
// key: they can be searched by nothing that is ours.
const searched = 500

func (c *connection) findSubscription(ctx context.Context, call sdk.Call, in SubscriptionInput) (Subscription, bool, error) {
	for skip := 0; skip < searched; skip += 100 {
		query := url.Values{"plan_id": {in.PlanID}, "count": {"100"}, "skip": {strconv.Itoa(skip)}}
		s, found, err := find[subscription](ctx, c, call, "/v1/subscriptions", query, "items")
		if found || err != nil {
			return s.output(), found, err
		}
	}
	return Subscription{}, false, nil
}

// CancelInput names a subscription and says when it is to end.
type CancelInput struct {
	ID         string `json:"id" doc:"Razorpay's ID of the subscription (sub_…)."`
	AtCycleEnd bool   `json:"at_cycle_end,omitempty" doc:"Cancels when the current billing cycle ends, instead of at once."`
}

// Validate checks the ID's form.
func (in CancelInput) Validate() error { return checkID("id", in.ID) }

// cancelSubscription cancels. One that has been cancelled is as was asked for.
func (c *connection) cancelSubscription(ctx context.Context, _ sdk.Call, in CancelInput) (Subscription, error) {
	var s subscription
	err := c.post(ctx, "/v1/subscriptions/"+in.ID+"/cancel", map[string]any{"cancel_at_cycle_end": in.AtCycleEnd}, &s)
	if err != nil && sdk.AsError(err).Class == sdk.Rejected {
		var now subscription
		if c.get(ctx, "/v1/subscriptions/"+in.ID, nil, &now) == nil && now.Status == "cancelled" {
			return now.output(), nil
		}
	}
	return s.output(), err
}
