package shopify

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/shopify/storefront"
)

// CartInput is what to put into a new cart.
type CartInput struct {
	Lines []Line `json:"lines"`
}

// Validate implements sdk.Validator.
func (in CartInput) Validate() error { return checkLines(in.Lines) }

// Cart is a cart on its way to Shopify's checkout.
type Cart struct {
	ID          string `json:"id"`
	CheckoutURL string `json:"checkout_url"`
	Total       Money  `json:"total" doc:"Before shipping and taxes that the checkout adds."`
	Quantity    int    `json:"quantity"`
}

func (c *conn) cartCreate(ctx context.Context, call sdk.Call, in CartInput) (Cart, error) {
	if c.storefront == nil {
		return Cart{}, errNoStorefront
	}
	input := storefront.CartInput{}
	for _, l := range in.Lines {
		input.Lines = append(input.Lines, storefront.LineInput{MerchandiseID: l.VariantID, Quantity: l.Quantity})
	}
	if call.Key != "" {
		input.Attributes = append(input.Attributes, storefront.AttributeInput{Key: keyAttribute, Value: call.Key})
	}
	if call.Workspace != "" {
		input.Attributes = append(input.Attributes, storefront.AttributeInput{Key: workspaceAttribute, Value: call.Workspace})
	}
	got, err := storefront.CartCreate(ctx, c.storefront, input)
	if err != nil {
		return Cart{}, err
	}
	if err := mutationError(got.CartCreate.UserErrors, sdk.Invalid); err != nil {
		return Cart{}, err
	}
	// Shopify makes a smaller cart and only warns when stock runs out.
	for _, w := range got.CartCreate.Warnings {
		if strings.HasPrefix(w.Code, "MERCHANDISE_") && strings.HasSuffix(w.Code, "_STOCK") {
			return Cart{}, outOfStock(w.Code)
		}
	}
	return c.cart(got.CartCreate.Cart)
}

// CartRef names a cart.
type CartRef struct {
	ID string `json:"id" doc:"The cart's global ID, gid://shopify/Cart/…"`
}

// Validate implements sdk.Validator.
func (in CartRef) Validate() error { return checkID("Cart", in.ID) }

func (c *conn) cartGet(ctx context.Context, _ sdk.Call, in CartRef) (Cart, error) {
	if c.storefront == nil {
		return Cart{}, errNoStorefront
	}
	got, err := storefront.CartGet(ctx, c.storefront, in.ID)
	if err != nil {
		return Cart{}, err
	}
	if got.Cart.Id == "" {
		return Cart{}, &sdk.Error{Class: sdk.NotFound, Message: "the cart does not exist, has expired or was paid"}
	}
	return c.cart(got.Cart)
}

func (c *conn) cart(in storefront.Cart) (Cart, error) {
	total, err := c.money(in.Cost.TotalAmount.Amount, in.Cost.TotalAmount.CurrencyCode)
	if err != nil {
		return Cart{}, err
	}
	return Cart{ID: in.Id, CheckoutURL: in.CheckoutUrl, Total: total, Quantity: in.TotalQuantity}, nil
}

var errNoStorefront = sdk.Invalidf("carts need the setting storefront_token: a Storefront API access token")

// LinkInput gives either a cart or the lines of a new one.
type LinkInput struct {
	CartID string `json:"cart_id,omitempty"`
	Lines  []Line `json:"lines,omitempty"`
}

// Validate implements sdk.Validator.
func (in LinkInput) Validate() error {
	if (in.CartID == "") == (len(in.Lines) == 0) {
		return sdk.Invalidf("give either cart_id or lines")
	}
	if in.CartID != "" {
		return checkID("Cart", in.CartID)
	}
	return checkLines(in.Lines)
}

// Link is where the customer pays.
type Link struct {
	CheckoutURL string `json:"checkout_url"`
}

// checkoutLink gives the checkout of a cart, or a cart permalink, which makes a
// cart of its own when it is opened ("Create cart permalinks").
func (c *conn) checkoutLink(ctx context.Context, call sdk.Call, in LinkInput) (Link, error) {
	if in.CartID != "" {
		cart, err := c.cartGet(ctx, call, CartRef{ID: in.CartID})
		return Link{CheckoutURL: cart.CheckoutURL}, err
	}
	items := make([]string, len(in.Lines))
	for i, l := range in.Lines {
		items[i] = fmt.Sprintf("%s:%d", url.PathEscape(numericID(l.VariantID)), l.Quantity)
	}
	link := c.baseURL + "/cart/" + strings.Join(items, ",")
	if call.Key != "" {
		link += "?" + url.Values{"attributes[" + keyAttribute + "]": {call.Key}}.Encode()
	}
	return Link{CheckoutURL: link}, nil
}
