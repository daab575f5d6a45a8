package shopify

import (
	"context"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// OrderInput is an order that is made without a draft.
type OrderInput struct {
	Lines          []Line `json:"lines"`
	PaymentPending bool   `json:"payment_pending,omitempty" doc:"The order is still to be paid; if false, Shopify marks it as paid."`
	Buyer
}

// Validate implements sdk.Validator.
func (in OrderInput) Validate() error {
	if err := checkLines(in.Lines); err != nil {
		return err
	}
	return in.Buyer.check()
}

// Order is an order that was made.
type Order struct {
	ID    string `json:"id"`
	Name  string `json:"name" doc:"As the customer sees it, e.g. #1001."`
	Total Money  `json:"total"`
}

func (c *conn) orderCreate(ctx context.Context, call sdk.Call, in OrderInput) (Order, error) {
	input := admin.OrderInput{
		LineItems: lineInputs(in.Lines), CustomAttributes: attributes(call), FinancialStatus: "PAID",
		Note: in.Note, Email: in.Email, Phone: in.Phone,
	}
	if in.PaymentPending {
		input.FinancialStatus = "PENDING"
	}
	if call.Key != "" {
		input.Tags = []string{keyTag(call.Key)}
	}
	got, err := admin.OrderCreate(ctx, c.admin, input)
	if err != nil {
		return Order{}, err
	}
	if err := mutationError(got.OrderCreate.UserErrors, sdk.Invalid); err != nil {
		return Order{}, err
	}
	return c.order(got.OrderCreate.Order)
}

func (c *conn) orderFind(ctx context.Context, call sdk.Call, _ OrderInput) (Order, bool, error) {
	got, err := admin.OrderFind(ctx, c.admin, keyQuery(call.Key))
	if err != nil {
		return Order{}, false, err
	}
	for _, o := range got.Orders.Nodes {
		if carriesKey(o.CustomAttributes, call.Key) {
			order, err := c.order(o)
			return order, err == nil, err
		}
	}
	return Order{}, false, nil
}

func (c *conn) order(o admin.Order) (Order, error) {
	total, err := c.money(o.TotalPriceSet.PresentmentMoney.Amount, o.TotalPriceSet.PresentmentMoney.CurrencyCode)
	return Order{ID: o.Id, Name: o.Name, Total: total}, err
}

// OrderRef names an order by its ID or by the name that the customer knows.
type OrderRef struct {
	OrderID string `json:"order_id,omitempty" doc:"The order's global ID, gid://shopify/Order/…"`
	Name    string `json:"name,omitempty" doc:"The order's name, e.g. #1001; the # may be left out."`
}

// Validate implements sdk.Validator.
func (in OrderRef) Validate() error {
	switch {
	case (in.OrderID == "") == (in.Name == ""):
		return sdk.Invalidf("give either order_id or name")
	case in.OrderID != "":
		return checkID("Order", in.OrderID)
	case len(in.Name) > 60 || strings.ContainsAny(in.Name, "\"'\\\n:*()"):
		return sdk.Invalidf("name must be an order's name like #1001")
	}
	return nil
}

// Status is how far an order has come.
type Status struct {
	ID                string     `json:"id"`
	Name              string     `json:"name"`
	Total             Money      `json:"total"`
	FinancialStatus   string     `json:"financial_status" doc:"pending, authorized, paid, partially_refunded, refunded, voided …"`
	FulfillmentStatus string     `json:"fulfillment_status" doc:"unfulfilled, partially_fulfilled, fulfilled, on_hold …; delivered when all its shipments are."`
	Cancelled         bool       `json:"cancelled"`
	Tracking          []Tracking `json:"tracking"`
}

// Tracking follows one shipment.
type Tracking struct {
	Number  string `json:"number,omitempty"`
	URL     string `json:"url,omitempty"`
	Company string `json:"company,omitempty"`
}

func (c *conn) orderStatus(ctx context.Context, _ sdk.Call, in OrderRef) (Status, error) {
	order, err := c.findOrder(ctx, in)
	if err != nil {
		return Status{}, err
	}
	total, err := c.money(order.TotalPriceSet.PresentmentMoney.Amount, order.TotalPriceSet.PresentmentMoney.CurrencyCode)
	if err != nil {
		return Status{}, err
	}
	out := Status{ID: order.Id, Name: order.Name, Total: total, Tracking: []Tracking{},
		FinancialStatus:   strings.ToLower(order.DisplayFinancialStatus),
		FulfillmentStatus: strings.ToLower(order.DisplayFulfillmentStatus),
		Cancelled:         !order.CancelledAt.IsZero(),
	}
	delivered := len(order.Fulfillments) > 0 && order.DisplayFulfillmentStatus == "FULFILLED"
	for _, f := range order.Fulfillments {
		delivered = delivered && f.DisplayStatus == "DELIVERED"
		for _, t := range f.TrackingInfo {
			out.Tracking = append(out.Tracking, Tracking{Number: t.Number, URL: t.Url, Company: t.Company})
		}
	}
	if delivered {
		out.FulfillmentStatus = "delivered"
	}
	return out, nil
}

func (c *conn) findOrder(ctx context.Context, in OrderRef) (admin.Order, error) {
	if in.OrderID != "" {
		got, err := admin.OrderGet(ctx, c.admin, in.OrderID)
		if err == nil && got.Order.Id == "" {
			err = errNoOrder
		}
		if err != nil {
			return admin.Order{}, err
		}
		return got.Order, nil
	}
	bare := strings.TrimPrefix(strings.TrimSpace(in.Name), "#")
	got, err := admin.OrderFind(ctx, c.admin, `name:"`+bare+`"`)
	if err != nil {
		return admin.Order{}, err
	}
	for _, o := range got.Orders.Nodes {
		if strings.EqualFold(strings.TrimPrefix(o.Name, "#"), bare) {
			return o, nil
		}
	}
	return admin.Order{}, errNoOrder
}

var errNoOrder = &sdk.Error{Class: sdk.NotFound, Message: "the shop has no such order",
	Customer: "I cannot find that order."}
