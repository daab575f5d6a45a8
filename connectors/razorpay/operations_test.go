package razorpay_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/connectors/razorpay"
	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

func TestAPaymentFromLinkToRefund(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	require.Equal(t, int64(590000), l.Amount)
	byLink := razorpay.RetrieveInput{PaymentLink: l.ID}
	pending := run[razorpay.Payment](t, r.conn, "payment_retrieve", call(""), byLink)
	require.Equal(t, razorpay.Payment{Status: "pending", Amount: 590000, Currency: "INR", PaymentLink: l.ID}, pending)

	status, _ := r.press(l.URL, "decline")
	require.Equal(t, 402, status)
	failed, payloads := named[razorpay.Payment](t, r.news(), "payment.failed")
	require.Len(t, failed, 1)
	require.Equal(t, "k1", failed[0].Provider.EffectKey)
	require.Equal(t, "payment_failed", payloads[0].Reason)
	require.Equal(t, l.ID, payloads[0].PaymentLink)
	byIntent := razorpay.RetrieveInput{PaymentIntent: payloads[0].PaymentIntent}
	require.Equal(t, "failed", run[razorpay.Payment](t, r.conn, "payment_retrieve", call(""), byIntent).Status)

	status, _ = r.press(l.URL, "pay")
	require.Equal(t, 200, status)
	status, _ = r.press(l.URL, "pay")
	require.Equal(t, 409, status)
	told, _ := named[razorpay.Payment](t, r.news(), "payment.paid")
	require.Len(t, told, 1, "a link is paid once")
	paid := run[razorpay.Payment](t, r.conn, "payment_retrieve", call(""), byLink)
	require.Equal(t, "paid", paid.Status)
	require.Equal(t, l.ID, paid.PaymentLink)
	state := run[razorpay.LinkState](t, r.conn, "payment_link_fetch", call(""), razorpay.IDInput{ID: l.ID})
	require.Equal(t, razorpay.LinkState{LinkOutput: l, Status: "paid", AmountPaid: 590000, PaymentIntent: paid.PaymentIntent}, state)

	part := run[razorpay.RefundOutput](t, r.conn, "refund_create", call("k2"), razorpay.RefundInput{PaymentIntent: paid.PaymentIntent, Amount: 90000})
	require.Equal(t, razorpay.RefundOutput{ID: part.ID, Status: "succeeded", Amount: 90000, PaymentIntent: paid.PaymentIntent}, part)
	require.Equal(t, part, run[razorpay.RefundOutput](t, r.conn, "refund_fetch", call(""), razorpay.IDInput{ID: part.ID}))
	now := run[razorpay.Payment](t, r.conn, "payment_retrieve", call(""), byLink)
	require.Equal(t, "paid", now.Status)
	require.Equal(t, int64(90000), now.Refunded)
	run[razorpay.RefundOutput](t, r.conn, "refund_create", call("k3"), razorpay.RefundInput{PaymentIntent: paid.PaymentIntent})
	require.Equal(t, "refunded", run[razorpay.Payment](t, r.conn, "payment_retrieve", call(""), byLink).Status)
	e := fail(t, r.conn, "refund_create", call("k4"), razorpay.RefundInput{PaymentIntent: paid.PaymentIntent})
	require.Equal(t, sdk.Rejected, e.Class)

	refunded, payloads := named[razorpay.Payment](t, r.news(), "payment.refunded")
	require.Len(t, refunded, 4, "each of two refunds is told twice")
	require.Equal(t, "k1", refunded[0].Provider.EffectKey, "the payment's")
	require.Equal(t, "k2", refunded[1].Provider.EffectKey, "the refund's own")
	require.NotEqual(t, refunded[0].ID, refunded[1].ID)
	require.Equal(t, part.ID, payloads[1].Refund)
	require.Empty(t, payloads[2].Refund)
	require.Equal(t, "refunded", payloads[2].Status)
}

func TestADeactivatedLinkTakesNoPayment(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	for _, key := range []string{"k2", "k2", "k3"} {
		out := run[razorpay.DeactivateOutput](t, r.conn, "payment_link_deactivate", call(key), razorpay.IDInput{ID: l.ID})
		require.Equal(t, razorpay.DeactivateOutput{ID: l.ID}, out)
	}
	status, _ := r.press(l.URL, "pay")
	require.Equal(t, 410, status)
	require.Equal(t, "failed", run[razorpay.Payment](t, r.conn, "payment_retrieve", call(""), razorpay.RetrieveInput{PaymentLink: l.ID}).Status)
	require.Equal(t, sdk.NotFound, fail(t, r.conn, "payment_link_deactivate", call("k4"), razorpay.IDInput{ID: "plink_none"}).Class)
}

func TestALinkThatWasPaidIsClosedAlready(t *testing.T) {
	r := newRig(t)
	l := r.link("k1")
	r.press(l.URL, "pay")
	require.Equal(t, razorpay.DeactivateOutput{ID: l.ID},
		run[razorpay.DeactivateOutput](t, r.conn, "payment_link_deactivate", call("k2"), razorpay.IDInput{ID: l.ID}))
}

func TestALinkIsFoundByItsKey(t *testing.T) {
	r := newRig(t)
	op := operationNamed(t, "payment_link_create")
	_, found, err := op.Find(t.Context(), r.conn, call("k1"), sdk.JSONBody(linkInput()))
	require.NoError(t, err)
	require.False(t, found)
	long := strings.Repeat("conversation-", 4) + "7"
	for _, key := range []string{"k1", long} {
		l := r.link(key)
		raw, found, err := op.Find(t.Context(), r.conn, call(key), sdk.JSONBody(linkInput()))
		require.NoError(t, err)
		require.True(t, found)
		require.JSONEq(t, string(sdk.JSONBody(l)), string(raw))
		require.Equal(t, l, r.link(key), "a reference ID is good for one link")
	}
	r.env.SetFault("search_lag", time.Minute)
	fresh := r.link("k-fresh")
	_, found, err = op.Find(t.Context(), r.conn, call("k-fresh"), sdk.JSONBody(linkInput()))
	require.NoError(t, err)
	require.False(t, found, "the search lags")
	r.now = r.now.Add(op.Effect.Settle)
	raw, found, err := op.Find(t.Context(), r.conn, call("k-fresh"), sdk.JSONBody(linkInput()))
	require.NoError(t, err)
	require.True(t, found)
	require.Contains(t, string(raw), fresh.ID)
}

func TestWhatHasNoSearchOfItsOwnIsFoundToo(t *testing.T) {
	r := newRig(t)
	for name, input := range map[string]any{
		"order_create":        razorpay.OrderInput{Amount: 50000, Currency: "INR"},
		"invoice_create":      razorpay.InvoiceInput{Description: "May", Currency: "INR", Customer: razorpay.Customer{Name: "Gaurav"}, Lines: []razorpay.Line{{Title: "Lesson", Quantity: 1, Amount: 900}}},
		"subscription_create": razorpay.SubscriptionInput{PlanID: "plan_00000000000001", TotalCount: 12},
	} {
		op := operationNamed(t, name)
		_, found, err := op.Find(t.Context(), r.conn, call("k-"+name), sdk.JSONBody(input))
		require.NoError(t, err)
		require.False(t, found)
		made := run[map[string]any](t, r.conn, name, call("k-"+name), input)
		run[map[string]any](t, r.conn, name, call("another-key-of-"+name), input)
		raw, found, err := op.Find(t.Context(), r.conn, call("k-"+name), sdk.JSONBody(input))
		require.NoError(t, err)
		require.True(t, found, name)
		require.JSONEq(t, string(sdk.JSONBody(made)), string(raw))
	}
}

func TestOneKeyIsOneRefundAndOnePayout(t *testing.T) {
	r := newRig(t)
	refund := razorpay.RefundInput{PaymentIntent: "pay_000000Captured", Amount: 500}
	first := run[razorpay.RefundOutput](t, r.conn, "refund_create", call("k"), refund)
	require.Equal(t, first, run[razorpay.RefundOutput](t, r.conn, "refund_create", call("k"), refund))
	require.NotEqual(t, first.ID, run[razorpay.RefundOutput](t, r.conn, "refund_create", call("k2"), refund).ID)
	refund.Amount = 600
	require.Equal(t, sdk.Invalid, fail(t, r.conn, "refund_create", call("k"), refund).Class)

	account := fundAccount(t, r)
	payout := razorpay.PayoutInput{FundAccountID: account, Amount: 100000, Currency: "INR", Mode: "IMPS", Purpose: "payout"}
	long := strings.Repeat("k", 64)
	paid := run[razorpay.Payout](t, r.conn, "payout_create", call(long), payout)
	require.Equal(t, "processing", paid.Status)
	require.Equal(t, paid, run[razorpay.Payout](t, r.conn, "payout_create", call(long), payout))
	require.Equal(t, "processed", run[razorpay.Payout](t, r.conn, "payout_fetch", call(""), razorpay.IDInput{ID: paid.ID}).Status)
	r.env.SetFault("forget_keys", 0)
	require.NotEqual(t, paid.ID, run[razorpay.Payout](t, r.conn, "payout_create", call(long), payout).ID)
}

func fundAccount(t *testing.T, r *rig) string {
	contact := razorpay.ContactInput{Name: "Gaurav Kumar", Type: "vendor"}
	c := run[razorpay.Contact](t, r.conn, "contact_create", call("k1"), contact)
	require.Equal(t, c, run[razorpay.Contact](t, r.conn, "contact_create", call("k2"), contact), "the same details are the same contact")
	in := razorpay.FundAccountInput{ContactID: c.ID, VPA: "gaurav@upi"}
	f := run[razorpay.FundAccount](t, r.conn, "fund_account_create", call("k1"), in)
	require.Equal(t, f, run[razorpay.FundAccount](t, r.conn, "fund_account_create", call("k2"), in))
	return f.ID
}

func TestACaptureIsDoneOnce(t *testing.T) {
	r := newRig(t)
	in := razorpay.CaptureInput{PaymentIntent: "pay_00000Authorized", Amount: 40000, Currency: "INR"}
	require.Equal(t, sdk.Rejected, fail(t, r.conn, "payment_capture", call("k"), in).Class, "another amount than was authorised")
	in.Amount = 50000
	for range 2 {
		require.Equal(t, "paid", run[razorpay.Payment](t, r.conn, "payment_capture", call("k"), in).Status)
	}
	captured, _ := named[razorpay.Payment](t, r.news(), "payment.captured")
	require.Len(t, captured, 1)
}

func TestAnInvoiceFromDraftToPayment(t *testing.T) {
	r := newRig(t)
	in := razorpay.InvoiceInput{Description: "May", Currency: "INR", Draft: true, Customer: razorpay.Customer{Name: "Gaurav Kumar"},
		Lines: []razorpay.Line{{Title: "Lesson", Quantity: 2, Amount: 45000}}}
	draft := run[razorpay.Invoice](t, r.conn, "invoice_create", call("k1"), in)
	require.Equal(t, "draft", draft.Status)
	require.Equal(t, int64(90000), draft.Amount)
	var issued razorpay.Invoice
	for range 2 {
		issued = run[razorpay.Invoice](t, r.conn, "invoice_issue", call("k2"), razorpay.IDInput{ID: draft.ID})
		require.Equal(t, "issued", issued.Status)
	}
	status, _ := r.press(issued.URL, "pay")
	require.Equal(t, 200, status)
	paid, payloads := named[razorpay.Invoice](t, r.news(), "invoice.paid")
	require.Len(t, paid, 1)
	require.Equal(t, "k1", paid[0].Provider.EffectKey)
	require.NotEmpty(t, payloads[0].PaymentIntent)
	require.Equal(t, sdk.Rejected, fail(t, r.conn, "invoice_cancel", call("k3"), razorpay.IDInput{ID: draft.ID}).Class)

	other := run[razorpay.Invoice](t, r.conn, "invoice_create", call("k4"), in)
	for range 2 {
		require.Equal(t, "cancelled", run[razorpay.Invoice](t, r.conn, "invoice_cancel", call("k5"), razorpay.IDInput{ID: other.ID}).Status)
	}
}

func TestASubscriptionIsCancelledOnce(t *testing.T) {
	r := newRig(t)
	s := run[razorpay.Subscription](t, r.conn, "subscription_create", call("k1"), razorpay.SubscriptionInput{PlanID: "plan_00000000000001", TotalCount: 12})
	status, _ := r.press(s.URL, "pay")
	require.Equal(t, 200, status)
	_, charged := named[razorpay.Subscription](t, r.news(), "subscription.charged")
	require.Len(t, charged, 1)
	require.Equal(t, int64(69900), charged[0].Amount)
	for range 2 {
		require.Equal(t, "cancelled", run[razorpay.Subscription](t, r.conn, "subscription_cancel", call("k2"), razorpay.CancelInput{ID: s.ID}).Status)
	}
}

func TestSettlementsAreReportedInPages(t *testing.T) {
	r := newRig(t)
	s := run[razorpay.Settlement](t, r.conn, "settlement_fetch", call(""), razorpay.IDInput{ID: "setl_7IZKKI4Pnt2kEe"})
	require.Equal(t, int64(60000), s.Amount)
	for _, key := range []string{"k1", "k2", "k3"} {
		r.press(r.link(key).URL, "pay")
	}
	page := run[razorpay.Report](t, r.conn, "settlement_report", call(""), razorpay.ReportInput{Year: 2026, Month: 5, Count: 2})
	require.Len(t, page.Entries, 2)
	require.Equal(t, 2, page.Next)
	last := run[razorpay.Report](t, r.conn, "settlement_report", call(""), razorpay.ReportInput{Year: 2026, Month: 5, Count: 2, Skip: page.Next})
	require.Len(t, last.Entries, 1)
	require.Zero(t, last.Next)
	require.NotEqual(t, page.Entries[0].EntityID, last.Entries[0].EntityID)
}

func TestBadInputIsRefusedBeforeAnyRequest(t *testing.T) {
	link := func(change func(*razorpay.LinkInput)) any { in := linkInput(); change(&in); return in }
	cases := map[string]struct {
		operation string
		input     any
	}{
		"less than a rupee":   {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Amount = 99 })},
		"currency":            {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Currency = "inr" })},
		"thousandths":         {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Currency, in.Amount, in.Lines = "KWD", 1005, nil })},
		"no description":      {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Description = " " })},
		"lines of other sum":  {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Lines[0].Quantity = 3 })},
		"our metadata key":    {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Metadata["parley_effect"] = "x" })},
		"long metadata":       {"payment_link_create", link(func(in *razorpay.LinkInput) { in.Metadata["a"] = strings.Repeat("x", 257) })},
		"callback":            {"payment_link_create", link(func(in *razorpay.LinkInput) { in.CallbackURL = "javascript:alert(1)" })},
		"unknown field":       {"payment_link_create", map[string]any{"amount": 1, "colour": "red"}},
		"a path for an ID":    {"payment_link_deactivate", razorpay.IDInput{ID: "../refunds"}},
		"an unknown medium":   {"payment_link_notify", razorpay.NotifyInput{ID: "plink_1", Medium: "pigeon"}},
		"two to retrieve":     {"payment_retrieve", razorpay.RetrieveInput{PaymentIntent: "pay_1", PaymentLink: "plink_1"}},
		"nothing to retrieve": {"payment_retrieve", razorpay.RetrieveInput{}},
		"negative refund":     {"refund_create", razorpay.RefundInput{PaymentIntent: "pay_1", Amount: -1}},
		"unknown reason":      {"refund_create", razorpay.RefundInput{PaymentIntent: "pay_1", Reason: "bored"}},
		"payout in dollars":   {"payout_create", razorpay.PayoutInput{FundAccountID: "fa_1", Amount: 1000, Currency: "USD", Mode: "IMPS", Purpose: "payout"}},
		"payout by pigeon":    {"payout_create", razorpay.PayoutInput{FundAccountID: "fa_1", Amount: 1000, Currency: "INR", Mode: "PIGEON", Purpose: "payout"}},
		"two ways to pay":     {"fund_account_create", razorpay.FundAccountInput{ContactID: "cont_1", VPA: "a@b", BankAccount: &razorpay.BankAccount{}}},
		"bank code":           {"fund_account_create", razorpay.FundAccountInput{ContactID: "cont_1", BankAccount: &razorpay.BankAccount{Name: "Gaurav", IFSC: "HDFC", AccountNumber: "765432123456789"}}},
		"name of a contact":   {"contact_create", razorpay.ContactInput{Name: "<b>"}},
		"invoice of nothing":  {"invoice_create", razorpay.InvoiceInput{Description: "x", Currency: "INR", Customer: razorpay.Customer{Name: "Gaurav"}}},
		"thirteenth month":    {"settlement_report", razorpay.ReportInput{Year: 2026, Month: 13}},
		"no cycles":           {"subscription_create", razorpay.SubscriptionInput{PlanID: "plan_1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, config("https://razorpay.test"), refusingClient(t))
			require.Equal(t, sdk.Invalid, fail(t, conn, c.operation, call("k"), c.input).Class)
		})
	}
}

func TestConfigurationIsCheckedWhenOpened(t *testing.T) {
	cases := map[string]struct{ config, names string }{
		"nothing":          {`{}`, "key_id"},
		"half a key":       {`{"key_id":"rzp_x"}`, "key_secret"},
		"the other half":   {`{"key_secret":"x"}`, "key_id"},
		"unknown setting":  {`{"key_id":"rzp_x","key_sekret":"y"}`, "key_sekret"},
		"key with a colon": {`{"key_id":"rzp:x","key_secret":"y"}`, "key_id"},
		"relative base":    {`{"key_id":"rzp_x","key_secret":"y","base_url":"razorpay.test"}`, "base_url"},
		"account number":   {`{"key_id":"rzp_x","key_secret":"y","account_number":"1/2"}`, "account_number"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := razorpay.Connector.Open(json.RawMessage(c.config), sdk.Host{})
			e := sdk.AsError(err)
			require.Equal(t, sdk.Invalid, e.Class)
			require.Contains(t, e.Message, c.names)
		})
	}
}

func TestAConnectionForWebhooksAloneCallsNothing(t *testing.T) {
	conn := connect(t, json.RawMessage(`{"webhook_secret":"x"}`), refusingClient(t))
	e := fail(t, conn, "payment_retrieve", call(""), razorpay.RetrieveInput{PaymentIntent: "pay_1"})
	require.Equal(t, sdk.Invalid, e.Class)
	require.Contains(t, e.Message, "key_id")
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.conn.(sdk.Checker).Check(t.Context()))
	noHook := connect(t, sdk.JSONBody(razorpay.Config{BaseURL: r.server.URL, KeyID: keyID, KeySecret: keySecret}), r.server.Client())
	require.ErrorContains(t, noHook.(sdk.Checker).Check(t.Context()), "webhook_secret")
	wrong := answering(t, http.StatusUnauthorized, `{"error":{"code":"BAD_REQUEST_ERROR","description":"Authentication failed"}}`)
	require.Equal(t, sdk.Auth, sdk.AsError(wrong.(sdk.Checker).Check(t.Context())).Class)
}

func TestErrorsAreClassed(t *testing.T) {
	cases := map[string]struct {
		status      int
		description string
		class       sdk.Class
		wrote       bool
	}{
		"amount":           {400, "The amount is invalid", sdk.Invalid, true},
		"unknown object":   {400, "The id provided does not exist", sdk.NotFound, true},
		"no valid ID":      {400, "id is not a valid id", sdk.NotFound, true},
		"wrong key":        {400, "The api key provided is invalid", sdk.Auth, true},
		"not signed in":    {401, "Authentication failed", sdk.Auth, true},
		"refunded already": {400, "The payment has been fully refunded already", sdk.Rejected, true},
		"no money":         {400, "Your account does not have enough balance to carry out the payout operation.", sdk.Rejected, true},
		"at work":          {409, "Another request with the same idempotency key is still in progress.", sdk.Unavailable, true},
		"other input":      {409, "Different request with the same idempotency key has already been processed.", sdk.Invalid, true},
		"too fast":         {429, "Too many requests", sdk.Throttled, false},
		"broken":           {500, "We are facing some trouble", sdk.Unavailable, true},
		"away":             {503, "", sdk.Unavailable, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			body := `{"error":{"code":"BAD_REQUEST_ERROR","description":"` + c.description + ` gaurav@example.com","field":"amount"}}`
			if c.description != "" && c.class == sdk.NotFound && strings.HasSuffix(c.description, "valid id") {
				body = `{"error":{"code":"BAD_REQUEST_ERROR","description":"` + c.description + `"}}`
			}
			e := fail(t, answering(t, c.status, body), "refund_create", call("k"), razorpay.RefundInput{PaymentIntent: "pay_1"})
			require.Equal(t, c.class, e.Class)
			require.Equal(t, c.wrote, e.Wrote)
			require.NotContains(t, e.Error(), "gaurav")
		})
	}
	e := fail(t, answering(t, 200, `{"id":"rfnd_1`), "refund_create", call("k"), razorpay.RefundInput{PaymentIntent: "pay_1"})
	require.Equal(t, sdk.Unavailable, e.Class)
	require.True(t, e.Wrote)
}
