package shopify

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// FulfilInput says which order to send off, and how it can be followed.
type FulfilInput struct {
	OrderID  string    `json:"order_id" doc:"The order's global ID, gid://shopify/Order/…"`
	Tracking *Tracking `json:"tracking,omitempty" doc:"How the parcel can be followed."`
	Notify   bool      `json:"notify,omitempty" doc:"Let Shopify write to the customer."`
}

// Validate implements sdk.Validator.
func (in FulfilInput) Validate() error {
	if t := in.Tracking; t != nil && (len(t.Number) > 255 || len(t.Company) > 255 || len(t.URL) > 2000) {
		return sdk.Invalidf("tracking is too long: 255 characters for number and company, 2000 for url")
	}
	return checkID("Order", in.OrderID)
}

// Fulfilment is goods that were sent.
type Fulfilment struct {
	ID      string `json:"id" doc:"Its global ID, gid://shopify/Fulfillment/…"`
	OrderID string `json:"order_id"`
	Status  string `json:"status" doc:"success, pending, open, cancelled …"`
}

func (c *conn) fulfil(ctx context.Context, _ sdk.Call, in FulfilInput) (Fulfilment, error) {
	got, err := admin.OpenFulfillments(ctx, c.admin, in.OrderID)
	if err != nil {
		return Fulfilment{}, notWritten(err)
	}
	if got.Order.Id == "" {
		return Fulfilment{}, errNoOrder
	}
	input := admin.FulfillmentInput{Notify: in.Notify}
	for _, o := range got.Order.FulfillmentOrders.Nodes {
		if o.Status == "OPEN" || o.Status == "IN_PROGRESS" {
			input.Orders = append(input.Orders, admin.FulfillmentOrderInput{ID: o.Id})
		}
	}
	if len(input.Orders) == 0 {
		if f, sent := sentBefore(got.Order.Fulfillments, in); sent {
			return f, nil
		}
		return Fulfilment{}, &sdk.Error{Class: sdk.Rejected, Code: "NOTHING_OPEN", Message: "the order has nothing that can be sent"}
	}
	if t := in.Tracking; t != nil {
		input.Tracking = &admin.TrackingInput{Company: t.Company, Number: t.Number, URL: t.URL}
	}
	made, err := admin.FulfillmentCreate(ctx, c.admin, input)
	if err != nil {
		return Fulfilment{}, err
	}
	if err := mutationError(made.FulfillmentCreate.UserErrors, sdk.Rejected); err != nil {
		return Fulfilment{}, err
	}
	f := made.FulfillmentCreate.Fulfillment
	return Fulfilment{ID: f.Id, OrderID: in.OrderID, Status: strings.ToLower(f.Status)}, nil
}

// fulfilled tells whether the order has a shipment like the one asked for, and
// nothing open beside it.
func (c *conn) fulfilled(ctx context.Context, _ sdk.Call, in FulfilInput) (Fulfilment, bool, error) {
	got, err := admin.OpenFulfillments(ctx, c.admin, in.OrderID)
	if err != nil {
		return Fulfilment{}, false, err
	}
	if got.Order.Id == "" {
		return Fulfilment{}, false, errNoOrder
	}
	open := slices.ContainsFunc(got.Order.FulfillmentOrders.Nodes, func(o admin.FulfillmentOrder) bool { return o.Status == "OPEN" || o.Status == "IN_PROGRESS" })
	if open {
		return Fulfilment{}, false, nil
	}
	f, sent := sentBefore(got.Order.Fulfillments, in)
	return f, sent, nil
}

// sentBefore finds the newest shipment with the input's tracking number, or any
// where it has none.
func sentBefore(shipments []admin.Sent, in FulfilInput) (Fulfilment, bool) {
	for _, s := range slices.Backward(shipments) {
		same := in.Tracking == nil || in.Tracking.Number == "" ||
			slices.ContainsFunc(s.TrackingInfo, func(t admin.TrackingInfo) bool { return t.Number == in.Tracking.Number })
		if same && s.Status != "CANCELLED" {
			return Fulfilment{ID: s.Id, OrderID: in.OrderID, Status: strings.ToLower(s.Status)}, true
		}
	}
	return Fulfilment{}, false
}

// ReturnInput says what comes back.
type ReturnInput struct {
	OrderID string       `json:"order_id" doc:"The order's global ID, gid://shopify/Order/…"`
	Lines   []ReturnLine `json:"lines,omitempty" doc:"What comes back; all that was sent unless given."`
	Reason  string       `json:"reason" doc:"color, defective, not_as_described, other, size_too_large, size_too_small, style, unknown, unwanted or wrong_item."`
	Note    string       `json:"note,omitempty" doc:"Why, in words; needed with the reason other. At most 255 characters."`
}

// ReturnLine is so many of one line of a shipment.
type ReturnLine struct {
	LineID   string `json:"line_id" doc:"Its global ID, gid://shopify/FulfillmentLineItem/…"`
	Quantity int    `json:"quantity"`
}

// returnReasons are those of Shopify's ReturnReason, in lower case.
var returnReasons = []string{"color", "defective", "not_as_described", "other", "size_too_large", "size_too_small", "style", "unknown", "unwanted", "wrong_item"}

// Validate implements sdk.Validator.
func (in ReturnInput) Validate() error {
	switch {
	case !slices.Contains(returnReasons, in.Reason):
		return sdk.Invalidf("reason must be one of %s", strings.Join(returnReasons, ", "))
	case in.Reason == "other" && in.Note == "":
		return sdk.Invalidf("note is needed with the reason other")
	case utf8.RuneCountInString(in.Note) > 255:
		return sdk.Invalidf("note is longer than 255 characters")
	case len(in.Lines) > maxLines:
		return sdk.Invalidf("lines has more than %d entries", maxLines)
	}
	for i, l := range in.Lines {
		if checkID("FulfillmentLineItem", l.LineID) != nil || l.Quantity < 1 || l.Quantity > maxQuantity {
			return sdk.Invalidf("lines[%d] must have a global ID like gid://shopify/FulfillmentLineItem/1 and a quantity from 1 to %d", i, maxQuantity)
		}
	}
	return checkID("Order", in.OrderID)
}

// Return is goods on their way back.
type Return struct {
	ID     string `json:"id" doc:"Its global ID, gid://shopify/Return/…"`
	Name   string `json:"name" doc:"Its name for people, such as #1001-R1."`
	Status string `json:"status" doc:"open, requested, closed …"`
}

func (c *conn) returnCreate(ctx context.Context, _ sdk.Call, in ReturnInput) (Return, error) {
	lines := in.Lines
	if len(lines) == 0 {
		got, err := admin.OpenFulfillments(ctx, c.admin, in.OrderID)
		if err != nil {
			return Return{}, notWritten(err)
		}
		if got.Order.Id == "" {
			return Return{}, errNoOrder
		}
		for _, f := range got.Order.Fulfillments {
			for _, l := range f.FulfillmentLineItems.Nodes {
				lines = append(lines, ReturnLine{l.Id, l.Quantity})
			}
		}
		if len(lines) == 0 {
			return Return{}, &sdk.Error{Class: sdk.Rejected, Code: "NOTHING_SENT", Message: "nothing of the order was sent, so nothing can come back"}
		}
	}
	input := admin.ReturnInput{OrderID: in.OrderID}
	for _, l := range lines {
		input.Lines = append(input.Lines, admin.ReturnLineInput{ID: l.LineID, Quantity: l.Quantity, Reason: strings.ToUpper(in.Reason), Note: in.Note})
	}
	made, err := admin.ReturnCreate(ctx, c.admin, input)
	if err != nil {
		return Return{}, err
	}
	if err := mutationError(made.ReturnCreate.UserErrors, sdk.Rejected); err != nil {
		return Return{}, err
	}
	r := made.ReturnCreate.Return
	return Return{ID: r.Id, Name: r.Name, Status: strings.ToLower(r.Status)}, nil
}
