package stripe_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/stripe"

	"github.com/stretchr/testify/require"
)

func TestAPaymentFromLinkToRefund(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	require.Equal(t, int64(5900), l.Amount)
	require.Equal(t, "EUR", l.Currency)
	byLink := stripe.RetrieveInput{PaymentLink: l.ID}
	pending := run[stripe.Payment](t, r.conn, "payment_retrieve", call(""), byLink)
	require.Equal(t, stripe.Payment{Status: "pending", Amount: 5900, Currency: "EUR", PaymentLink: l.ID}, pending)

	require.Equal(t, 402, r.press(l, "decline"))
	failed, payloads := named(t, r.news(), "payment.failed")
	require.Len(t, failed, 1)
	require.Equal(t, "insufficient_funds", payloads[0].Reason)
	byIntent := stripe.RetrieveInput{PaymentIntent: payloads[0].PaymentIntent}
	require.Equal(t, "failed", run[stripe.Payment](t, r.conn, "payment_retrieve", call(""), byIntent).Status)

	require.Equal(t, 200, r.press(l, "pay"))
	paid := run[stripe.Payment](t, r.conn, "payment_retrieve", call(""), byLink)
	require.Equal(t, "paid", paid.Status)
	require.Equal(t, byIntent.PaymentIntent, paid.PaymentIntent)

	part := run[stripe.RefundOutput](t, r.conn, "refund_create", call("k2"), stripe.RefundInput{PaymentIntent: paid.PaymentIntent, Amount: 900, Reason: "requested_by_customer"})
	require.Equal(t, int64(900), part.Amount)
	require.Equal(t, "succeeded", part.Status)
	now := run[stripe.Payment](t, r.conn, "payment_retrieve", call(""), byIntent)
	require.Equal(t, "paid", now.Status)
	require.Equal(t, int64(900), now.Refunded)
	rest := run[stripe.RefundOutput](t, r.conn, "refund_create", call("k3"), stripe.RefundInput{PaymentIntent: paid.PaymentIntent})
	require.Equal(t, int64(5000), rest.Amount)
	require.Equal(t, "refunded", run[stripe.Payment](t, r.conn, "payment_retrieve", call(""), byLink).Status)

	e := fail(t, r.conn, "refund_create", call("k4"), stripe.RefundInput{PaymentIntent: paid.PaymentIntent})
	require.Equal(t, sdk.Rejected, e.Class)
	require.Equal(t, "charge_already_refunded", e.Code)
}

func TestADeactivatedLinkTakesNoPayment(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	for _, key := range []string{"k2", "k2", "k3"} {
		out := run[stripe.DeactivateOutput](t, r.conn, "payment_link_deactivate", call(key), stripe.DeactivateInput{ID: l.ID})
		require.Equal(t, stripe.DeactivateOutput{ID: l.ID}, out)
	}
	require.Equal(t, 410, r.press(l, "pay"))
	require.Empty(t, r.env.Deliveries())
	require.Equal(t, "failed", run[stripe.Payment](t, r.conn, "payment_retrieve", call(""), stripe.RetrieveInput{PaymentLink: l.ID}).Status)
}

func TestOneKeyIsOneEffectForADay(t *testing.T) {
	r := newRig(t)
	first := r.link("k1")
	require.Equal(t, first, r.link("k1"))
	require.NotEqual(t, first.ID, r.link("k2").ID)

	other := linkInput()
	other.Description = "Something else"
	e := fail(t, r.conn, "payment_link_create", call("k1"), other)
	require.Equal(t, sdk.Invalid, e.Class)
	require.Equal(t, "idempotency_error", e.Code)

	r.now = r.now.Add(23 * time.Hour)
	require.Equal(t, first, r.link("k1"))
	r.now = r.now.Add(time.Hour)
	require.NotEqual(t, first.ID, r.link("k1").ID, "the key's lifetime is over")
}

func TestAForgottenKeyActsAgain(t *testing.T) {
	r := newRig(t)
	first := r.link("k1")
	r.env.SetFault("forget_keys", 0)
	require.NotEqual(t, first.ID, r.link("k1").ID)
}

func TestBadInputIsRefusedBeforeAnyRequest(t *testing.T) {
	link := func(change func(*stripe.LinkInput)) any { in := linkInput(); change(&in); return in }
	cases := map[string]struct {
		operation string
		input     any
	}{
		"no amount":               {"payment_link_create", link(func(in *stripe.LinkInput) { in.Amount = 0 })},
		"negative amount":         {"payment_link_create", link(func(in *stripe.LinkInput) { in.Amount = -5900 })},
		"amount above the limit":  {"payment_link_create", link(func(in *stripe.LinkInput) { in.Amount = 1e12 })},
		"currency":                {"payment_link_create", link(func(in *stripe.LinkInput) { in.Currency = "euro" })},
		"currency of other units": {"payment_link_create", link(func(in *stripe.LinkInput) { in.Currency = "isk" })},
		"no description":          {"payment_link_create", link(func(in *stripe.LinkInput) { in.Description = " " })},
		"lines of another sum":    {"payment_link_create", link(func(in *stripe.LinkInput) { in.Lines[0].Quantity = 3 })},
		"line without quantity":   {"payment_link_create", link(func(in *stripe.LinkInput) { in.Lines[0].Quantity = 0 })},
		"line without title":      {"payment_link_create", link(func(in *stripe.LinkInput) { in.Lines[0].Title = "" })},
		"too many lines":          {"payment_link_create", link(func(in *stripe.LinkInput) { in.Lines = make([]stripe.Line, 21) })},
		"long success message":    {"payment_link_create", link(func(in *stripe.LinkInput) { in.SuccessMessage = strings.Repeat("x", 501) })},
		"our metadata key":        {"payment_link_create", link(func(in *stripe.LinkInput) { in.Metadata["parley_effect"] = "x" })},
		"metadata key":            {"payment_link_create", link(func(in *stripe.LinkInput) { in.Metadata["a[b]"] = "x" })},
		"metadata value":          {"payment_link_create", link(func(in *stripe.LinkInput) { in.Metadata["a"] = strings.Repeat("x", 501) })},
		"unknown field":           {"payment_link_create", map[string]any{"amount": 1, "colour": "red"}},
		"mistyped field":          {"payment_link_create", map[string]any{"amount": "59"}},
		"no link":                 {"payment_link_deactivate", stripe.DeactivateInput{}},
		"a path for an ID":        {"payment_link_deactivate", stripe.DeactivateInput{ID: "../refunds"}},
		"no payment":              {"refund_create", stripe.RefundInput{}},
		"negative refund":         {"refund_create", stripe.RefundInput{PaymentIntent: "pi_1", Amount: -1}},
		"unknown reason":          {"refund_create", stripe.RefundInput{PaymentIntent: "pi_1", Reason: "bored"}},
		"nothing to retrieve":     {"payment_retrieve", stripe.RetrieveInput{}},
		"two to retrieve":         {"payment_retrieve", stripe.RetrieveInput{PaymentIntent: "pi_1", PaymentLink: "plink_1"}},
		"no way back":             {"checkout_session_create", stripe.SessionInput{Description: "A mug", Amount: 100, Currency: "EUR"}},
		"a script for a page":     {"checkout_session_create", stripe.SessionInput{Description: "A mug", Amount: 100, Currency: "EUR", SuccessURL: "javascript:alert(1)"}},
		"a quote in a reference":  {"customer_upsert", stripe.CustomerInput{Reference: `x" OR "`}},
		"an invoice of nothing":   {"invoice_create", stripe.InvoiceInput{Customer: "cus_1", Currency: "EUR"}},
		"a long page":             {"balance_transaction_list", stripe.ReportInput{Limit: 101}},
		"an ID with a query":      {"payment_retrieve", stripe.RetrieveInput{PaymentIntent: "pi_1?expand=x"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, config(t, "https://stripe.test"), refusingClient(t))
			require.Equal(t, sdk.Invalid, fail(t, conn, c.operation, call("k"), c.input).Class)
		})
	}
}

func TestConfigurationIsCheckedWhenOpened(t *testing.T) {
	cases := map[string]struct{ config, names string }{
		"nothing":          {`{}`, "secret_key"},
		"unknown setting":  {`{"secret_key":"sk_x","sekret":"y"}`, "sekret"},
		"key with a space": {`{"secret_key":"sk_ x"}`, "secret_key"},
		"relative base":    {`{"secret_key":"sk_x","base_url":"stripe.test"}`, "base_url"},
		"other scheme":     {`{"secret_key":"sk_x","base_url":"ftp://stripe.test"}`, "base_url"},
		"base with a user": {`{"secret_key":"sk_x","base_url":"https://u:p@stripe.test"}`, "base_url"},
		"tolerance":        {`{"secret_key":"sk_x","webhook_tolerance":"-1s"}`, "webhook_tolerance"},
		"long tolerance":   {`{"secret_key":"sk_x","webhook_tolerance":"2h"}`, "webhook_tolerance"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := stripe.Connector.Open(json.RawMessage(c.config), sdk.Host{})
			e := sdk.AsError(err)
			require.Equal(t, sdk.Invalid, e.Class)
			require.Contains(t, e.Message, c.names)
		})
	}
}

func TestAConnectionForWebhooksAloneCallsNothing(t *testing.T) {
	conn := connect(t, json.RawMessage(`{"webhook_secret":"whsec_x"}`), refusingClient(t))
	for name, input := range everyInput() {
		e := fail(t, conn, name, call("k"), input)
		require.Equal(t, sdk.Invalid, e.Class)
		require.Contains(t, e.Message, "secret_key")
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.conn.(sdk.Checker).Check(t.Context()))

	noHook := connect(t, json.RawMessage(`{"secret_key":"sk_x","base_url":"`+r.server.URL+`"}`), r.server.Client())
	require.ErrorContains(t, noHook.(sdk.Checker).Check(t.Context()), "webhook_secret")

	wrong := answering(t, 401, nil, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`)
	require.Equal(t, sdk.Auth, sdk.AsError(wrong.(sdk.Checker).Check(t.Context())).Class)
}

// everyInput has one valid input for each operation.
func everyInput() map[string]any {
	return map[string]any{
		"payment_link_create":     linkInput(),
		"payment_link_deactivate": stripe.DeactivateInput{ID: "plink_123"},
		"refund_create":           stripe.RefundInput{PaymentIntent: "pi_123", Amount: 100, Reason: "duplicate"},
		"payment_retrieve":        stripe.RetrieveInput{PaymentLink: "plink_123"},
		"checkout_session_create": stripe.SessionInput{Description: "A mug", Amount: 1450, Currency: "EUR", SuccessURL: "https://shop.test/thanks",
			CancelURL: "https://shop.test/cart", Customer: "cus_123", Metadata: map[string]string{"order": "1042"}},
		"checkout_session_retrieve": stripe.IDInput{ID: "cs_123"},
		"checkout_session_expire":   stripe.IDInput{ID: "cs_123"},
		"customer_upsert":           stripe.CustomerInput{Reference: "contact-17", Name: "Jenny", Email: "jenny@example.com", Phone: "+15550001111"},
		"invoice_create": stripe.InvoiceInput{Customer: "cus_123", Currency: "EUR", Description: "May",
			Lines: []stripe.Line{{Title: "Lesson", Quantity: 2, Amount: 4500}, {Title: "Book", Quantity: 1, Amount: 900}}},
		"invoice_finalize":         stripe.IDInput{ID: "in_123"},
		"invoice_void":             stripe.IDInput{ID: "in_123"},
		"subscription_create":      stripe.SubscriptionInput{Customer: "cus_123", Price: "price_123", Quantity: 2, DaysUntilDue: 14},
		"subscription_cancel":      stripe.CancelInput{ID: "sub_123"},
		"payout_create":            stripe.PayoutInput{Amount: 10000, Currency: "EUR", Description: "May"},
		"payout_retrieve":          stripe.IDInput{ID: "po_123"},
		"balance_transaction_list": stripe.ReportInput{From: time.Unix(1780000000, 0), Until: time.Unix(1790000000, 0), Payout: "po_123", Limit: 10, After: "txn_123"},
	}
}

func TestEveryOperationHasASample(t *testing.T) {
	inputs := everyInput()
	require.Len(t, inputs, len(stripe.Connector.Operations))
	for _, op := range stripe.Connector.Operations {
		require.Contains(t, inputs, op.Name)
	}
}
