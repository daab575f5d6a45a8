package admin

import "time"

// DraftOrderInput is the part of Shopify's DraftOrderInput that is sent.
type DraftOrderInput struct {
	LineItems             []LineInput      `json:"lineItems"`
	Tags                  []string         `json:"tags,omitempty"`
	CustomAttributes      []AttributeInput `json:"customAttributes,omitempty"`
	ReserveInventoryUntil *time.Time       `json:"reserveInventoryUntil,omitempty"`
	Note                  string           `json:"note,omitempty"`
	Email                 string           `json:"email,omitempty"`
	Phone                 string           `json:"phone,omitempty"`
}

// OrderInput is the part of Shopify's OrderCreateOrderInput that is sent.
type OrderInput struct {
	LineItems        []LineInput      `json:"lineItems"`
	Tags             []string         `json:"tags,omitempty"`
	CustomAttributes []AttributeInput `json:"customAttributes,omitempty"`
	FinancialStatus  string           `json:"financialStatus"`
	Note             string           `json:"note,omitempty"`
	Email            string           `json:"email,omitempty"`
	Phone            string           `json:"phone,omitempty"`
}

// LineInput is a line of a draft order or an order.
type LineInput struct {
	VariantID string `json:"variantId"`
	Quantity  int    `json:"quantity"`
}

// AttributeInput is a custom attribute of a draft order or an order.
type AttributeInput struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// RefundInput is the part of Shopify's RefundInput that is sent.
type RefundInput struct {
	OrderID      string             `json:"orderId"`
	Currency     string             `json:"currency"`
	Note         string             `json:"note,omitempty"`
	Notify       bool               `json:"notify"`
	Transactions []TransactionInput `json:"transactions"`
}

// TransactionInput gives back part of a payment (Shopify's OrderTransactionInput).
type TransactionInput struct {
	OrderID  string `json:"orderId"`
	ParentID string `json:"parentId"`
	Kind     string `json:"kind"`
	Gateway  string `json:"gateway"`
	Amount   string `json:"amount"`
}
