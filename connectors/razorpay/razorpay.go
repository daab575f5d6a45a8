// Package razorpay connects Parley to Razorpay: payment links, orders, payments,
// refunds, payouts, invoices, subscriptions and settlements, and the webhooks that
// say what became of them.
//
// Its payment operations have the names and fields of those of the other payment
// connectors (payment_link_create, payment_link_deactivate, payment_retrieve,
// refund_create), so that a flow or an order may be paid with either. Every object
// that has notes carries Parley's effect key in them, so that webhooks lead back
// to the case that asked for it.
package razorpay

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"parley/connectors/sdk"
)

const (
	// settle is how long a search may lag behind a write. Razorpay names no lag
	// of its lists; this is a cautious guess.
	settle = time.Minute
	// refundKey is how long a refund's key is trusted. Razorpay names no end
	// (https://razorpay.com/docs/api/refunds/normal-refunds-idempotent).
	refundKey = 24 * time.Hour
	// payoutKey is how long a payout's key lives
	// (https://razorpay.com/docs/api/x/payout-idempotency).
	payoutKey = 7 * 24 * time.Hour
	// unlimited is the key lifetime of an operation whose repeat changes nothing.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	read     = sdk.Effect{Kind: sdk.Read}
	harmless = sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}
)

// Connector is Razorpay's manifest.
var Connector = sdk.Connector{
	Name:       "razorpay",
	Title:      "Razorpay",
	Docs:       "https://razorpay.com/docs/api",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	Open:       open,
}

var operations = []sdk.Operation{
	sdk.LookupOp("payment_link_create", "Makes a page on which one payment of a fixed amount can be made.",
		settle, (*connection).createLink, (*connection).findLink).
		Sample(`{"description":"Two mugs","amount":290000,"currency":"INR","lines":[{"title":"Mug","quantity":2,"amount":145000}],"metadata":{"order":"1042"}}`),
	sdk.Op("payment_link_fetch", "Tells the state of a payment page.", read, (*connection).fetchLink).
		Sample(`{"id":"{{payment_link_create.id}}"}`),
	sdk.Op("payment_link_deactivate", "Cancels a payment page, so that it takes no payment any more.",
		harmless, (*connection).deactivateLink).
		Sample(`{"id":"{{payment_link_create.id}}"}`),
	sdk.Op("payment_link_notify", "Has Razorpay send the page's address to the customer whose phone number or email address the link has.",
		sdk.Effect{Kind: sdk.Once}, (*connection).notifyLink).
		Sample(`{"id":"{{payment_link_create.id}}","medium":"sms"}`),
	sdk.Op("payment_retrieve", "Tells what has become of a payment, by its own ID or by its payment link.",
		read, (*connection).retrievePayment).
		Sample(`{"payment_link":"{{payment_link_create.id}}"}`),
	sdk.Op("payment_capture", "Takes the money of a payment that the customer's bank has authorised.",
		harmless, (*connection).capturePayment).
		Sample(`{"payment_intent":"pay_00000Authorized","amount":50000,"currency":"INR"}`),
	sdk.LookupOp("order_create", "Makes an order, which Razorpay's checkout on a page of your own then takes the payment for.",
		settle, (*connection).createOrder, (*connection).findOrder).
		Sample(`{"amount":50000,"currency":"INR","metadata":{"order":"1042"}}`),
	sdk.Op("order_fetch", "Tells the state of an order.", read, (*connection).fetchOrder).
		Sample(`{"id":"{{order_create.id}}"}`),
	sdk.Op("refund_create", "Gives a payment back, whole or in part.",
		sdk.Effect{Kind: sdk.Keyed, KeyLifetime: refundKey}, (*connection).createRefund).
		Sample(`{"payment_intent":"pay_000000Captured","amount":100}`),
	sdk.Op("refund_fetch", "Tells the state of a refund.", read, (*connection).fetchRefund).
		Sample(`{"id":"{{refund_create.id}}"}`),
	sdk.Op("contact_create", "Makes a contact: somebody to whom payouts can be made. One with the same details is found, not made again.",
		harmless, (*connection).createContact).
		Sample(`{"name":"Gaurav Kumar","type":"vendor","reference_id":"vendor-17"}`),
	sdk.Op("fund_account_create", "Adds a bank account or a UPI address to a contact. One with the same details is found, not made again.",
		harmless, (*connection).createFundAccount).
		Sample(`{"contact_id":"{{contact_create.id}}","bank_account":{"name":"Gaurav Kumar","ifsc":"HDFC0000053","account_number":"765432123456789"}}`).
		Sample(`{"contact_id":"{{contact_create.id}}","vpa":"gauravkumar@exampleupi"}`),
	sdk.Op("payout_create", "Pays money out to a fund account. It takes its time: payout.paid or payout.failed tell how it ended.",
		sdk.Effect{Kind: sdk.Keyed, KeyLifetime: payoutKey}, (*connection).createPayout).
		Sample(`{"fund_account_id":"{{fund_account_create.id}}","amount":100000,"currency":"INR","mode":"IMPS","purpose":"vendor bill"}`),
	sdk.Op("payout_fetch", "Tells the state of a payout.", read, (*connection).fetchPayout).
		Sample(`{"id":"{{payout_create.id}}"}`),
	sdk.LookupOp("invoice_create", "Makes an invoice, as a draft or issued at once, with a page on which it can be paid.",
		settle, (*connection).createInvoice, (*connection).findInvoice).
		Sample(`{"description":"January","currency":"INR","draft":true,"customer":{"name":"Gaurav Kumar"},"lines":[{"title":"Lesson","quantity":2,"amount":45000}]}`),
	sdk.Op("invoice_issue", "Issues an invoice that is a draft, so that it can be paid.", harmless, (*connection).issueInvoice).
		Sample(`{"id":"{{invoice_create.id}}"}`),
	sdk.Op("invoice_cancel", "Cancels an unpaid invoice.", harmless, (*connection).cancelInvoice).
		Sample(`{"id":"{{invoice_create.id}}"}`),
	sdk.Op("settlement_fetch", "Tells of one settlement: money that Razorpay has paid to your bank.", read, (*connection).fetchSettlement).
		Sample(`{"id":"setl_7IZKKI4Pnt2kEe"}`),
	sdk.Op("settlement_report", "Lists what was settled on a day or in a month: payments, refunds, transfers and adjustments, with fees and tax.",
		read, (*connection).reportSettlements).
		Sample(`{"year":2026,"month":5}`),
	sdk.LookupOp("subscription_create", "Starts a subscription to a plan; the customer authorises it on a page.",
		settle, (*connection).createSubscription, (*connection).findSubscription).
		Sample(`{"plan_id":"plan_00000000000001","total_count":12}`),
	sdk.Op("subscription_cancel", "Cancels a subscription, at once or when its current cycle ends.", harmless, (*connection).cancelSubscription).
		Sample(`{"id":"{{subscription_create.id}}"}`),
}

// connection is one Razorpay account as a workspace has configured it. It is
// immutable after open and safe for concurrent use.
type connection struct {
	settings
	http *http.Client
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	s, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: explicitHost(s.BaseURL)})
	}
	return &connection{settings: s, http: client}, nil
}

func explicitHost(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Check asks for the account's newest payment and says what else is missing.
func (c *connection) Check(ctx context.Context) error {
	if err := c.call(ctx, request{method: http.MethodGet, path: "/v1/payments", query: url.Values{"count": {"1"}}}, nil); err != nil {
		return err
	}
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is missing: without it no payment is ever noticed")
	}
	return nil
}
