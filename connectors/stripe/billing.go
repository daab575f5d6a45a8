package stripe

import (
	"context"
	"strconv"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// metaReference is the metadata key by which customer_upsert knows a customer.
const metaReference = "parley_reference"

// CustomerInput describes a customer by an identifier of one's own.
type CustomerInput struct {
	Reference string            `json:"reference" doc:"Your own identifier of the customer: letters, digits, - and _, at most 64. The customer that has it is changed; without one, one is made."`
	Email     string            `json:"email,omitempty" doc:"Email address."`
	Name      string            `json:"name,omitempty" doc:"Full name."`
	Phone     string            `json:"phone,omitempty" doc:"Phone number."`
	Metadata  map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 40."`
}

// CustomerOutput is a customer as it now is, without what is personal.
type CustomerOutput struct {
	ID      string `json:"id" doc:"Stripe's ID of the customer (cus_…)."`
	Created bool   `json:"created" doc:"Whether it was made just now."`
}

// Validate checks the reference's form and the metadata.
func (in CustomerInput) Validate() error {
	if !ownReference.MatchString(in.Reference) {
		return sdk.Invalidf("reference must be 1 to 64 letters, digits, - and _")
	}
	return checkMetadata(in.Metadata)
}

// upsertCustomer looks for the reference first. Stripe's search may lag by a
// minute (https://docs.stripe.com/search#data-freshness): two calls with one
// reference and different keys in that time make two customers.
func (c *connection) upsertCustomer(ctx context.Context, call sdk.Call, in CustomerInput) (CustomerOutput, error) {
	if err := c.ready(); err != nil {
		return CustomerOutput{}, err
	}
	search := &stripego.CustomerSearchParams{SearchParams: stripego.SearchParams{
		Query: `metadata["` + metaReference + `"]:"` + in.Reference + `"`, Limit: stripego.Int64(1), Single: true}}
	metadata := withOrigin(call, in.Metadata)
	metadata[metaReference] = in.Reference
	for found, err := range c.api.V1Customers.Search(ctx, search).All(ctx) {
		if err != nil {
			return CustomerOutput{}, sdk.AsError(err)
		}
		params := &stripego.CustomerUpdateParams{Metadata: metadata, Email: optional(in.Email), Name: optional(in.Name), Phone: optional(in.Phone)}
		if _, err := c.api.V1Customers.Update(ctx, found.ID, params); err != nil {
			return CustomerOutput{}, sdk.AsError(err)
		}
		return CustomerOutput{ID: found.ID, Created: found.Metadata[metaEffect] == call.Key && call.Key != ""}, nil
	}
	params := &stripego.CustomerCreateParams{Metadata: metadata, Email: optional(in.Email), Name: optional(in.Name), Phone: optional(in.Phone)}
	params.IdempotencyKey = key(call)
	made, err := c.api.V1Customers.Create(ctx, params)
	if err != nil {
		return CustomerOutput{}, sdk.AsError(err)
	}
	return CustomerOutput{ID: made.ID, Created: true}, nil
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// InvoiceInput asks for an invoice, which is a draft until it is finalised.
type InvoiceInput struct {
	Customer     string            `json:"customer" doc:"Stripe's ID of the customer (cus_…)."`
	Description  string            `json:"description,omitempty" doc:"What it is for, at most 500 characters."`
	Currency     string            `json:"currency" doc:"ISO 4217 code, such as EUR."`
	Lines        []Line            `json:"lines" doc:"What is charged, 1 to 20 lines."`
	DaysUntilDue int64             `json:"days_until_due,omitempty" doc:"Within how many days it is to be paid; 30 unless given."`
	Metadata     map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 40, kept with the invoice."`
}

// Invoice is an invoice as it now is. It names no customer.
type Invoice struct {
	ID       string `json:"id,omitempty" doc:"Stripe's ID of the invoice (in_…)."`
	Status   string `json:"status,omitempty" doc:"draft, open, paid, uncollectible or void."`
	Amount   int64  `json:"amount,omitempty" doc:"Its total, in the currency's minor unit."`
	Paid     int64  `json:"paid,omitempty" doc:"How much was paid of it."`
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code in capitals."`
	URL      string `json:"url,omitempty" doc:"Address of the page on which it is paid, once it is finalised."`
}

// Validate checks the lines and the metadata.
func (in InvoiceInput) Validate() error {
	if err := checkID("customer", in.Customer); err != nil {
		return err
	}
	if in.Description != "" {
		if err := checkText("description", in.Description, 500); err != nil {
			return err
		}
	}
	if len(in.Lines) == 0 {
		return sdk.Invalidf("lines is empty")
	}
	if in.DaysUntilDue < 0 || in.DaysUntilDue > 365 {
		return sdk.Invalidf("days_until_due must be from 1 to 365")
	}
	var sum int64
	for _, l := range in.Lines {
		sum += l.Quantity * l.Amount
	}
	if err := checkLines(in.Lines, sum); err != nil {
		return err
	}
	if err := checkMoney(sum, in.Currency); err != nil {
		return err
	}
	return checkMetadata(in.Metadata)
}

// createInvoice makes the invoice and adds its lines, each with a key of its own,
// so that a repeat goes on where an attempt broke off.
func (c *connection) createInvoice(ctx context.Context, call sdk.Call, in InvoiceInput) (Invoice, error) {
	if err := c.ready(); err != nil {
		return Invoice{}, err
	}
	days := in.DaysUntilDue
	if days == 0 {
		days = 30
	}
	params := &stripego.InvoiceCreateParams{Customer: stripego.String(in.Customer), Currency: stripego.String(lower(in.Currency)),
		Description: optional(in.Description), Metadata: withOrigin(call, in.Metadata), AutoAdvance: stripego.Bool(false),
		CollectionMethod: stripego.String("send_invoice"), DaysUntilDue: stripego.Int64(days),
		PendingInvoiceItemsBehavior: stripego.String("exclude")}
	params.IdempotencyKey = key(call)
	made, err := c.api.V1Invoices.Create(ctx, params)
	if err != nil {
		return Invoice{}, sdk.AsError(err)
	}
	out := invoiceState(made)
	out.Amount = 0
	for i, l := range in.Lines {
		item := &stripego.InvoiceItemCreateParams{Customer: stripego.String(in.Customer), Invoice: stripego.String(made.ID),
			Currency: stripego.String(lower(in.Currency)), Description: stripego.String(times(l)), Amount: stripego.Int64(l.Quantity * l.Amount)}
		if call.Key != "" {
			item.IdempotencyKey = stripego.String(call.Key + "-line-" + strconv.Itoa(i))
		}
		if _, err := c.api.V1InvoiceItems.Create(ctx, item); err != nil {
			failed := *sdk.AsError(err)
			failed.Wrote = true // the invoice is there already
			return Invoice{}, &failed
		}
		out.Amount += l.Quantity * l.Amount
	}
	return out, nil
}

func times(l Line) string {
	if l.Quantity == 1 {
		return l.Title
	}
	return strconv.FormatInt(l.Quantity, 10) + " × " + l.Title
}

func invoiceState(i *stripego.Invoice) Invoice {
	return Invoice{ID: i.ID, Status: string(i.Status), Amount: i.Total, Paid: i.AmountPaid, Currency: upper(string(i.Currency)), URL: i.HostedInvoiceURL}
}

func (c *connection) finalizeInvoice(ctx context.Context, call sdk.Call, in IDInput) (Invoice, error) {
	params := &stripego.InvoiceFinalizeInvoiceParams{AutoAdvance: stripego.Bool(false)}
	params.IdempotencyKey = key(call)
	return c.moveInvoice(ctx, in.ID, stripego.InvoiceStatusOpen, func() (*stripego.Invoice, error) {
		return c.api.V1Invoices.FinalizeInvoice(ctx, in.ID, params)
	})
}

func (c *connection) voidInvoice(ctx context.Context, call sdk.Call, in IDInput) (Invoice, error) {
	params := &stripego.InvoiceVoidInvoiceParams{}
	params.IdempotencyKey = key(call)
	return c.moveInvoice(ctx, in.ID, stripego.InvoiceStatusVoid, func() (*stripego.Invoice, error) {
		return c.api.V1Invoices.VoidInvoice(ctx, in.ID, params)
	})
}

// moveInvoice changes an invoice's status. One that has the status already is as
// was asked for, although Stripe refuses to do it again.
func (c *connection) moveInvoice(ctx context.Context, id string, wanted stripego.InvoiceStatus, move func() (*stripego.Invoice, error)) (Invoice, error) {
	if err := c.ready(); err != nil {
		return Invoice{}, err
	}
	i, err := move()
	if err == nil {
		return invoiceState(i), nil
	}
	failed := sdk.AsError(err)
	if failed.Class == sdk.Invalid || failed.Class == sdk.Rejected {
		if now, err := c.api.V1Invoices.Retrieve(ctx, id, nil); err == nil && now.Status == wanted {
			return invoiceState(now), nil
		}
	}
	return Invoice{}, failed
}

// SubscriptionInput asks for a subscription.
type SubscriptionInput struct {
	Customer     string            `json:"customer" doc:"Stripe's ID of the customer (cus_…)."`
	Price        string            `json:"price" doc:"Stripe's ID of the price (price_…)."`
	Quantity     int64             `json:"quantity,omitempty" doc:"How many; 1 unless given."`
	DaysUntilDue int64             `json:"days_until_due,omitempty" doc:"Sends invoices that are to be paid within so many days, instead of charging the customer's payment method."`
	Metadata     map[string]string `json:"metadata,omitempty" doc:"Identifiers of your own, at most 40, kept with the subscription."`
}

// Subscription is a subscription as it now is. It names no customer.
type Subscription struct {
	ID                string `json:"id,omitempty" doc:"Stripe's ID of the subscription (sub_…)."`
	Status            string `json:"status,omitempty" doc:"incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid or paused."`
	CancelAtPeriodEnd bool   `json:"cancel_at_period_end,omitempty" doc:"Whether it ends with its current period."`
}

// Validate checks the IDs, the quantity and the metadata.
func (in SubscriptionInput) Validate() error {
	if err := checkID("customer", in.Customer); err != nil {
		return err
	}
	if err := checkID("price", in.Price); err != nil {
		return err
	}
	if in.Quantity < 0 || in.Quantity > 999_999 {
		return sdk.Invalidf("quantity must be from 1 to 999999")
	}
	if in.DaysUntilDue < 0 || in.DaysUntilDue > 365 {
		return sdk.Invalidf("days_until_due must be from 1 to 365")
	}
	return checkMetadata(in.Metadata)
}

func (c *connection) createSubscription(ctx context.Context, call sdk.Call, in SubscriptionInput) (Subscription, error) {
	if err := c.ready(); err != nil {
		return Subscription{}, err
	}
	params := &stripego.SubscriptionCreateParams{Customer: stripego.String(in.Customer), Metadata: withOrigin(call, in.Metadata),
		Items: []*stripego.SubscriptionCreateItemParams{{Price: stripego.String(in.Price), Quantity: stripego.Int64(max(1, in.Quantity))}}}
	if in.DaysUntilDue > 0 {
		params.CollectionMethod, params.DaysUntilDue = stripego.String("send_invoice"), stripego.Int64(in.DaysUntilDue)
	}
	params.IdempotencyKey = key(call)
	s, err := c.api.V1Subscriptions.Create(ctx, params)
	if err != nil {
		return Subscription{}, sdk.AsError(err)
	}
	return subscriptionState(s), nil
}

func subscriptionState(s *stripego.Subscription) Subscription {
	return Subscription{ID: s.ID, Status: string(s.Status), CancelAtPeriodEnd: s.CancelAtPeriodEnd}
}

// CancelInput names a subscription and says when it is to end.
type CancelInput struct {
	ID          string `json:"id" doc:"Stripe's ID of the subscription (sub_…)."`
	AtPeriodEnd bool   `json:"at_period_end,omitempty" doc:"Ends it with its current period, instead of at once."`
}

// Validate checks the ID's form.
func (in CancelInput) Validate() error { return checkID("id", in.ID) }

// cancelSubscription cancels. Stripe knows no key here, but one that is cancelled
// stays so: it is as was asked for, although Stripe does not find it any more.
func (c *connection) cancelSubscription(ctx context.Context, call sdk.Call, in CancelInput) (Subscription, error) {
	if err := c.ready(); err != nil {
		return Subscription{}, err
	}
	var s *stripego.Subscription
	var err error
	if in.AtPeriodEnd {
		params := &stripego.SubscriptionUpdateParams{CancelAtPeriodEnd: stripego.Bool(true)}
		params.IdempotencyKey = key(call)
		s, err = c.api.V1Subscriptions.Update(ctx, in.ID, params)
	} else {
		s, err = c.api.V1Subscriptions.Cancel(ctx, in.ID, &stripego.SubscriptionCancelParams{})
	}
	if err == nil {
		return subscriptionState(s), nil
	}
	failed := sdk.AsError(err)
	if failed.Class.Final() && failed.Class != sdk.Auth {
		if now, err := c.api.V1Subscriptions.Retrieve(ctx, in.ID, nil); err == nil && now.Status == stripego.SubscriptionStatusCanceled {
			return subscriptionState(now), nil
		}
	}
	return Subscription{}, failed
}
