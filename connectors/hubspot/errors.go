package hubspot

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"parley/connectors/sdk"
)

// apiError is HubSpot's error object ("Error handling", and the schema Error of its
// OpenAPI documents). Its messages are never repeated: they quote what was sent.
type apiError struct {
	Category    string      `json:"category"`
	SubCategory any         `json:"subCategory"` // a text, but an object in one schema
	Policy      string      `json:"policyName"`
	Context     contextOf   `json:"context"`
	Errors      []errorPart `json:"errors"`
}

type errorPart struct {
	Code    string    `json:"code"`
	In      string    `json:"in"`
	Context contextOf `json:"context"`
}

// contextOf is what an error says of its circumstances. Whatever is of another form
// is left out.
type contextOf map[string][]string

func (c *contextOf) UnmarshalJSON(raw []byte) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	*c = contextOf{}
	for k, v := range all {
		var texts []string
		if json.Unmarshal(v, &texts) == nil {
			(*c)[k] = texts
		}
	}
	return nil
}

// Only what looks like one of HubSpot's own identifiers is repeated.
var (
	codeName  = regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,60}$`)
	scopeName = regexp.MustCompile(`^(crm|oauth|sales|tickets|automation|settings)(\.[a-z_]{2,40}){1,5}$`)
)

// responseError turns an answer into the seam's error; nil for success.
func (c *connection) responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body apiError
	_ = json.Unmarshal(resp.Body, &body) // an answer of no such form keeps what its status says
	if resp.Status == http.StatusTooManyRequests && e.RetryAfter == 0 {
		e.RetryAfter = pause(body.Policy, resp.Header)
	}
	return c.refine(e, body, resp.Status)
}

// pause is how long to wait after a 429 that does not say: limits are per second,
// per ten seconds, or per day, which ends at midnight in the account's time zone.
func pause(policy string, h http.Header) time.Duration {
	switch policy {
	case "DAILY":
		return 15 * time.Minute
	case "SECONDLY":
		return time.Second
	}
	if ms, err := strconv.Atoi(h.Get("X-HubSpot-RateLimit-Interval-Milliseconds")); err == nil && ms > 0 && ms <= 60_000 {
		return time.Duration(ms) * time.Millisecond
	}
	return 10 * time.Second
}

// refine sharpens what the HTTP status says by HubSpot's category and codes.
func (c *connection) refine(e *sdk.Error, a apiError, status int) *sdk.Error {
	code := a.Category
	if len(a.Errors) > 0 && codeName.MatchString(a.Errors[0].Code) {
		code = a.Errors[0].Code
	}
	if codeName.MatchString(code) {
		e.Code = code
	}
	conflict := status == http.StatusConflict || a.Category == "CONFLICT" || a.Category == "OBJECT_ALREADY_EXISTS" || code == "CONFLICTING_UNIQUE_VALUE"
	switch {
	case status == http.StatusTooManyRequests || a.Category == "RATE_LIMITS":
		e.Class, e.Wrote, e.Message = sdk.Throttled, false, "HubSpot asks for fewer requests"
	case status == http.StatusLocked || status == migrating:
		// The account is locked or moved, and nothing was done.
		e.Class, e.Wrote, e.Message = sdk.Throttled, false, "HubSpot has locked the account for a while"
		if e.RetryAfter == 0 {
			e.RetryAfter = 2 * time.Second
		}
	case status >= 500:
		e.Message = "HubSpot failed while it worked on the request"
	case a.Category == "MISSING_SCOPES" || status == http.StatusForbidden:
		e.Class, e.Message = sdk.Auth, "the app lacks a permission"+scopes(a)
	case status == http.StatusUnauthorized:
		e.Message = "HubSpot does not accept the access token"
	case conflict:
		e.Class, e.Message = sdk.Rejected, "another record has this e-mail address or identifier already"
	case code == "PROPERTY_DOESNT_EXIST":
		e.Class, e.Message = sdk.Invalid, "HubSpot has no such property"+c.property(a)+": run the operation setup, or make it at HubSpot"
	case code == "INVALID_EMAIL":
		e.Class, e.Message = sdk.Invalid, "HubSpot does not accept the e-mail address"
	case code == "INVALID_OPTION":
		e.Class, e.Message = sdk.Invalid, "a value is none of its property's options"+c.property(a)
	case e.Class == sdk.NotFound || a.Category == "OBJECT_NOT_FOUND":
		e.Class, e.Message = sdk.NotFound, "HubSpot has no such object"
	case e.Class == sdk.Invalid:
		e.Message = "HubSpot does not accept the request"
	}
	return e
}

// migrating is HubSpot's own status while an account moves to another data centre.
const migrating = 477

// scopes names the permissions that are missing, where HubSpot does.
func scopes(a apiError) string {
	parts := []contextOf{a.Context}
	for _, e := range a.Errors {
		parts = append(parts, e.Context)
	}
	for _, p := range parts {
		for _, field := range []string{"requiredGranularScopes", "requiredScopes", "missingScopes"} {
			for _, scope := range p[field] {
				if scopeName.MatchString(scope) {
					return ": give it the scope " + scope
				}
			}
		}
	}
	return ""
}

// property names the property that an error is about if it is one of those that
// the connection itself fills.
func (c *connection) property(a apiError) string {
	own := append([]string{c.ExternalID, c.Key, c.Source, c.Score}, standard...)
	for _, e := range a.Errors {
		names := append([]string{e.In}, e.Context["propertyName"]...)
		for _, n := range names {
			if slices.Contains(own, n) {
				return " (" + n + ")"
			}
		}
	}
	return ""
}

// standard are HubSpot's own properties that operations fill.
var standard = []string{"email", "firstname", "lastname", "phone", "company", "hs_language", "lifecyclestage", "hs_lead_status", "hubspot_owner_id",
	"name", "domain", "dealname", "amount", "deal_currency_code", "dealstage", "pipeline", "closedate"}
