// Package words makes what people type comparable: one form for what looks or
// means the same, and the words of it, in any script. All of the language
// understanding begins here, so that what is learnt and what is asked are cut
// alike.
package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MostRunes is how much of a text is looked at. Nobody asks for something in
// more, and work and memory stay bounded.
const MostRunes = 2000

// Fold returns s in the form in which texts are compared: compatibility
// composed (Unicode Standard Annex 15), lower case, Latin, Greek and Cyrillic
// letters without accents, Arabic without vowel marks, tatweel and the variants
// of alef, yeh and teh marbuta that people use interchangeably. Vowel signs of
// Indic scripts are letters like others and stay. What is beyond [MostRunes] is
// left out.
func Fold(s string) string {
	return string(AppendFold(nil, s))
}

// AppendFold appends the form of [Fold] to dst as runes.
func AppendFold(dst []rune, s string) []rune {
	if ascii(s) {
		return appendLower(dst, s)
	}
	for _, r := range norm.NFKC.String(clip(s)) {
		dst = appendFolded(dst, r)
	}
	return dst
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func appendLower(dst []rune, s string) []rune {
	for i := range min(len(s), MostRunes) {
		c := rune(s[i])
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// clip cuts s after MostRunes runes.
func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > MostRunes {
			return s[:i]
		}
	}
	return s
}

func appendFolded(dst []rune, r rune) []rune {
	switch {
	case r < utf8.RuneSelf:
		return append(dst, unicode.ToLower(r))
	case r == 'ß':
		return append(dst, 's', 's')
	case r == 'ı', r == 'İ':
		return append(dst, 'i')
	case r == '’', r == '‘', r == 'ʼ':
		return append(dst, '\'')
	case unicode.Is(unicode.Arabic, r):
		return appendArabic(dst, r)
	case unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic):
		return append(dst, unaccented(unicode.ToLower(r)))
	case unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r):
		// A combining accent that no composition took. The joiners of Indic
		// scripts and the marks of emoji carry no meaning here either.
		return dst
	case r == '\u200d', r == '\u200c', r == '\ufe0f':
		return dst
	}
	return append(dst, unicode.ToLower(r))
}

// unaccented returns the letter beneath a lower case letter's accents. й is a
// letter of its own in the languages that write it.
func unaccented(r rune) rune {
	if r == 'й' {
		return r
	}
	var buf [utf8.UTFMax]byte
	d := norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	if len(d) == 0 {
		return r
	}
	first, _ := utf8.DecodeRune(d)
	return first
}

func appendArabic(dst []rune, r rune) []rune {
	switch {
	case unicode.Is(unicode.Mn, r), r == 'ـ':
		return dst
	case r == 'أ', r == 'إ', r == 'آ', r == 'ٱ':
		r = 'ا'
	case r == 'ى', r == 'ی':
		r = 'ي'
	case r == 'ة':
		r = 'ه'
	case r == 'ک':
		r = 'ك'
	case '٠' <= r && r <= '٩':
		r += '0' - '٠'
	case '۰' <= r && r <= '۹':
		r += '0' - '۰'
	}
	return append(dst, r)
}

// Span is one word: the runes from Start up to End of a folded text.
type Span struct{ Start, End int }

// AppendSpans appends the words of a folded text. A word is a run of letters,
// their marks and digits, with apostrophes inside; a character of a script that
// puts no spaces between words (Han, kana, Thai, Lao, Khmer, Burmese) and any
// other symbol, such as an emoji, is one by itself. Punctuation is none.
func AppendSpans(dst []Span, folded []rune) []Span {
	for i := 0; i < len(folded); {
		switch r := folded[i]; {
		case dense(r):
			end := i + 1
			for end < len(folded) && unicode.Is(unicode.M, folded[end]) {
				end++
			}
			dst = append(dst, Span{i, end})
			i = end
		case inWord(r):
			end := i + 1
			for end < len(folded) && continues(folded, end) {
				end++
			}
			dst = append(dst, Span{i, end})
			i = end
		case r >= utf8.RuneSelf && unicode.In(r, unicode.So, unicode.Sk):
			dst = append(dst, Span{i, i + 1})
			i++
		default:
			i++
		}
	}
	return dst
}

// List returns the words of a text, folded.
func List(s string) []string {
	folded := AppendFold(nil, s)
	spans := AppendSpans(nil, folded)
	out := make([]string, len(spans))
	for i, w := range spans {
		out[i] = string(folded[w.Start:w.End])
	}
	return out
}

func continues(folded []rune, i int) bool {
	r := folded[i]
	if r == '\'' {
		return i+1 < len(folded) && inWord(folded[i+1]) && !dense(folded[i+1])
	}
	return inWord(r) && !dense(r)
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}

func dense(r rune) bool {
	return r > 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai,
		unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
