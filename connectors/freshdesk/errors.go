package freshdesk

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// failure is what Freshdesk says of an error. Of its texts only the codes and the
// names of fields are repeated: messages quote what was sent
// (https://developers.freshdesk.com/api/#error).
type failure struct {
	Code   string `json:"code"`
	Errors []struct {
		Field string `json:"field"`
		Code  string `json:"code"`
	} `json:"errors"`
}

var (
	codeName  = regexp.MustCompile(`^[a-z][a-z0-9_]{1,40}$`)
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9_.\[\]]{0,40}$`)
)

// responseError turns an answer into the seam's error; nil for success.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var f failure
	_ = json.Unmarshal(resp.Body, &f) // some errors have no body
	if len(f.Errors) > 0 && codeName.MatchString(f.Errors[0].Code) {
		e.Code = f.Errors[0].Code
	}
	if codeName.MatchString(f.Code) {
		e.Code = f.Code
	}
	switch s := resp.Status; {
	case s >= 500:
		e.Message = "Freshdesk failed while it worked on the request"
	case s == http.StatusTooManyRequests:
		e.Message = "Freshdesk asks for fewer requests"
		if e.RetryAfter == 0 {
			e.RetryAfter = 10 * time.Second
		}
	case s == http.StatusUnauthorized:
		e.Message = "Freshdesk does not accept api_key: check it and base_url"
	case s == http.StatusForbidden:
		e.Message = "the agent of api_key lacks a permission for this, or the account is suspended"
	case s == http.StatusNotFound:
		e.Message = "Freshdesk has no such object, or the agent of api_key may not see it"
	case s == http.StatusConflict:
		e.Message = "another contact has this already" + f.fields()
	case e.Class == sdk.Invalid:
		e.Message = "Freshdesk does not accept the request" + f.fields()
	}
	return e
}

// fields are the names of those that were refused, with Freshdesk's code for why.
func (f failure) fields() string {
	var told []string
	for _, flaw := range f.Errors[:min(len(f.Errors), 10)] {
		if !fieldName.MatchString(flaw.Field) {
			continue
		}
		name := flaw.Field
		if codeName.MatchString(flaw.Code) {
			name += ": " + flaw.Code
		}
		told = append(told, name)
	}
	if len(told) == 0 {
		return ""
	}
	return " (" + strings.Join(told, ", ") + ")"
}
