package shopifyfake

import (
	"encoding/json"
	"fmt"
	"time"
)

// line is a line of a draft, an order or a cart; the price is in cents.
type line struct {
	VariantID string `json:"variantId"`
	Title     string `json:"title"`
	Quantity  int    `json:"quantity"`
	Price     int64  `json:"price"`
}

type attribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// draft is a draft order as it is kept.
type draft struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Lines      []line      `json:"lineItems"`
	Tags       []string    `json:"tags"`
	Attributes []attribute `json:"customAttributes"`
	Until      *time.Time  `json:"reserveInventoryUntil"`
	Note       string      `json:"note"`
	Email      string      `json:"email"`
	Phone      string      `json:"phone"`
	Order      int64       `json:"order_number"` // of the order it has become or is becoming
	CreatedAt  time.Time   `json:"created_at"`
}

func (s *shop) draftOrderCreate(r request) (any, error) {
	var d draft
	if err := decode(r.args["input"], &d); err != nil {
		return nil, err
	}
	if problem := priceLines(d.Lines); problem != "" {
		return userErrors("userErrors", []string{"lineItems"}, problem, "").with("draftOrder", nil), nil
	}
	for _, t := range d.Tags {
		if len([]rune(t)) > 40 {
			return userErrors("userErrors", []string{"tags"}, "Tags must be 40 characters or fewer", "").with("draftOrder", nil), nil
		}
	}
	n := s.count("draft")
	d.ID, d.Name, d.CreatedAt, d.Order = gid("DraftOrder", 7_000_000_000+n), fmt.Sprintf("#D%d", n), s.env.Now(), 0
	if d.Until != nil {
		h := hold{Until: *d.Until, Lines: map[string]int{}}
		for _, l := range d.Lines {
			h.Lines[l.VariantID] += l.Quantity
		}
		s.env.State().Put("hold", d.ID, h)
	}
	s.env.State().Put("draft", d.ID, d)
	s.index("draft", d.Tags, d.ID)
	return object{"draftOrder": s.draftObject(d), "userErrors": []object{}}, nil
}

// priceLines fills in titles and prices and says what is wrong with the lines.
func priceLines(lines []line) string {
	if len(lines) == 0 {
		return "Add at least 1 product"
	}
	for i, l := range lines {
		p, v, ok := findVariant(l.VariantID)
		switch {
		case !ok:
			return "Product with ID " + l.VariantID + " is no longer available or does not exist."
		case l.Quantity < 1:
			return "Quantity must be greater than or equal to 1"
		}
		lines[i].Title, lines[i].Price = p.title, v.price
	}
	return ""
}

func total(lines []line) (sum int64) {
	for _, l := range lines {
		sum += l.Price * int64(l.Quantity)
	}
	return sum
}

func (s *shop) getDraft(id string) (d draft, ok bool) {
	ok = s.env.State().Get("draft", id, &d)
	return d, ok
}

func (s *shop) draftOrder(r request) (any, error) {
	if d, ok := s.getDraft(r.text("id")); ok {
		return s.draftObject(d), nil
	}
	return nil, nil
}

func (s *shop) draftOrders(r request) (any, error) {
	var found []object
	horizon := s.horizon(r)
	for _, id := range s.tagged("draft", r) {
		if d, ok := s.getDraft(id); ok && !d.CreatedAt.After(horizon) {
			found = append(found, s.draftObject(d))
		}
	}
	return connection(found[:min(len(found), r.first())]), nil
}

func (s *shop) draftOrderComplete(r request) (any, error) {
	d, ok := s.getDraft(r.text("id"))
	if !ok {
		return userErrors("userErrors", []string{"id"}, "Draft order not found", "").with("draftOrder", nil), nil
	}
	if _, made := s.getOrder(gid("Order", orderBase+d.Order)); made {
		return userErrors("userErrors", []string{"id"}, "Draft order has already been completed", "").with("draftOrder", nil), nil
	}
	// The order's number is kept before the order, so that a fake which died in
	// between makes the same order and no other.
	if d.Order == 0 {
		d.Order = s.count("order")
		s.env.State().Put("draft", d.ID, d)
	}
	o := order{Number: d.Order, Lines: d.Lines, Tags: d.Tags, Attributes: d.Attributes, Note: d.Note, Email: d.Email, Phone: d.Phone,
		Pending: r.flag("paymentPending"), Source: "shopify_draft_order", Draft: d.ID}
	s.env.State().Delete("hold", d.ID)
	s.place(&o)
	return object{"draftOrder": s.draftObject(d), "userErrors": []object{}}, nil
}

func (s *shop) draftOrderDelete(r request) (any, error) {
	var in struct {
		ID string `json:"id"`
	}
	if err := decode(r.args["input"], &in); err != nil {
		return nil, err
	}
	if _, ok := s.getDraft(in.ID); !ok {
		return userErrors("userErrors", []string{"id"}, "Draft order not found", "").with("deletedId", nil), nil
	}
	s.env.State().Delete("draft", in.ID)
	s.env.State().Delete("hold", in.ID)
	return object{"deletedId": in.ID, "userErrors": []object{}}, nil
}

func (s *shop) draftObject(d draft) object {
	status := "OPEN"
	var made any
	if o, ok := s.getOrder(gid("Order", orderBase+d.Order)); ok {
		status, made = "COMPLETED", s.orderObject(o)
	}
	lines := make([]object, len(d.Lines))
	for i, l := range d.Lines {
		lines[i] = object{"__typename": "DraftOrderLineItem", "id": fmt.Sprintf("%s-%d", d.ID, i), "title": l.Title,
			"quantity": l.Quantity, "variant": object{"__typename": "ProductVariant", "id": l.VariantID},
			"originalUnitPriceSet": moneyBag(l.Price)}
	}
	return object{
		"__typename": "DraftOrder", "id": d.ID, "name": d.Name, "status": status, "ready": true, "tags": d.Tags,
		"reserveInventoryUntil": d.Until, "customAttributes": attributeObjects(d.Attributes),
		"totalPriceSet": moneyBag(total(d.Lines)), "lineItems": connection(lines), "order": made,
	}
}

func attributeObjects(list []attribute) []object {
	out := make([]object, len(list))
	for i, a := range list {
		out[i] = object{"__typename": "Attribute", "key": a.Key, "value": a.Value}
	}
	return out
}

// index makes objects findable by tag.
func (s *shop) index(kind string, tags []string, id string) {
	for _, t := range tags {
		s.env.State().Update(kind+"_tag", t, func(old json.RawMessage) any {
			var ids []string
			if old != nil && json.Unmarshal(old, &ids) != nil {
				ids = nil
			}
			return append(ids, id)
		})
	}
}

// tagged lists the IDs that a search by one tag finds.
func (s *shop) tagged(kind string, r request) (ids []string) {
	for _, terms := range parseSearch(r.text("query")) {
		for _, t := range terms {
			if t.field == "tag" {
				var some []string
				s.env.State().Get(kind+"_tag", t.value, &some)
				ids = append(ids, some...)
			}
		}
	}
	return ids
}

// horizon is until when a search sees what was made: now, or earlier by the lag
// of the fault search_lag.
func (s *shop) horizon(r request) time.Time {
	lag, _ := s.env.Fault("search_lag", r.op)
	return s.env.Now().Add(-lag)
}
