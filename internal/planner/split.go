package planner

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func length(s string) int { return utf8.RuneCountInString(s) }

// rank says how good a place is to cut text, worst first.
type rank int

const (
	grapheme  rank = iota // between user-perceived characters (Unicode UAX 29)
	wrap                  // where a line may be wrapped (UAX 14), e.g. between Chinese characters
	word                  // after white space
	sentence              // UAX 29
	line                  // after a line break
	paragraph             // after an empty line
)

// mark is a place where text may be cut.
type mark struct {
	bytes, chars int // before it
	rank         rank
}

// marks lists the places in s at which at most max characters lie before, in order.
func marks(s string, max int) []mark {
	var out []mark
	rest, state, at := s, -1, mark{}
	for rest != "" {
		var cluster string
		var bounds int
		cluster, rest, bounds, state = uniseg.StepString(rest, state)
		at.bytes += len(cluster)
		at.chars += length(cluster)
		if at.chars > max {
			break
		}
		at.rank = rankAfter(s[:at.bytes], cluster, bounds)
		out = append(out, at)
	}
	return out
}

func rankAfter(before, cluster string, bounds int) rank {
	last, _ := utf8.DecodeLastRuneInString(cluster)
	switch {
	case last == '\n' && strings.HasSuffix(strings.TrimRight(strings.TrimSuffix(before, cluster), " \t\r"), "\n"):
		return paragraph
	case last == '\n':
		return line
	case bounds&uniseg.MaskSentence != 0:
		return sentence
	case unicode.IsSpace(last):
		return word
	case bounds&uniseg.MaskLine != uniseg.LineDontBreak:
		return wrap
	}
	return grapheme
}

// preferences is the order in which places for a cut are looked for: a rank,
// and how full (in quarters) the message must be for it to count.
var preferences = []struct {
	rank     rank
	quarters int
}{{paragraph, 2}, {line, 2}, {sentence, 2}, {word, 1}, {wrap, 2}, {word, 0}, {wrap, 0}, {grapheme, 0}}

// split cuts s into pieces of at most max characters at the best places. The
// pieces hold everything but the white space at the cuts. A single grapheme of
// more than max characters is the only one that is cut within.
func split(s string, max int) []string {
	var out []string
	s = strings.TrimSpace(s)
	for max > 0 && length(s) > max {
		i := cut(s, max)
		out = append(out, strings.TrimSpace(s[:i]))
		s = strings.TrimSpace(s[i:])
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// cut gives the byte offset at which to end a message of at most max characters.
func cut(s string, max int) int {
	ms := marks(s, max)
	for _, p := range preferences {
		for i := len(ms) - 1; i >= 0 && ms[i].chars*4 > max*p.quarters; i-- {
			if ms[i].rank >= p.rank {
				return ms[i].bytes
			}
		}
	}
	return byteOffset(s, max)
}

// splitTail cuts s in two, so that the second part has at most max characters:
// from a paragraph's start if one lies there, else a sentence's, and so on.
func splitTail(s string, max int) (head, tail string) {
	total := length(s)
	ms := marks(s, total-1)
	for r := paragraph; r >= grapheme; r-- {
		for _, m := range ms {
			if m.rank < r || total-m.chars > max {
				continue
			}
			if t := strings.TrimSpace(s[m.bytes:]); t != "" {
				return strings.TrimSpace(s[:m.bytes]), t
			}
		}
	}
	i := byteOffset(s, total-max)
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i:])
}

// byteOffset of the character with this index.
func byteOffset(s string, chars int) int {
	for i := range s {
		if chars == 0 {
			return i
		}
		chars--
	}
	return len(s)
}

const ellipsis = "…"

// shorten cuts s to max characters, between graphemes, with an ellipsis. It
// reports false if that leaves nothing of it.
func shorten(s string, max int) (string, bool) {
	if max == 0 || length(s) <= max {
		return s, s != ""
	}
	end := 0
	for _, m := range marks(s, max-1) {
		end = m.bytes
	}
	kept := strings.TrimSpace(s[:end])
	return kept + ellipsis, kept != ""
}
