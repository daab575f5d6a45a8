package razorpay_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/connectors/razorpay"
	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

// fixture reads one of the official library's documents.
func fixture(t *testing.T, name string) []byte {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names the folder with Razorpay's own documents")
	}
	raw, err := os.ReadFile(filepath.Join(specs, "razorpay", "mocks", name+".json"))
	require.NoError(t, err)
	return raw
}

// TestEveryDocumentedAnswerIsRead gives each operation the answer that Razorpay's
// own library is tested with.
func TestEveryDocumentedAnswerIsRead(t *testing.T) {
	id := razorpay.IDInput{ID: "x_1"}
	invoice := razorpay.InvoiceInput{Description: "x", Currency: "INR", Customer: razorpay.Customer{Name: "Gaurav"}, Lines: []razorpay.Line{{Title: "name", Quantity: 1, Amount: 100}}}
	cases := []struct {
		operation, fixture string
		input, want        any
	}{
		{"payment_link_create", "fake_payment_link", linkInput(), razorpay.LinkOutput{ID: "plink_Fo48rl281ENAg9", URL: "https://rzp.io/i/XQiMe4w", Amount: 100, Currency: "INR"}},
		{"payment_link_fetch", "fake_payment_link", id, razorpay.LinkState{LinkOutput: razorpay.LinkOutput{ID: "plink_Fo48rl281ENAg9", URL: "https://rzp.io/i/XQiMe4w", Amount: 100, Currency: "INR"},
			Status: "paid", AmountPaid: 100, PaymentIntent: "pay_Fo49sHbQ78PCMI"}},
		{"payment_link_fetch", "edit_payment_link", id, razorpay.LinkState{LinkOutput: razorpay.LinkOutput{ID: "plink_Fo48rl281ENAg9", URL: "https://rzp.io/i/XQiMe4w", Amount: 100, Currency: "INR"},
			Status: "paid", AmountPaid: 100, PaymentIntent: "pay_Fo49sHbQ78PCMI"}},
		{"payment_link_deactivate", "cancel_payment_link", id, razorpay.DeactivateOutput{ID: "plink_Fo4oI0cXjpQIz3"}},
		{"payment_link_notify", "fake_invoice_notify_by", razorpay.NotifyInput{ID: "plink_1", Medium: "sms"}, razorpay.NotifyOutput{Success: true}},
		{"payment_retrieve", "fake_payment", razorpay.RetrieveInput{PaymentIntent: "pay_1"}, razorpay.Payment{Status: "pending", Amount: 500, Currency: "INR", PaymentIntent: "fake_payment_id"}},
		{"payment_retrieve", "fake_captured_payment", razorpay.RetrieveInput{PaymentIntent: "pay_1"}, razorpay.Payment{Status: "paid", Amount: 500, Currency: "INR", PaymentIntent: "pay_29QQoUBi66xm2f"}},
		{"payment_capture", "fake_captured_payment", razorpay.CaptureInput{PaymentIntent: "pay_1", Amount: 500, Currency: "INR"}, razorpay.Payment{Status: "paid", Amount: 500, Currency: "INR", PaymentIntent: "pay_29QQoUBi66xm2f"}},
		{"order_create", "fake_order", razorpay.OrderInput{Amount: 500, Currency: "INR"}, razorpay.Order{ID: "fake_order_id", Status: "attempted", Amount: 500, Currency: "INR", Receipt: "12121"}},
		{"order_fetch", "fake_order", id, razorpay.Order{ID: "fake_order_id", Status: "attempted", Amount: 500, Currency: "INR", Receipt: "12121"}},
		{"refund_create", "fake_refund", razorpay.RefundInput{PaymentIntent: "pay_1"}, razorpay.RefundOutput{ID: "rfnd_FP8DDKxqJif6ca", Status: "succeeded", Amount: 300100, PaymentIntent: "pay_FIKOnlyii5QGNx"}},
		{"refund_fetch", "fake_refund", id, razorpay.RefundOutput{ID: "rfnd_FP8DDKxqJif6ca", Status: "succeeded", Amount: 300100, PaymentIntent: "pay_FIKOnlyii5QGNx"}},
		{"invoice_create", "fake_invoice", invoice, razorpay.Invoice{ID: "random_id", Status: "issued", Amount: 100, Currency: "INR", URL: "http://bit.ly/link"}},
		{"invoice_issue", "fake_invoice", id, razorpay.Invoice{ID: "random_id", Status: "issued", Amount: 100, Currency: "INR", URL: "http://bit.ly/link"}},
		{"invoice_cancel", "fake_invoice_cancel", id, razorpay.Invoice{ID: "random_id", Status: "cancelled", Amount: 100, Currency: "INR", URL: "http://bit.ly/link"}},
		{"settlement_fetch", "fake_settlement", id, razorpay.Settlement{ID: "setl_7IZKKI4Pnt2kEe", Status: "processed", Amount: 60000, Fees: 123, Tax: 12, UTR: "RZRP111111111111", Created: 1455696913}},
		{"subscription_create", "fake_subscription", razorpay.SubscriptionInput{PlanID: "plan_1", TotalCount: 6},
			razorpay.Subscription{ID: "sub_8kip7ybbcOyc9J", Status: "active", PlanID: "plan_8kihN0YqhnF8a7", TotalCount: 6, PaidCount: 1, CurrentEnd: 1512239400}},
		{"subscription_cancel", "fake_subscription_cancelled", razorpay.CancelInput{ID: "sub_1"},
			razorpay.Subscription{ID: "sub_8RlLljfA4AnDVx", Status: "cancelled", PlanID: "plan_8RlDCnQzY7Muqj", TotalCount: 6}},
	}
	for _, c := range cases {
		t.Run(c.operation+" "+c.fixture, func(t *testing.T) {
			conn := answering(t, 200, string(fixture(t, c.fixture)))
			out, err := operationNamed(t, c.operation).Run(t.Context(), conn, call("k"), sdk.JSONBody(c.input))
			require.NoError(t, err)
			require.JSONEq(t, string(sdk.JSONBody(c.want)), string(out))
		})
	}
	t.Run("an error", func(t *testing.T) {
		e := fail(t, answering(t, 400, string(fixture(t, "bad_request_error"))), "order_create", call("k"), razorpay.OrderInput{Amount: 500, Currency: "INR"})
		require.Equal(t, sdk.Invalid, e.Class)
		require.Equal(t, "BAD_REQUEST_ERROR", e.Code)
		require.Contains(t, e.Message, "(field amount)")
	})
	t.Run("a webhook", func(t *testing.T) {
		events, err := receiver(t, `{"webhook_secret":"x"}`).Parse(hookRequest("", string(fixture(t, "fake_payment_authorized_webhook"))))
		require.NoError(t, err)
		_, data := named[razorpay.Payment](t, events, "payment.authorized")
		require.Equal(t, "pay_6koWN7bvxujzxM", data[0].PaymentIntent)
	})
}

// TestEveryDocumentedListCanBeSearched looks for a key in each list that Razorpay
// documents: whatever its notes look like, a list is read and has no such key.
func TestEveryDocumentedListCanBeSearched(t *testing.T) {
	for operation, c := range map[string]struct {
		fixtures []string
		input    any
	}{
		"payment_link_create": {[]string{"payment_link_collection"}, linkInput()},
		"order_create":        {[]string{"order_collection", "order_collection_with_one_order"}, razorpay.OrderInput{Amount: 500, Currency: "INR"}},
		"invoice_create": {[]string{"invoice_collection", "invoice_collection_with_one_invoice"}, razorpay.InvoiceInput{Description: "x", Currency: "INR",
			Customer: razorpay.Customer{Name: "Gaurav"}, Lines: []razorpay.Line{{Title: "name", Quantity: 1, Amount: 100}}}},
		"subscription_create": {[]string{"subscription_collection"}, razorpay.SubscriptionInput{PlanID: "plan_1", TotalCount: 6}},
	} {
		for _, name := range c.fixtures {
			conn := answering(t, 200, string(fixture(t, name)))
			_, found, err := operationNamed(t, operation).Find(t.Context(), conn, call("k"), sdk.JSONBody(c.input))
			require.NoError(t, err, name)
			require.False(t, found)
		}
	}
}

// commaTooMany is what some of the documents have, which no answer would.
var commaTooMany = regexp.MustCompile(`,(\s*[}\]])`)

// TestEveryDocumentedObjectIsRead goes through all documents: each
// object in them that is of a kind of ours is read, with its ID and amount.
func TestEveryDocumentedObjectIsRead(t *testing.T) {
	fixture(t, "fake_payment")
	files, err := filepath.Glob(filepath.Join(os.Getenv("PARLEY_SPECS"), "razorpay", "mocks", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 108)
	operations := map[string]string{"payment": "payment_retrieve", "order": "order_fetch", "refund": "refund_fetch", "settlement": "settlement_fetch"}
	seen := map[string]int{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case map[string]any:
			for _, inner := range v {
				walk(inner)
			}
			kind, _ := v["entity"].(string)
			operation := operations[kind]
			if operation == "" {
				return
			}
			seen[kind]++
			input := any(razorpay.IDInput{ID: "x_1"})
			if kind == "payment" {
				input = razorpay.RetrieveInput{PaymentIntent: "pay_1"}
			}
			out := run[map[string]any](t, answering(t, 200, string(sdk.JSONBody(v))), operation, call(""), input)
			got := out["id"]
			if kind == "payment" {
				got = out["payment_intent"]
			}
			require.Equal(t, v["id"], got)
			require.Equal(t, v["amount"], out["amount"])
		}
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		var document any
		if (strings.Contains(f, "card") || strings.Contains(f, "token")) && !json.Valid(raw) {
			continue // no JSON as they stand; cards and tokens are none of ours
		}
		require.NoError(t, json.Unmarshal(commaTooMany.ReplaceAll(raw, []byte("$1")), &document), f)
		walk(document)
	}
	for kind := range operations {
		require.NotZero(t, seen[kind], kind)
	}
}

// TestRequestsAreAsDocumented holds what is sent against the requests that the
// official library is tested with: no field that they do not have, but for those
// that the documentation of the endpoint has beside them.
func TestRequestsAreAsDocumented(t *testing.T) {
	cases := map[string]struct {
		fixture, method, path string
		input                 any
		beside                []string
	}{
		"payment_link_create": {"init_payment_link", "POST", "/v1/payment_links", linkInput(), nil},
		"order_create":        {"init_order", "POST", "/v1/orders", razorpay.OrderInput{Amount: 100, Currency: "INR"}, []string{"notes"}},
		"invoice_create": {"init_invoice", "POST", "/v1/invoices", razorpay.InvoiceInput{Description: "test", Currency: "INR",
			Customer: razorpay.Customer{Name: "Gaurav"}, Lines: []razorpay.Line{{Title: "name", Quantity: 1, Amount: 100}}},
			[]string{"description", "currency", "customer", "notes", "sms_notify", "email_notify", "partial_payment", "receipt"}},
		"subscription_create": {"init_subscription", "POST", "/v1/subscriptions", razorpay.SubscriptionInput{PlanID: "plan_8kihN0YqhnF8a7", TotalCount: 6},
			[]string{"quantity", "customer_notify", "notes"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var documented, sent map[string]any
			require.NoError(t, json.Unmarshal(fixture(t, c.fixture), &documented))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				require.Equal(t, c.method, r.Method)
				require.Equal(t, c.path, r.URL.Path)
				id, secret, _ := r.BasicAuth()
				require.Equal(t, keyID+keySecret, id+secret)
				raw, _ := io.ReadAll(r.Body)
				require.NoError(t, json.Unmarshal(raw, &sent))
				_, _ = w.Write([]byte(`{"id":"x_1"}`))
			}))
			t.Cleanup(server.Close)
			run[map[string]any](t, connect(t, config(server.URL), server.Client()), name, call(strings.Repeat("k", 64)), c.input)
			for field := range sent {
				_, known := documented[field]
				require.True(t, known || slices.Contains(c.beside, field), "%s is not documented", field)
			}
			require.Equal(t, "w1", sent["notes"].(map[string]any)["parley_workspace"])
		})
	}
}
