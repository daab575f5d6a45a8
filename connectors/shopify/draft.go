package shopify

import (
	"context"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// DraftInput is what to reserve for a customer who is about to pay.
type DraftInput struct {
	Lines          []Line `json:"lines"`
	ReserveMinutes *int   `json:"reserve_minutes,omitempty" doc:"Minutes for which the stock is held; the connection's setting if absent, 0 for not at all."`
	Buyer
}

// Validate implements sdk.Validator.
func (in DraftInput) Validate() error {
	if in.ReserveMinutes != nil && (*in.ReserveMinutes < 0 || *in.ReserveMinutes > maxReserveMinutes) {
		return sdk.Invalidf("reserve_minutes must be from 0 to %d", maxReserveMinutes)
	}
	if err := checkLines(in.Lines); err != nil {
		return err
	}
	return in.Buyer.check()
}

// Draft is an order that is not one yet.
type Draft struct {
	ID    string      `json:"id"`
	Name  string      `json:"name" doc:"As staff see it, e.g. #D12."`
	Total Money       `json:"total" doc:"What the customer has to pay."`
	Lines []DraftLine `json:"lines"`
	// ReservedUntil is when the stock is let go; zero if none is held.
	ReservedUntil time.Time `json:"reserved_until,omitzero"`
}

// DraftLine is a line of a draft with the price that Shopify gave it.
type DraftLine struct {
	VariantID string `json:"variant_id"`
	Title     string `json:"title"`
	Quantity  int    `json:"quantity"`
	Price     Money  `json:"price" doc:"Of one piece."`
}

func (c *conn) draftCreate(ctx context.Context, call sdk.Call, in DraftInput) (Draft, error) {
	if err := c.checkStock(ctx, in.Lines); err != nil {
		return Draft{}, err
	}
	input := admin.DraftOrderInput{
		LineItems: lineInputs(in.Lines), CustomAttributes: attributes(call),
		Note: in.Note, Email: in.Email, Phone: in.Phone,
	}
	if call.Key != "" {
		input.Tags = []string{keyTag(call.Key)}
	}
	reserve := c.reserve
	if in.ReserveMinutes != nil {
		reserve = time.Duration(*in.ReserveMinutes) * time.Minute
	}
	if reserve > 0 {
		until := c.now().UTC().Add(reserve).Truncate(time.Second)
		input.ReserveInventoryUntil = &until
	}
	got, err := admin.DraftOrderCreate(ctx, c.admin, input)
	if err != nil {
		return Draft{}, err
	}
	if err := mutationError(got.DraftOrderCreate.UserErrors, sdk.Invalid); err != nil {
		return Draft{}, err
	}
	return c.draft(got.DraftOrderCreate.DraftOrder)
}

func (c *conn) draftFind(ctx context.Context, call sdk.Call, _ DraftInput) (Draft, bool, error) {
	got, err := admin.DraftOrderFind(ctx, c.admin, keyQuery(call.Key))
	if err != nil {
		return Draft{}, false, err
	}
	for _, d := range got.DraftOrders.Nodes {
		if carriesKey(d.CustomAttributes, call.Key) {
			draft, err := c.draft(d)
			return draft, err == nil, err
		}
	}
	return Draft{}, false, nil
}

func lineInputs(lines []Line) []admin.LineInput {
	out := make([]admin.LineInput, len(lines))
	for i, l := range lines {
		out[i] = admin.LineInput{VariantID: l.VariantID, Quantity: l.Quantity}
	}
	return out
}

func attributes(call sdk.Call) []admin.AttributeInput {
	var out []admin.AttributeInput
	if call.Key != "" {
		out = append(out, admin.AttributeInput{Key: keyAttribute, Value: call.Key})
	}
	if call.Workspace != "" {
		out = append(out, admin.AttributeInput{Key: workspaceAttribute, Value: call.Workspace})
	}
	return out
}

func (c *conn) draft(d admin.Draft) (Draft, error) {
	total, err := c.money(d.TotalPriceSet.PresentmentMoney.Amount, d.TotalPriceSet.PresentmentMoney.CurrencyCode)
	if err != nil {
		return Draft{}, err
	}
	out := Draft{ID: d.Id, Name: d.Name, Total: total, Lines: []DraftLine{}, ReservedUntil: d.ReserveInventoryUntil}
	for _, l := range d.LineItems.Nodes {
		unit := l.OriginalUnitPriceSet.PresentmentMoney
		price, err := c.money(unit.Amount, unit.CurrencyCode)
		if err != nil {
			return Draft{}, err
		}
		out.Lines = append(out.Lines, DraftLine{VariantID: l.Variant.Id, Title: l.Title, Quantity: l.Quantity, Price: price})
	}
	return out, nil
}

// CompleteInput names the draft that was paid.
type CompleteInput struct {
	DraftID        string `json:"draft_id" doc:"The draft's global ID, gid://shopify/DraftOrder/…"`
	PaymentPending bool   `json:"payment_pending,omitempty" doc:"The order is still to be paid; if false, Shopify marks it as paid."`
}

// Validate implements sdk.Validator.
func (in CompleteInput) Validate() error { return checkID("DraftOrder", in.DraftID) }

// CompletedOrder is the order that a draft has become.
type CompletedOrder struct {
	OrderID string `json:"order_id"`
	Name    string `json:"name" doc:"As the customer sees it, e.g. #1001."`
	Total   Money  `json:"total"`
}

// draftComplete looks before it acts and, if Shopify refuses, looks again: what
// counts is whether the draft has an order, not which attempt made it.
func (c *conn) draftComplete(ctx context.Context, call sdk.Call, in CompleteInput) (CompletedOrder, error) {
	draft, err := admin.DraftOrderGet(ctx, c.admin, in.DraftID)
	if err != nil {
		return CompletedOrder{}, notWritten(err)
	}
	switch d := draft.DraftOrder; {
	case d.Id == "":
		return CompletedOrder{}, errNoDraft
	case d.Order.Id != "":
		return c.completed(d)
	case !d.Ready:
		return CompletedOrder{}, &sdk.Error{Class: sdk.Unavailable, RetryAfter: 2 * time.Second,
			Message: "Shopify is still calculating the draft order"}
	}
	got, err := admin.DraftOrderComplete(ctx, c.admin, in.DraftID, in.PaymentPending)
	if err != nil {
		return CompletedOrder{}, err
	}
	if refused := mutationError(got.DraftOrderComplete.UserErrors, sdk.Rejected); refused != nil {
		if order, found, err := c.draftCompleted(ctx, call, in); err == nil && found {
			return order, nil
		}
		return CompletedOrder{}, refused
	}
	return c.completed(got.DraftOrderComplete.DraftOrder)
}

// draftCompleted tells whether the draft has become an order.
func (c *conn) draftCompleted(ctx context.Context, _ sdk.Call, in CompleteInput) (CompletedOrder, bool, error) {
	got, err := admin.DraftOrderGet(ctx, c.admin, in.DraftID)
	if err != nil || got.DraftOrder.Order.Id == "" {
		return CompletedOrder{}, false, err
	}
	order, err := c.completed(got.DraftOrder)
	return order, err == nil, err
}

var errNoDraft = &sdk.Error{Class: sdk.NotFound, Message: "the draft order does not exist; it may have been deleted"}

func (c *conn) completed(d admin.Draft) (CompletedOrder, error) {
	if d.Order.Id == "" {
		return CompletedOrder{}, &sdk.Error{Class: sdk.Unavailable, Wrote: true,
			Message: "Shopify completed the draft order but shows no order for it yet"}
	}
	paid := d.Order.TotalPriceSet.PresentmentMoney
	total, err := c.money(paid.Amount, paid.CurrencyCode)
	return CompletedOrder{OrderID: d.Order.Id, Name: d.Order.Name, Total: total}, err
}

// DraftRef names a draft order.
type DraftRef struct {
	DraftID string `json:"draft_id" doc:"The draft's global ID, gid://shopify/DraftOrder/…"`
}

// Validate implements sdk.Validator.
func (in DraftRef) Validate() error { return checkID("DraftOrder", in.DraftID) }

// Deleted confirms that a draft does not exist.
type Deleted struct {
	DraftID string `json:"draft_id"`
	Deleted bool   `json:"deleted"`
}

// draftDelete makes sure that the draft is gone; one that is gone already is a
// success. A draft that has become an order is left alone.
func (c *conn) draftDelete(ctx context.Context, call sdk.Call, in DraftRef) (Deleted, error) {
	if out, gone, err := c.draftDeleted(ctx, call, in); err != nil || gone {
		return out, err
	}
	got, err := admin.DraftOrderDelete(ctx, c.admin, in.DraftID)
	if err != nil {
		return Deleted{}, err
	}
	if refused := mutationError(got.DraftOrderDelete.UserErrors, sdk.Rejected); refused != nil {
		if sdk.AsError(refused).Class != sdk.NotFound {
			return Deleted{}, refused
		}
	}
	return Deleted{DraftID: in.DraftID, Deleted: true}, nil
}

// draftDeleted tells whether the draft is gone.
func (c *conn) draftDeleted(ctx context.Context, _ sdk.Call, in DraftRef) (Deleted, bool, error) {
	got, err := admin.DraftOrderGet(ctx, c.admin, in.DraftID)
	switch {
	case err != nil:
		return Deleted{}, false, notWritten(err)
	case got.DraftOrder.Id == "":
		return Deleted{DraftID: in.DraftID, Deleted: true}, true, nil
	case got.DraftOrder.Status == "COMPLETED":
		return Deleted{}, false, &sdk.Error{Class: sdk.Rejected, Code: "COMPLETED",
			Message: "the draft has become an order: cancel the order instead"}
	}
	return Deleted{}, false, nil
}
