package stripe

import (
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

// stripeError is the part of Stripe's error object that may be repeated
// (https://docs.stripe.com/api/errors). Its message is left out: it quotes
// what was sent.
type stripeError struct {
	Type        stripego.ErrorType `json:"type"`
	Code        stripego.ErrorCode `json:"code"`
	DeclineCode string             `json:"decline_code"`
	Param       string             `json:"param"`
}

// responseError turns an answer into the seam's error; nil for success.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Error stripeError `json:"error"`
	}
	if json.Unmarshal(resp.Body, &body) == nil {
		refine(e, body.Error, resp.Status)
	}
	if id := resp.Header.Get("Request-Id"); requestID.MatchString(id) {
		e.Message += "; Stripe's log has it as " + id
	}
	return e
}

// Only what looks like one of Stripe's own identifiers is repeated.
var (
	codeName  = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	paramName = regexp.MustCompile(`^[a-z0-9_]{1,40}(\[[a-z0-9_]{1,40}\]){0,6}$`)
	requestID = regexp.MustCompile(`^req_[A-Za-z0-9]{1,60}$`)
)

// refine sharpens what the HTTP status says by Stripe's type and code.
// Source: https://docs.stripe.com/error-codes and /error-low-level.
func refine(e *sdk.Error, s stripeError, status int) {
	if code := string(s.Code); codeName.MatchString(code) {
		e.Code = code
	} else if kind := string(s.Type); codeName.MatchString(kind) {
		e.Code = kind
	}
	switch {
	case status >= 500 || status == http.StatusFailedDependency:
		e.Class, e.Message = sdk.Unavailable, "Stripe failed while it worked on the request"
	case status == http.StatusTooManyRequests || s.Code == stripego.ErrorCodeRateLimit || s.Code == stripego.ErrorCodeLockTimeout:
		e.Class, e.Wrote, e.Message = sdk.Throttled, false, "Stripe asks for fewer requests"
	case s.Code == stripego.ErrorCodeIdempotencyKeyInUse:
		// The other request with this key may yet succeed, so this is no "not done".
		e.Class, e.Wrote, e.Message = sdk.Unavailable, true, "another request with the same key is still in progress"
		if e.RetryAfter == 0 {
			e.RetryAfter = time.Second
		}
	case s.Type == stripego.ErrorTypeIdempotency:
		e.Class, e.Message = sdk.Invalid, "this key was used before with other input; use a new key for new input"
	case s.Type == stripego.ErrorTypeCard:
		e.Class, e.Message, e.Customer = sdk.Rejected, "the card was declined", "The payment was declined. Please try another card."
		if codeName.MatchString(s.DeclineCode) {
			e.Message += " (" + s.DeclineCode + ")"
		}
	case status == http.StatusUnauthorized || status == http.StatusForbidden || authCodes[s.Code]:
		e.Class, e.Message = sdk.Auth, "Stripe does not accept secret_key, or the key lacks a permission"
	case s.Code == stripego.ErrorCodeResourceMissing:
		e.Class, e.Message = sdk.NotFound, "Stripe has no such object"+inParam(s.Param)
	case refusals[s.Code]:
		e.Class, e.Message = sdk.Rejected, "Stripe refuses this in the payment's or the account's present state"
	case e.Class == sdk.Invalid:
		e.Message = "Stripe does not accept the request" + inParam(s.Param)
	}
}

func inParam(param string) string {
	if !paramName.MatchString(param) {
		return ""
	}
	return " (parameter " + param + ")"
}

// authCodes come with a status that does not always say so.
var authCodes = map[stripego.ErrorCode]bool{
	stripego.ErrorCodeAPIKeyExpired:          true,
	stripego.ErrorCodePlatformAPIKeyExpired:  true,
	stripego.ErrorCodeSecretKeyRequired:      true,
	stripego.ErrorCodeAuthenticationRequired: true,
	stripego.ErrorCodeAccountInvalid:         true,
	stripego.ErrorCodeTestmodeChargesOnly:    true,
}

// refusals are well-formed requests that Stripe declines to carry out.
var refusals = map[stripego.ErrorCode]bool{
	stripego.ErrorCodeChargeAlreadyRefunded:        true,
	stripego.ErrorCodeChargeDisputed:               true,
	stripego.ErrorCodeChargeNotRefundable:          true,
	stripego.ErrorCodeRefundDisputedPayment:        true,
	stripego.ErrorCodeBalanceInsufficient:          true,
	stripego.ErrorCodeInsufficientFunds:            true,
	stripego.ErrorCodePaymentIntentUnexpectedState: true,
	stripego.ErrorCodeRequestBlocked:               true,
	stripego.ErrorCodeCountryUnsupported:           true,
	stripego.ErrorCodeProductInactive:              true,
}
