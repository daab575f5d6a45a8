package shopify

import (
	"math"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// graphQLError is one entry of a GraphQL response's errors.
type graphQLError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

// extensions is what the Admin API says of a query's cost in points ("API rate
// limits", calculated query cost).
type extensions struct {
	Cost struct {
		Requested float64 `json:"requestedQueryCost"`
		Throttle  struct {
			Available   float64 `json:"currentlyAvailable"`
			RestoreRate float64 `json:"restoreRate"`
		} `json:"throttleStatus"`
	} `json:"cost"`
}

// wait is how long the bucket needs to hold enough points for the query, at
// least a second.
func (e extensions) wait() time.Duration {
	missing := e.Cost.Requested - e.Cost.Throttle.Available
	if missing <= 0 || e.Cost.Throttle.RestoreRate <= 0 {
		return time.Second
	}
	secs := math.Ceil(missing / e.Cost.Throttle.RestoreRate)
	return time.Duration(min(max(secs, 1), 3600)) * time.Second
}

// statusError classes an HTTP status by what it means at Shopify ("Status and
// error codes" of the Admin API); nil for success.
func statusError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	switch resp.Status {
	case 401:
		e.Message = "Shopify does not accept the access token: check access_token and storefront_token"
	case 403:
		e.Message = "Shopify refuses access: the app lacks a scope, or the shop is not open to it"
	case 402:
		e.Class, e.Message = sdk.Rejected, "the shop is frozen until its owner settles the bill with Shopify"
	case 404:
		e.Class, e.Message = sdk.Invalid, "there is no shop or no such API version at this address: check base_url"
	case 423:
		e.Class, e.Message = sdk.Rejected, "Shopify has locked the shop: its owner must contact Shopify"
	case 430:
		e.Class, e.Wrote, e.Message = sdk.Throttled, false, "Shopify takes the request for an attack and refused it; slow down"
	case 429:
		e.Message = "Shopify's rate limit is reached"
	}
	return e
}

// queryError classes the errors of an answer with status 200. Shopify's own text
// is left out: it repeats the values of variables.
func queryError(errs []graphQLError, ext extensions) error {
	code := errs[0].Extensions.Code
	if code == "" && strings.EqualFold(errs[0].Message, "Throttled") {
		code = "THROTTLED"
	}
	switch code {
	case "THROTTLED":
		return &sdk.Error{Class: sdk.Throttled, Code: code, RetryAfter: ext.wait(),
			Message: "the shop's allowance of API points is used up"}
	case "ACCESS_DENIED":
		return &sdk.Error{Class: sdk.Auth, Code: code,
			Message: "the app lacks an access scope for this: add it in the app's settings and install the app again"}
	case "UNAUTHORIZED":
		return &sdk.Error{Class: sdk.Auth, Code: code, Message: "Shopify does not accept the access token"}
	case "SHOP_INACTIVE":
		return &sdk.Error{Class: sdk.Rejected, Code: code, Message: "the shop is not active"}
	case "INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE":
		return &sdk.Error{Class: sdk.Unavailable, Code: code, Wrote: true, Message: "Shopify failed while it worked on the request"}
	case "IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED":
		return idempotencyError(code)
	case "MAX_COST_EXCEEDED":
		return &sdk.Error{Class: sdk.Invalid, Code: code, Message: "the query costs more points than Shopify allows: ask for less"}
	case "RESOURCE_NOT_FOUND":
		return &sdk.Error{Class: sdk.NotFound, Code: code, Message: "Shopify has no such object"}
	}
	return &sdk.Error{Class: sdk.Invalid, Code: code, Message: "Shopify refused the query: an ID or value in it is not valid"}
}

// idempotencyError words Shopify's three complaints about a key ("Implementing
// idempotency").
func idempotencyError(code string) *sdk.Error {
	switch code {
	case "IDEMPOTENCY_CONCURRENT_REQUEST":
		return &sdk.Error{Class: sdk.Unavailable, Code: code, Wrote: true, RetryAfter: 5 * time.Second,
			Message: "an earlier attempt with this key is still under way"}
	case "IDEMPOTENCY_KEY_PARAMETER_MISMATCH":
		return &sdk.Error{Class: sdk.Uncertain, Code: code, Wrote: true,
			Message: "the key was used before with other values: look at the order to see what was done"}
	}
	return &sdk.Error{Class: sdk.Rejected, Code: code,
		Message: "an earlier attempt with this key failed: try again with a new key"}
}

// userError is what Shopify answers when it understood a mutation and did not do it.
type userError interface {
	GetField() []string
	GetMessage() string
}

// mutationError classes the first of a mutation's user errors; nil if there is
// none. Errors that nothing tells more of are of class fallback.
func mutationError[E any, P interface {
	*E
	userError
}](errs []E, fallback sdk.Class) error {
	if len(errs) == 0 {
		return nil
	}
	first := P(&errs[0])
	code := ""
	if coded, ok := any(first).(interface{ GetCode() string }); ok {
		code = coded.GetCode()
	}
	return userErrorClass(code, first.GetField(), first.GetMessage(), fallback)
}

func userErrorClass(code string, field []string, message string, fallback sdk.Class) error {
	if strings.HasPrefix(code, "IDEMPOTENCY_") {
		return idempotencyError(code)
	}
	e := &sdk.Error{Class: fallback, Code: code, Message: wording(field, message)}
	text := strings.ToLower(message)
	switch {
	case code == "INVENTORY_CLAIM_FAILED" || strings.Contains(text, "stock") || strings.Contains(text, "inventory"):
		return outOfStock(code)
	case code == "NOT_FOUND" || strings.Contains(text, "not found") || strings.Contains(text, "does not exist"):
		e.Class = sdk.NotFound
	case code == "NO_REFUND_PERMISSION" || code == "NO_REFUND_TO_STORE_CREDIT_PERMISSION":
		e.Class = sdk.Auth
	case code == "INTERNAL_ERROR" || code == "SERVICE_UNAVAILABLE":
		e.Class, e.Wrote = sdk.Unavailable, true
	case code == "SHOP_DORMANT":
		e.Class = sdk.Rejected
	case strings.Contains(text, "too many attempts"):
		// Development and trial shops may make five orders a minute (orderCreate).
		e.Class, e.RetryAfter = sdk.Throttled, time.Minute
	}
	return e
}

func outOfStock(code string) *sdk.Error {
	if code == "" {
		code = "OUT_OF_STOCK"
	}
	return &sdk.Error{Class: sdk.Rejected, Code: code, Message: "there is not enough stock",
		Customer: "Sorry, there is not enough of that in stock any more."}
}

var (
	addressLike = regexp.MustCompile(`\S*@\S*`)
	digitRun    = regexp.MustCompile(`\+?\d[\d\s()-]{5,}\d`)
)

// wording gives Shopify's text for an operator, without what a person may have
// typed: nothing at all for personal fields, no addresses or long numbers elsewhere.
func wording(field []string, message string) string {
	path := strings.Join(field, ".")
	for _, personal := range []string{"email", "phone", "note"} {
		if strings.Contains(strings.ToLower(path), personal) {
			return "Shopify does not accept the field " + path
		}
	}
	text := addressLike.ReplaceAllString(message, "…")
	text = digitRun.ReplaceAllString(text, "…")
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	if path != "" {
		text = path + ": " + text
	}
	return "Shopify refused it: " + text
}
