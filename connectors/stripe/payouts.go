package stripe

import (
	"context"
	"time"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// PayoutInput asks for money to be paid to the account's bank.
type PayoutInput struct {
	Amount      int64             `json:"amount" doc:"How much, in the currency's minor unit."`
	Currency    string            `json:"currency" doc:"ISO 4217 code, such as EUR."`
	Description string            `json:"description,omitempty" doc:"For your own books, at most 500 characters."`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 40, kept with the payout."`
}

// Payout is a payout as it now is.
type Payout struct {
	ID       string `json:"id,omitempty" doc:"Stripe's ID of the payout (po_…)."`
	Status   string `json:"status,omitempty" doc:"pending, in_transit, paid, failed or canceled."`
	Amount   int64  `json:"amount,omitempty" doc:"In the currency's minor unit."`
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	Reason   string `json:"reason,omitempty" doc:"Stripe's code for why it failed, such as account_closed."`
}

// Validate checks the amount and the texts.
func (in PayoutInput) Validate() error {
	if err := checkMoney(in.Amount, in.Currency); err != nil {
		return err
	}
	if in.Description != "" {
		if err := checkText("description", in.Description, 500); err != nil {
			return err
		}
	}
	return checkMetadata(in.Metadata)
}

func (c *connection) createPayout(ctx context.Context, call sdk.Call, in PayoutInput) (Payout, error) {
	if err := c.ready(); err != nil {
		return Payout{}, err
	}
	params := &stripego.PayoutCreateParams{Amount: stripego.Int64(in.Amount), Currency: stripego.String(lower(in.Currency)),
		Description: optional(in.Description), Metadata: withOrigin(call, in.Metadata)}
	params.IdempotencyKey = key(call)
	p, err := c.api.V1Payouts.Create(ctx, params)
	if err != nil {
		return Payout{}, sdk.AsError(err)
	}
	return payoutState(p), nil
}

func payoutState(p *stripego.Payout) Payout {
	out := Payout{ID: p.ID, Status: string(p.Status), Amount: p.Amount, Currency: upper(string(p.Currency))}
	if code := string(p.FailureCode); codeName.MatchString(code) {
		out.Reason = code
	}
	return out
}

func (c *connection) retrievePayout(ctx context.Context, _ sdk.Call, in IDInput) (Payout, error) {
	if err := c.ready(); err != nil {
		return Payout{}, err
	}
	p, err := c.api.V1Payouts.Retrieve(ctx, in.ID, nil)
	if err != nil {
		return Payout{}, sdk.AsError(err)
	}
	return payoutState(p), nil
}

// ReportInput names a page of the account's movements, the newest first.
type ReportInput struct {
	From   time.Time `json:"from,omitzero" doc:"Movements since then."`
	Until  time.Time `json:"until,omitzero" doc:"Movements before then."`
	Payout string    `json:"payout,omitempty" doc:"Only those that a payout (po_…) has paid out."`
	Limit  int64     `json:"limit,omitempty" doc:"How many at once, 1 to 100; 100 unless given."`
	After  string    `json:"after,omitempty" doc:"Where the page before has ended: its next."`
}

// Report is one page of the account's movements.
type Report struct {
	Entries []ReportEntry `json:"entries" doc:"The newest first."`
	Next    string        `json:"next,omitempty" doc:"What to give as after for the next page; absent on the last."`
}

// ReportEntry is one movement of the account's balance.
type ReportEntry struct {
	ID        string    `json:"id" doc:"Stripe's ID of the movement (txn_…)."`
	Type      string    `json:"type" doc:"charge, refund, payout, stripe_fee, adjustment and others."`
	Amount    int64     `json:"amount" doc:"Gross, in the currency's minor unit; negative for what was taken."`
	Fee       int64     `json:"fee" doc:"What Stripe took."`
	Net       int64     `json:"net" doc:"Amount less fee."`
	Currency  string    `json:"currency" doc:"ISO 4217 code in capitals."`
	Source    string    `json:"source,omitempty" doc:"Stripe's ID of what it came of."`
	Status    string    `json:"status" doc:"available or pending."`
	Created   time.Time `json:"created" doc:"When it was made."`
	Available time.Time `json:"available" doc:"When the money can be paid out."`
}

// Validate checks the page.
func (in ReportInput) Validate() error {
	if in.Limit < 0 || in.Limit > 100 {
		return sdk.Invalidf("limit must be from 1 to 100")
	}
	if in.Payout != "" {
		if err := checkID("payout", in.Payout); err != nil {
			return err
		}
	}
	if in.After != "" {
		return checkID("after", in.After)
	}
	return nil
}

func (c *connection) listBalance(ctx context.Context, _ sdk.Call, in ReportInput) (Report, error) {
	if err := c.ready(); err != nil {
		return Report{}, err
	}
	limit := in.Limit
	if limit == 0 {
		limit = 100
	}
	params := &stripego.BalanceTransactionListParams{Payout: optional(in.Payout)}
	params.Limit, params.Single, params.StartingAfter = stripego.Int64(limit), true, optional(in.After)
	if !in.From.IsZero() || !in.Until.IsZero() {
		params.CreatedRange = &stripego.RangeQueryParams{}
		if !in.From.IsZero() {
			params.CreatedRange.GreaterThanOrEqual = in.From.Unix()
		}
		if !in.Until.IsZero() {
			params.CreatedRange.LesserThan = in.Until.Unix()
		}
	}
	out := Report{Entries: []ReportEntry{}}
	list := c.api.V1BalanceTransactions.List(ctx, params)
	for t, err := range list.All(ctx) {
		if err != nil {
			return Report{}, sdk.AsError(err)
		}
		e := ReportEntry{ID: t.ID, Type: string(t.Type), Amount: t.Amount, Fee: t.Fee, Net: t.Net, Currency: upper(string(t.Currency)),
			Status: string(t.Status), Created: time.Unix(t.Created, 0).UTC(), Available: time.Unix(t.AvailableOn, 0).UTC()}
		if t.Source != nil {
			e.Source = t.Source.ID
		}
		out.Entries = append(out.Entries, e)
	}
	if int64(len(out.Entries)) == limit {
		out.Next = out.Entries[limit-1].ID
	}
	return out, nil
}
