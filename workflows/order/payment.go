package order

import (
	"encoding/json"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"
	"parley/connectors/sdk"
	"parley/workflows/process"
)

// ending is how an order ends that was not paid.
type ending struct {
	outcome string
	text    func(int64) string
	name    string
}

var (
	noPayment = ending{OutcomeUnavailable, textNoPayment, "no-payment"}
	expired   = ending{OutcomeExpired, textExpired, "expired"}
	cancelled = ending{OutcomeCancelled, textCancelled, "cancelled"}
)

// awaitPayment asks for the money and waits until it is there, is not coming any
// more, or the order is cancelled. It reports whether the order goes on.
func (o *order) awaitPayment(ctx workflow.Context) (bool, error) {
	deadline, parked := workflow.Now(ctx).Add(o.settings.ExpireAfter), o.Parked()
	err := o.Do(ctx, process.Operation{Name: "pay", Connector: o.settings.Payments, Operation: "payment_link_create",
		Input:    o.paymentLink(deadline),
		Patience: patience, Summary: "make the payment link"}, &o.link)
	if err != nil {
		return false, o.giveUp(ctx, noPayment)
	}
	deadline = deadline.Add(o.Parked() - parked) // the time of an outage is not the customer's
	asked := workflow.Now(ctx)
	if err := o.stage(ctx, StagePayment, "payment", deadline, textAwaiting(o.draft.Total), true); err != nil {
		return false, err
	}
	if err := o.Tell(ctx, "tell-pay", payMessage(o.Number, o.draft.Total, o.link.URL)); err != nil {
		return false, err
	}
	remindAt, expireAt := workflow.Now(ctx).Add(o.settings.RemindAfter), deadline
	remind := remindAt
	for {
		next, why, due := deadline, "give the unpaid order up", expireAt
		reminding := !remind.IsZero() && remind.Before(deadline)
		if reminding {
			next, why, due = remind, "remind of the payment", remindAt
		}
		var err error
		news, heard := o.Next(ctx, next, why)
		if !heard {
			later, err := o.Later(ctx, o.settings.Payments, asked, due)
			switch {
			case err != nil:
				return false, err
			case !later.IsZero() && reminding:
				remind = later
				continue
			case !later.IsZero():
				deadline = later
				continue
			}
		}
		switch {
		case heard && news.Name == "payment.paid":
			o.paidBy(news.Data)
			return true, nil
		case heard && news.Name == "payment.failed":
			err = o.Tell(ctx, "tell-failed-"+itoa(news.Number), failedMessage(o.Number, o.link.URL))
		case heard && news.Name == process.NewsCancel:
			return o.closePayment(ctx, cancelled)
		case heard: // news of something else
		case reminding:
			remind = time.Time{}
			err = o.Tell(ctx, "tell-reminder", reminderMessage(o.Number, o.draft.Total, o.link.URL))
		default:
			return o.closePayment(ctx, expired)
		}
		if err != nil {
			return false, err
		}
	}
}

// What a payment page carries: so many lines, with titles of so many characters.
const (
	maxLines = 20
	maxTitle = 250
)

// paymentLink is what the payment page is to show. The cart's lines stand on it
// where they fit, have titles and make up the total, which with a discount, tax
// or freight they do not.
func (o *order) paymentLink(expires time.Time) map[string]any {
	type line struct {
		Title    string `json:"title"`
		Quantity int    `json:"quantity"`
		Amount   int64  `json:"amount"`
	}
	in := map[string]any{"description": o.title(), "amount": o.draft.Total.Amount, "currency": o.draft.Total.Currency,
		"expires": expires, "success_message": textPaidOnPage}
	lines, sum := make([]line, len(o.cart.Lines)), int64(0)
	for i, l := range o.cart.Lines {
		title := []rune(strings.TrimSpace(l.Title))
		if len(title) == 0 {
			return in
		}
		lines[i] = line{string(title[:min(len(title), maxTitle)]), l.Quantity, l.Price.Amount}
		sum += int64(l.Quantity) * l.Price.Amount
	}
	if sum == o.draft.Total.Amount && len(lines) <= maxLines {
		in["lines"] = lines
	}
	return in
}

// paidBy notes which payment it was.
func (o *order) paidBy(data json.RawMessage) {
	var p payment
	if json.Unmarshal(data, &p) == nil && p.PaymentIntent != "" {
		o.payment = p.PaymentIntent
	}
}

// closePayment takes the payment link away and looks once more whether it was
// paid at the last moment. If so the order goes on, unless it was cancelled: then
// the money is given back. It reports whether the order goes on.
func (o *order) closePayment(ctx workflow.Context, how ending) (bool, error) {
	err := o.Do(ctx, process.Operation{Name: "unlink", Connector: o.settings.Payments, Operation: "payment_link_deactivate",
		Input: map[string]any{"id": o.link.ID}, Patience: longPatience, Summary: "take the payment link away"}, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the payment link could not be taken away", "error", err)
	}
	var p payment
	err = o.Do(ctx, process.Operation{Name: "look-" + how.name, Connector: o.settings.Payments, Operation: "payment_retrieve",
		Input: map[string]any{"payment_link": o.link.ID}, Patience: longPatience, Summary: "was it paid at the last moment?"}, &p)
	if err != nil && process.ClassOf(err) != sdk.NotFound {
		return false, err
	}
	if p.PaymentIntent != "" {
		o.payment = p.PaymentIntent
		if p.Status == statusPending {
			if p.Status, how, err = o.awaitMoney(ctx, how); err != nil {
				return false, err
			}
		}
	}
	switch {
	case p.Status != statusPaid:
		return false, o.giveUp(ctx, how)
	case how.outcome == OutcomeCancelled:
		return false, o.refund(ctx, textCancelledRefund)
	}
	return true, nil
}

// awaitMoney waits for what becomes of a payment that the customer has made and
// that takes its time, such as a bank debit. It returns the payment's status, and
// how to end if it fails: the order may be cancelled meanwhile.
func (o *order) awaitMoney(ctx workflow.Context, how ending) (string, ending, error) {
	if err := o.stage(ctx, StagePayment, "the bank", time.Time{}, textMoneyComing, true); err != nil {
		return "", how, err
	}
	for {
		switch news, _ := o.Next(ctx, time.Time{}, ""); news.Name {
		case "payment.paid":
			return statusPaid, how, nil
		case "payment.failed":
			return statusFailed, how, nil
		case process.NewsCancel:
			how = cancelled
		}
	}
}

// giveUp ends an order that was not paid.
func (o *order) giveUp(ctx workflow.Context, how ending) error {
	if err := o.end(ctx, how.outcome, how.text, how.name); err != nil {
		return err
	}
	o.free(ctx)
	if o.link.ID == "" {
		return nil
	}
	return o.giveBackLate(ctx)
}

// giveBackLate gives back what is paid although the order is closed: a payment
// page that was open already takes the money in spite of its link being gone.
func (o *order) giveBackLate(ctx workflow.Context) error {
	until := workflow.Now(ctx).Add(o.settings.LateAfter)
	for {
		news, heard := o.Next(ctx, until, "give back what is still paid until then")
		switch {
		case !heard, news.Number == 0: // an operator wants the workflow to end
			return nil
		case news.Name == "payment.paid":
			o.paidBy(news.Data)
			return o.refund(ctx, textLateRefund)
		}
	}
}
