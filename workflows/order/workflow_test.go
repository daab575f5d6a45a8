package order_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"parley/connectors/sdk"
	"parley/workflows/order"
)

func workflowOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: "elsewhere"}
}

const hour = time.Hour

// The steps that several stories share.
var (
	asked     = []string{"draft_order_create draft", "payment_link_create pay"}
	lookedExp = []string{"payment_link_deactivate unlink", "payment_retrieve look-expired"}
	lookedCan = []string{"payment_link_deactivate unlink", "payment_retrieve look-cancelled"}
	completed = []string{"draft_order_complete complete"}
	freed     = []string{"draft_order_delete undraft"}
	refunded  = []string{"refund_create refund"}
)

// paid is a payment as the provider tells of it when it is looked up.
var paid = answer{output: `{"status":"paid","payment_intent":"pi_1"}`}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		name       string
		story      story
		operations []string
		told       []string
		stages     []string
		outcome    string
		took       time.Duration
	}{
		{
			name:       "paid, shipped, delivered",
			story:      story{news: hear("payment.paid", "order.fulfilled", "order.delivered")},
			operations: slices.Concat(asked, completed),
			told:       []string{"tell-pay", "tell-confirmed", "tell-shipped-2", "tell-delivered"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "shipped", "closed"},
			outcome:    order.OutcomeDelivered, took: 15 * time.Minute,
		},
		{
			name:       "paid after an attempt that failed",
			story:      story{news: hear("payment.failed", "payment.paid", "order.fulfilled", "order.delivered")},
			operations: slices.Concat(asked, completed),
			told:       []string{"tell-pay", "tell-failed-1", "tell-confirmed", "tell-shipped-3", "tell-delivered"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "shipped", "closed"},
			outcome:    order.OutcomeDelivered, took: 20 * time.Minute,
		},
		{
			name:       "paid after the reminder",
			story:      story{news: []told{{2 * hour, hear("payment.paid")[0].news}, {3 * hour, hear("", "order.delivered")[1].news}}},
			operations: slices.Concat(asked, completed),
			told:       []string{"tell-pay", "tell-reminder", "tell-confirmed", "tell-delivered"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "closed"},
			outcome:    order.OutcomeDelivered, took: 3 * hour,
		},
		{
			name:       "never paid",
			operations: slices.Concat(asked, lookedExp, freed),
			told:       []string{"tell-pay", "tell-reminder", "tell-expired"},
			stages:     []string{"reserving", "payment", "closed"},
			outcome:    order.OutcomeExpired, took: 48 * hour,
		},
		{
			name: "paid at the last moment",
			story: story{answers: map[string]answer{"payment_retrieve": paid},
				news: []told{{25 * hour, hear("payment.paid")[0].news}, {26 * hour, hear("", "order.delivered")[1].news}}},
			operations: slices.Concat(asked, lookedExp, completed),
			told:       []string{"tell-pay", "tell-reminder", "tell-confirmed", "tell-delivered"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "closed"},
			outcome:    order.OutcomeDelivered, took: 26 * hour,
		},
		{
			name:       "paid after it was closed",
			story:      story{news: []told{{30 * hour, hear("payment.paid")[0].news}}},
			operations: slices.Concat(asked, lookedExp, freed, refunded),
			told:       []string{"tell-pay", "tell-reminder", "tell-expired", "tell-refund"},
			stages:     []string{"reserving", "payment", "closed", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 30 * hour,
		},
		{
			name: "a slow payment that succeeds after the deadline",
			story: story{answers: map[string]answer{"payment_retrieve": {output: `{"status":"pending","payment_intent":"pi_1"}`}},
				news: []told{{80 * hour, hear("payment.paid")[0].news}, {90 * hour, hear("", "order.delivered")[1].news}}},
			operations: slices.Concat(asked, lookedExp, completed),
			told:       []string{"tell-pay", "tell-reminder", "tell-confirmed", "tell-delivered"},
			stages:     []string{"reserving", "payment", "payment", "confirming", "confirmed", "closed"},
			outcome:    order.OutcomeDelivered, took: 90 * hour,
		},
		{
			name: "a slow payment that fails after the deadline",
			story: story{answers: map[string]answer{"payment_retrieve": {output: `{"status":"pending","payment_intent":"pi_1"}`}},
				news: []told{{80 * hour, hear("payment.failed")[0].news}}},
			operations: slices.Concat(asked, lookedExp, freed),
			told:       []string{"tell-pay", "tell-reminder", "tell-expired"},
			stages:     []string{"reserving", "payment", "payment", "closed"},
			outcome:    order.OutcomeExpired, took: 104 * hour,
		},
		{
			name: "a slow payment that succeeds after a cancellation",
			story: story{answers: map[string]answer{"payment_retrieve": {output: `{"status":"pending","payment_intent":"pi_1"}`}},
				news: []told{{80 * hour, hear("cancel")[0].news}, {90 * hour, hear("", "payment.paid")[1].news}}},
			operations: slices.Concat(asked, lookedExp, refunded, freed),
			told:       []string{"tell-pay", "tell-reminder", "tell-refund"},
			stages:     []string{"reserving", "payment", "payment", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 90 * hour,
		},
		{
			name:       "cancelled before it was paid",
			story:      story{news: hear("cancel")},
			operations: slices.Concat(asked, lookedCan, freed),
			told:       []string{"tell-pay", "tell-cancelled"},
			stages:     []string{"reserving", "payment", "closed"},
			outcome:    order.OutcomeCancelled, took: 24*hour + 5*time.Minute,
		},
		{
			name:       "cancelled while it was being paid",
			story:      story{answers: map[string]answer{"payment_retrieve": paid}, news: hear("cancel", "payment.paid")},
			operations: slices.Concat(asked, lookedCan, refunded, freed),
			told:       []string{"tell-pay", "tell-refund"},
			stages:     []string{"reserving", "payment", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 5 * time.Minute,
		},
		{
			name:       "sold out",
			story:      story{answers: map[string]answer{"draft_order_create": {class: sdk.Rejected}}},
			operations: asked[:1],
			told:       []string{"tell-unavailable"},
			stages:     []string{"reserving", "closed"},
			outcome:    order.OutcomeUnavailable,
		},
		{
			name:       "no payment can be set up",
			story:      story{answers: map[string]answer{"payment_link_create": {class: sdk.Auth}}},
			operations: slices.Concat(asked, freed),
			told:       []string{"tell-no-payment"},
			stages:     []string{"reserving", "closed"},
			outcome:    order.OutcomeUnavailable,
		},
		{
			name:       "the shop refuses what was paid",
			story:      story{answers: map[string]answer{"draft_order_complete": {class: sdk.Rejected}}, news: hear("payment.paid")},
			operations: slices.Concat(asked, completed, refunded, freed),
			told:       []string{"tell-pay", "tell-refund"},
			stages:     []string{"reserving", "payment", "confirming", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 5 * time.Minute,
		},
		{
			name:       "cancelled after the confirmation",
			story:      story{news: hear("payment.paid", "cancel")},
			operations: slices.Concat(asked, completed, []string{"order_cancel cancel-2"}, refunded),
			told:       []string{"tell-pay", "tell-confirmed", "tell-refund"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 10 * time.Minute,
		},
		{
			name: "each refused cancellation is answered",
			story: story{answers: map[string]answer{"order_cancel": {class: sdk.Rejected}},
				news: hear("payment.paid", "cancel", "cancel", "order.fulfilled", "order.delivered")},
			operations: slices.Concat(asked, completed, []string{"order_cancel cancel-2", "order_cancel cancel-3"}),
			told:       []string{"tell-pay", "tell-confirmed", "tell-too-late-2", "tell-too-late-3", "tell-shipped-4", "tell-delivered"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "shipped", "closed"},
			outcome:    order.OutcomeDelivered, took: 25 * time.Minute,
		},
		{
			name:       "too late to cancel",
			story:      story{news: hear("payment.paid", "order.fulfilled", "cancel", "order.delivered")},
			operations: slices.Concat(asked, completed),
			told:       []string{"tell-pay", "tell-confirmed", "tell-shipped-2", "tell-too-late-3", "tell-delivered"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "shipped", "closed"},
			outcome:    order.OutcomeDelivered, took: 20 * time.Minute,
		},
		{
			name:       "cancelled by the shop",
			story:      story{news: hear("payment.paid", "order.cancelled")},
			operations: slices.Concat(asked, completed, refunded),
			told:       []string{"tell-pay", "tell-confirmed", "tell-refund"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 10 * time.Minute,
		},
		{
			name: "cancelled by the shop, which has given the money back itself",
			story: story{answers: map[string]answer{"refund_create": {class: sdk.Rejected}, "payment_retrieve": {output: `{"status":"refunded"}`}},
				news: hear("payment.paid", "payment.refunded", "order.cancelled")},
			operations: slices.Concat(asked, completed, refunded, []string{"payment_retrieve look-refund"}),
			told:       []string{"tell-pay", "tell-confirmed", "tell-refunded-2", "tell-refund"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: 15 * time.Minute,
		},
		{
			name:       "nobody reports the delivery",
			story:      story{news: hear("payment.paid", "order.fulfilled")},
			operations: slices.Concat(asked, completed),
			told:       []string{"tell-pay", "tell-confirmed", "tell-shipped-2"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "shipped", "closed"},
			outcome:    order.OutcomeShipped, took: 30*24*hour + 10*time.Minute,
		},
		{
			name:       "an operator cancels the workflow before the payment",
			story:      story{cancelAt: hour},
			operations: slices.Concat(asked, lookedCan, freed),
			told:       []string{"tell-pay", "tell-reminder", "tell-cancelled"},
			stages:     []string{"reserving", "payment", "closed"},
			outcome:    order.OutcomeCancelled, took: 25 * hour,
		},
		{
			name:       "an operator cancels the workflow after the payment",
			story:      story{news: hear("payment.paid"), cancelAt: hour},
			operations: slices.Concat(asked, completed, []string{"order_cancel cancel-0"}, refunded),
			told:       []string{"tell-pay", "tell-confirmed", "tell-refund"},
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "refunding", "closed"},
			outcome:    order.OutcomeRefunded, took: hour,
		},
		{
			name:       "an operator ends the wait for late payments",
			story:      story{cancelAt: 30 * hour},
			operations: slices.Concat(asked, lookedExp, freed),
			told:       []string{"tell-pay", "tell-reminder", "tell-expired"},
			stages:     []string{"reserving", "payment", "closed"},
			outcome:    order.OutcomeExpired, took: 30 * hour,
		},
		{
			name:       "the customer's chat was erased",
			story:      story{erased: true, news: hear("payment.paid", "order.delivered")},
			operations: slices.Concat(asked, completed),
			stages:     []string{"reserving", "payment", "confirming", "confirmed", "closed"},
			outcome:    order.OutcomeDelivered, took: 10 * time.Minute,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(t, c.story)
			require.NoError(t, got.Err)
			require.Equal(t, c.operations, got.Operations)
			require.Equal(t, c.told, got.Told)
			require.Equal(t, c.stages, got.Stages)
			require.Equal(t, c.outcome, got.Outcome)
			require.Equal(t, c.took, got.Took)
			require.Empty(t, got.Bare, "operators read activities and timers by their summaries")
			requireKeys(t, got)
		})
	}
}

// keyForm is what providers take as a key: Shopify's tags set the bound.
var keyForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// requireKeys checks that keys are made of the case and a name alone, and that
// each is used for one thing.
func requireKeys(t *testing.T, got *outcome) {
	t.Helper()
	seen := map[string]bool{}
	for _, in := range got.Inputs {
		require.Regexp(t, keyForm, in.Key)
		require.Contains(t, in.Key, ref.ID.String()+"-")
		require.False(t, seen[in.Key], "key %s is used twice", in.Key)
		seen[in.Key] = true
	}
	for _, name := range got.Told {
		require.False(t, seen[name], "message %s is told twice", name)
		seen[name] = true
	}
}

// A reset, or a second start of the same case, is another run: what is done must
// carry the same keys, or it would be done twice.
func TestKeysDoNotDependOnTheRun(t *testing.T) {
	s := story{answers: map[string]answer{"draft_order_complete": {class: sdk.Rejected}}, news: hear("payment.failed", "payment.paid")}
	first := run(t, s)
	s.workflowID = "order/another"
	second := run(t, s)
	require.Equal(t, first.Inputs, second.Inputs)
	require.Equal(t, first.Told, second.Told)
	require.NotEmpty(t, first.Inputs)
}

// What is sent to providers is the draft's total, not the price shown in the chat.
func TestOperationInputs(t *testing.T) {
	got := run(t, story{news: hear("payment.paid", "cancel")})
	want := map[string]string{
		"draft_order_create": `{"lines":[{"variant_id":"gid://shopify/ProductVariant/1","quantity":2}],"reserve_minutes":1440}`,
		"payment_link_create": `{"amount":2500,"currency":"EUR","description":"Order 1001","expires":"2026-03-03T09:00:00Z",
			"lines":[{"title":"Teapot","quantity":2,"amount":1250}],"success_message":"You can go back to the chat: your confirmation is there."}`,
		"draft_order_complete": `{"draft_id":"gid://shopify/DraftOrder/7"}`,
		"order_cancel":         `{"order_id":"gid://shopify/Order/9","reason":"customer","restock":true,"refund":false}`,
		"refund_create":        `{"payment_intent":"pi_1","reason":"requested_by_customer"}`,
	}
	require.Len(t, got.Inputs, len(want))
	for _, in := range got.Inputs {
		require.JSONEq(t, want[in.Operation], string(in.Input), in.Operation)
	}
}

// Lines that do not make up the total, because of a discount or tax, are not shown.
func TestPaymentPageAddsUp(t *testing.T) {
	got := run(t, story{news: hear("cancel"), answers: map[string]answer{
		"draft_order_create": {output: `{"id":"gid://shopify/DraftOrder/7","total":{"amount":2300,"currency":"EUR"}}`}}})
	for _, in := range got.Inputs {
		if in.Operation == "payment_link_create" {
			require.JSONEq(t, `{"amount":2300,"currency":"EUR","description":"Order 1001","expires":"2026-03-03T09:00:00Z",
				"success_message":"You can go back to the chat: your confirmation is there."}`, string(in.Input))
			return
		}
	}
	require.Fail(t, "no payment link was made")
}

// A customer who asks how the order stands is answered from the last stage, and
// may cancel it while that can be done.
func TestProgress(t *testing.T) {
	got := run(t, story{news: hear("payment.paid", "order.fulfilled", "order.delivered")})
	want := []struct {
		text      string
		open, can bool
	}{
		{"Order 1001 is being prepared.", true, true},
		{"Order 1001 waits for its payment of €25.00.", true, true},
		{"Order 1001 is paid and being confirmed.", true, false},
		{"Order 1001 (#1009) is confirmed and being packed.", true, true},
		{"Order 1001 is on its way.\nDHL JD01 https://track.example/JD01", true, false},
		{"Order 1001 was delivered. Enjoy!", false, false},
	}
	require.Len(t, got.Progress, len(want))
	for i, p := range got.Progress {
		require.Equal(t, want[i].text, p.Text)
		require.Equal(t, want[i].open, p.Open, p.Text)
		require.Equal(t, want[i].can, p.CanCancel, p.Text)
	}
}

// A refund that cannot be made is never passed over: the workflow fails and shows it.
func TestRefundThatFails(t *testing.T) {
	got := run(t, story{
		answers: map[string]answer{"refund_create": {class: sdk.Rejected}, "payment_retrieve": paid},
		news:    hear("payment.paid", "order.cancelled"),
	})
	require.Error(t, got.Err)
	require.Equal(t, "refunding", got.Stages[len(got.Stages)-1])
	require.NotContains(t, got.Told, "tell-refund")
}

// Staff may give a part back; the second report of the same refund says nothing new.
func TestRefundByStaff(t *testing.T) {
	news := hear("payment.paid", "payment.refunded", "payment.refunded", "order.delivered")
	news[1].news.Data = json.RawMessage(`{"status":"paid","payment_intent":"pi_1","refunded":500,"currency":"EUR"}`)
	news[2].news.Data = json.RawMessage(`{"refund":"re_1","payment_intent":"pi_1","refunded":500,"currency":"EUR"}`)
	got := run(t, story{news: news})
	require.Equal(t, []string{"tell-pay", "tell-confirmed", "tell-refunded-2", "tell-delivered"}, got.Told)
	require.Equal(t, "€5.00 of what you paid for order 1001 was given back.", got.Texts[2])
}

// The timers say what they are for, and a workspace's settings move them.
func TestSettings(t *testing.T) {
	got := run(t, story{settings: order.Settings{Shop: "woo", Payments: "razorpay",
		RemindAfter: time.Minute, ExpireAfter: 3 * time.Minute, LateAfter: 2 * time.Minute}})
	require.Equal(t, []string{"remind of the payment", "give the unpaid order up", "give back what is still paid until then"}, got.Timers)
	require.Equal(t, 5*time.Minute, got.Took)
	require.Equal(t, "woo", got.Inputs[0].Connector)
	require.Equal(t, "razorpay", got.Inputs[1].Connector)
}
