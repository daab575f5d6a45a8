package shopifyfake

import (
	"slices"
	"strings"
	"unicode"
)

// search is a parsed query of Shopify's search syntax, as far as the fake speaks
// it: alternatives of terms that must all match.
type search [][]term

type term struct {
	field, value string
	prefix       bool
}

// parseSearch reads terms "word", "word*", "field:value" and `field:"value"`,
// joined by AND (or nothing) and, more loosely, by OR.
func parseSearch(query string) search {
	out := search{nil}
	for _, token := range tokens(query) {
		switch token {
		case "AND":
			continue
		case "OR":
			out = append(out, nil)
			continue
		}
		field, value, ok := strings.Cut(token, ":")
		if !ok {
			field, value = "", token
		}
		value = strings.ToLower(strings.Trim(value, `"'`))
		value, prefix := strings.CutSuffix(value, "*")
		last := len(out) - 1
		out[last] = append(out[last], term{field, value, prefix})
	}
	return out
}

// tokens splits at spaces outside quotes.
func tokens(query string) []string {
	quote := rune(0)
	return strings.FieldsFunc(query, func(r rune) bool {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
			return false
		case r == '"' || r == '\'':
			quote = r
		}
		return unicode.IsSpace(r)
	})
}

// matches tests an object by its fields; "" holds the words of its texts.
func (s search) matches(fields map[string][]string) bool {
	return slices.ContainsFunc(s, func(terms []term) bool {
		for _, t := range terms {
			if !t.matches(fields[t.field]) {
				return false
			}
		}
		return true
	})
}

func (t term) matches(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		v = strings.ToLower(v)
		return v == t.value || t.prefix && strings.HasPrefix(v, t.value)
	})
}

func words(texts ...string) []string {
	return strings.FieldsFunc(strings.ToLower(strings.Join(texts, " ")), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
