package meta

import (
	"encoding/json"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

// WindowClosed is the code of an error for a message outside the window.
const WindowClosed = "2018278"

// meaning is what a code says in the seam's vocabulary. Messages are our own
// words: Meta's quote input.
type meaning struct {
	class   sdk.Class
	message string
	retry   time.Duration
	// code replaces Meta's own where one meaning has several.
	code string
}

const (
	tokenMessage  = "the access token is missing, expired or lacks a permission: give the connection a new one"
	windowMessage = "the customer has not written within 24 hours: only a person may still answer, for 7 days"
	awayMessage   = "the customer cannot be reached: they have blocked the account, deactivated theirs or never wrote to it"
	mediaMessage  = "the attachment could not be fetched or is too large: check its address, type and size"
)

// subcodes are looked at before codes: Meta, Messenger Platform, "Error codes".
var subcodes = map[int]meaning{
	2018278: {sdk.Rejected, windowMessage, 0, WindowClosed},
	2018065: {sdk.Rejected, windowMessage, 0, WindowClosed},
	2534022: {sdk.Rejected, windowMessage, 0, WindowClosed}, // Instagram's
	1545041: {sdk.Rejected, awayMessage, 0, "551"},
	2018108: {sdk.Rejected, awayMessage, 0, "551"},
	2018001: {sdk.NotFound, "no customer has this ID on this account", 0, "2018001"},
	2018047: {sdk.Invalid, mediaMessage, 0, ""},
	2018008: {sdk.Invalid, mediaMessage, 0, ""},
	2018109: {sdk.Invalid, mediaMessage, 0, ""},
	2018300: {sdk.Rejected, "another app has the thread: take it back first", 0, "2018300"},
}

// codes: Meta, Graph API, "Handle errors" and "Rate limits", and Messenger
// Platform, "Error codes".
var codes = map[int]meaning{
	1:     {sdk.Unavailable, "Meta fails for the moment", 0, ""},
	2:     {sdk.Unavailable, "Meta fails for the moment", 0, ""},
	1200:  {sdk.Unavailable, "Meta cannot deliver the message for the moment", 0, ""},
	4:     {sdk.Throttled, "the app makes too many calls", time.Minute, ""},
	17:    {sdk.Throttled, "the user makes too many calls", time.Minute, ""},
	32:    {sdk.Throttled, "the page makes too many calls", time.Minute, ""},
	613:   {sdk.Throttled, "too many calls of this kind", time.Second, ""},
	80002: {sdk.Throttled, "the Instagram account makes too many calls", time.Minute, ""},
	80006: {sdk.Throttled, "the page sends too many messages", time.Minute, ""},
	3:     {sdk.Auth, tokenMessage, 0, ""},
	10:    {sdk.Auth, tokenMessage, 0, ""},
	102:   {sdk.Auth, tokenMessage, 0, ""},
	190:   {sdk.Auth, tokenMessage, 0, ""},
	100:   {sdk.Invalid, "Meta refuses a parameter of the request", 0, ""},
	551:   {sdk.Rejected, awayMessage, 0, "551"},
	368:   {sdk.Rejected, "the account is blocked for a time for violating a policy: see Meta Business Suite", 0, ""},
}

// responseError classes an answer other than 2xx by its subcode and code, and by
// its HTTP status where they are unknown.
func responseError(product string, resp *sdk.Response) *sdk.Error {
	e := sdk.StatusError(resp)
	var g struct {
		Error *struct {
			Code      *int `json:"code"`
			Subcode   int  `json:"error_subcode"`
			Transient bool `json:"is_transient"`
		} `json:"error"`
	}
	if json.Unmarshal(resp.Body, &g) != nil || g.Error == nil || g.Error.Code == nil {
		return e
	}
	code := *g.Error.Code
	e.Code = strconv.Itoa(code)
	m, known := subcodes[g.Error.Subcode]
	if !known {
		m, known = codes[code]
	}
	switch {
	case known:
	case code >= 200 && code <= 299:
		m = meaning{class: sdk.Auth, message: tokenMessage}
	case code >= 80000 && code <= 80014:
		m = meaning{class: sdk.Throttled, message: "the account makes too many calls", retry: time.Minute}
	case g.Error.Transient && e.Class.Final():
		m = meaning{class: sdk.Unavailable, message: "Meta fails for the moment"}
	default:
		e.Message = product + " refuses the request with HTTP status " + strconv.Itoa(resp.Status)
		return e
	}
	e.Class, e.Message, e.Wrote = m.class, m.message, m.class != sdk.Throttled
	if m.code != "" {
		e.Code = m.code
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = m.retry
	}
	return e
}
