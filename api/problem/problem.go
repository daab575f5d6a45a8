// Package problem is how the HTTP edge says no: documents of RFC 9457, media type
// application/problem+json. Their texts are fixed sentences of ours; nothing of
// the refused request is repeated in them.
package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// ContentType is the media type of a problem (RFC 9457, section 6.1).
const ContentType = "application/problem+json"

// Problem is one refusal. It is an error, so that it can be returned through the
// layers that find it.
type Problem struct {
	// Type is a stable URI by which programs tell problems apart.
	Type string `json:"type" required:"true" example:"urn:parley:problem:unknown-account"`
	// Title is the same for every problem of the type.
	Title  string `json:"title" required:"true"`
	Status int    `json:"status" required:"true" minimum:"400" maximum:"599"`
	// Detail says what is wrong this time and what to do.
	Detail string `json:"detail,omitempty"`
	// Instance identifies this occurrence; it is the request ID of the logs.
	Instance string `json:"instance,omitempty" format:"uri"`
	// Errors lists the fields that are wrong, where there are some.
	Errors []Field `json:"errors,omitempty"`

	// RetryAfter, if set, is sent as the header of that name, in whole seconds.
	RetryAfter time.Duration `json:"-"`
	// Cause is for the log, and is not sent.
	Cause error `json:"-"`
}

// Field is one thing that is wrong with the input.
type Field struct {
	// Pointer is a JSON Pointer into the body (RFC 6901), or "query/name" or
	// "path/name" for a parameter.
	Pointer string `json:"pointer,omitempty"`
	Detail  string `json:"detail" required:"true"`
	// Line and Column are set for a document sent as text, such as a flow.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// Kind is a kind of problem: its URI without the prefix, status and title.
type Kind struct {
	Name   string
	Status int
	Title  string
}

// The kinds that exist. Their names are part of the API.
var (
	Malformed      = Kind{"malformed", http.StatusBadRequest, "The request cannot be read"}
	BadCursor      = Kind{"bad-cursor", http.StatusBadRequest, "The cursor does not belong to this list"}
	Unauthorized   = Kind{"unauthorized", http.StatusUnauthorized, "A valid API key is needed"}
	BadSignature   = Kind{"bad-signature", http.StatusUnauthorized, "The webhook's signature is not valid"}
	Forbidden      = Kind{"forbidden", http.StatusForbidden, "The API key may not do this"}
	Handshake      = Kind{"handshake-refused", http.StatusForbidden, "The handshake is refused"}
	NotFound       = Kind{"not-found", http.StatusNotFound, "There is no such thing here"}
	UnknownAccount = Kind{"unknown-account", http.StatusNotFound, "No connection has this account"}
	Method         = Kind{"method-not-allowed", http.StatusMethodNotAllowed, "The method is not supported here"}
	Timeout        = Kind{"request-timeout", http.StatusRequestTimeout, "The request did not arrive in time"}
	Conflict       = Kind{"conflict", http.StatusConflict, "The state of things does not allow this"}
	TooLarge       = Kind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	MediaType      = Kind{"unsupported-media-type", http.StatusUnsupportedMediaType, "The body must be JSON"}
	Invalid        = Kind{"invalid", http.StatusUnprocessableEntity, "The input is not valid"}
	Internal       = Kind{"internal", http.StatusInternalServerError, "Something failed on our side"}
	Overload       = Kind{"overload", http.StatusServiceUnavailable, "Too much is under way"}
	Unavailable    = Kind{"unavailable", http.StatusServiceUnavailable, "A part that is needed cannot be reached"}
	Late           = Kind{"timeout", http.StatusGatewayTimeout, "The answer took too long"}
)

// Kinds lists them all.
var Kinds = []Kind{
	Malformed, BadCursor, Unauthorized, BadSignature, Forbidden, Handshake,
	NotFound, UnknownAccount, Method, Timeout, Conflict, TooLarge,
	MediaType, Invalid, Internal, Overload, Unavailable, Late,
}

// Type is the URI by which programs know the kind.
func (k Kind) Type() string { return "urn:parley:problem:" + k.Name }

// New makes a problem of the kind.
func (k Kind) New(detail string) *Problem {
	return &Problem{Type: k.Type(), Title: k.Title, Status: k.Status, Detail: detail}
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// Write sends the problem. requestID, if not empty, becomes its instance.
func Write(w http.ResponseWriter, p *Problem, requestID string) {
	out := *p
	if requestID != "" {
		out.Instance = "urn:uuid:" + requestID
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if out.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((out.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(out.Status)
	json.NewEncoder(w).Encode(out) // a client that is gone cannot be told
}
