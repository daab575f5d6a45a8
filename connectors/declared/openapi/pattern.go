package openapi

import (
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// foreignPattern is the keyword under which a schema keeps a pattern that Go cannot
// read. ECMA 262, which OpenAPI names, can look around and back. Inputs are not
// held to it; samples are made for it.
const foreignPattern = "x-pattern"

// pattern keeps a pattern of a schema whose other keywords were read. One that
// allows no text as long as the schema wants would make every input wrong.
func (c *converter) pattern(p string, out object) {
	if p == "" {
		return
	}
	re, err := syntax.Parse(p, syntax.Perl)
	if err == nil {
		_, err = regexp.Compile(p)
	}
	if err != nil {
		out[foreignPattern] = p
		return
	}
	if most, bounded := longest(re); bounded && anchored(re) && most < int(number(out["minLength"], 0)) {
		c.contradictions[fmt.Sprintf("the pattern %s allows no text of minLength %v; it was left out", p, out["minLength"])] = true
		return
	}
	out["pattern"] = p
}

// anchored tells whether a pattern is about a whole text.
func anchored(re *syntax.Regexp) bool {
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 {
		return false
	}
	return re.Sub[0].Op == syntax.OpBeginText && re.Sub[len(re.Sub)-1].Op == syntax.OpEndText
}

// longest is how many characters a match may have at most.
func longest(re *syntax.Regexp) (most int, bounded bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune), true
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, true
	case syntax.OpStar, syntax.OpPlus:
		return 0, false
	case syntax.OpRepeat:
		most, bounded = longest(re.Sub[0])
		return most * re.Max, bounded && re.Max >= 0
	}
	for _, part := range re.Sub {
		n, ok := longest(part)
		if !ok {
			return 0, false
		}
		if re.Op == syntax.OpAlternate {
			most = max(most, n)
		} else {
			most += n
		}
	}
	return most, true
}

// around are what looks around or back, as far as it has no groups of its own.
var around = regexp.MustCompile(`\(\?<?[=!](?:[^()\\]|\\.)*\)|\\[1-9]`)

// mostMatching bounds the time that a stranger's pattern may take.
const mostMatching = 100 * time.Millisecond

// fromForeign makes a text for a pattern that Go cannot read: of what is left
// without looking around, or else of the usual texts, one that it does match.
func fromForeign(pattern string, low, high int) (string, bool) {
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	if err != nil {
		return "", false
	}
	re.MatchTimeout = mostMatching
	var candidates []string
	for extra := range 3 {
		if made, ok := fromPattern(around.ReplaceAllString(pattern, ""), low+extra); ok {
			candidates = append(candidates, made)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(formats)) {
		candidates = append(candidates, formats[name])
	}
	candidates = append(candidates, strings.Repeat("x", max(low, 1)))
	for _, v := range candidates {
		n := len([]rune(v))
		if ok, err := re.MatchString(v); err == nil && ok && low <= n && n <= high {
			return v, true
		}
	}
	return "", false
}

// fromPattern makes a text of at least that length that a pattern matches.
func fromPattern(pattern string, low int) (string, bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	re = re.Simplify()
	for repeat := 0; repeat <= low+1; repeat++ {
		var b strings.Builder
		if !writeMatch(&b, re, repeat) {
			return "", false
		}
		if len([]rune(b.String())) >= low {
			return b.String(), true
		}
	}
	return "", false
}

// writeMatch writes something that re matches; what may be repeated, that often.
func writeMatch(b *strings.Builder, re *syntax.Regexp, repeat int) bool {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return false
		}
		b.WriteRune(pick(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpCapture, syntax.OpConcat:
		for _, part := range re.Sub {
			if !writeMatch(b, part, repeat) {
				return false
			}
		}
	case syntax.OpAlternate:
		return writeMatch(b, re.Sub[0], repeat)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		times := repeat
		if re.Op == syntax.OpPlus {
			times = max(1, repeat)
		} else if re.Op == syntax.OpQuest {
			times = min(1, repeat)
		}
		for range times {
			if !writeMatch(b, re.Sub[0], repeat) {
				return false
			}
		}
	case syntax.OpNoMatch:
		return false
	}
	return true
}

// pick takes a letter or digit of a class, else its first character.
func pick(ranges []rune) rune {
	for _, want := range "a1AxX0" {
		for i := 0; i < len(ranges); i += 2 {
			if ranges[i] <= want && want <= ranges[i+1] {
				return want
			}
		}
	}
	return ranges[0]
}
