package shopifyfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// orderBase makes the numbers in orders' IDs as long as Shopify's.
const orderBase = 5_000_000_000

// order is an order as it is kept.
type order struct {
	ID         string      `json:"id"`
	Number     int64       `json:"number"`
	Name       string      `json:"name"`
	Lines      []line      `json:"lineItems"`
	Tags       []string    `json:"tags"`
	Attributes []attribute `json:"customAttributes"`
	Note       string      `json:"note"`
	Email      string      `json:"email"`
	Phone      string      `json:"phone"`
	Source     string      `json:"source"`
	Draft      string      `json:"draft,omitempty"`
	Pending    bool        `json:"pending"`
	CreatedAt  time.Time   `json:"created_at"`
	Cancelled  *time.Time  `json:"cancelled_at,omitempty"`
	Reason     string      `json:"cancel_reason,omitempty"`
	Refunded   int64       `json:"refunded"`
	Shipment   *shipment   `json:"shipment,omitempty"`
}

type shipment struct {
	ID        string `json:"id"`
	Number    string `json:"number"`
	Company   string `json:"company"`
	URL       string `json:"url"`
	Delivered bool   `json:"delivered"`
}

// place takes the order's goods off the shelf, keeps it and tells about it.
func (s *shop) place(o *order) {
	if o.Number == 0 {
		o.Number = s.count("order")
	}
	o.ID, o.Name, o.CreatedAt = gid("Order", orderBase+o.Number), fmt.Sprintf("#%d", 1000+o.Number), s.env.Now()
	s.put(*o)
	s.sell(o.Lines, 1)
	s.index("order", o.Tags, o.ID)
	s.env.State().Put("order_name", strings.TrimPrefix(o.Name, "#"), o.ID)
	topics := []string{"orders/create"}
	if !o.Pending {
		topics = append(topics, "orders/paid")
	}
	s.tell(s.orderPayload(*o), topics...)
}

func (s *shop) put(o order) { s.env.State().Put("order", o.ID, o) }

func (s *shop) getOrder(id string) (o order, ok bool) {
	ok = id != "" && s.env.State().Get("order", id, &o)
	return o, ok
}

func (s *shop) orderCreate(r request) (any, error) {
	var in struct {
		order
		FinancialStatus string `json:"financialStatus"`
	}
	if err := decode(r.args["order"], &in); err != nil {
		return nil, err
	}
	if problem := priceLines(in.Lines); problem != "" {
		return userErrors("userErrors", []string{"order", "lineItems"}, problem, "INVALID").with("order", nil), nil
	}
	if !s.inStock(in.Lines) {
		return userErrors("userErrors", []string{"order", "lineItems"}, "Unable to reserve inventory", "INVENTORY_CLAIM_FAILED").with("order", nil), nil
	}
	o := order{Lines: in.Lines, Tags: in.Tags, Attributes: in.Attributes, Note: in.Note, Email: in.Email, Phone: in.Phone,
		Pending: in.FinancialStatus == "PENDING", Source: "api"}
	s.place(&o)
	return object{"order": s.orderObject(o), "userErrors": []object{}}, nil
}

func (s *shop) order(r request) (any, error) {
	if o, ok := s.getOrder(r.text("id")); ok {
		return s.orderObject(o), nil
	}
	return nil, nil
}

func (s *shop) orders(r request) (any, error) {
	ids := s.tagged("order", r)
	for _, terms := range parseSearch(r.text("query")) {
		for _, t := range terms {
			var id string
			if t.field == "name" && s.env.State().Get("order_name", strings.TrimPrefix(t.value, "#"), &id) {
				ids = append(ids, id)
			}
		}
	}
	var found []object
	horizon := s.horizon(r)
	for _, id := range ids {
		if o, ok := s.getOrder(id); ok && !o.CreatedAt.After(horizon) {
			found = append(found, s.orderObject(o))
		}
	}
	return connection(found[:min(len(found), r.first())]), nil
}

func (s *shop) orderCancel(r request) (any, error) {
	refuse := func(message, code string) (any, error) {
		return userErrors("orderCancelUserErrors", []string{"orderId"}, message, code).with("job", nil).with("userErrors", []object{}), nil
	}
	o, ok := s.getOrder(r.text("orderId"))
	switch {
	case !ok:
		return refuse("Order does not exist", "NOT_FOUND")
	case o.Cancelled != nil:
		return refuse("Order has already been cancelled", "INVALID")
	case o.Shipment != nil:
		return refuse("Cannot cancel an order that has been fulfilled", "INVALID")
	}
	now := s.env.Now()
	o.Cancelled, o.Reason = &now, strings.ToLower(r.text("reason"))
	if r.flag("restock") {
		s.sell(o.Lines, -1)
	}
	method, _ := r.args["refundMethod"].(map[string]any)
	if back, _ := method["originalPaymentMethodsRefund"].(bool); back && !o.Pending {
		s.refund(&o, total(o.Lines)-o.Refunded, "")
	}
	s.put(o)
	s.tell(s.orderPayload(o), "orders/cancelled")
	job := object{"__typename": "Job", "id": gid("Job", s.count("job")), "done": true}
	return object{"job": job, "orderCancelUserErrors": []object{}, "userErrors": []object{}}, nil
}

func (o order) financialStatus() string {
	switch {
	case o.Pending && o.Cancelled != nil:
		return "VOIDED"
	case o.Pending:
		return "PENDING"
	case o.Refunded >= total(o.Lines):
		return "REFUNDED"
	case o.Refunded > 0:
		return "PARTIALLY_REFUNDED"
	}
	return "PAID"
}

func (s *shop) orderObject(o order) object {
	status, shipments, cancelled := "UNFULFILLED", []object{}, any(nil)
	if o.Cancelled != nil {
		cancelled = o.Cancelled
	}
	if sh := o.Shipment; sh != nil {
		status = "FULFILLED"
		display := "FULFILLED"
		if sh.Delivered {
			display = "DELIVERED"
		}
		tracking := []object{{"__typename": "FulfillmentTrackingInfo", "number": sh.Number, "url": sh.URL, "company": sh.Company}}
		shipments = append(shipments, object{"__typename": "Fulfillment", "id": sh.ID, "displayStatus": display, "trackingInfo": tracking,
			"status": "SUCCESS", "fulfillmentLineItems": connection(sentLines(o))})
	}
	out := object{
		"__typename": "Order", "id": o.ID, "name": o.Name, "tags": o.Tags, "cancelledAt": cancelled,
		"displayFinancialStatus": o.financialStatus(), "displayFulfillmentStatus": status,
		"customAttributes": attributeObjects(o.Attributes), "totalPriceSet": moneyBag(total(o.Lines)),
		"fulfillments": shipments, "transactions": []object{}, "fulfillmentOrders": connection(toFulfil(o)),
	}
	if !o.Pending {
		out["transactions"] = []object{s.sale(o)}
	}
	return out
}

// sale is the payment that an order was marked as paid with.
func (s *shop) sale(o order) object {
	return object{"__typename": "OrderTransaction", "id": gid("OrderTransaction", 6_000_000_000+o.Number),
		"kind": "SALE", "status": "SUCCESS", "gateway": "manual", "amountSet": moneyBag(total(o.Lines))}
}

// key is the effect key that an order carries.
func (o order) key() string {
	i := slices.IndexFunc(o.Attributes, func(a attribute) bool { return a.Key == "parley_key" })
	if i < 0 {
		return ""
	}
	return o.Attributes[i].Value
}
