// Package stripe connects Parley to Stripe: payment links, refunds, the state
// of a payment, and the webhooks that say what became of it.
//
// It speaks through stripe-go, with a backend of its own beneath it so that every
// request goes through the connection's one HTTP client, is never repeated
// silently, and fails in the seam's words. Every object that it creates carries
// Parley's effect key in its metadata, so that every later webhook leads back
// to the case that asked for it.
package stripe

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

const (
	// keyLifetime is how long Stripe remembers an idempotency key
	// (https://docs.stripe.com/api/idempotent_requests: at least 24 hours).
	keyLifetime = 24 * time.Hour
	// unlimited is the key lifetime of an operation whose repeat changes nothing.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	read     = sdk.Effect{Kind: sdk.Read}
	keyed    = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: keyLifetime}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is Stripe's manifest.
var Connector = sdk.Connector{
	Name:   "stripe",
	Title:  "Stripe",
	Docs:   "https://docs.stripe.com/api",
	Config: &Config{},
	Operations: []sdk.Operation{
		sdk.Op("payment_link_create",
			"Makes a page on which one payment of a fixed amount can be made.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: keyLifetime}, (*connection).createLink).
			Sample(`{"description": "Two mugs and a pot", "amount": 5900, "currency": "EUR",
				"lines": [{"title": "Mug", "quantity": 2, "amount": 1450}, {"title": "Pot", "quantity": 1, "amount": 3000}],
				"metadata": {"order": "1042"}, "success_message": "Thank you!"}`),
		sdk.Op("payment_link_deactivate",
			"Closes a payment page to new visitors. One who has it open may still finish paying.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}, (*connection).deactivateLink).
			Sample(`{"id": "{{payment_link_create.id}}"}`),
		sdk.Op("refund_create",
			"Gives a payment back, whole or in part.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: keyLifetime}, (*connection).createRefund).
			Sample(`{"payment_intent": "{{payment_retrieve.payment_intent}}", "amount": 1450, "reason": "requested_by_customer"}`),
		sdk.Op("payment_retrieve",
			"Tells what has become of a payment, by its payment intent or its payment link.",
			sdk.Effect{Kind: sdk.Read}, (*connection).retrievePayment).
			Sample(`{"payment_link": "{{payment_link_create.id}}"}`),
		sdk.Op("checkout_session_create",
			"Makes a checkout page for one visit of one customer, which goes back to a page of yours.",
			keyed, (*connection).createSession).
			Sample(`{"description": "A mug", "amount": 1450, "currency": "EUR", "success_url": "https://shop.example/thanks"}`),
		sdk.Op("checkout_session_retrieve", "Tells the state of a checkout session.", read, (*connection).retrieveSession).
			Sample(`{"id": "{{checkout_session_create.id}}"}`),
		sdk.Op("checkout_session_expire", "Closes a checkout session, so that it takes no payment any more.", harmless, (*connection).expireSession).
			Sample(`{"id": "{{checkout_session_create.id}}"}`),
		sdk.Op("customer_upsert", "Changes the customer with a reference of yours, or makes one.", keyed, (*connection).upsertCustomer).
			Sample(`{"reference": "contact-17", "name": "Jenny Rosen"}`),
		sdk.Op("invoice_create", "Makes an invoice as a draft.", keyed, (*connection).createInvoice).
			Sample(`{"customer": "{{customer_upsert.id}}", "currency": "EUR", "lines": [{"title": "Lesson", "quantity": 2, "amount": 4500}]}`),
		sdk.Op("invoice_finalize", "Issues an invoice that is a draft, so that it can be paid.", harmless, (*connection).finalizeInvoice).
			Sample(`{"id": "{{invoice_create.id}}"}`),
		sdk.Op("invoice_void", "Cancels an invoice that was finalised and not paid.", harmless, (*connection).voidInvoice).
			Sample(`{"id": "{{invoice_finalize.id}}"}`),
		sdk.Op("subscription_create", "Starts a subscription of a customer to a price.", keyed, (*connection).createSubscription).
			Sample(`{"customer": "{{customer_upsert.id}}", "price": "price_1", "days_until_due": 14}`),
		sdk.Op("subscription_cancel", "Cancels a subscription, at once or when its current period ends.", harmless, (*connection).cancelSubscription).
			Sample(`{"id": "{{subscription_create.id}}"}`),
		sdk.Op("payout_create", "Pays money out to the account's bank.", keyed, (*connection).createPayout).
			Sample(`{"amount": 10000, "currency": "EUR"}`),
		sdk.Op("payout_retrieve", "Tells the state of a payout.", read, (*connection).retrievePayout).
			Sample(`{"id": "{{payout_create.id}}"}`),
		sdk.Op("balance_transaction_list", "Lists what has moved the account's balance: charges, refunds, payouts and fees, in pages.",
			read, (*connection).listBalance).
			Sample(`{"limit": 50}`),
	},
	Triggers:  triggers,
	PollEvery: 2 * time.Minute,
	Open:      open,
}

// connection is one Stripe account as a workspace has configured it. It is
// immutable after open and safe for concurrent use.
type connection struct {
	config  Config
	backend *backend
	api     *stripego.Client
	// secrets sign webhooks: the current one, and older ones while they are rotated.
	secrets   []string
	tolerance time.Duration
	now       func() time.Time
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	c, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: explicitHost(c.BaseURL)})
	}
	b := &backend{http: client, base: c.base}
	return &connection{
		config:    c.Config,
		backend:   b,
		api:       newClient(b, c.SecretKey),
		secrets:   c.secrets,
		tolerance: c.tolerance,
		now:       time.Now,
	}, nil
}

func explicitHost(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

func newClient(b *backend, key string) *stripego.Client {
	return stripego.NewClient(key, stripego.WithBackends(&stripego.Backends{
		API: b, Connect: b, Uploads: b, MeterEvents: b,
	}))
}

// Check reads the account's balance, the call that every secret key may make,
// and says what else is missing.
func (c *connection) Check(ctx context.Context) error {
	if err := c.ready(); err != nil {
		return err
	}
	if _, err := c.api.V1Balance.Retrieve(ctx, nil); err != nil {
		return sdk.AsError(err)
	}
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is missing: without it no payment is ever noticed")
	}
	return nil
}

// ready refuses calls on a connection that was configured for webhooks only.
func (c *connection) ready() error {
	if c.config.SecretKey == "" {
		return sdk.Invalidf("secret_key is missing: this connection can only receive webhooks")
	}
	return nil
}
