package flow

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
)

// functions are those that flows have beside expr's own: helpers, and bounded or
// deterministic forms of what expr does otherwise.
var functions = conf.FunctionsTable{
	"money":   function("money", formatMoney, new(func(any) string), new(func(any, any) string)),
	"text":    function("text", one(func(v any) (any, error) { return text(v), nil }), new(func(any) string)),
	"string":  function("string", one(func(v any) (any, error) { return text(v), nil }), new(func(any) string)),
	"len":     function("len", one(length), new(func(any) int)),
	"mod":     function("mod", modulus, new(func(any, any) float64)),
	"join":    function("join", join, new(func(any) string), new(func(any, string) string)),
	"replace": function("replace", replace, new(func(string, string, string) string)),
	"date":    function("date", date, new(func(string) time.Time), new(func(string, string) time.Time)),
	"without": function("without", without, new(func(any, any) []any)),
}

func function(name string, f func(...any) (any, error), signatures ...any) *builtin.Function {
	out := &builtin.Function{Name: name, Func: f}
	for _, s := range signatures {
		out.Types = append(out.Types, reflect.TypeOf(s).Elem())
	}
	return out
}

func functionNames() []string {
	return append(slices.Collect(maps.Keys(functions)), builtins...)
}

var errArguments = errors.New("wrong arguments")

func one(f func(any) (any, error)) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		if len(args) != 1 {
			return nil, errArguments
		}
		return f(args[0])
	}
}

// length counts characters, list items or keys; nothing has length 0.
func length(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case string:
		return utf8.RuneCountInString(v), nil
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	return nil, fmt.Errorf("len of %T", v)
}

// modulus is the remainder of a division, with the sign of the dividend.
func modulus(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	a, okA := number(args[0])
	b, okB := number(args[1])
	if !okA || !okB || b == 0 {
		return nil, errors.New("% needs two numbers, the second not 0")
	}
	return math.Mod(a, b), nil
}

// join puts the texts of a list together, with a separator between them.
func join(args ...any) (any, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, errArguments
	}
	list, ok := args[0].([]any)
	if !ok && args[0] != nil {
		return nil, errArguments
	}
	separator := ""
	if len(args) == 2 {
		if separator, ok = args[1].(string); !ok {
			return nil, errArguments
		}
	}
	var b strings.Builder
	for i, item := range list {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(text(item))
		if b.Len() > MaxValue {
			return nil, errTooLarge
		}
	}
	return b.String(), nil
}

func replace(args ...any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	s, ok1 := args[0].(string)
	from, ok2 := args[1].(string)
	to, ok3 := args[2].(string)
	if !ok1 || !ok2 || !ok3 {
		return nil, errArguments
	}
	if len(s)+strings.Count(s, from)*len(to) > MaxValue {
		return nil, errTooLarge
	}
	return strings.ReplaceAll(s, from, to), nil
}

// date reads a time in UTC: an RFC 3339 time, a date, or by a Go layout.
func date(args ...any) (any, error) {
	layouts := []string{time.RFC3339Nano, time.DateTime, time.DateOnly}
	if len(args) == 0 || len(args) > 2 {
		return nil, errArguments
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, errArguments
	}
	if len(args) == 2 {
		layout, ok := args[1].(string)
		if !ok {
			return nil, errArguments
		}
		layouts = []string{layout}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return nil, errors.New("this is not a date")
}

// without gives a list without the item at an index, which counts from 0.
func without(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	list, ok := args[0].([]any)
	at, isNumber := number(args[1])
	if !ok || !isNumber {
		return nil, errArguments
	}
	i := int(at)
	if i < 0 || i >= len(list) {
		return list, nil
	}
	return slices.Concat(list[:i], list[i+1:]), nil
}
