package storefront

// CartInput is the part of Shopify's CartInput that is sent.
type CartInput struct {
	Lines      []LineInput      `json:"lines"`
	Attributes []AttributeInput `json:"attributes,omitempty"`
}

// LineInput is a line of a cart.
type LineInput struct {
	MerchandiseID string `json:"merchandiseId"`
	Quantity      int    `json:"quantity"`
}

// AttributeInput is a custom attribute of a cart.
type AttributeInput struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
