package shopifyfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
)

// tell sends a payload under topics to every connection, signed with its secret.
// As at Shopify, what comes of one action shares its event ID, and nothing is kept
// in order.
func (s *shop) tell(payload object, topics ...string) {
	body, err := json.Marshal(payload)
	if err != nil {
		return // payloads are made here of what can be encoded
	}
	event := s.env.NextID("evt-")
	for _, topic := range topics {
		webhook := s.env.NextID("wh-")
		for _, a := range s.env.Accounts() {
			var c settings
			if json.Unmarshal(a.Config, &c) != nil || c.WebhookSecret == "" || !s.pushes(a.Hook, topic) {
				continue
			}
			secret, _, _ := strings.Cut(c.WebhookSecret, ",")
			mac := hmac.New(sha256.New, []byte(strings.TrimSpace(secret)))
			mac.Write(body)
			s.env.Deliver(fake.Delivery{URL: a.Hook, Body: body, Header: http.Header{
				"Content-Type":           {"application/json"},
				"User-Agent":             {"Shopify-Captain-Hook"},
				"X-Shopify-Topic":        {topic},
				"X-Shopify-Shop-Domain":  {"leaf-and-bean.myshopify.com"},
				"X-Shopify-Api-Version":  {"2026-07"},
				"X-Shopify-Event-Id":     {event},
				"X-Shopify-Webhook-Id":   {webhook},
				"X-Shopify-Triggered-At": {s.env.Now().UTC().Format(time.RFC3339Nano)},
				"X-Shopify-Hmac-Sha256":  {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
			}})
		}
	}
}

// orderPayload is an order as webhooks carry it: the shape of the REST Admin API.
func (s *shop) orderPayload(o order) object {
	attributes := make([]object, len(o.Attributes))
	for i, a := range o.Attributes {
		attributes[i] = object{"name": a.Key, "value": a.Value}
	}
	items := make([]object, len(o.Lines))
	for i, l := range o.Lines {
		items[i] = object{"id": 9_000_000_000 + o.Number*100 + int64(i), "title": l.Title, "quantity": l.Quantity,
			"price": decimal(l.Price), "admin_graphql_api_variant_id": l.VariantID}
	}
	sum := object{"amount": decimal(total(o.Lines)), "currency_code": currency}
	out := object{
		"id": orderBase + o.Number, "admin_graphql_api_id": o.ID, "name": o.Name, "order_number": 1000 + o.Number,
		"created_at": o.CreatedAt, "currency": currency, "total_price": decimal(total(o.Lines)),
		"total_price_set":  object{"shop_money": sum, "presentment_money": sum},
		"financial_status": strings.ToLower(o.financialStatus()), "fulfillment_status": nil,
		"cancelled_at": o.Cancelled, "cancel_reason": nil, "tags": strings.Join(o.Tags, ", "),
		"note_attributes": attributes, "line_items": items, "source_name": o.Source,
		"email": o.Email, "phone": o.Phone, "note": o.Note,
	}
	if o.Reason != "" {
		out["cancel_reason"] = o.Reason
	}
	if o.Shipment != nil {
		out["fulfillment_status"] = "fulfilled"
	}
	return out
}

// shipmentPayload is a fulfilment as webhooks carry it.
func (s *shop) shipmentPayload(o order) object {
	progress := any(nil)
	if o.Shipment.Delivered {
		progress = "delivered"
	}
	return object{
		"id": shipmentBase + o.Number, "admin_graphql_api_id": o.Shipment.ID, "order_id": orderBase + o.Number,
		"status": "success", "shipment_status": progress, "name": o.Name + ".1", "email": o.Email,
		"tracking_company": o.Shipment.Company, "tracking_number": o.Shipment.Number,
		"tracking_numbers": []string{o.Shipment.Number}, "tracking_url": o.Shipment.URL,
		"tracking_urls": []string{o.Shipment.URL},
	}
}
