package shopify

import (
	"encoding/json"
	"fmt"
	"strings"

	"parley/connectors/sdk"
)

var triggers = []sdk.Trigger{
	{Name: "order.created", Source: []string{"orders/create"}, Summary: "An order was made.", Payload: OrderEvent{}},
	{Name: "order.paid", Source: []string{"orders/paid"}, Summary: "An order was paid in full.", Payload: OrderEvent{}},
	{Name: "order.updated", Source: []string{"orders/updated", "orders/fulfilled", "orders/partially_fulfilled"}, Summary: "Something about an order changed.", Payload: OrderEvent{}},
	{Name: "order.cancelled", Source: []string{"orders/cancelled"}, Summary: "An order was cancelled.", Payload: OrderEvent{}},
	{Name: "order.fulfilled", Source: []string{"fulfillments/create"}, Summary: "Goods of an order were sent off.", Payload: ShipmentEvent{}},
	{Name: "order.shipment_updated", Source: []string{"fulfillments/update"}, Summary: "A shipment's tracking or progress changed.", Payload: ShipmentEvent{}},
	{Name: "order.delivered", Source: []string{"fulfillments/create", "fulfillments/update"}, Summary: "A shipment was delivered.", Payload: ShipmentEvent{}},
	{Name: "refund.created", Source: []string{"refunds/create"}, Summary: "Money was given back for an order.", Payload: RefundEvent{}},
	{Name: "order.deleted", Source: []string{"orders/delete"}, Summary: "An order was deleted.", Payload: DeletedEvent{}},
	{Name: "app.uninstalled", Source: []string{"app/uninstalled"}, Summary: "The shop has removed the app: its tokens are good no more.", Payload: ShopEvent{}},
}

// OrderEvent tells of an order.
type OrderEvent struct {
	OrderID           string `json:"order_id"`
	Name              string `json:"name"`
	Total             Money  `json:"total"`
	FinancialStatus   string `json:"financial_status"`
	FulfillmentStatus string `json:"fulfillment_status" doc:"unfulfilled, partial, fulfilled or restocked."`
	Cancelled         bool   `json:"cancelled"`
	CancelReason      string `json:"cancel_reason,omitempty"`
}

// ShipmentEvent tells of a shipment of an order.
type ShipmentEvent struct {
	OrderID       string     `json:"order_id"`
	FulfillmentID string     `json:"fulfillment_id"`
	Status        string     `json:"status" doc:"success, cancelled …"`
	Progress      string     `json:"progress,omitempty" doc:"The carrier's word: in_transit, out_for_delivery, delivered …"`
	Tracking      []Tracking `json:"tracking"`
}

// RefundEvent tells of money given back.
type RefundEvent struct {
	OrderID  string `json:"order_id"`
	RefundID string `json:"refund_id"`
	Amount   Money  `json:"amount"`
}

var parsers = map[string]func(topic string, body []byte) (*sdk.ProviderEvent, error){
	"orders/create":       parseOrder,
	"orders/paid":         parseOrder,
	"orders/updated":      parseOrder,
	"orders/cancelled":    parseOrder,
	"fulfillments/create": parseShipment,
	"fulfillments/update": parseShipment,
	"refunds/create":      parseRefund,

	"orders/fulfilled":           parseOrder,
	"orders/partially_fulfilled": parseOrder,
	"orders/delete":              parseDeleted,
	"app/uninstalled":            parseUninstalled,
}

var orderEvents = map[string]string{
	"orders/create": "order.created", "orders/paid": "order.paid",
	"orders/updated": "order.updated", "orders/cancelled": "order.cancelled",
	"orders/fulfilled": "order.updated", "orders/partially_fulfilled": "order.updated",
}

// orderBody is what is used of an order in a webhook, whose shape is that of the
// REST Admin API.
type orderBody struct {
	ID                ident  `json:"id"`
	Name              string `json:"name"`
	Currency          string `json:"currency"`
	TotalPrice        string `json:"total_price"`
	FinancialStatus   string `json:"financial_status"`
	FulfillmentStatus string `json:"fulfillment_status"`
	CancelledAt       string `json:"cancelled_at"`
	CancelReason      string `json:"cancel_reason"`
	Total             struct {
		Presentment struct {
			Amount   string `json:"amount"`
			Currency string `json:"currency_code"`
		} `json:"presentment_money"`
	} `json:"total_price_set"`
	NoteAttributes []struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	} `json:"note_attributes"`
}

func parseOrder(topic string, body []byte) (*sdk.ProviderEvent, error) {
	var in orderBody
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badBody(err)
	}
	if in.ID == "" {
		return nil, sdk.Invalidf("the order has no id")
	}
	amount, currency := in.Total.Presentment.Amount, in.Total.Presentment.Currency
	if amount == "" {
		amount, currency = in.TotalPrice, in.Currency
	}
	total, err := parseMoney(amount, currency)
	if err != nil {
		return nil, sdk.Invalidf("the order's total is no amount of money")
	}
	out := OrderEvent{OrderID: in.ID.global("Order"), Name: in.Name, Total: total,
		FinancialStatus: in.FinancialStatus, FulfillmentStatus: in.FulfillmentStatus,
		Cancelled: in.CancelledAt != "", CancelReason: in.CancelReason}
	if out.FulfillmentStatus == "" {
		out.FulfillmentStatus = "unfulfilled"
	}
	event := &sdk.ProviderEvent{Name: orderEvents[topic], Refs: []string{out.OrderID}, Data: sdk.JSONBody(out)}
	for _, a := range in.NoteAttributes {
		if key, ok := a.Value.(string); ok && a.Name == keyAttribute && isKey(key) {
			event.EffectKey = key
		}
	}
	return event, nil
}

// isKey tells whether a value has the form of our keys: what somebody else wrote
// into the attribute goes no further.
func isKey(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func parseShipment(topic string, body []byte) (*sdk.ProviderEvent, error) {
	var in struct {
		ID             ident    `json:"id"`
		OrderID        ident    `json:"order_id"`
		Status         string   `json:"status"`
		ShipmentStatus string   `json:"shipment_status"`
		Company        string   `json:"tracking_company"`
		Number         string   `json:"tracking_number"`
		URL            string   `json:"tracking_url"`
		Numbers        []string `json:"tracking_numbers"`
		URLs           []string `json:"tracking_urls"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badBody(err)
	}
	if in.ID == "" || in.OrderID == "" {
		return nil, sdk.Invalidf("the fulfillment lacks id or order_id")
	}
	if len(in.Numbers) == 0 && in.Number != "" {
		in.Numbers = []string{in.Number}
	}
	if len(in.URLs) == 0 && in.URL != "" {
		in.URLs = []string{in.URL}
	}
	out := ShipmentEvent{OrderID: in.OrderID.global("Order"), FulfillmentID: in.ID.global("Fulfillment"),
		Status: in.Status, Progress: in.ShipmentStatus, Tracking: []Tracking{}}
	for i := range max(len(in.Numbers), len(in.URLs)) {
		out.Tracking = append(out.Tracking, Tracking{Number: at(in.Numbers, i), URL: at(in.URLs, i), Company: in.Company})
	}
	return &sdk.ProviderEvent{Name: shipmentEvent(topic, in.ShipmentStatus), Data: sdk.JSONBody(out),
		Refs: []string{out.FulfillmentID, out.OrderID}}, nil
}

func shipmentEvent(topic, progress string) string {
	switch {
	case progress == "delivered":
		return "order.delivered"
	case topic == "fulfillments/create":
		return "order.fulfilled"
	}
	return "order.shipment_updated"
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func parseRefund(_ string, body []byte) (*sdk.ProviderEvent, error) {
	var in struct {
		ID           ident `json:"id"`
		OrderID      ident `json:"order_id"`
		Transactions []struct {
			Kind     string `json:"kind"`
			Status   string `json:"status"`
			Amount   string `json:"amount"`
			Currency string `json:"currency"`
		} `json:"transactions"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badBody(err)
	}
	if in.ID == "" || in.OrderID == "" {
		return nil, sdk.Invalidf("the refund lacks id or order_id")
	}
	out := RefundEvent{OrderID: in.OrderID.global("Order"), RefundID: in.ID.global("Refund")}
	for _, t := range in.Transactions {
		if t.Kind != "refund" || t.Status == "failure" || t.Status == "error" {
			continue
		}
		part, err := parseMoney(t.Amount, t.Currency)
		if err != nil || (out.Amount.Currency != "" && out.Amount.Currency != part.Currency) {
			return nil, sdk.Invalidf("the refund's transactions are no amounts of one currency")
		}
		out.Amount = Money{Amount: out.Amount.Amount + part.Amount, Currency: part.Currency}
	}
	return &sdk.ProviderEvent{Name: "refund.created", Data: sdk.JSONBody(out),
		Refs: []string{out.RefundID, out.OrderID}}, nil
}

// DeletedEvent names an order that is gone.
type DeletedEvent struct {
	OrderID string `json:"order_id"`
}

func parseDeleted(_ string, body []byte) (*sdk.ProviderEvent, error) {
	var in struct {
		ID ident `json:"id"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badBody(err)
	}
	if in.ID == "" {
		return nil, sdk.Invalidf("the order has no id")
	}
	out := DeletedEvent{OrderID: in.ID.global("Order")}
	return &sdk.ProviderEvent{Name: "order.deleted", Data: sdk.JSONBody(out), Refs: []string{out.OrderID}}, nil
}

// ShopEvent names a shop.
type ShopEvent struct {
	Domain string `json:"domain" doc:"The shop's own domain at Shopify, NAME.myshopify.com."`
}

func parseUninstalled(_ string, body []byte) (*sdk.ProviderEvent, error) {
	var in struct {
		Domain string `json:"myshopify_domain"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badBody(err)
	}
	if in.Domain == "" {
		return nil, sdk.Invalidf("the shop has no myshopify_domain")
	}
	return &sdk.ProviderEvent{Name: "app.uninstalled", Data: sdk.JSONBody(ShopEvent{Domain: in.Domain}), Refs: []string{in.Domain}}, nil
}

// ident is an object's numeric ID, of which not every kind fits a float.
type ident string

// UnmarshalJSON takes a number or, as some topics write it, a string.
func (id *ident) UnmarshalJSON(raw []byte) error {
	s := strings.Trim(string(raw), `"`)
	if s == "null" {
		s = ""
	}
	if len(s) > 40 || strings.Trim(s, "0123456789") != "" {
		s = "" // an object without a numeric ID, e.g. of an app's own topic
	}
	*id = ident(s)
	return nil
}

func (id ident) global(kind string) string {
	return fmt.Sprintf("gid://shopify/%s/%s", kind, string(id))
}
