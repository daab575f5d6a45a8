package stripe

import (
	"context"
	"time"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// LinkInput asks for a payment page.
type LinkInput struct {
	Description string `json:"description" doc:"What is paid for, as the customer reads it; at most 250 characters."`
	Amount      int64  `json:"amount" doc:"What is charged in total, in the currency's minor unit (cents)."`
	Currency    string `json:"currency" doc:"ISO 4217 code, such as EUR."`
	Lines       []Line `json:"lines,omitempty" doc:"What the amount is made of, at most 20; their sum must be the amount."`
	// Metadata must hold nothing personal: Stripe shows it in its dashboard.
	Metadata       map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 40, kept with the link and its payment."`
	SuccessMessage string            `json:"success_message,omitempty" doc:"Shown after the payment; at most 500 characters."`
	Expires        time.Time         `json:"expires,omitzero" doc:"When you mean to close the link, kept in its metadata as parley_expires. Stripe closes no link by itself: call payment_link_deactivate then."`
}

// Line is one item of a payment.
type Line struct {
	Title    string `json:"title" doc:"Name of the item, at most 250 characters."`
	Quantity int64  `json:"quantity" doc:"How many, from 1 to 999999."`
	Amount   int64  `json:"amount" doc:"Price of one, in the currency's minor unit."`
}

// LinkOutput is a payment page that was made.
type LinkOutput struct {
	ID       string `json:"id" doc:"Stripe's ID of the link (plink_…)."`
	URL      string `json:"url" doc:"Address of the page."`
	Amount   int64  `json:"amount" doc:"In the currency's minor unit."`
	Currency string `json:"currency" doc:"ISO 4217 code in capitals."`
}

// Validate holds what Stripe would refuse, or would charge differently.
func (in LinkInput) Validate() error {
	if err := checkMoney(in.Amount, in.Currency); err != nil {
		return err
	}
	if err := checkText("description", in.Description, 250); err != nil {
		return err
	}
	if len(in.SuccessMessage) > 0 {
		if err := checkText("success_message", in.SuccessMessage, 500); err != nil {
			return err
		}
	}
	if err := checkMetadata(in.Metadata); err != nil {
		return err
	}
	return checkLines(in.Lines, in.Amount)
}

func checkLines(lines []Line, amount int64) error {
	if len(lines) == 0 {
		return nil
	}
	if len(lines) > 20 {
		return sdk.Invalidf("lines has more than 20 items")
	}
	var sum int64
	for i, l := range lines {
		if err := checkText("title", l.Title, 250); err != nil {
			return sdk.Invalidf("lines[%d]: title must be 1 to 250 characters", i)
		}
		if l.Quantity < 1 || l.Quantity > 999_999 {
			return sdk.Invalidf("lines[%d]: quantity must be from 1 to 999999", i)
		}
		if l.Amount < 0 || l.Amount > maxAmount {
			return sdk.Invalidf("lines[%d]: amount must not be negative or have more than 12 digits", i)
		}
		sum += l.Quantity * l.Amount
	}
	if sum != amount {
		return sdk.Invalidf("the sum of quantity times amount over lines is not amount")
	}
	return nil
}

func (c *connection) createLink(ctx context.Context, call sdk.Call, in LinkInput) (LinkOutput, error) {
	if err := c.ready(); err != nil {
		return LinkOutput{}, err
	}
	metadata := withOrigin(call, in.Metadata)
	if !in.Expires.IsZero() {
		metadata["parley_expires"] = in.Expires.UTC().Format(time.RFC3339)
	}
	params := &stripego.PaymentLinkCreateParams{
		LineItems: lineItems(in),
		Metadata:  metadata,
		// Metadata of the link reaches the session, but not the payment and its refunds.
		PaymentIntentData: &stripego.PaymentLinkCreatePaymentIntentDataParams{
			Description: stripego.String(in.Description), Metadata: metadata,
		},
		// One link is one payment, however often it is opened or passed on.
		Restrictions: &stripego.PaymentLinkCreateRestrictionsParams{
			CompletedSessions: &stripego.PaymentLinkCreateRestrictionsCompletedSessionsParams{Limit: stripego.Int64(1)},
		},
	}
	if in.SuccessMessage != "" {
		params.AfterCompletion = &stripego.PaymentLinkCreateAfterCompletionParams{
			Type: stripego.String("hosted_confirmation"),
			HostedConfirmation: &stripego.PaymentLinkCreateAfterCompletionHostedConfirmationParams{
				CustomMessage: stripego.String(in.SuccessMessage),
			},
		}
	}
	params.IdempotencyKey = key(call)
	link, err := c.api.V1PaymentLinks.Create(ctx, params)
	if err != nil {
		return LinkOutput{}, sdk.AsError(err)
	}
	return LinkOutput{ID: link.ID, URL: link.URL, Amount: in.Amount, Currency: upper(in.Currency)}, nil
}

func lineItems(in LinkInput) []*stripego.PaymentLinkCreateLineItemParams {
	lines := in.Lines
	if len(lines) == 0 {
		lines = []Line{{Title: in.Description, Quantity: 1, Amount: in.Amount}}
	}
	items := make([]*stripego.PaymentLinkCreateLineItemParams, len(lines))
	for i, l := range lines {
		items[i] = &stripego.PaymentLinkCreateLineItemParams{
			Quantity: stripego.Int64(l.Quantity),
			PriceData: &stripego.PaymentLinkCreateLineItemPriceDataParams{
				Currency:    stripego.String(lower(in.Currency)),
				UnitAmount:  stripego.Int64(l.Amount),
				ProductData: &stripego.PaymentLinkCreateLineItemPriceDataProductDataParams{Name: stripego.String(l.Title)},
			},
		}
	}
	return items
}

// DeactivateInput names a payment page to close.
type DeactivateInput struct {
	ID string `json:"id" doc:"Stripe's ID of the link (plink_…)."`
}

// DeactivateOutput is a payment page as it now is.
type DeactivateOutput struct {
	ID     string `json:"id" doc:"Stripe's ID of the link."`
	Active bool   `json:"active" doc:"Whether the page still takes payments."`
}

// Validate checks the ID's form.
func (in DeactivateInput) Validate() error { return checkID("id", in.ID) }

func (c *connection) deactivateLink(ctx context.Context, call sdk.Call, in DeactivateInput) (DeactivateOutput, error) {
	if err := c.ready(); err != nil {
		return DeactivateOutput{}, err
	}
	params := &stripego.PaymentLinkUpdateParams{Active: stripego.Bool(false)}
	params.IdempotencyKey = key(call)
	link, err := c.api.V1PaymentLinks.Update(ctx, in.ID, params)
	if err != nil {
		return DeactivateOutput{}, sdk.AsError(err)
	}
	return DeactivateOutput{ID: link.ID, Active: link.Active}, nil
}
