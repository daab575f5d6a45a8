package stripe

import (
	"context"
	"net/url"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// SessionInput asks for a checkout session: a page for one visit of one customer.
type SessionInput struct {
	Description string            `json:"description" doc:"What is paid for, as the customer reads it; at most 250 characters."`
	Amount      int64             `json:"amount" doc:"What is charged in total, in the currency's minor unit (cents)."`
	Currency    string            `json:"currency" doc:"ISO 4217 code, such as EUR."`
	Lines       []Line            `json:"lines,omitempty" doc:"What the amount is made of, at most 20; their sum must be the amount."`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 40, kept with the session and its payment."`
	SuccessURL  string            `json:"success_url" doc:"Where the customer goes after the payment."`
	CancelURL   string            `json:"cancel_url,omitempty" doc:"Where the customer goes who turns back."`
	Customer    string            `json:"customer,omitempty" doc:"Stripe's ID of the customer (cus_…)."`
}

// Session is a checkout session as it now is.
type Session struct {
	ID            string `json:"id" doc:"Stripe's ID of the session (cs_…)."`
	URL           string `json:"url,omitempty" doc:"Address of the page, while it is open."`
	Status        string `json:"status" doc:"open, complete or expired."`
	PaymentStatus string `json:"payment_status" doc:"paid, unpaid or no_payment_required."`
	PaymentIntent string `json:"payment_intent,omitempty" doc:"Stripe's ID of the payment (pi_…), once there is one."`
	Amount        int64  `json:"amount" doc:"In the currency's minor unit."`
	Currency      string `json:"currency" doc:"ISO 4217 code in capitals."`
}

// IDInput names one object.
type IDInput struct {
	ID string `json:"id" doc:"Stripe's ID of it."`
}

// Validate checks the ID's form.
func (in IDInput) Validate() error { return checkID("id", in.ID) }

// Validate holds what Stripe would refuse, or would charge differently.
func (in SessionInput) Validate() error {
	link := LinkInput{Description: in.Description, Amount: in.Amount, Currency: in.Currency, Lines: in.Lines, Metadata: in.Metadata}
	if err := link.Validate(); err != nil {
		return err
	}
	if err := checkPage("success_url", in.SuccessURL); err != nil {
		return err
	}
	if in.CancelURL != "" {
		if err := checkPage("cancel_url", in.CancelURL); err != nil {
			return err
		}
	}
	if in.Customer != "" {
		return checkID("customer", in.Customer)
	}
	return nil
}

func checkPage(field, address string) error {
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return sdk.Invalidf("%s must be an absolute http or https address", field)
	}
	return nil
}

func (c *connection) createSession(ctx context.Context, call sdk.Call, in SessionInput) (Session, error) {
	if err := c.ready(); err != nil {
		return Session{}, err
	}
	metadata := withOrigin(call, in.Metadata)
	params := &stripego.CheckoutSessionCreateParams{
		Mode: stripego.String("payment"), SuccessURL: stripego.String(in.SuccessURL), Metadata: metadata,
		PaymentIntentData: &stripego.CheckoutSessionCreatePaymentIntentDataParams{
			Description: stripego.String(in.Description), Metadata: metadata,
		},
	}
	lines := in.Lines
	if len(lines) == 0 {
		lines = []Line{{Title: in.Description, Quantity: 1, Amount: in.Amount}}
	}
	for _, l := range lines {
		params.LineItems = append(params.LineItems, &stripego.CheckoutSessionCreateLineItemParams{
			Quantity: stripego.Int64(l.Quantity),
			PriceData: &stripego.CheckoutSessionCreateLineItemPriceDataParams{
				Currency: stripego.String(lower(in.Currency)), UnitAmount: stripego.Int64(l.Amount),
				ProductData: &stripego.CheckoutSessionCreateLineItemPriceDataProductDataParams{Name: stripego.String(l.Title)},
			},
		})
	}
	if in.CancelURL != "" {
		params.CancelURL = stripego.String(in.CancelURL)
	}
	if in.Customer != "" {
		params.Customer = stripego.String(in.Customer)
	}
	params.IdempotencyKey = key(call)
	s, err := c.api.V1CheckoutSessions.Create(ctx, params)
	if err != nil {
		return Session{}, sdk.AsError(err)
	}
	return sessionState(s), nil
}

func sessionState(s *stripego.CheckoutSession) Session {
	out := Session{ID: s.ID, URL: s.URL, Status: string(s.Status), PaymentStatus: string(s.PaymentStatus),
		Amount: s.AmountTotal, Currency: upper(string(s.Currency))}
	if s.PaymentIntent != nil {
		out.PaymentIntent = s.PaymentIntent.ID
	}
	return out
}

func (c *connection) retrieveSession(ctx context.Context, _ sdk.Call, in IDInput) (Session, error) {
	if err := c.ready(); err != nil {
		return Session{}, err
	}
	s, err := c.api.V1CheckoutSessions.Retrieve(ctx, in.ID, nil)
	if err != nil {
		return Session{}, sdk.AsError(err)
	}
	return sessionState(s), nil
}

// expireSession closes the page. Stripe refuses that for one that is not open:
// one that has expired is as was asked for.
func (c *connection) expireSession(ctx context.Context, call sdk.Call, in IDInput) (Session, error) {
	if err := c.ready(); err != nil {
		return Session{}, err
	}
	params := &stripego.CheckoutSessionExpireParams{}
	params.IdempotencyKey = key(call)
	s, err := c.api.V1CheckoutSessions.Expire(ctx, in.ID, params)
	if err == nil {
		return sessionState(s), nil
	}
	failed := sdk.AsError(err)
	if failed.Class == sdk.Invalid || failed.Class == sdk.Rejected {
		if s, err := c.api.V1CheckoutSessions.Retrieve(ctx, in.ID, nil); err == nil && s.Status == stripego.CheckoutSessionStatusExpired {
			return sessionState(s), nil
		}
	}
	return Session{}, failed
}
