package shopifyfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The one place that the shop's goods are at.
const (
	locationID   = "gid://shopify/Location/1"
	locationName = "Back room"
)

func (s *shop) productVariant(r request) (any, error) {
	p, v, ok := findVariant(r.text("id"))
	if !ok {
		return nil, nil
	}
	return s.variantObject(p, v), nil
}

// inventoryItem is how many of a variant there are.
func (s *shop) inventoryItem(v variant) object {
	left := s.available(gid("ProductVariant", v.number))
	var quantities []object
	for _, name := range []string{"available", "on_hand", "committed", "incoming"} {
		n := 0
		if name == "available" || name == "on_hand" {
			n = left
		}
		quantities = append(quantities, object{"__typename": "InventoryQuantity", "name": name, "quantity": n})
	}
	level := object{"__typename": "InventoryLevel", "quantities": quantities,
		"location": object{"__typename": "Location", "id": locationID, "name": locationName}}
	return object{"__typename": "InventoryItem", "id": gid("InventoryItem", v.number), "tracked": true,
		"inventoryLevels": connection([]object{level})}
}

// keyed gives a key's first answer again; do answers a new one.
func (s *shop) keyed(r request, do func() (object, error)) (any, error) {
	if strings.TrimSpace(r.key) == "" {
		return nil, &graphqlError{"The @idempotent directive is required for this mutation", "BAD_REQUEST"}
	}
	raw, err := json.Marshal(r.args["input"])
	if err != nil {
		return nil, err
	}
	var before struct {
		usedKey
		Answer object `json:"answer"`
	}
	known := s.env.State().Get("idempotency", r.key, &before) && s.env.Now().Sub(before.At) < keyLifetime
	if _, forget := s.env.Fault("forget_keys", r.op); known && !forget {
		if before.Input != string(raw) {
			return nil, &graphqlError{"The same idempotency key cannot be used with different operation parameters", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
		}
		return reread(before.Answer), nil
	}
	answer, err := do()
	if err != nil {
		return nil, err
	}
	before.Input, before.At, before.Answer = string(raw), s.env.Now(), answer
	s.env.State().Put("idempotency", r.key, before)
	return answer, nil
}

// reread makes objects again of what was stored as JSON.
func reread(o object) object {
	for k, v := range o {
		switch v := v.(type) {
		case map[string]any:
			o[k] = reread(v)
		case []any:
			list := []object{}
			for _, item := range v {
				if inner, ok := item.(map[string]any); ok {
					list = append(list, reread(inner))
				}
			}
			o[k] = list
		}
	}
	return o
}

func (s *shop) inventoryAdjust(r request) (any, error) {
	return s.keyed(r, func() (object, error) {
		var in struct {
			Changes []struct {
				Delta      int    `json:"delta"`
				ItemID     string `json:"inventoryItemId"`
				LocationID string `json:"locationId"`
			} `json:"changes"`
		}
		if err := decode(r.args["input"], &in); err != nil {
			return nil, err
		}
		for _, c := range in.Changes {
			id := strings.Replace(c.ItemID, "InventoryItem", "ProductVariant", 1)
			if _, _, ok := findVariant(id); !ok {
				return userErrors("userErrors", []string{"input", "changes"}, "The specified inventory item could not be found.", "INVALID_INVENTORY_ITEM").
					with("inventoryAdjustmentGroup", nil), nil
			}
			if c.LocationID != locationID {
				return userErrors("userErrors", []string{"input", "changes"}, "The specified location could not be found.", "INVALID_LOCATION").
					with("inventoryAdjustmentGroup", nil), nil
			}
			s.sell([]line{{VariantID: id, Quantity: c.Delta}}, -1)
		}
		group := gid("InventoryAdjustmentGroup", s.count("adjustment"))
		s.env.State().Put("adjustment", group, r.args["input"])
		return object{"inventoryAdjustmentGroup": object{"__typename": "InventoryAdjustmentGroup", "id": group}, "userErrors": []object{}}, nil
	})
}

func (s *shop) customerSet(r request) (any, error) {
	var who struct {
		Email string `json:"email"`
		Phone string `json:"phone"`
	}
	if err := decode(r.args["identifier"], &who); err != nil {
		return nil, err
	}
	if (who.Email == "") == (who.Phone == "") {
		return nil, &graphqlError{"Exactly one identifier must be given", "INVALID_VARIABLE"}
	}
	known := strings.ToLower(who.Email + who.Phone)
	var id string
	if !s.env.State().Get("customer_known", known, &id) {
		id = gid("Customer", 7_000_000_000+s.count("customer"))
		s.env.State().Put("customer_known", known, id)
	}
	s.env.State().Put("customer", id, r.args["input"])
	return object{"customer": object{"__typename": "Customer", "id": id}, "userErrors": []object{}}, nil
}

// discount is a discount code as it is kept, by its code in lower case.
type discount struct {
	ID   string   `json:"id"`
	Tags []string `json:"tags"`
}

func (s *shop) discountCreate(r request) (any, error) {
	var in struct {
		Code string   `json:"code"`
		Tags []string `json:"tags"`
	}
	if err := decode(r.args["basicCodeDiscount"], &in); err != nil {
		return nil, err
	}
	code := strings.ToLower(in.Code)
	var d discount
	if s.env.State().Get("discount", code, &d) {
		return userErrors("userErrors", []string{"basicCodeDiscount", "code"}, "Code must be unique. Please try a different code.", "TAKEN").
			with("codeDiscountNode", nil), nil
	}
	d = discount{ID: gid("DiscountCodeNode", 8_000_000_000+s.count("discount")), Tags: in.Tags}
	s.env.State().Put("discount", code, d)
	return object{"codeDiscountNode": d.object(), "userErrors": []object{}}, nil
}

func (d discount) object() object {
	return object{"__typename": "DiscountCodeNode", "id": d.ID,
		"codeDiscount": object{"__typename": "DiscountCodeBasic", "tags": d.Tags}}
}

func (s *shop) discountByCode(r request) (any, error) {
	var d discount
	if !s.env.State().Get("discount", strings.ToLower(r.text("code")), &d) {
		return nil, nil
	}
	return d.object(), nil
}

func (s *shop) fulfillmentCreate(r request) (any, error) {
	var in struct {
		Orders []struct {
			ID string `json:"fulfillmentOrderId"`
		} `json:"lineItemsByFulfillmentOrder"`
		Tracking struct {
			Company string `json:"company"`
			Number  string `json:"number"`
			URL     string `json:"url"`
		} `json:"trackingInfo"`
	}
	if err := decode(r.args["fulfillment"], &in); err != nil {
		return nil, err
	}
	refuse := func(message string) (any, error) {
		return userErrors("userErrors", []string{"fulfillment"}, message, "").with("fulfillment", nil), nil
	}
	if len(in.Orders) != 1 {
		return refuse("All fulfillment orders must be of one order")
	}
	o, ok := s.getOrder(strings.Replace(in.Orders[0].ID, "FulfillmentOrder", "Order", 1))
	switch {
	case !ok:
		return refuse("Fulfillment order does not exist.")
	case o.Cancelled != nil || o.Shipment != nil:
		return refuse("Fulfillment order is closed and cannot be fulfilled.")
	}
	o.Shipment = &shipment{ID: gid("Fulfillment", shipmentBase+o.Number), Number: in.Tracking.Number, Company: in.Tracking.Company, URL: in.Tracking.URL}
	s.put(o)
	s.env.State().Put("fulfillment", o.Shipment.ID, o.ID)
	s.tell(s.shipmentPayload(o), "fulfillments/create")
	return object{"fulfillment": object{"__typename": "Fulfillment", "id": o.Shipment.ID, "status": "SUCCESS"}, "userErrors": []object{}}, nil
}

// toFulfil is what an order still has open, and sentLines what was sent of it.
func toFulfil(o order) []object {
	status := "OPEN"
	if o.Shipment != nil || o.Cancelled != nil {
		status = "CLOSED"
	}
	return []object{{"__typename": "FulfillmentOrder", "id": gid("FulfillmentOrder", orderBase+o.Number), "status": status}}
}

func sentLines(o order) []object {
	lines := make([]object, len(o.Lines))
	for i, l := range o.Lines {
		lines[i] = object{"__typename": "FulfillmentLineItem", "id": gid("FulfillmentLineItem", shipmentBase+o.Number*100+int64(i)), "quantity": l.Quantity}
	}
	return lines
}

func (s *shop) returnCreate(r request) (any, error) {
	var in struct {
		OrderID string `json:"orderId"`
		Lines   []struct {
			ID string `json:"fulfillmentLineItemId"`
		} `json:"returnLineItems"`
	}
	if err := decode(r.args["returnInput"], &in); err != nil {
		return nil, err
	}
	o, ok := s.getOrder(in.OrderID)
	if !ok || o.Shipment == nil || len(in.Lines) == 0 {
		return userErrors("userErrors", []string{"returnInput"}, "Return line items must have been fulfilled", "INVALID").with("return", nil), nil
	}
	n := s.count("return")
	id := gid("Return", 2_000_000_000+n)
	s.env.State().Put("return", id, r.args["returnInput"])
	return object{"return": object{"__typename": "Return", "id": id, "name": fmt.Sprintf("%s-R%d", o.Name, n), "status": "OPEN"}, "userErrors": []object{}}, nil
}

// happen tells of what people do in the shop and nothing here needs: a form post
// with a topic, and the name or ID of the order that it is about.
func (s *shop) happen(w http.ResponseWriter, r *http.Request) {
	topic, id := r.FormValue("topic"), r.FormValue("order")
	if !strings.HasPrefix(id, "gid://") {
		s.env.State().Get("order_name", strings.TrimPrefix(id, "#"), &id)
	}
	o, ok := s.getOrder(id)
	switch {
	case topic == "app/uninstalled":
		s.tell(object{"id": 1, "name": shopName, "myshopify_domain": "leaf-and-bean.myshopify.com"}, topic)
	case !ok:
		http.Error(w, "there is no such order", http.StatusNotFound)
		return
	case topic == "orders/updated":
		s.tell(s.orderPayload(o), topic)
	case topic == "orders/delete":
		s.tell(object{"id": orderBase + o.Number}, topic)
	case topic == "fulfillments/update" && o.Shipment != nil:
		s.tell(s.shipmentPayload(o), topic)
	default:
		http.Error(w, "topic must be app/uninstalled, orders/updated, orders/delete or, of an order that was sent, fulfillments/update", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, s.env.BaseURL()+"/admin", http.StatusSeeOther)
}
