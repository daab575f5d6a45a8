package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what a flow can keep. Sizes are in bytes of JSON.
const (
	// MaxValue bounds one variable.
	MaxValue = 64 << 10
	// MaxVars bounds all variables of a conversation together.
	MaxVars = 128 << 10
	// maxList bounds the entries of one list or mapping.
	maxList = 1000
	// maxValueDepth bounds lists and mappings within one another.
	maxValueDepth = 16
)

var (
	errTooLarge = errors.New("the value is too large")
	errTooDeep  = errors.New("the value is nested too deeply")
	errNoValue  = errors.New("the result cannot be kept: it is no text, number, list or mapping")
)

// normalise turns v into what JSON gives back when the state is read again (nil,
// bool, float64, string, []any, map[string]any), so that a flow sees the same
// values before and after a crash, and tells its size. Whole numbers are exact up
// to 2^53; times become RFC 3339 texts.
func normalise(v any) (any, int, error) {
	out, size, err := normal(v, 0)
	if err == nil && size > MaxValue {
		err = errTooLarge
	}
	return out, size, err
}

func normal(v any, depth int) (any, int, error) {
	if depth > maxValueDepth {
		return nil, 0, errTooDeep
	}
	switch v := v.(type) {
	case nil:
		return nil, 4, nil
	case bool:
		return v, 5, nil
	case string:
		s := strings.ToValidUTF8(v, "\uFFFD")
		return s, stringSize(s), nil
	case []any:
		return normalList(v, depth)
	case map[string]any:
		return normalMap(v, depth)
	case time.Time:
		s := v.UTC().Format(time.RFC3339Nano)
		return s, len(s) + 2, nil
	case time.Duration:
		s := v.String()
		return s, len(s) + 2, nil
	}
	if f, ok := number(v); ok {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, 0, errors.New("the result is not a finite number")
		}
		return f, len(formatNumber(f)), nil
	}
	return normalOther(v, depth)
}

func normalList(v []any, depth int) (any, int, error) {
	if len(v) > maxList {
		return nil, 0, errTooLarge
	}
	out, size := make([]any, len(v)), 2
	for i, item := range v {
		n, s, err := normal(item, depth+1)
		if size += s + 1; err != nil || size > MaxValue {
			return nil, 0, either(err, errTooLarge)
		}
		out[i] = n
	}
	return out, size, nil
}

func normalMap(v map[string]any, depth int) (any, int, error) {
	if len(v) > maxList {
		return nil, 0, errTooLarge
	}
	out, size := make(map[string]any, len(v)), 2
	for _, k := range slices.Sorted(maps.Keys(v)) { // so that of two errors it is always the same one
		if !utf8.ValidString(k) {
			return nil, 0, errNoValue
		}
		n, s, err := normal(v[k], depth+1)
		if size += stringSize(k) + s + 2; err != nil || size > MaxValue {
			return nil, 0, either(err, errTooLarge)
		}
		out[k] = n
	}
	return out, size, nil
}

// normalOther takes what expressions make beside plain values: typed slices such
// as those of split.
func normalOther(v any, depth int) (any, int, error) {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice || r.Len() > maxList {
		return nil, 0, errNoValue
	}
	list := make([]any, r.Len())
	for i := range list {
		list[i] = r.Index(i).Interface()
	}
	return normalList(list, depth)
}

// either gives the first error that there is.
func either(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// stringSize is how long s is in JSON as encoding/json writes it.
func stringSize(s string) int {
	size := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20, c == '<', c == '>', c == '&':
			size += 5
		case c == '"', c == '\\':
			size++
		case c == 0xE2: // U+2028 and U+2029 are escaped
			size += 3
		}
	}
	return size
}

// sizeOf gives the size of a value that is normal already.
func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return stringSize(v)
	case []any:
		size := 2
		for _, item := range v {
			size += sizeOf(item) + 1
		}
		return size
	case map[string]any:
		size := 2
		for k, item := range v {
			size += stringSize(k) + sizeOf(item) + 2
		}
		return size
	case float64:
		return len(formatNumber(v))
	case bool:
		return 5
	}
	return 4 // null
}

// number reads any of Go's numbers.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	switch r := reflect.ValueOf(v); {
	case !r.IsValid():
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

// formatNumber writes a number as JSON does: without an exponent where it can.
func formatNumber(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// text writes a value for people: nothing for nil, JSON for lists and mappings.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case fmt.Stringer:
		return v.String()
	}
	if f, ok := number(v); ok {
		return formatNumber(f)
	}
	js, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(js)
}

// truthy tells whether a condition's result counts as yes: true, a number other
// than 0, and whatever is not empty.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	f, ok := number(v)
	return !ok || f != 0
}

// clip shortens s to at most n bytes, at a character's border.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
