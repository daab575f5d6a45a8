package shopify_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func TestSearchProducts(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		name, input string
		want        []string
	}{
		{"a word", `{"query":"espresso"}`, []string{"House Espresso"}},
		{"the beginning of a word, any case", `{"query":"BISC"}`, []string{"Almond Biscotti"}},
		{"all words must match", `{"query":"tea bergamot"}`, []string{"Earl Grey Imperial"}},
		{"by tag", `{"tag":"addon"}`, []string{"Almond Biscotti", "Gift Wrap"}},
		{"by tag among the words", `{"query":"gift tag:addon"}`, []string{"Gift Wrap"}},
		{"connectives are words of no meaning", `{"query":"biscotti OR"}`, []string{"Almond Biscotti"}},
		{"search syntax has no power", `{"query":"status:draft"}`, nil},
		{"nothing found", `{"query":"petrol"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var titles []string
			for _, p := range s.run("search_products", "", c.input)["products"].([]any) {
				titles = append(titles, p.(map[string]any)["title"].(string))
			}
			require.Equal(t, c.want, titles)
		})
	}
	require.Len(t, s.run("search_products", "", `{}`)["products"], 10)
	require.Len(t, s.run("search_products", "", `{"limit":25}`)["products"], 12)
	require.Len(t, s.run("search_products", "", `{"limit":2}`)["products"], 2)
}

func TestGetProduct(t *testing.T) {
	s := newShop(t)
	p := s.run("get_product", "", `{"id":"gid://shopify/Product/3"}`)
	require.Equal(t, "House Espresso", p["title"])
	require.Equal(t, map[string]any{"amount": 1190.0, "currency": "USD"}, p["price"])
	require.Equal(t, map[string]any{"id": espresso, "title": "250 g", "available": true,
		"price": map[string]any{"amount": 1190.0, "currency": "USD"}}, p["variants"].([]any)[0])
	resp, err := http.Get(p["image_url"].(string))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)

	out := s.run("get_product", "", `{"id":"gid://shopify/Product/10"}`)
	require.Equal(t, false, out["variants"].([]any)[0].(map[string]any)["available"])
	s.fails(sdk.NotFound, "get_product", "", `{"id":"gid://shopify/Product/999"}`)
	s.fails(sdk.Invalid, "get_product", "", `{"id":"gid://shopify/Order/3"}`)
}

func TestCart(t *testing.T) {
	s := newShop(t)
	cart := s.run("cart_create", "key-1", `{`+lines(espresso, 2, biscotti, 1)+`}`)
	require.Equal(t, map[string]any{"amount": 3030.0, "currency": "USD"}, cart["total"])
	id := cart["id"].(string)
	require.Equal(t, cart, s.run("cart_get", "", `{"id":"`+id+`"}`))
	require.Equal(t, cart["checkout_url"], s.run("checkout_link", "", `{"cart_id":"`+id+`"}`)["checkout_url"])

	for range 2 { // paying twice makes one order
		resp, err := http.PostForm(cart["checkout_url"].(string), url.Values{})
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	require.Len(t, s.orders(), 1)
	require.Equal(t, "key-1", s.orders()[0].Key)
	require.Equal(t, "key-1", s.events()[0].Provider.EffectKey)
	s.fails(sdk.NotFound, "cart_get", "", `{"id":"`+id+`"}`)

	e := s.fails(sdk.Rejected, "cart_create", "key-2", `{`+lines(sage, 4)+`}`)
	require.NotEmpty(t, e.Customer)
}

func TestPermalink(t *testing.T) {
	s := newShop(t)
	link := s.run("checkout_link", "key-9", `{`+lines(espresso, 2, biscotti, 1)+`}`)["checkout_url"].(string)
	require.True(t, strings.HasPrefix(link, s.server.URL+"/cart/105:2,118:1?"), link)
	resp, err := http.Get(link)
	require.NoError(t, err)
	resp.Body.Close()
	require.Contains(t, resp.Request.URL.Path, "/checkouts/")
}

func TestDraftBecomesOneOrder(t *testing.T) {
	s := newShop(t)
	draft := s.run("draft_order_create", "key-1", `{`+lines(espresso, 1, biscotti, 2)+`,"email":"ada@example.com","phone":"+14155550100","note":"ring twice"}`)
	require.Equal(t, map[string]any{"amount": 2490.0, "currency": "USD"}, draft["total"])
	require.Len(t, draft["lines"], 2)
	require.NotEmpty(t, draft["reserved_until"])

	input := `{"draft_id":"` + draft["id"].(string) + `"}`
	_, found := s.find("draft_order_complete", "key-2", input)
	require.False(t, found)
	order := s.run("draft_order_complete", "key-2", input)
	require.Equal(t, "#1001", order["name"])
	require.Equal(t, map[string]any{"amount": 2490.0, "currency": "USD"}, order["total"])
	require.Equal(t, order, s.run("draft_order_complete", "key-3", input), "a second completion gives the same order")
	again, found := s.find("draft_order_complete", "key-2", input)
	require.True(t, found)
	require.Equal(t, order, again)
	require.Len(t, s.orders(), 1)
	require.Equal(t, "key-1", s.orders()[0].Key)

	s.fails(sdk.Rejected, "draft_order_delete", "key-4", input)
}

func TestCutConnectionsMakeNothingTwice(t *testing.T) {
	s := newShop(t)
	input := `{` + lines(espresso, 1) + `}`
	s.cutCall(2) // the stock is looked at, then the draft is made
	e := s.fails(sdk.Unavailable, "draft_order_create", "key-1", input)
	require.True(t, e.Wrote)
	draft, found := s.find("draft_order_create", "key-1", input)
	require.True(t, found)
	_, found = s.find("draft_order_create", "key-other", input)
	require.False(t, found)

	complete := `{"draft_id":"` + draft["id"].(string) + `"}`
	s.cutCall(2) // the draft is looked at, then completed
	e = s.fails(sdk.Unavailable, "draft_order_complete", "key-2", complete)
	require.True(t, e.Wrote)
	order, found := s.find("draft_order_complete", "key-2", complete)
	require.True(t, found)
	require.Equal(t, order, s.run("draft_order_complete", "key-2", complete))

	s.cutCall(1)
	e = s.fails(sdk.Unavailable, "order_create", "key-3", input)
	require.True(t, e.Wrote)
	_, found = s.find("order_create", "key-3", input)
	require.True(t, found)
	require.Len(t, s.orders(), 2)

	s.cutCall(1) // the look before the act: nothing was done
	e = s.fails(sdk.Unavailable, "draft_order_complete", "key-2", complete)
	require.False(t, e.Wrote)
}

func TestLaggingSearchFindsLater(t *testing.T) {
	s := newShop(t)
	input := `{` + lines(espresso, 1) + `}`
	key := strings.Repeat("0123456789abcdef", 4) // too long for a tag, so hashed
	s.env.SetFault("search_lag", 30*time.Second)
	s.run("draft_order_create", key, input)
	_, found := s.find("draft_order_create", key, input)
	require.False(t, found, "the search lags")
	s.now = s.now.Add(op(t, "draft_order_create").Effect.Settle)
	_, found = s.find("draft_order_create", key, input)
	require.True(t, found, "after the stated time it must be seen")
}

func TestDeleteDraft(t *testing.T) {
	s := newShop(t)
	all := `{` + lines(sage, 3) + `}`
	draft := s.run("draft_order_create", "key-1", all)
	s.fails(sdk.Rejected, "draft_order_create", "key-2", `{`+lines(sage, 1)+`}`)
	input := `{"draft_id":"` + draft["id"].(string) + `"}`
	_, found := s.find("draft_order_delete", "key-3", input)
	require.False(t, found)
	for range 2 {
		require.Equal(t, true, s.run("draft_order_delete", "key-3", input)["deleted"])
	}
	_, found = s.find("draft_order_delete", "key-3", input)
	require.True(t, found)
	s.fails(sdk.NotFound, "draft_order_complete", "key-4", input)
	s.run("draft_order_create", "key-2", all)
}

func TestReservationsExpire(t *testing.T) {
	s := newShop(t)
	all := `"lines":[{"variant_id":"` + sage + `","quantity":3}]`
	s.run("draft_order_create", "key-1", `{`+all+`,"reserve_minutes":10}`)
	e := s.fails(sdk.Rejected, "draft_order_create", "key-2", `{`+all+`}`)
	require.Equal(t, "OUT_OF_STOCK", e.Code)
	require.NotEmpty(t, e.Customer)
	s.now = s.now.Add(11 * time.Minute)
	s.run("draft_order_create", "key-2", `{`+all+`}`)
}

func TestOrderLife(t *testing.T) {
	s := newShop(t)
	order := s.run("order_create", "key-1", `{`+lines(espresso, 2)+`,"payment_pending":true}`)
	status := s.run("order_status", "", `{"name":"1001"}`)
	require.Equal(t, order["id"], status["id"])
	require.Equal(t, "pending", status["financial_status"])
	require.Equal(t, "unfulfilled", status["fulfillment_status"])
	require.Equal(t, false, status["cancelled"])
	require.Empty(t, status["tracking"])

	for _, delivered := range []string{"false", "true", "true"} {
		resp, err := http.Post(s.server.URL+"/_fulfil", "application/json",
			strings.NewReader(`{"order":"#1001","delivered":`+delivered+`}`))
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	status = s.run("order_status", "", `{"order_id":"`+order["id"].(string)+`"}`)
	require.Equal(t, "delivered", status["fulfillment_status"])
	require.Equal(t, map[string]any{"number": "LB000000001", "company": "Parcel Express",
		"url": "https://parcels.example/track/LB000000001"}, status["tracking"].([]any)[0])
	require.Equal(t, []string{"order.created", "order.fulfilled", "order.delivered"}, names(s.events()))

	s.fails(sdk.NotFound, "order_status", "", `{"name":"#4711"}`)
	s.fails(sdk.NotFound, "order_status", "", `{"order_id":"gid://shopify/Order/1"}`)
	s.fails(sdk.Invalid, "order_status", "", `{"name":"x\" OR status:open"}`)
	s.fails(sdk.Invalid, "order_status", "", `{}`)
}

func TestCancelOnce(t *testing.T) {
	s := newShop(t)
	order := s.run("order_create", "key-1", `{`+lines(sage, 3)+`}`)
	s.fails(sdk.Rejected, "order_create", "key-2", `{`+lines(sage, 1)+`}`)
	input := `{"order_id":"` + order["id"].(string) + `","reason":"customer","restock":true,"refund":true}`
	_, found := s.find("order_cancel", "key-3", input)
	require.False(t, found)
	for range 2 {
		require.Equal(t, true, s.run("order_cancel", "key-3", input)["done"])
	}
	_, found = s.find("order_cancel", "key-3", input)
	require.True(t, found)
	status := s.run("order_status", "", `{"name":"#1001"}`)
	require.Equal(t, true, status["cancelled"])
	require.Equal(t, "refunded", status["financial_status"])
	require.Equal(t, []string{"order.created", "order.paid", "refund.created", "order.cancelled"}, names(s.events()))
	s.run("order_create", "key-2", `{`+lines(sage, 1)+`}`) // the stock is back

	s.fails(sdk.NotFound, "order_cancel", "key-4", strings.Replace(input, order["id"].(string), "gid://shopify/Order/1", 1))
	s.fails(sdk.Invalid, "order_cancel", "key-4", strings.Replace(input, "customer", "bored", 1))
}

func TestRefundIsKeyed(t *testing.T) {
	s := newShop(t)
	order := s.run("order_create", "key-1", `{`+lines(espresso, 2)+`}`) // 23.80
	id := order["id"].(string)
	part := `{"order_id":"` + id + `","amount":1000,"currency":"USD","note":"one bag torn"}`
	first := s.run("refund_create", "key-2", part)
	require.Equal(t, map[string]any{"amount": 1000.0, "currency": "USD"}, first["amount"])
	require.Equal(t, first, s.run("refund_create", "key-2", part))
	require.Equal(t, int64(1000), s.orders()[0].Refunded)

	s.fails(sdk.Uncertain, "refund_create", "key-2", strings.Replace(part, "1000", "900", 1))
	s.fails(sdk.Rejected, "refund_create", "key-3", `{"order_id":"`+id+`"}`) // all of it is more than is left
	s.fails(sdk.Rejected, "refund_create", "key-3", strings.Replace(part, "1000", "5000", 1))
	s.fails(sdk.Invalid, "refund_create", "key-3", strings.Replace(part, "USD", "EUR", 1))
	s.fails(sdk.Invalid, "refund_create", "", part)
	s.fails(sdk.NotFound, "refund_create", "key-3", strings.Replace(part, id, "gid://shopify/Order/1", 1))

	s.cutCall(2) // the payments are looked at, then the refund is made
	rest := strings.Replace(part, "1000", "1380", 1)
	e := s.fails(sdk.Unavailable, "refund_create", "key-5", rest)
	require.True(t, e.Wrote)
	s.run("refund_create", "key-5", rest)
	require.Equal(t, int64(2380), s.orders()[0].Refunded)

	unpaid := s.run("order_create", "key-6", `{`+lines(espresso, 1)+`,"payment_pending":true}`)
	s.fails(sdk.Rejected, "refund_create", "key-7", `{"order_id":"`+unpaid["id"].(string)+`"}`)
}

func TestForgottenRefundKeyIsNotDeduplicated(t *testing.T) {
	s := newShop(t)
	order := s.run("order_create", "key-1", `{`+lines(espresso, 2)+`}`)
	input := `{"order_id":"` + order["id"].(string) + `","amount":100,"currency":"USD"}`
	s.run("refund_create", "key-2", input)
	s.now = s.now.Add(op(t, "refund_create").Effect.KeyLifetime)
	s.run("refund_create", "key-2", input)
	require.Equal(t, int64(200), s.orders()[0].Refunded, "after its lifetime a key protects nothing: the stated lifetime must be no longer")
}

func TestBadInputSendsNothing(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct{ op, input string }{
		{"draft_order_create", `{"lines":[]}`},
		{"draft_order_create", `{` + lines("105", 1) + `}`},
		{"draft_order_create", `{` + lines(espresso, 0) + `}`},
		{"draft_order_create", `{` + lines(espresso, 1) + `,"reserve_minutes":-1}`},
		{"draft_order_create", `{` + lines(espresso, 1) + `,"email":"nobody"}`},
		{"draft_order_create", `{` + lines(espresso, 1) + `,"phone":"12"}`},
		{"draft_order_create", `{` + lines(espresso, 1) + `,"note":"` + strings.Repeat("x", 5001) + `"}`},
		{"draft_order_create", `{` + lines(espresso, 1) + `,"price":1}`},
		{"draft_order_complete", `{"draft_id":"gid://shopify/Order/1"}`},
		{"draft_order_delete", `{"draft_id":""}`},
		{"order_create", `{}`},
		{"cart_create", `{}`},
		{"cart_get", `{"id":"x"}`},
		{"checkout_link", `{}`},
		{"checkout_link", `{"cart_id":"gid://shopify/Cart/1",` + lines(espresso, 1) + `}`},
		{"search_products", `{"limit":100}`},
		{"search_products", `{"tag":"a\" OR tag:\"b"}`},
		{"refund_create", `{"order_id":"gid://shopify/Order/1","amount":5}`},
		{"refund_create", `{"order_id":"gid://shopify/Order/1","amount":-5,"currency":"USD"}`},
	} {
		s.fails(sdk.Invalid, c.op, "key-1", c.input)
	}
	require.Zero(t, s.calls.Load())
	s.fails(sdk.NotFound, "draft_order_create", "key-1", `{`+lines("gid://shopify/ProductVariant/9", 1)+`}`)
	s.fails(sdk.Rejected, "draft_order_create", "key-1", `{`+lines(teapot, 1)+`}`)
}

// cutCall cuts off the n-th answer from now, after the shop did its work.
func (s *testShop) cutCall(n int32) { s.cutAt.Store(s.calls.Load() + n) }

func TestConcurrentCompletionsMakeOneOrder(t *testing.T) {
	s := newShop(t)
	draft := s.run("draft_order_create", "key-1", `{`+lines(espresso, 1)+`}`)
	input := `{"draft_id":"` + draft["id"].(string) + `"}`
	got := make(chan map[string]any)
	for range 8 {
		go func() {
			out, err := s.try("draft_order_complete", "key-2", input)
			if err != nil {
				out = map[string]any{"error": err.Error()}
			}
			got <- out
		}()
	}
	first := <-got
	require.Equal(t, "#1001", first["name"])
	for range 7 {
		require.Equal(t, first, <-got)
	}
	require.Len(t, s.orders(), 1)
}
