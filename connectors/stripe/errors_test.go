package stripe_test

import (
	"fmt"
	"testing"
	"time"

	"parley/connectors/sdk"

	"github.com/stretchr/testify/require"
)

func TestErrorClasses(t *testing.T) {
	cases := []struct {
		status int
		body   string
		class  sdk.Class
		code   string
		wrote  bool
	}{
		{401, `{"type":"invalid_request_error","message":"Invalid API Key provided: sk_t***cret"}`, sdk.Auth, "invalid_request_error", true},
		{401, `{"type":"invalid_request_error","code":"api_key_expired"}`, sdk.Auth, "api_key_expired", true},
		{403, `{"type":"invalid_request_error","code":"secret_key_required"}`, sdk.Auth, "secret_key_required", true},
		{400, `{"type":"invalid_request_error","code":"authentication_required"}`, sdk.Auth, "authentication_required", true},
		{404, `{"type":"invalid_request_error","code":"resource_missing","param":"intent"}`, sdk.NotFound, "resource_missing", true},
		{400, `{"type":"invalid_request_error","code":"resource_missing","param":"payment_intent"}`, sdk.NotFound, "resource_missing", true},
		{402, `{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}`, sdk.Rejected, "card_declined", true},
		{402, `{"type":"card_error","code":"authentication_required","decline_code":"authentication_required"}`, sdk.Rejected, "authentication_required", true},
		{400, `{"type":"invalid_request_error","code":"charge_already_refunded"}`, sdk.Rejected, "charge_already_refunded", true},
		{400, `{"type":"invalid_request_error","code":"payment_intent_unexpected_state"}`, sdk.Rejected, "payment_intent_unexpected_state", true},
		{400, `{"type":"invalid_request_error","code":"parameter_missing","param":"line_items"}`, sdk.Invalid, "parameter_missing", true},
		{400, `{"type":"idempotency_error"}`, sdk.Invalid, "idempotency_error", true},
		{409, `{"type":"invalid_request_error","code":"idempotency_key_in_use"}`, sdk.Unavailable, "idempotency_key_in_use", true},
		{429, `{"type":"invalid_request_error","code":"rate_limit"}`, sdk.Throttled, "rate_limit", false},
		{429, `{"type":"invalid_request_error","code":"lock_timeout"}`, sdk.Throttled, "lock_timeout", false},
		{500, `{"type":"api_error"}`, sdk.Unavailable, "api_error", true},
		{503, `{"type":"api_error"}`, sdk.Unavailable, "api_error", true},
		{424, `{"type":"api_error"}`, sdk.Unavailable, "api_error", true},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.status, c.code), func(t *testing.T) {
			conn := answering(t, c.status, nil, `{"error":`+c.body+`}`)
			e := fail(t, conn, "refund_create", call("k"), everyInput()["refund_create"])
			require.Equal(t, c.class, e.Class)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.wrote, e.Wrote)
			require.NotEmpty(t, e.Message)
		})
	}
}

func TestAnAnswerThatIsNotStripesIsClassedByItsStatus(t *testing.T) {
	for status, class := range map[int]sdk.Class{200: sdk.Unavailable, 302: sdk.Unavailable, 401: sdk.Auth, 404: sdk.NotFound, 429: sdk.Throttled, 502: sdk.Unavailable} {
		e := fail(t, answering(t, status, nil, "<html>from a proxy</html>"), "payment_retrieve", call(""), everyInput()["payment_retrieve"])
		require.Equal(t, class, e.Class, status)
		require.NotContains(t, e.Error(), "html")
	}
}

func TestRetryAfterSurvives(t *testing.T) {
	for _, status := range []int{429, 503, 409} {
		conn := answering(t, status, map[string]string{"Retry-After": "7"}, `{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}`)
		require.Equal(t, 7*time.Second, fail(t, conn, "refund_create", call("k"), everyInput()["refund_create"]).RetryAfter)
	}
}

func TestErrorsRepeatNothingOfWhatWasSaid(t *testing.T) {
	for _, status := range []int{400, 401, 402, 404, 409, 429, 500} {
		body := `{"error":{"type":"card_error","code":"Jane Doe","decline_code":"+4915112345678","param":"jane@example.com","message":"jane@example.com used ` + secretKey + `"}}`
		conn := answering(t, status, map[string]string{"Request-Id": "req_jane@example.com"}, body)
		for name, input := range everyInput() {
			e := fail(t, conn, name, call("k"), input)
			for _, secret := range []string{"Jane", "jane@", "+49151", secretKey, webhookSecret} {
				require.NotContains(t, e.Error()+e.Customer, secret)
			}
		}
	}
}

func TestErrorsNameTheParameterAndStripesLogEntry(t *testing.T) {
	conn := answering(t, 400, map[string]string{"Request-Id": "req_AbC123"},
		`{"error":{"type":"invalid_request_error","code":"parameter_missing","param":"line_items[0][quantity]"}}`)
	e := fail(t, conn, "payment_link_create", call("k"), linkInput())
	require.Contains(t, e.Message, "line_items[0][quantity]")
	require.Contains(t, e.Message, "req_AbC123")
}
