package shopify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func TestWhatTheShopNeedsIsRefusedInBadForm(t *testing.T) {
	s := newShop(t)
	for name, c := range map[string]struct{ operation, input string }{
		"return for no reason":     {"return_create", `{"order_id":"gid://shopify/Order/1","reason":"bored"}`},
		"another reason, unsaid":   {"return_create", `{"order_id":"gid://shopify/Order/1","reason":"other"}`},
		"a change of nothing":      {"inventory_adjust", `{"item_id":"gid://shopify/InventoryItem/1","location_id":"gid://shopify/Location/1","delta":0,"reason":"received"}`},
		"a mixed-up item":          {"inventory_adjust", `{"item_id":"gid://shopify/ProductVariant/1","location_id":"gid://shopify/Location/1","delta":1,"reason":"received"}`},
		"a customer without names": {"customer_upsert", `{"first_name":"Jenny"}`},
		"percent and amount":       {"discount_code_create", `{"code":"A","title":"A","percent":5,"amount":5,"currency":"USD"}`},
		"more than all":            {"discount_code_create", `{"code":"A","title":"A","percent":101}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.fails(sdk.Invalid, c.operation, "k", c.input)
		})
	}
}

func TestAnOrderIsSentOffOnceAndComesBack(t *testing.T) {
	s := newShop(t)
	variant := "gid://shopify/ProductVariant/101"
	order := s.run("order_create", "k1", `{"lines":[{"variant_id":"`+variant+`","quantity":2}],"payment_pending":false}`)["id"].(string)
	input := `{"order_id":"` + order + `","tracking":{"number":"LB1","company":"Parcel Express"}}`
	s.fails(sdk.Rejected, "return_create", "k2", `{"order_id":"`+order+`","reason":"unwanted"}`)
	_, found := s.find("fulfillment_create", "k3", input)
	require.False(t, found)
	sent := s.run("fulfillment_create", "k3", input)
	require.Equal(t, sent, s.run("fulfillment_create", "k3", input))
	again, found := s.find("fulfillment_create", "k3", input)
	require.True(t, found)
	require.Equal(t, sent, again)
	s.fails(sdk.Rejected, "fulfillment_create", "k4", `{"order_id":"`+order+`","tracking":{"number":"LB2"}}`)
	require.Equal(t, "open", s.run("return_create", "k5", `{"order_id":"`+order+`","reason":"unwanted"}`)["status"])
}

func TestStockIsAdjustedOnceForAKey(t *testing.T) {
	s := newShop(t)
	look := func() (item, place string, available float64) {
		out := s.run("inventory_levels", "", `{"variant_id":"gid://shopify/ProductVariant/101"}`)
		level := out["levels"].([]any)[0].(map[string]any)
		return out["item_id"].(string), level["location_id"].(string), level["available"].(float64)
	}
	item, place, before := look()
	input := `{"item_id":"` + item + `","location_id":"` + place + `","delta":5,"reason":"received"}`
	first := s.run("inventory_adjust", "k1", input)
	require.Equal(t, first, s.run("inventory_adjust", "k1", input))
	_, _, after := look()
	require.Equal(t, before+5, after)
}

func TestACodeIsTakenOnce(t *testing.T) {
	s := newShop(t)
	const input = `{"code":"SPRING10","title":"Spring","percent":10}`
	made := s.run("discount_code_create", "k1", input)
	require.Equal(t, made, s.run("discount_code_create", "k1", input), "a repeat finds the first")
	s.fails(sdk.Rejected, "discount_code_create", "k2", input)
	_, found := s.find("discount_code_create", "k2", input)
	require.False(t, found, "another's code is not ours")
}
