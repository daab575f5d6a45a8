package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Class is the one vocabulary of errors at the seam.
type Class string

const (
	// Invalid: our input is wrong. Final.
	Invalid Class = "invalid"
	// Auth: credentials are missing, wrong or lack a permission. Final.
	Auth Class = "auth"
	// NotFound: the object does not exist. Final.
	NotFound Class = "not_found"
	// Rejected: understood and refused (card declined, window closed). Final.
	Rejected Class = "rejected"
	// Throttled: not done; try again after RetryAfter.
	Throttled Class = "throttled"
	// Unavailable: the provider could not be reached or failed; see Wrote.
	Unavailable Class = "unavailable"
	// Uncertain: it may have been done.
	Uncertain Class = "uncertain"
)

// Final tells whether repeating the same request cannot help.
func (c Class) Final() bool {
	switch c {
	case Throttled, Unavailable, Uncertain:
		return false
	}
	return true
}

// Error is what every operation, send and webhook check fails with. Its texts
// never hold personal data or secrets.
type Error struct {
	Class Class `json:"class"`
	// Code is the provider's own code, kept as it is.
	Code string `json:"code,omitempty"`
	// Message is for an operator: what is wrong and what to do.
	Message string `json:"message"`
	// Customer is a text fit for the customer; empty if there is none.
	Customer string `json:"customer,omitempty"`
	// RetryAfter is the provider's wish, for Throttled and Unavailable.
	RetryAfter time.Duration `json:"-"`
	// Wrote tells that the request, or part of it, left this machine, so that
	// the provider may have acted on it.
	Wrote bool `json:"-"`
	// Err is the cause, for errors.Is; it is not printed.
	Err error `json:"-"`
}

func (e *Error) Error() string {
	if e.Code != "" {
		return fmt.Sprintf("%s (%s): %s", e.Class, e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Class, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// MarshalJSON writes the form that the CLI prints: retry_after as "2s".
func (e *Error) MarshalJSON() ([]byte, error) {
	type plain Error
	out := struct {
		*plain
		RetryAfter string `json:"retry_after,omitempty"`
	}{plain: (*plain)(e)}
	if e.RetryAfter > 0 {
		out.RetryAfter = e.RetryAfter.String()
	}
	return json.Marshal(out)
}

// Invalidf makes an error of class Invalid. Do not put values into it.
func Invalidf(format string, args ...any) *Error {
	return &Error{Class: Invalid, Message: fmt.Sprintf(format, args...)}
}

// AsError returns err as an *Error. What is none counts as unavailable after
// the request was written: the careful reading.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Class: Unavailable, Message: "the connector failed unexpectedly", Wrote: true, Err: err}
}

func newReader(raw []byte) io.Reader { return bytes.NewReader(raw) }

func describeJSON(err error) string {
	var syn *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syn):
		return fmt.Sprintf("not valid JSON at byte %d", syn.Offset)
	case errors.As(err, &typ):
		return fmt.Sprintf("field %q must be %s", typ.Field, typ.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON ends too early"
	default:
		return err.Error() // json: unknown field "…": names no value
	}
}
