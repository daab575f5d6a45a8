package whatsapp

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

// meaning is what one of Meta's error codes says in the seam's vocabulary.
type meaning struct {
	class   sdk.Class
	message string
	// retry is how long to wait if the answer does not say.
	retry time.Duration
}

// Messages are our own words: Meta's quote phone numbers and input.
const (
	tokenMessage     = "the access token is missing, expired or lacks a permission: give the connection a new one"
	parameterMessage = "WhatsApp refuses a parameter of the request"
	templateMessage  = "WhatsApp refuses the template or its parameters: compare them with the approved template"
	failingMessage   = "WhatsApp fails for the moment"
	spamMessage      = "WhatsApp limits this number because of blocks and spam reports: look at its quality rating"
)

// meanings follow Meta, WhatsApp Business Platform, "Error codes" (May 2026), and,
// for codes below 1000, Graph API, "Handle errors". 131056 is to be backed off by
// 4^attempt seconds, so 4 s is the base.
var meanings = map[int]meaning{
	0:   {sdk.Auth, tokenMessage, 0},
	3:   {sdk.Auth, tokenMessage, 0},
	10:  {sdk.Auth, tokenMessage, 0},
	102: {sdk.Auth, tokenMessage, 0},
	190: {sdk.Auth, tokenMessage, 0},

	1:      {sdk.Unavailable, failingMessage, 0},
	2:      {sdk.Unavailable, failingMessage, 0},
	131000: {sdk.Unavailable, failingMessage, 0},
	131016: {sdk.Unavailable, failingMessage, 0},
	131057: {sdk.Unavailable, "the WhatsApp account is in maintenance, e.g. an upgrade of its throughput", time.Minute},
	133004: {sdk.Unavailable, failingMessage, 0},

	4:      {sdk.Throttled, "the app makes too many calls an hour", time.Minute},
	17:     {sdk.Throttled, "the system user makes too many calls", time.Minute},
	32:     {sdk.Throttled, "too many calls for this page", time.Minute},
	613:    {sdk.Throttled, "too many calls of this kind", time.Minute},
	80007:  {sdk.Throttled, "the WhatsApp Business Account makes too many calls", time.Minute},
	130429: {sdk.Throttled, "the number's throughput is exceeded", time.Second},
	131056: {sdk.Throttled, "too many messages to this recipient in a short time", 4 * time.Second},
	132069: {sdk.Throttled, "the WhatsApp Flow is throttled", time.Minute},
	133008: {sdk.Throttled, "too many wrong two-step PINs", time.Hour},
	133009: {sdk.Throttled, "two-step PINs entered too fast", time.Minute},
	133015: {sdk.Throttled, "the number was deleted a moment ago and cannot be registered yet", 5 * time.Minute},
	133016: {sdk.Throttled, "too many registrations of this number", time.Hour},

	33:     {sdk.NotFound, "the number does not exist, or the token may not see it: check phone_number_id", 0},
	100:    {sdk.Invalid, parameterMessage, 0},
	131008: {sdk.Invalid, "a parameter that WhatsApp requires is missing", 0},
	131009: {sdk.Invalid, parameterMessage, 0},
	131021: {sdk.Invalid, "sender and recipient are the same number", 0},
	131051: {sdk.Invalid, "WhatsApp does not support this type of message", 0},
	131052: {sdk.Invalid, "the media could not be downloaded", 0},
	131053: {sdk.Invalid, "the media could not be uploaded: check its address, type and size", 0},
	131055: {sdk.Invalid, "this call is not allowed for this message", 0},
	131062: {sdk.Invalid, "this message cannot go to a business-scoped user ID: it needs the phone number", 0},
	135000: {sdk.Invalid, parameterMessage, 0},

	368:    {sdk.Rejected, "the account is blocked for a time for violating a policy: see WhatsApp Manager", 0},
	130472: {sdk.Rejected, "the recipient is part of an experiment by Meta and receives no marketing messages", 0},
	130497: {sdk.Rejected, "the account may not write to users in this country", 0},
	131026: {sdk.Rejected, "the message cannot be delivered: the recipient is not on WhatsApp, has an old client or has not accepted its terms", 0},
	131030: {sdk.Rejected, "the recipient is not on the list of a test number", 0},
	131037: {sdk.Rejected, "the number's display name is not approved yet", 0},
	131042: {sdk.Rejected, "there is a problem with the account's payment method", 0},
	131047: {sdk.Rejected, "the customer has not written within 24 hours: only a template can be sent", 0},
	131048: {sdk.Rejected, spamMessage, 0},
	131049: {sdk.Rejected, "Meta did not deliver it to keep the ecosystem healthy: do not repeat it soon", 0},
	131050: {sdk.Rejected, "the recipient has opted out of marketing messages", 0},
	134011: {sdk.Rejected, "WhatsApp's payment terms are not accepted for this account", 0},

	131005: {sdk.Auth, tokenMessage, 0},
	131031: {sdk.Auth, "the account is locked: see WhatsApp Manager", 0},
	131045: {sdk.Auth, "the number is not registered: register it", 0},
	133000: {sdk.Auth, "an earlier deregistration of the number did not finish: register it again", 0},
	133005: {sdk.Auth, "the two-step PIN is wrong", 0},
	133006: {sdk.Auth, "the number must be verified before it is registered", 0},
	133010: {sdk.Auth, "the number is not registered with the Cloud API: register it", 0},
}

// meaningOf looks a code up, then its range: 200 to 299 are permissions, 80000 to
// 80014 the rate limits of business use cases, 132000 to 132999 templates.
func meaningOf(code int) (meaning, bool) {
	if m, ok := meanings[code]; ok {
		return m, true
	}
	switch {
	case code >= 200 && code <= 299:
		return meaning{sdk.Auth, tokenMessage, 0}, true
	case code >= 80000 && code <= 80014:
		return meaning{sdk.Throttled, "the account makes too many calls", time.Minute}, true
	case code >= 132000 && code <= 132999:
		return meaning{sdk.Invalid, templateMessage, 0}, true
	}
	return meaning{}, false
}

// codeError is the error of a code that a status webhook reports.
func codeError(code int) *sdk.Error {
	m, ok := meaningOf(code)
	if !ok {
		m = meaning{class: sdk.Rejected, message: "WhatsApp did not deliver the message; see its code"}
	}
	return m.error(code)
}

func (m meaning) error(code int) *sdk.Error {
	return &sdk.Error{Class: m.class, Code: strconv.Itoa(code), Message: m.message,
		RetryAfter: m.retry, Wrote: m.class != sdk.Throttled}
}

// graphError is the answer of a call that failed (GraphAPIError in Meta's document).
type graphError struct {
	Error *struct {
		Code      *int `json:"code"`
		Subcode   int  `json:"error_subcode"`
		Transient bool `json:"is_transient"`
	} `json:"error"`
}

// responseError classes an answer other than 2xx by its code, as Meta advises, and by its HTTP
// status where the code is unknown.
func responseError(resp *sdk.Response) *sdk.Error {
	byStatus := sdk.StatusError(resp)
	var g graphError
	if json.Unmarshal(resp.Body, &g) != nil || g.Error == nil || g.Error.Code == nil {
		return byStatus
	}
	code := *g.Error.Code
	if code == 100 && g.Error.Subcode == 33 { // Graph API: the object does not exist or may not be seen
		code = 33
	}
	m, ok := meaningOf(code)
	if !ok {
		byStatus.Code = strconv.Itoa(code)
		byStatus.Message = fmt.Sprintf("WhatsApp refuses the request with HTTP status %d", resp.Status)
		if g.Error.Transient && byStatus.Class.Final() {
			byStatus.Class, byStatus.Message = sdk.Unavailable, failingMessage
		}
		return byStatus
	}
	e := m.error(code)
	if byStatus.RetryAfter > 0 {
		e.RetryAfter = byStatus.RetryAfter
	}
	return e
}
