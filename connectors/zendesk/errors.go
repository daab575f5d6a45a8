package zendesk

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// failure is what Zendesk says of an error. Of its texts only the codes and the names
// of fields are repeated: descriptions quote what was sent
// (https://developer.zendesk.com/api-reference/introduction/requests/#400-range).
type failure struct {
	// Error is a code ("RecordInvalid"), a sentence, or an object with a title.
	Error   json.RawMessage `json:"error"`
	Details map[string][]struct {
		Error string `json:"error"`
	} `json:"details"`
	// Errors are those of the webhooks' API.
	Errors []struct {
		Code string `json:"code"`
	} `json:"errors"`
}

var (
	codeName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{1,40}$`)
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
)

// responseError turns an answer into the seam's error; nil for success. A redirect is
// none: the API has none of its own.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var f failure
	_ = json.Unmarshal(resp.Body, &f) // some errors are plain text
	if code := f.code(); code != "" {
		e.Code = code
	}
	switch s := resp.Status; {
	case s >= 500:
		e.Message = "Zendesk failed while it worked on the request"
	case s == http.StatusTooManyRequests:
		e.Message = "Zendesk asks for fewer requests"
		if e.RetryAfter == 0 {
			e.RetryAfter = 10 * time.Second
		}
	case s == http.StatusUnauthorized:
		e.Message = "Zendesk does not accept the credentials: check email and api_token, and that API token access is on, or authorise the connection anew"
	case s == http.StatusForbidden:
		e.Message = "Parley's user at Zendesk lacks a permission for this"
	case s == http.StatusNotFound:
		e.Message = "Zendesk has no such object, or Parley's user may not see it"
	case s == http.StatusConflict:
		// Two changes at once, or another request with the same key is not done yet.
		e.Class, e.Wrote, e.Message = sdk.Unavailable, true, "the ticket is being changed by another request"
		if e.RetryAfter == 0 {
			e.RetryAfter = time.Second
		}
	case e.Code == "IdempotentRequestError":
		e.Message = "this key was used before with other input; use a new key for new input"
	case s == http.StatusUnprocessableEntity && f.concerns("status"):
		e.Class, e.Message = sdk.Rejected, "the ticket is closed, or may not have this status; a closed ticket cannot be changed: open another"
	case e.Class == sdk.Invalid:
		e.Message = "Zendesk does not accept the request" + f.fields()
	}
	return e
}

func (f failure) code() string {
	var text string
	if json.Unmarshal(f.Error, &text) == nil && codeName.MatchString(text) {
		return text
	}
	if len(f.Errors) > 0 && codeName.MatchString(f.Errors[0].Code) {
		return f.Errors[0].Code
	}
	return ""
}

func (f failure) concerns(field string) bool { _, ok := f.Details[field]; return ok }

// fields are the names of those that were refused, with Zendesk's code for why.
func (f failure) fields() string {
	var told []string
	for _, name := range slices.Sorted(maps.Keys(f.Details)) {
		if !fieldName.MatchString(name) {
			continue
		}
		if why := f.Details[name]; len(why) > 0 && codeName.MatchString(why[0].Error) {
			name += ": " + why[0].Error
		}
		if told = append(told, name); len(told) == 10 {
			break
		}
	}
	if len(told) == 0 {
		return ""
	}
	return " (" + strings.Join(told, ", ") + ")"
}
