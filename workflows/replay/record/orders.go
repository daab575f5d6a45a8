package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"parley/connectors/sdk"
	"parley/workflows/order"
	"parley/workflows/process"
)

// friendly are the answers of providers with which all goes well.
var friendly = map[string]string{
	"draft_order_create":      `{"id":"gid://shopify/DraftOrder/7","total":{"amount":2500,"currency":"EUR"}}`,
	"payment_link_create":     `{"id":"plink_1","url":"https://pay.example/plink_1"}`,
	"payment_link_deactivate": `{"id":"plink_1","active":false}`,
	"payment_retrieve":        `{"status":"failed","payment_link":"plink_1"}`,
	"draft_order_delete":      `{"draft_id":"gid://shopify/DraftOrder/7","deleted":true}`,
	"draft_order_complete":    `{"order_id":"gid://shopify/Order/9","name":"#1009"}`,
	"order_cancel":            `{"order_id":"gid://shopify/Order/9","done":true}`,
	"refund_create":           `{"id":"re_1","status":"succeeded","amount":2500}`,
}

const (
	paidLate    = `{"status":"paid","payment_intent":"pi_1"}`
	pendingLate = `{"status":"pending","payment_intent":"pi_1"}`
)

var newsData = map[string]string{
	"payment.paid":     `{"status":"paid","payment_intent":"pi_1"}`,
	"payment.refunded": `{"status":"paid","payment_intent":"pi_1","refunded":500,"currency":"EUR"}`,
	"order.fulfilled":  `{"tracking":[{"company":"DHL","number":"JD01","url":"https://track.example/JD01"}]}`,
}

// unhurried waits outlast any scenario, short ones end within it.
var (
	unhurried = order.Settings{}
	short     = order.Settings{RemindAfter: 300 * time.Millisecond, ExpireAfter: 1500 * time.Millisecond,
		CloseAfter: 500 * time.Millisecond, LateAfter: time.Second}
)

func news(number int64, name string) process.News {
	n := process.News{Number: number, Name: name, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	if d, ok := newsData[name]; ok {
		n.Data = json.RawMessage(d)
	}
	return n
}

// hear brings a case news after something.
func hear(after string, all ...process.News) step {
	return step{after, send(process.SignalNews, all...)}
}

func anOrder(name string, set order.Settings, answers map[string]answer, steps ...step) *scenario {
	if answers == nil {
		answers = map[string]answer{}
	}
	ref := process.Ref{Workspace: invented("workspace"), ID: invented(name), Kind: order.Kind, Number: 1001,
		Contact: invented("contact"), Conversation: invented("conversation"), Channel: "webchat"}
	return &scenario{
		name: "order-" + name, workflow: order.WorkflowType, attributes: process.Attributes(ref), steps: steps,
		id: fmt.Sprintf("%s/%s/%s/%s", order.Kind, ref.Workspace, ref.Contact, ref.ID),
		input: order.Input{Case: ref, Settings: set, Cart: order.Cart{Currency: "EUR", Lines: []order.Line{
			{VariantID: "gid://shopify/ProductVariant/1", Title: "Teapot", Quantity: 2, Price: order.Money{Amount: 1250, Currency: "EUR"}}}}},
		doubles: &doubles{answers: answers},
	}
}

func invented(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

func orders() []*scenario {
	refused := answer{failures: []error{final(sdk.Rejected)}}
	return []*scenario{
		anOrder("delivered", unhurried, map[string]answer{"draft_order_create": {failures: []error{passing()}, output: friendly["draft_order_create"]}},
			hear("tell-pay", news(1, "payment.failed")),
			hear("tell-failed-1", news(3, "order.created"), news(2, "payment.paid"), news(2, "payment.paid")),
			hear("tell-confirmed", news(5, "order.fulfilled"), news(4, "payment.refunded")),
			hear("tell-shipped-5", news(6, "cancel")),
			hear("tell-too-late-6", news(7, "order.delivered"))),
		running(anOrder("awaiting-payment", unhurried, nil, step{after: "tell-pay"})),
		running(anOrder("on-its-way", unhurried, nil,
			hear("tell-pay", news(1, "payment.paid"), news(2, "order.fulfilled")),
			step{after: "tell-shipped-2"})),
		anOrder("closed-without-delivery", short, nil,
			hear("tell-pay", news(1, "payment.paid")), hear("tell-confirmed", news(2, "order.fulfilled"))),
		anOrder("expired", short, nil),
		anOrder("paid-late", short, nil, hear("tell-expired", news(1, "payment.paid"))),
		anOrder("paid-at-the-last-moment", short, map[string]answer{"payment_retrieve": {output: paidLate}},
			hear("tell-confirmed", news(1, "payment.paid"), news(2, "order.delivered"))),
		anOrder("slow-payment", short, map[string]answer{"payment_retrieve": {output: pendingLate}},
			hear("payment_retrieve", news(1, "payment.failed"))),
		anOrder("slow-payment-cancelled", short, map[string]answer{"payment_retrieve": {output: pendingLate}},
			hear("payment_retrieve", news(1, "cancel"), news(2, "payment.paid"))),
		anOrder("cancelled", short, nil, hear("tell-pay", news(1, "cancel"))),
		anOrder("cancelled-while-paying", unhurried, map[string]answer{"payment_retrieve": {output: paidLate}}, hear("tell-pay", news(1, "cancel"))),
		anOrder("outlasts-an-outage", unhurried, map[string]answer{"payment_link_create": {failures: []error{parked()}, output: friendly["payment_link_create"]}},
			step{"tell-outage", send(process.SignalReleased, process.Released{Key: invented("outlasts-an-outage").String() + "-pay"})},
			hear("tell-pay", news(1, "payment.paid"), news(2, "order.delivered"))),
		anOrder("sold-out", unhurried, map[string]answer{"draft_order_create": refused}),
		anOrder("no-payment", unhurried, map[string]answer{"payment_link_create": {failures: []error{final(sdk.Auth)}}}),
		anOrder("refused", unhurried, map[string]answer{"draft_order_complete": refused}, hear("tell-pay", news(1, "payment.paid"))),
		anOrder("cancelled-after-confirmation", unhurried, map[string]answer{"order_cancel": {failures: []error{final(sdk.Rejected)}, output: friendly["order_cancel"]}},
			hear("tell-pay", news(1, "payment.paid")), hear("tell-confirmed", news(2, "cancel")), hear("tell-too-late-2", news(3, "cancel"))),
		anOrder("cancelled-by-the-shop", unhurried, map[string]answer{"refund_create": refused, "payment_retrieve": {output: `{"status":"refunded"}`}},
			hear("tell-pay", news(1, "payment.paid")), hear("tell-confirmed", news(2, "order.cancelled"))),
		anOrder("refund-fails", unhurried, map[string]answer{"refund_create": {failures: []error{final(sdk.Auth)}}},
			hear("tell-pay", news(1, "payment.paid")), hear("tell-confirmed", news(2, "order.cancelled"))),
		anOrder("cancelled-by-an-operator", unhurried, nil,
			hear("tell-pay", news(1, "payment.paid")), step{"tell-confirmed", cancel}),
	}
}
