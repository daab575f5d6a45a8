package shopify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/shopify"
)

const secretToken = "shpat_0123456789secret"

// answering connects to a shop that gives one answer to everything.
func answering(t *testing.T, status int, header http.Header, body string) any {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL)
}

func connect(t *testing.T, base string) any {
	t.Helper()
	raw, err := json.Marshal(shopify.Config{BaseURL: base, AccessToken: secretToken, StorefrontToken: "front", WebhookSecret: "hush"})
	require.NoError(t, err)
	conn, err := shopify.Connector.Open(raw, sdk.Host{HTTP: sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: "127.0.0.1"})})
	require.NoError(t, err)
	return conn
}

func TestErrorClasses(t *testing.T) {
	gql := func(code string) string {
		return `{"errors":[{"message":"phone +14155550100 of ada@example.com","extensions":{"code":"` + code + `"}}]}`
	}
	user := func(field, code, message string) string {
		if code != "" {
			code = `"code":"` + code + `",`
		}
		return `{"data":{"orderCreate":{"order":null,"userErrors":[{` + code + `"field":["order","` + field + `"],"message":"` + message + `"}]}}}`
	}
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		body   string
		class  sdk.Class
		wrote  bool
		retry  time.Duration
	}{
		{"wrong token", 401, nil, `{"errors":"[API] Invalid API key"}`, sdk.Auth, true, 0},
		{"forbidden", 403, nil, `{}`, sdk.Auth, true, 0},
		{"shop frozen", 402, nil, ``, sdk.Rejected, true, 0},
		{"no such shop", 404, nil, `Not Found`, sdk.Invalid, true, 0},
		{"shop locked", 423, nil, ``, sdk.Rejected, true, 0},
		{"taken for an attack", 430, nil, ``, sdk.Throttled, false, 0},
		{"too many requests", 429, http.Header{"Retry-After": {"2.0"}}, ``, sdk.Throttled, false, 2 * time.Second},
		{"server error", 500, nil, `oops`, sdk.Unavailable, true, 0},
		{"gateway", 503, nil, ``, sdk.Unavailable, true, 0},
		{"no JSON", 200, nil, `<html>`, sdk.Unavailable, true, 0},
		{"throttled", 200, nil, `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":202,
			"throttleStatus":{"maximumAvailable":1000.0,"currentlyAvailable":118,"restoreRate":50.0}}}}`, sdk.Throttled, false, 2 * time.Second},
		{"throttled without cost", 200, nil, `{"errors":[{"message":"Throttled"}]}`, sdk.Throttled, false, time.Second},
		{"scope", 200, nil, gql("ACCESS_DENIED"), sdk.Auth, false, 0},
		{"shop inactive", 200, nil, gql("SHOP_INACTIVE"), sdk.Rejected, false, 0},
		{"internal", 200, nil, gql("INTERNAL_SERVER_ERROR"), sdk.Unavailable, true, 0},
		{"query refused", 200, nil, gql("undefinedField"), sdk.Invalid, false, 0},
		{"too costly", 200, nil, gql("MAX_COST_EXCEEDED"), sdk.Invalid, false, 0},
		{"key in use", 200, nil, gql("IDEMPOTENCY_CONCURRENT_REQUEST"), sdk.Unavailable, true, 5 * time.Second},
		{"key failed before", 200, nil, gql("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"), sdk.Rejected, false, 0},
		{"invalid field", 200, nil, user("lineItems", "INVALID", "is invalid"), sdk.Invalid, false, 0},
		{"out of stock", 200, nil, user("lineItems", "INVENTORY_CLAIM_FAILED", "no"), sdk.Rejected, false, 0},
		{"out of stock in words", 200, nil, user("lineItems", "", "Not enough stock"), sdk.Rejected, false, 0},
		{"not there", 200, nil, user("lineItems", "", "Variant not found"), sdk.NotFound, false, 0},
		{"shop dormant", 200, nil, user("base", "SHOP_DORMANT", "dormant"), sdk.Rejected, false, 0},
		{"trial shop", 200, nil, user("base", "", "Too many attempts. Please try again later."), sdk.Throttled, false, time.Minute},
		{"personal field", 200, nil, user("email", "INVALID", "ada@example.com is no address"), sdk.Invalid, false, 0},
		{"personal text elsewhere", 200, nil, user("base", "INVALID", "refused for ada@example.com +1 415 555 0100"), sdk.Invalid, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := answering(t, c.status, c.header, c.body)
			input := json.RawMessage(`{` + lines(espresso, 1) + `,"email":"ada@example.com","phone":"+14155550100"}`)
			_, err := op(t, "order_create").Run(t.Context(), conn, sdk.Call{Key: "key-1"}, input)
			require.Error(t, err)
			e := sdk.AsError(err)
			require.Equal(t, c.class, e.Class, "%v", err)
			require.Equal(t, c.wrote, e.Wrote)
			require.Equal(t, c.retry, e.RetryAfter)
			require.NotEmpty(t, e.Message)
			printed, merr := json.Marshal(e)
			require.NoError(t, merr)
			for _, secret := range []string{secretToken, "hush", "ada@", "5550100", "555 0100", "key-1"} {
				require.NotContains(t, string(printed)+err.Error(), secret)
			}
		})
	}
}

func TestUnreachableShopWasNotWrittenTo(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := op(t, "order_create").Run(t.Context(), connect(t, server.URL), sdk.Call{Key: "key-1"}, json.RawMessage(`{`+lines(espresso, 1)+`}`))
	require.Error(t, err)
	require.Equal(t, sdk.Unavailable, sdk.AsError(err).Class)
	require.False(t, sdk.AsError(err).Wrote)
}

func TestCancelledCallReturnsAtOnce(t *testing.T) {
	started, done := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(started); <-done }))
	defer server.Close()
	defer close(done)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := op(t, "order_create").Run(ctx, connect(t, server.URL), sdk.Call{Key: "key-1"}, json.RawMessage(`{`+lines(espresso, 1)+`}`))
	require.ErrorIs(t, err, context.Canceled)
}

func TestCheck(t *testing.T) {
	s := newShop(t)
	require.NoError(t, s.conn.(sdk.Checker).Check(t.Context()))

	var wrong map[string]any
	require.NoError(t, json.Unmarshal(s.config, &wrong))
	wrong["access_token"] = "shpat_wrong"
	raw, err := json.Marshal(wrong)
	require.NoError(t, err)
	err = s.open(raw).(sdk.Checker).Check(t.Context())
	require.Equal(t, sdk.Auth, sdk.AsError(err).Class)
	require.NotContains(t, err.Error(), "shpat_wrong")
}

func TestOpenRefusesBadSettings(t *testing.T) {
	for _, c := range []struct{ config, names string }{
		{`{"access_token":"x"}`, "base_url"},
		{`{"base_url":"shop.example","access_token":"x"}`, "base_url"},
		{`{"base_url":"https://u:p@shop.example","access_token":"x"}`, "base_url"},
		{`{"base_url":"https://shop.example"}`, "access_token"},
		{`{"base_url":"https://shop.example","access_token":"a\nb"}`, "access_token"},
		{`{"base_url":"https://shop.example","access_token":"x","currency":"usd"}`, "currency"},
		{`{"base_url":"https://shop.example","access_token":"x","inventory_reserve":-1}`, "inventory_reserve"},
		{`{"base_url":"https://shop.example","access_token":"x","shop":"y"}`, "shop"},
	} {
		_, err := shopify.Connector.Open(json.RawMessage(c.config), sdk.Host{})
		require.Error(t, err, c.config)
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		require.True(t, strings.Contains(err.Error(), c.names), "%v", err)
	}
}

func TestAnotherCurrencyIsRefused(t *testing.T) {
	s := newShop(t)
	s.conn = s.open(json.RawMessage(strings.Replace(string(s.config), `"USD"`, `"EUR"`, 1)))
	s.fails(sdk.Rejected, "get_product", "", `{"id":"gid://shopify/Product/3"}`)
	require.Error(t, s.conn.(sdk.Checker).Check(t.Context()))
}

func TestCartsNeedAStorefrontToken(t *testing.T) {
	s := newShop(t)
	raw, err := json.Marshal(shopify.Config{BaseURL: s.server.URL, AccessToken: "x"})
	require.NoError(t, err)
	s.conn = s.open(raw)
	e := s.fails(sdk.Invalid, "cart_create", "key-1", `{`+lines(espresso, 1)+`}`)
	require.Contains(t, e.Message, "storefront_token")
	s.run("checkout_link", "", `{`+lines(espresso, 1)+`}`)
}
