package shopifyfake

// adminRoots are the root fields of the Admin API that the fake knows.
func (s *shop) adminRoots() roots {
	return roots{
		"shop":               func(request) (any, error) { return s.shopObject(), nil },
		"products":           s.products,
		"product":            s.product,
		"productVariants":    s.productVariants,
		"draftOrder":         s.draftOrder,
		"draftOrders":        s.draftOrders,
		"draftOrderCreate":   s.draftOrderCreate,
		"draftOrderComplete": s.draftOrderComplete,
		"draftOrderDelete":   s.draftOrderDelete,
		"order":              s.order,
		"orders":             s.orders,
		"orderCreate":        s.orderCreate,
		"orderCancel":        s.orderCancel,
		"refundCreate":       s.refundCreate,

		"webhookSubscriptions":      s.webhookSubscriptions,
		"webhookSubscriptionCreate": s.webhookSubscriptionCreate,
		"productVariant":            s.productVariant,
		"inventoryAdjustQuantities": s.inventoryAdjust,
		"customerSet":               s.customerSet,
		"discountCodeBasicCreate":   s.discountCreate,
		"codeDiscountNodeByCode":    s.discountByCode,
		"fulfillmentCreate":         s.fulfillmentCreate,
		"returnCreate":              s.returnCreate,
	}
}

// storefrontRoots are those of the Storefront API.
func (s *shop) storefrontRoots() roots {
	return roots{"cart": s.cart, "cartCreate": s.cartCreate}
}
