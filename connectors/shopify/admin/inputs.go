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

// FulfillmentInput is the part of Shopify's FulfillmentInput that is sent.
type FulfillmentInput struct {
	Orders   []FulfillmentOrderInput `json:"lineItemsByFulfillmentOrder"`
	Notify   bool                    `json:"notifyCustomer"`
	Tracking *TrackingInput          `json:"trackingInfo,omitempty"`
}

// FulfillmentOrderInput names goods to send: all that a fulfillment order still has.
type FulfillmentOrderInput struct {
	ID string `json:"fulfillmentOrderId"`
}

// TrackingInput is how a parcel is followed (Shopify's FulfillmentTrackingInput).
type TrackingInput struct {
	Company string `json:"company,omitempty"`
	Number  string `json:"number,omitempty"`
	URL     string `json:"url,omitempty"`
}

// ReturnInput is the part of Shopify's ReturnInput that is sent.
type ReturnInput struct {
	OrderID string            `json:"orderId"`
	Lines   []ReturnLineInput `json:"returnLineItems"`
}

// ReturnLineInput is goods that come back (Shopify's ReturnLineItemInput).
type ReturnLineInput struct {
	ID       string `json:"fulfillmentLineItemId"`
	Quantity int    `json:"quantity"`
	Reason   string `json:"returnReason"`
	Note     string `json:"returnReasonNote,omitempty"`
}

// InventoryInput is the part of Shopify's InventoryAdjustQuantitiesInput that is sent.
type InventoryInput struct {
	Name      string            `json:"name"`
	Reason    string            `json:"reason"`
	Reference string            `json:"referenceDocumentUri,omitempty"`
	Changes   []InventoryChange `json:"changes"`
}

// InventoryChange adds to or takes from a stock (Shopify's InventoryChangeInput).
// A nil From asks for no comparison with the quantity of before.
type InventoryChange struct {
	Delta    int    `json:"delta"`
	ItemID   string `json:"inventoryItemId"`
	Location string `json:"locationId"`
	From     *int   `json:"changeFromQuantity"`
}

// CustomerIdentifier says whom a customer's data are for; one of the two.
type CustomerIdentifier struct {
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// CustomerInput is the part of Shopify's CustomerSetInput that is sent.
type CustomerInput struct {
	Email     string   `json:"email,omitempty"`
	Phone     string   `json:"phone,omitempty"`
	FirstName string   `json:"firstName,omitempty"`
	LastName  string   `json:"lastName,omitempty"`
	Locale    string   `json:"locale,omitempty"`
	Note      string   `json:"note,omitempty"`
	Tags      []string `json:"tags,omitempty"`
}

// DiscountInput is the part of Shopify's DiscountCodeBasicInput that is sent.
type DiscountInput struct {
	Title      string          `json:"title"`
	Code       string          `json:"code"`
	StartsAt   time.Time       `json:"startsAt"`
	EndsAt     *time.Time      `json:"endsAt,omitempty"`
	UsageLimit int             `json:"usageLimit,omitempty"`
	Once       bool            `json:"appliesOncePerCustomer"`
	Tags       []string        `json:"tags,omitempty"`
	Context    DiscountContext `json:"context"`
	Gets       DiscountGets    `json:"customerGets"`
}

// DiscountContext says who may use a code.
type DiscountContext struct {
	All string `json:"all"`
}

// DiscountGets is what a code gives (Shopify's DiscountCustomerGetsInput).
type DiscountGets struct {
	Items DiscountItems `json:"items"`
	Value DiscountValue `json:"value"`
}

// DiscountItems says what a code is good for.
type DiscountItems struct {
	All bool `json:"all"`
}

// DiscountValue is a share, from 0 to 1, or an amount; one of the two.
type DiscountValue struct {
	Percentage float64         `json:"percentage,omitempty"`
	Amount     *DiscountAmount `json:"discountAmount,omitempty"`
}

// DiscountAmount is an amount off the whole order.
type DiscountAmount struct {
	Amount string `json:"amount"`
	Each   bool   `json:"appliesOnEachItem"`
}
