// Package shopify connects a Shopify shop: its catalogue, carts, draft orders,
// orders and refunds, and the webhooks that tell of orders and shipments.
//
// It speaks GraphQL, version 2026-07: the Admin API for everything but carts,
// which belong to the Storefront API. The queries stand in .graphql files in the
// packages admin and storefront, where genqlient turns them into typed Go; a test
// holds every one of them against Shopify's schema. The two schemas are far too
// large to generate inputs from, so the inputs are small hand-written structs that
// hold what is really sent.
//
// Money is in minor units of the currency (ISO 4217) everywhere, never in floats.
//
// How to sell without ever making two orders of one payment: draft_order_create
// with a reservation, take the payment, draft_order_complete. Shopify turns a draft
// into an order at most once, and a draft says whether it has become one, so
// completing it can be repeated safely. order_create has no such guard.
package shopify

import (
	"time"

	"parley/connectors/sdk"
)

// searchSettle is how long Shopify's search may take to show a new draft or
// order. Shopify calls searches eventually consistent and gives no figure; they
// usually follow within seconds, so a minute is careful.
const searchSettle = time.Minute

// cancelSettle is how long the background job of a cancellation may take before
// the order shows it.
const cancelSettle = 30 * time.Second

// refundKeyLifetime is how long Shopify remembers a refund's idempotency key
// ("Implementing idempotency" in its API usage documentation).
const refundKeyLifetime = 24 * time.Hour

// unlimited is the key lifetime of an operation whose repeat changes nothing.
const unlimited = 10 * 365 * 24 * time.Hour

var read = sdk.Effect{Kind: sdk.Read}

// Connector is Shopify.
var Connector = sdk.Connector{
	Name:   "shopify",
	Title:  "Shopify",
	Docs:   "https://shopify.dev/docs/api/admin-graphql/2026-07",
	Config: &Config{},
	Open:   open,
	Operations: []sdk.Operation{
		sdk.Op("search_products", "Finds active products by words, by tag, or both.", read, (*conn).searchProducts).
			Sample(`{"query": "coffee", "limit": 3}`),
		sdk.Op("get_product", "Gets one product with its variants.", read, (*conn).getProduct).
			Sample(`{"id": "{{search_products.products.0.id}}"}`),
		// Shopify takes no key for carts and cannot search them. A cart that nobody
		// was given the link of does no harm, but honesty makes this a once.
		sdk.Op("cart_create", "Makes a cart that the customer pays for on Shopify's checkout page.", sdk.Effect{Kind: sdk.Once}, (*conn).cartCreate).
			Sample(`{"lines": [{"variant_id": "{{search_products.products.0.variants.0.id}}", "quantity": 1}]}`),
		sdk.Op("cart_get", "Gets a cart.", read, (*conn).cartGet).
			Sample(`{"id": "{{cart_create.id}}"}`),
		sdk.Op("checkout_link", "Gives the checkout link of a cart, or a link that fills a new one.", read, (*conn).checkoutLink).
			Sample(`{"cart_id": "{{cart_create.id}}"}`),
		sdk.LookupOp("draft_order_create", "Makes a draft order and reserves its stock for a while.", searchSettle, (*conn).draftCreate, (*conn).draftFind).
			Sample(`{"lines": [{"variant_id": "{{search_products.products.0.variants.0.id}}", "quantity": 1}], "reserve_minutes": 30}`),
		// Whether a draft was completed or deleted is asked of the draft itself, not
		// of a search, so nothing has to settle.
		sdk.LookupOp("draft_order_complete", "Turns a draft order into an order, once.", 0, (*conn).draftComplete, (*conn).draftCompleted).
			Sample(`{"draft_id": "{{draft_order_create.id}}"}`),
		sdk.LookupOp("draft_order_delete", "Deletes a draft order and frees its stock.", 0, (*conn).draftDelete, (*conn).draftDeleted).
			Sample(`{"draft_id": "{{draft_order_create.id}}"}`),
		sdk.LookupOp("order_create", "Makes an order without a draft.", searchSettle, (*conn).orderCreate, (*conn).orderFind).
			Sample(`{"lines": [{"variant_id": "{{search_products.products.0.variants.0.id}}", "quantity": 1}], "payment_pending": false}`),
		sdk.Op("order_status", "Tells how far an order has come, with its tracking numbers.", read, (*conn).orderStatus).
			Sample(`{"order_id": "{{order_create.id}}"}`),
		sdk.LookupOp("order_cancel", "Cancels an order, for good.", cancelSettle, (*conn).orderCancel, (*conn).orderCancelled).
			Sample(`{"order_id": "{{order_create.id}}", "reason": "customer", "restock": true, "refund": true}`),
		sdk.Op("refund_create", "Gives money back for an order, the way it was paid.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: refundKeyLifetime}, (*conn).refundCreate).
			Sample(`{"order_id": "{{order_create.id}}"}`),
		// What is sent already is asked of the order itself, so nothing has to settle.
		sdk.LookupOp("fulfillment_create", "Sends off all that an order still has open.", 0, (*conn).fulfil, (*conn).fulfilled).
			Sample(`{"order_id": "{{order_create.id}}", "tracking": {"number": "LB000000001", "company": "Parcel Express"}}`),
		// Shopify documents no key for returns, and an order may have several that say the same.
		sdk.Op("return_create", "Opens a return of goods that were sent.", sdk.Effect{Kind: sdk.Once}, (*conn).returnCreate).
			Sample(`{"order_id": "{{fulfillment_create.order_id}}", "reason": "unwanted"}`),
		sdk.Op("inventory_levels", "Tells how many of a variant there are, at each location.", read, (*conn).inventoryLevels).
			Sample(`{"variant_id": "{{search_products.products.0.variants.0.id}}"}`),
		sdk.Op("inventory_adjust", "Adds to or takes from what is available of an item at a location.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: refundKeyLifetime}, (*conn).inventoryAdjust).
			Sample(`{"item_id": "{{inventory_levels.item_id}}", "location_id": "{{inventory_levels.levels.0.location_id}}", "delta": 5, "reason": "received"}`),
		sdk.Op("customer_upsert", "Changes the customer with an email address or phone number, or makes one.",
			sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}, (*conn).customerUpsert).
			Sample(`{"email": "jenny@example.com", "first_name": "Jenny"}`),
		// A code is asked for by its name, which is no search.
		sdk.LookupOp("discount_code_create", "Makes a discount code for all customers.", 0, (*conn).discountCreate, (*conn).discountFind).
			Sample(`{"code": "SPRING10", "title": "Spring", "percent": 10}`),
	},
	Triggers: triggers,
}
