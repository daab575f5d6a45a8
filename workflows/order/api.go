// Package order is the case of one order: from a cart through payment to what
// the carrier says, with refund and cancellation as its compensations.
//
// The stock is reserved by a draft order before the customer is asked to pay, and
// the draft is turned into an order once it is paid: completing a draft cannot
// happen twice, while creating an order could.
package order

import (
	"time"

	"parley/workflows/process"
)

// Kind is the kind of case, and the first part of its workflow ID.
const Kind = "order"

// WorkflowType is the workflow's type name.
const WorkflowType = "Order"

// Input starts an order.
type Input struct {
	Case     process.Ref `json:"case"`
	Cart     Cart        `json:"cart"`
	Settings Settings    `json:"settings"`
}

// Cart is what the customer wants: the flow's input of the case.
type Cart struct {
	Lines    []Line `json:"lines"`
	Currency string `json:"currency"`
	// Payments is the connector that takes the payment, where the flow chooses it.
	Payments string `json:"payments,omitempty"`
}

// Line is one line of a cart. Its price is what the customer was shown; what is
// charged is the draft order's.
type Line struct {
	VariantID string `json:"variant_id"`
	Title     string `json:"title"`
	Quantity  int    `json:"quantity"`
	Price     Money  `json:"price"`
}

// Money is an amount in the currency's minor unit.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Settings are a workspace's choices for its orders; zero values mean defaults.
type Settings struct {
	Shop string `json:"shop,omitempty"` // connector, "shopify"
	// Payments is the connector that takes payments. New orders are started with
	// the workspace's; those of before it was chosen have none, which is "stripe".
	Payments string `json:"payments,omitempty"`
	// RemindAfter is when an unpaid order is mentioned again, 30 min.
	RemindAfter time.Duration `json:"remind_after,omitempty"`
	// ExpireAfter is when it is given up, 24 h: Stripe's keys live as long.
	ExpireAfter time.Duration `json:"expire_after,omitempty"`
	// CloseAfter is how long after shipping an order is closed although nobody
	// has reported its delivery, 30 days.
	CloseAfter time.Duration `json:"close_after,omitempty"`
	// LateAfter is how long after an unpaid order was closed a payment that still
	// comes is given back, 24 h: a Stripe page that was opened in time takes money
	// for as long (https://docs.stripe.com/api/checkout/sessions/object, expires_at).
	LateAfter time.Duration `json:"late_after,omitempty"`
}

func (s Settings) withDefaults() Settings {
	if s.Shop == "" {
		s.Shop = "shopify"
	}
	if s.Payments == "" {
		s.Payments = "stripe"
	}
	if s.RemindAfter == 0 {
		s.RemindAfter = 30 * time.Minute
	}
	if s.ExpireAfter == 0 {
		s.ExpireAfter = 24 * time.Hour
	}
	if s.CloseAfter == 0 {
		s.CloseAfter = 30 * 24 * time.Hour
	}
	if s.LateAfter == 0 {
		s.LateAfter = 24 * time.Hour
	}
	return s
}

// Stages of an order.
const (
	StageReserving  = "reserving"
	StagePayment    = "payment"
	StageConfirming = "confirming"
	StageConfirmed  = "confirmed"
	StageShipped    = "shipped"
	StageRefunding  = "refunding"
	StageClosed     = "closed"
)

// Outcomes of a closed order.
const (
	OutcomeDelivered   = "delivered"
	OutcomeShipped     = "shipped" // closed without news of its delivery
	OutcomeExpired     = "expired"
	OutcomeCancelled   = "cancelled"
	OutcomeRefunded    = "refunded"
	OutcomeUnavailable = "unavailable" // the shop could not supply it
)
