package observe

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"parley/connectors/sdk"
)

// maxErrText bounds an error's text in a log line, in bytes.
const maxErrText = 400

var (
	quoted    = regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`")
	mail      = regexp.MustCompile(`[^\s@<>"']+@[^\s@<>"']+`)
	urlTail   = regexp.MustCompile(`(\b[a-z][a-z0-9+.-]*://)[^\s]+`)
	longDigit = regexp.MustCompile(`\+?\d(?:[ .()-]?\d){6,}`)
)

// ErrText gives an error's text in a form that may be logged. Our own errors
// ([sdk.Error]) promise to hold nothing personal and are given as they are;
// database errors are reduced to their SQLSTATE; of anything else, quoted parts,
// addresses, URLs and long numbers are taken out, since a library's error may
// quote what it was given.
func ErrText(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return e.Error()
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return "database error, SQLSTATE " + state.SQLState()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	}
	return scrub(err.Error())
}

func scrub(s string) string {
	if len(s) > maxErrText {
		s = s[:maxErrText] + "…"
	}
	s = quoted.ReplaceAllString(s, `"…"`)
	s = urlTail.ReplaceAllString(s, "$1…")
	s = mail.ReplaceAllString(s, "…@…")
	return longDigit.ReplaceAllString(s, "…")
}

// Panic describes a recovered panic: its type and, for errors, its scrubbed
// text. The value of any other panic may hold content and is not shown.
func Panic(v any) string {
	if err, ok := v.(error); ok {
		return "panic: " + ErrText(err)
	}
	return fmt.Sprintf("panic of type %T", v)
}
