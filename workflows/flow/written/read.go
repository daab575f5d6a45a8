package written

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes spellings alike: small letters, digits of all scripts as 0 to 9, no
// accents on Latin and Arabic letters, one form of those that are written in several.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.IsDigit(r):
			b.WriteByte('0' + digit(r))
		case r == '\u0901': // candrabindu is written as anusvara by many
			b.WriteRune('\u0902')
		case r == '\u093c', unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Devanagari, r): // nukta, accents, vowel signs
		case r == 'ى':
			b.WriteRune('ي')
		case r == 'ة':
			b.WriteRune('ه')
		case r == 'ـ': // kashida
		case r == '٫':
			b.WriteByte('.')
		case r == '٬' || r == '،':
			b.WriteByte(',')
		case unicode.Is(unicode.Cf, r): // directions and joiners
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

// digit is the value of a decimal digit: in Unicode they stand in rows of ten.
func digit(r rune) byte {
	for d := byte(0); ; d++ {
		if !unicode.IsDigit(r-1) || d == 9 {
			return d
		}
		if zero := r - rune(d) - 1; !unicode.IsDigit(zero) {
			return d
		}
	}
}

// words are the words and numbers of a text. Hyphens, apostrophes and stops part words;
// signs of currencies are words; so are letters behind digits.
func words(text string) (out []string) {
	var w []rune
	flush := func() {
		if s := strings.Trim(string(w), ".,:/-"); s != "" {
			out = append(out, s)
		}
		w = w[:0]
	}
	rs := []rune(fold(text))
	for i, r := range rs {
		numeric := len(w) > 0 && isDigit(w[0])
		switch {
		case isDigit(r):
			if len(w) > 0 && !numeric {
				flush()
			}
			w = append(w, r)
		case unicode.IsLetter(r) || unicode.IsMark(r):
			if numeric {
				flush()
			}
			w = append(w, r)
		case strings.ContainsRune(".,:/-", r) && numeric && i+1 < len(rs) && isDigit(rs[i+1]):
			w = append(w, r)
		case unicode.Is(unicode.Sc, r), unicode.Is(unicode.So, r), r == '%', r == '-' && i+1 < len(rs) && isDigit(rs[i+1]) && len(w) == 0:
			flush()
			out = append(out, string(r))
		default:
			flush()
		}
	}
	flush()
	return out
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// item is a phrase with its meaning, or a number in digits as it was written.
type item struct {
	meaning
	digits string
}

// read finds the longest phrases. A word that is not known has no kind.
func read(text, language string) []item {
	l := of(language)
	w := words(text)
	var out []item
	for i := 0; i < len(w); {
		if isDigit([]rune(w[i])[0]) {
			out = append(out, item{digits: w[i]})
			i++
			continue
		}
		n := min(l.longest, len(w)-i)
		for ; n > 1; n-- {
			if _, ok := l.phrases[strings.Join(w[i:i+n], " ")]; ok {
				break
			}
		}
		out = append(out, l.meanings(strings.Join(w[i:i+n], " "))...)
		i += n
	}
	return out
}

// meanings of a phrase. In Arabic "and", "in" and "the" are written as one with the
// word that follows.
func (l *lexicon) meanings(phrase string) []item {
	if m, ok := l.phrases[phrase]; ok {
		return []item{{meaning: m}}
	}
	if l.language == "ar" {
		for _, prefix := range []string{"و", "ال", "ب", "ل", "لل"} {
			rest, ok := strings.CutPrefix(phrase, prefix)
			if !ok || rest == "" {
				continue
			}
			if more := l.meanings(rest); more[0].kind != "" {
				if prefix == "و" {
					return append([]item{{meaning: meaning{kind: and}}}, more...)
				}
				return more
			}
		}
	}
	return []item{{meaning: meaning{text: phrase}}}
}

// value reads digits by the language's way of parting decimals and thousands.
func (l *lexicon) value(digits string) (float64, bool) {
	if strings.ContainsAny(digits, ":/-") {
		return 0, false
	}
	plain, ok := l.plain(digits)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(plain, 64)
	return v, err == nil
}

// plain writes digits with a point for the decimals and nothing else. The last sign
// that occurs once parts decimals if the other sign stands before it, if not three
// digits follow, or if it is the language's own.
func (l *lexicon) plain(digits string) (string, bool) {
	last := strings.LastIndexAny(digits, ".,")
	if last < 0 {
		return digits, true
	}
	sign := digits[last]
	other := byte('.' + ',' - sign)
	whole, decimals := digits[:last], digits[last+1:]
	own := byte('.')
	if l.comma {
		own = ','
	}
	once := strings.Count(digits, string(sign)) == 1
	isDecimal := once && (strings.IndexByte(whole, other) >= 0 || len(decimals) != 3 || sign == own || whole == "0")
	if !isDecimal {
		whole, decimals = digits, ""
		if strings.IndexByte(digits, other) >= 0 {
			return "", false
		}
		other = sign
	}
	groups := strings.Split(whole, string(other))
	for i, g := range groups { // 1,50,000 in India, 150,000 elsewhere
		if len(groups) > 1 && (g == "" || len(g) > 3 || i == len(groups)-1 && len(g) != 3 || i > 0 && len(g) < 2) {
			return "", false
		}
	}
	if strings.ContainsAny(strings.Join(groups, ""), ".,") {
		return "", false
	}
	if decimals == "" {
		return strings.Join(groups, ""), true
	}
	return strings.Join(groups, "") + "." + decimals, true
}
