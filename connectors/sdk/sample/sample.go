// Package sample resolves the references in an operation's samples; see
// [parley/connectors/sdk.Operation.Sample]. It is pure but for the outputs that
// it asks for.
package sample

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// reference is {{operation.field}}; the field may be a path, with numbers for
// places in lists: {{search.items.0.id}}.
var reference = regexp.MustCompile(`\{\{\s*([a-z][a-z0-9_]*)\.([A-Za-z0-9_.]+)\s*\}\}`)

// References lists the operations that a sample refers to, each once.
func References(sample json.RawMessage) (names []string) {
	seen := map[string]bool{}
	for _, m := range reference.FindAllSubmatch(sample, -1) {
		if name := string(m[1]); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// Resolve replaces the references of a sample. A text that is one reference and
// nothing else becomes the value, of whatever type; within a longer text the
// value is written out. output gives an operation's output.
func Resolve(sample json.RawMessage, output func(operation string) (json.RawMessage, error)) (json.RawMessage, error) {
	var v any
	if err := decode(sample, &v); err != nil {
		return nil, fmt.Errorf("the sample is not JSON: %w", err)
	}
	v, err := resolve(v, output)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func resolve(v any, output func(string) (json.RawMessage, error)) (any, error) {
	var err error
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if v[k], err = resolve(inner, output); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, inner := range v {
			if v[i], err = resolve(inner, output); err != nil {
				return nil, err
			}
		}
	case string:
		return text(v, output)
	}
	return v, nil
}

func text(s string, output func(string) (json.RawMessage, error)) (any, error) {
	if m := reference.FindStringSubmatch(s); m != nil && m[0] == s {
		return field(m[1], m[2], output)
	}
	var failed error
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		v, err := field(m[1], m[2], output)
		if err != nil {
			failed = err
		}
		return fmt.Sprint(v)
	})
	return out, failed
}

func field(operation, path string, output func(string) (json.RawMessage, error)) (any, error) {
	raw, err := output(operation)
	if err != nil {
		return nil, err
	}
	var v any
	if err := decode(raw, &v); err != nil {
		return nil, fmt.Errorf("the output of %s is not JSON: %w", operation, err)
	}
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(in) {
				return nil, fmt.Errorf("{{%s.%s}}: the list has no item %s", operation, path, part)
			}
			v = in[i]
		default:
			v = nil
		}
	}
	if v == nil {
		return nil, fmt.Errorf("{{%s.%s}}: the output has no such field", operation, path)
	}
	return v, nil
}

// decode keeps numbers as they are written.
func decode(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}
