package shopifyfake

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
)

// cart is a cart as it is kept; its token is a secret that its URL holds.
type cart struct {
	ID         string      `json:"id"`
	Token      string      `json:"token"`
	Lines      []line      `json:"lines"`
	Attributes []attribute `json:"attributes"`
	OrderID    string      `json:"order_id"`
}

func (s *shop) newCart(lines []line, attributes []attribute) cart {
	token := "c1-" + strings.ToLower(rand.Text())
	c := cart{ID: gid("Cart", token), Token: token, Lines: lines, Attributes: attributes}
	s.env.State().Put("cart", c.ID, c)
	return c
}

func (s *shop) cartCreate(r request) (any, error) {
	var in struct {
		Lines []struct {
			MerchandiseID string `json:"merchandiseId"`
			Quantity      int    `json:"quantity"`
		} `json:"lines"`
		Attributes []attribute `json:"attributes"`
	}
	if err := decode(r.args["input"], &in); err != nil {
		return nil, err
	}
	var lines []line
	for _, l := range in.Lines {
		lines = append(lines, line{VariantID: l.MerchandiseID, Quantity: l.Quantity})
	}
	if priceLines(lines) != "" {
		return userErrors("userErrors", []string{"input", "lines", "0", "merchandiseId"},
			"The merchandise with id does not exist.", "INVALID").with("cart", nil).with("warnings", []object{}), nil
	}
	warnings := []object{}
	if !s.inStock(lines) {
		warnings = append(warnings, object{"__typename": "CartWarning", "code": "MERCHANDISE_NOT_ENOUGH_STOCK", "message": "Not enough stock", "target": ""})
	}
	c := s.newCart(lines, in.Attributes)
	return object{"cart": s.cartObject(c), "userErrors": []object{}, "warnings": warnings}, nil
}

func (s *shop) cart(r request) (any, error) {
	var c cart
	if s.env.State().Get("cart", r.text("id"), &c) && c.OrderID == "" {
		return s.cartObject(c), nil
	}
	return nil, nil
}

func (s *shop) cartObject(c cart) object {
	quantity := 0
	for _, l := range c.Lines {
		quantity += l.Quantity
	}
	sum := object{"__typename": "MoneyV2", "amount": decimal(total(c.Lines)), "currencyCode": currency}
	return object{"__typename": "Cart", "id": c.ID, "checkoutUrl": s.env.BaseURL() + "/checkouts/" + c.Token,
		"totalQuantity": quantity, "attributes": attributeObjects(c.Attributes),
		"cost": object{"__typename": "CartCost", "totalAmount": sum, "subtotalAmount": sum}}
}

// permalinkLines reads the items of a cart permalink: "101:2,118:1".
func permalinkLines(items string) ([]line, error) {
	var lines []line
	for item := range strings.SplitSeq(items, ",") {
		id, n, _ := strings.Cut(item, ":")
		quantity, err := strconv.Atoi(n)
		if err != nil {
			return nil, fmt.Errorf("no quantity")
		}
		lines = append(lines, line{VariantID: gid("ProductVariant", id), Quantity: quantity})
	}
	if problem := priceLines(lines); problem != "" {
		return nil, fmt.Errorf("%s", problem)
	}
	return lines, nil
}
