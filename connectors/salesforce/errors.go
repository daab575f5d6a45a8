package salesforce

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// apiError is an element of Salesforce's list of errors ("Status Codes and Error
// Responses"). Its message is read and never repeated: it may quote records.
type apiError struct {
	Code    string   `json:"errorCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields"`
}

// codeName is what a code looks like; only that is repeated.
var codeName = regexp.MustCompile(`^[A-Z][A-Z_]{2,60}$`)

// meanings of Salesforce's codes that its HTTP status does not tell.
var meanings = map[string]struct {
	class   sdk.Class
	message string
}{
	"INVALID_SESSION_ID":                            {sdk.Auth, "Salesforce does not know the session: check client_id, client_secret and the app's user"},
	"INVALID_AUTH_HEADER":                           {sdk.Auth, "Salesforce does not accept the access token"},
	"API_DISABLED_FOR_ORG":                          {sdk.Auth, "the org's edition, or the app's user, has no access to the API"},
	"API_CURRENTLY_DISABLED":                        {sdk.Auth, "the org's API is switched off at present"},
	"INSUFFICIENT_ACCESS":                           {sdk.Auth, "the app's user may not do this"},
	"INSUFFICIENT_ACCESS_OR_READONLY":               {sdk.Auth, "the app's user may not change this record"},
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": {sdk.Auth, "the app's user may not see a record that the request names"},
	"INVALID_TYPE":                                  {sdk.Auth, "the org has no such object, or the app's user may not see it"},
	"INVALID_FIELD":                                 {sdk.Invalid, "the org has no such field, or the app's user may not see it: see what Check says"},
	"INVALID_FIELD_FOR_INSERT_UPDATE":               {sdk.Invalid, "a field cannot be set, or the app's user may not set it"},
	"PROVIDED_EXTERNAL_ID_FIELD_DOES_NOT_EXIST_OR_IS_NOT_ACCESSIBLE": {sdk.Invalid, "the external ID field is not there, or the app's user may not see it: see what Check says"},
	"REQUIRED_FIELD_MISSING":                  {sdk.Invalid, "the org requires a field that was not given"},
	"INVALID_EMAIL_ADDRESS":                   {sdk.Invalid, "Salesforce does not accept the e-mail address"},
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": {sdk.Invalid, "a value is none of its field's picklist"},
	"STRING_TOO_LONG":                         {sdk.Invalid, "a text is longer than its field"},
	"FIELD_INTEGRITY_EXCEPTION":               {sdk.Invalid, "Salesforce does not accept the combination of values"},
	"MALFORMED_ID":                            {sdk.Invalid, "an ID is of another object, or none"},
	"NOT_FOUND":                               {sdk.NotFound, "Salesforce has no such record, or the app's user may not see it"},
	"ENTITY_IS_DELETED":                       {sdk.NotFound, "the record was deleted"},
	"INVALID_CROSS_REFERENCE_KEY":             {sdk.NotFound, "Salesforce has no such record as the request names, or the app's user may not see it"},
	"DUPLICATES_DETECTED":                     {sdk.Rejected, "a duplicate rule of the org refuses the record: there is one like it"},
	"DUPLICATE_VALUE":                         {sdk.Rejected, "another record has this identifier already"},
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":       {sdk.Rejected, "a validation rule of the org refuses the record"},
	"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY":    {sdk.Rejected, "an automation of the org refuses the record"},
	"CANNOT_EXECUTE_FLOW_TRIGGER":             {sdk.Rejected, "a flow of the org fails on the record"},
	"CANNOT_UPDATE_CONVERTED_LEAD":            {sdk.Rejected, "the lead was converted and can be changed no more"},
	"STORAGE_LIMIT_EXCEEDED":                  {sdk.Rejected, "the org's storage is full"},
	"SERVER_UNAVAILABLE":                      {sdk.Unavailable, "Salesforce is not available at present"},
	"QUERY_TIMEOUT":                           {sdk.Unavailable, "Salesforce took too long over a query"},
	"UNKNOWN_EXCEPTION":                       {sdk.Unavailable, "Salesforce failed while it worked on the request"},
}

// responseError turns an answer into the seam's error; nil for success.
func responseError(resp *sdk.Response) error {
	if resp.Status == http.StatusMultipleChoices {
		return &sdk.Error{Class: sdk.Rejected, Code: "300", Wrote: true, Message: "several records have this external ID: make the field's values unique"}
	}
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var list []apiError
	if json.Unmarshal(resp.Body, &list) != nil || len(list) == 0 {
		return e // an answer of no such form keeps what its status says
	}
	return refine(e, list[0])
}

func refine(e *sdk.Error, a apiError) error {
	if codeName.MatchString(a.Code) {
		e.Code = a.Code
	}
	switch a.Code {
	case "REQUEST_LIMIT_EXCEEDED":
		// Either too many at once, or those of the day are used up.
		e.Class, e.Wrote, e.Message = sdk.Throttled, false, "the org has used up its requests of the day"
		wait := quarter
		if strings.Contains(strings.ToLower(a.Message), "concurrent") {
			e.Message, wait = "the org has too many requests under way", 5*time.Second
		}
		if e.RetryAfter == 0 {
			e.RetryAfter = wait
		}
		return e
	case "UNABLE_TO_LOCK_ROW":
		// Another change holds the record; this one was rolled back as a whole.
		e.Class, e.Wrote, e.Message, e.RetryAfter = sdk.Throttled, false, "somebody else is changing the record", 2*time.Second
		return e
	}
	if m, ok := meanings[a.Code]; ok {
		e.Class, e.Message = m.class, m.message
	} else if e.Class == sdk.Invalid {
		e.Message = "Salesforce does not accept the request"
	}
	e.Message += named(a.Fields)
	return e
}

// named lists the fields that an error is about: their names are the org's, and not
// personal.
func named(fields []string) string {
	var names []string
	for _, f := range fields {
		if fieldName.MatchString(f) && len(names) < 5 {
			names = append(names, f)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}
