package shopifyfake_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
	"parley/connectors/shopify/shopifyfake"
)

func serve(t *testing.T) (*httptest.Server, *fake.Memory) {
	t.Helper()
	env := fake.NewMemory("")
	server := httptest.NewServer(shopifyfake.New(env))
	t.Cleanup(server.Close)
	env.SetBase(server.URL)
	env.SetAccounts(fake.Account{Account: "demo", Hook: "http://127.0.0.1/hooks/shopify/demo",
		Config: shopifyfake.Provider.Account(server.URL, func(name string) string { return name })})
	return server, env
}

// ask sends a query of no connector's, with the Admin API's token.
func ask(t *testing.T, server *httptest.Server, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, server.URL+"/admin/api/2026-07/graphql.json", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Shopify-Access-Token", token)
	return read(t, req)
}

func read(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

func TestGraphQLGivesWhatIsAskedFor(t *testing.T) {
	server, _ := serve(t)
	status, body := ask(t, server, "shpat_access_token",
		`{"query":"query Q($id: ID!) { a: product(id: $id) { ...P } none: product(id: \"x\") { id } } fragment P on Product { name: title variants(first: 1) { edges { node { ... on ProductVariant { price } } } } }",
		"operationName":"Q","variables":{"id":"gid://shopify/Product/8"}}`)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"data":{"a":{"name":"Masala Chai","variants":{"edges":[{"node":{"price":"8.90"}}]}},"none":null}`)

	_, body = ask(t, server, "shpat_access_token", `{"query":"query Q { shop { colour } }","operationName":"Q"}`)
	require.Contains(t, body, `"code":"undefinedField"`)
	status, _ = ask(t, server, "shpat_other", `{"query":"query Q { shop { name } }","operationName":"Q"}`)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = ask(t, server, "", `{"query":"query Q { shop { name } }","operationName":"Q"}`)
	require.Equal(t, http.StatusUnauthorized, status)
}

func TestOperationNames(t *testing.T) {
	req := httptest.NewRequest(http.MethodPost, "/admin/api/2026-07/graphql.json", nil)
	require.Equal(t, "draft_order_create", shopifyfake.Provider.Operation(req, []byte(`{"operationName":"DraftOrderCreate"}`)))
	require.Equal(t, "", shopifyfake.Provider.Operation(req, []byte(`?`)))
	require.Equal(t, "", shopifyfake.Provider.Operation(httptest.NewRequest(http.MethodGet, "/admin", nil), nil))
}

func TestAdminPageFulfils(t *testing.T) {
	server, env := serve(t)
	_, body := ask(t, server, "shpat_access_token", `{"query":"mutation M($o: OrderCreateOrderInput!) { orderCreate(order: $o) { order { name } userErrors { message } } }",
		"operationName":"M","variables":{"o":{"lineItems":[{"variantId":"gid://shopify/ProductVariant/119","quantity":1}],"customAttributes":[{"key":"parley_key","value":"key-<1>"}]}}}`)
	require.Contains(t, body, `#1001`)

	page := func() string {
		req, err := http.NewRequest(http.MethodGet, server.URL+"/admin", nil)
		require.NoError(t, err)
		_, body := read(t, req)
		return body
	}
	require.Contains(t, page(), "Fulfil #1001")
	require.Contains(t, page(), "key-&lt;1&gt;")
	post := func(form url.Values) int {
		resp, err := http.PostForm(server.URL+"/_fulfil", form)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, http.StatusOK, post(url.Values{"order": {"#1001"}}))
	require.Contains(t, page(), "Deliver #1001")
	require.Equal(t, http.StatusOK, post(url.Values{"order": {"1001"}, "delivered": {"true"}}))
	require.Contains(t, page(), "DELIVERED")
	require.Equal(t, http.StatusNotFound, post(url.Values{"order": {"#7"}}))

	var topics []string
	for _, d := range env.Deliveries() {
		topics = append(topics, d.Header.Get("X-Shopify-Topic"))
	}
	require.Equal(t, []string{"orders/create", "orders/paid", "fulfillments/create", "fulfillments/update"}, topics)
}
