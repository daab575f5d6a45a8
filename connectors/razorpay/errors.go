package razorpay

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// apiError is Razorpay's error object (https://razorpay.com/docs/errors). Its
// description is read and never repeated: it may quote what was sent.
type apiError struct {
	Code        string `json:"code"`
	Description string `json:"description"`
	Reason      string `json:"reason"`
	Field       string `json:"field"`
}

// Only what looks like one of Razorpay's own identifiers is repeated.
var (
	codeName  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	fieldName = regexp.MustCompile(`^[a-z0-9_]{1,40}(\.[a-z0-9_]{1,40}){0,6}$`)
)

// responseError turns an answer into the seam's error; nil for success.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Error apiError `json:"error"`
	}
	if json.Unmarshal(resp.Body, &body) == nil {
		refine(e, body.Error, resp.Status)
	}
	return e
}

// refine sharpens what the HTTP status says. Razorpay answers 400 with the code
// BAD_REQUEST_ERROR to nearly everything, so that only its descriptions tell
// what is missing from what is refused; they are those that its documentation
// lists under each endpoint.
func refine(e *sdk.Error, a apiError, status int) {
	if reason := a.Reason; codeName.MatchString(reason) && reason != "NA" {
		e.Code = reason
	} else if codeName.MatchString(a.Code) {
		e.Code = a.Code
	}
	text := strings.ToLower(a.Description)
	switch {
	case status >= 500:
		e.Message = "Razorpay failed while it worked on the request"
	case status == http.StatusTooManyRequests:
		e.Message = "Razorpay asks for fewer requests"
	case status == http.StatusConflict && strings.Contains(text, "in progress"):
		// The other request with this key may yet succeed, so this is no "not done".
		e.Class, e.Wrote, e.Message = sdk.Unavailable, true, "another request with the same key is still in progress"
		if e.RetryAfter == 0 {
			e.RetryAfter = time.Second
		}
	case strings.Contains(text, "same idempotency key"):
		e.Class, e.Message = sdk.Invalid, "this key was used before with other input; use a new key for new input"
	case status == http.StatusUnauthorized || status == http.StatusForbidden || credentials.MatchString(text):
		e.Class, e.Message = sdk.Auth, "Razorpay does not accept key_id and key_secret, or the key lacks a permission"
	case missing.MatchString(text):
		e.Class, e.Message = sdk.NotFound, "Razorpay has no such object"+inField(a.Field)
	case refusals.MatchString(text) || a.Code == "GATEWAY_ERROR":
		e.Class, e.Message = sdk.Rejected, "Razorpay refuses this in the object's or the account's present state"
	case e.Class == sdk.Invalid:
		e.Message = "Razorpay does not accept the request" + inField(a.Field)
	}
}

var (
	credentials = regexp.MustCompile(`^authentication failed|^the api .*(key|secret).* provided is invalid|^please provide your api key`)
	missing     = regexp.MustCompile(`id provided does not exist|is not a valid id$`)
	refusals    = regexp.MustCompile(`fully refunded|already (been )?(paid|captured|cancelled|refunded)|greater than|more than the amount|` +
		`must be equal to the amount authorized|status should be|cannot (cancel|expire)|not cancellable|operation not allowed|` +
		`(does not have|insufficient|not enough).*balance|is not active|already exists`)
)

func inField(field string) string {
	if !fieldName.MatchString(field) {
		return ""
	}
	return " (field " + field + ")"
}
