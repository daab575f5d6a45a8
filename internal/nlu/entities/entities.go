// Package entities finds parameters in what customers write: e-mail addresses,
// phone numbers, order numbers, and values of lists that a flow declares, slips of
// the keys included.
package entities

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"parley/connectors/sdk"
	"parley/internal/nlu/words"
)

// Finder finds the values of one kind in a text, the first first.
type Finder interface{ Find(text string) []any }

// FinderFunc is a function as a [Finder]. Numbers, dates and amounts, which
// depend on language and country, come in by it.
type FinderFunc func(text string) []any

// Find implements [Finder].
func (f FinderFunc) Find(text string) []any { return f(text) }

var (
	email = regexp.MustCompile(`[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+`)
	phone = regexp.MustCompile(`(?:\+|\b)\(?\d(?:[ \-.()]{0,2}\d){6,14}\b`)
	order = regexp.MustCompile(`(?i)(?:#\s?|\b(?:order|pedido|commande|pesanan|ord|no\.?|number|ऑर्डर|طلب)\s*(?:no\.?|number|id|num)?\s*[:#]?\s*)([a-z]{0,4}-?\d{3,12})\b`)
)

// Email finds e-mail addresses.
var Email = FinderFunc(func(text string) (out []any) {
	for _, m := range email.FindAllString(text, -1) {
		out = append(out, m)
	}
	return out
})

// Phone finds phone numbers, as a plus where there was one and digits: 7 to 15 of
// them (ITU-T E.164).
var Phone = FinderFunc(func(text string) (out []any) {
	for _, m := range phone.FindAllString(text, -1) {
		digits := strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' || r == '+' {
				return r
			}
			return -1
		}, m)
		out = append(out, digits)
	}
	return out
})

// Order finds order numbers: digits, with letters before them perhaps, after # or
// a word for order.
var Order = FinderFunc(func(text string) (out []any) {
	for _, m := range order.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ToUpper(m[1]))
	}
	return out
})

// Pattern finds what a regular expression (RE2) matches, or its first group.
func Pattern(text string) (Finder, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("the pattern: %w", err)
	}
	return FinderFunc(func(text string) (out []any) {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			out = append(out, m[min(1, len(m)-1)])
		}
		return out
	}), nil
}

// List finds the values of a list by any of their names. A name of five letters
// or more may have one slip, of nine or more two: a letter wrong, missing, too
// many, or two swapped. It is immutable and safe for concurrent use.
func List(values map[string][]string) Finder {
	l := &list{exact: map[string]string{}}
	for value, names := range values {
		for _, name := range append([]string{value}, names...) {
			parts := words.List(name)
			key := strings.Join(parts, " ")
			if key == "" {
				continue
			}
			// On a draw the smaller value, so that the order of a map decides nothing.
			if old, taken := l.exact[key]; !taken || value < old {
				l.exact[key] = value
			}
			l.longest = max(l.longest, len(parts))
		}
	}
	return l
}

type list struct {
	exact   map[string]string
	longest int // words of the longest name
}

// Find implements [Finder].
func (l *list) Find(text string) (out []any) {
	parts := words.List(text)
	for from := 0; from < len(parts); {
		value, used := l.at(parts[from:])
		if used == 0 {
			from++
			continue
		}
		out = append(out, value)
		from += used
	}
	return out
}

// at returns the value whose name begins the words, the longest first.
func (l *list) at(parts []string) (value string, used int) {
	for n := min(l.longest, len(parts)); n > 0; n-- {
		if value, ok := l.exact[strings.Join(parts[:n], " ")]; ok {
			return value, n
		}
	}
	for n := min(l.longest, len(parts)); n > 0; n-- {
		if value, ok := l.near(strings.Join(parts[:n], " ")); ok {
			return value, n
		}
	}
	return "", 0
}

// near allows for slips; two values that are as near are none.
func (l *list) near(said string) (string, bool) {
	best, value, draw := 3, "", false
	rs := []rune(said)
	for name, v := range l.exact {
		d := distance(rs, []rune(name))
		if d > slips(len(rs)) || d > slips(len([]rune(name))) || d > best {
			continue
		}
		draw = d == best && v != value
		best, value = d, v
	}
	return value, value != "" && !draw
}

func slips(letters int) int {
	switch {
	case letters >= 9:
		return 2
	case letters >= 5:
		return 1
	}
	return 0
}

// distance is the optimal string alignment distance; far apart lengths are far.
func distance(a, b []rune) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	next := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(next[j-1]+1, row[j]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// Engine finds the entities that a bot has, by name. It is safe for concurrent
// use if its finders are.
type Engine map[string]Finder

// Understand implements [sdk.Understander]: it gives the first value of each
// entity that is there.
func (e Engine) Understand(_ context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	var found map[string]any
	for name, finder := range e {
		if values := finder.Find(u.Text); len(values) > 0 {
			if found == nil {
				found = map[string]any{}
			}
			found[name] = values[0]
		}
	}
	return sdk.Understanding{Entities: found}, nil
}
