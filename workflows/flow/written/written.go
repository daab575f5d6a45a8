// Package written understands numbers, amounts of money, days, times of day and
// yes or no as people write them: in digits of any script or in words, in Arabic,
// English, French, Hindi, Indonesian, Portuguese and Spanish.
//
// What a language's words mean stands in its lexicon, a text file; how they are put
// together is the same code for all. An answer is understood whole or not at all:
// words that are not known make it no answer. Everything here is pure and safe for
// concurrent use.
package written

import (
	"math"
	"strings"
	"time"
)

// Number understands a number: 12, 1,500, 1.5 lakh, twenty-five, साढ़े तीन.
func Number(text, language string) (float64, bool) {
	p := parser{items: read(text, language), lexicon: of(language)}
	for p.take(skipped) || p.take(at) { // about thirty
	}
	sign := 1.0
	if p.take(minus) {
		sign = -1
	}
	v, ok := p.number()
	p.skip()
	return sign * v, ok && p.end() && !math.IsInf(v, 0)
}

// YesNo understands a yes or a no. English is understood beside every language.
func YesNo(text, language string) (yes, ok bool) {
	for _, l := range []string{language, "en"} {
		said := strings.Join(words(text), " ")
		if m, known := of(l).phrases[said]; known {
			switch m.kind {
			case yesWord:
				return true, true
			case noWord:
				return false, true
			}
		}
	}
	return false, false
}

// Clock is a time of day.
type Clock struct{ Hour, Minute int }

// Moment is a day, a time of day, or both.
type Moment struct {
	Day   time.Time // midnight UTC of that day; zero if none is named
	Clock *Clock    // nil if none is named
}

// When understands a day and a time of day, seen from now. A day without its year is
// the next there is; a weekday is the next after today. An hour from 1 to 6 that is
// written without minutes, or a part of the day, is one of the afternoon.
//
// The day stands before the month in digits (25/5/2026), unless it cannot. In French,
// huit jours are a week and quinze jours two, as people say it.
func When(text, language string, now time.Time) (Moment, bool) {
	p := parser{items: read(text, language), lexicon: of(language), now: now}
	m, ok := p.moment()
	if ok {
		return m, true
	}
	if base(language) != "en" { // dates in English are written everywhere
		p = parser{items: read(text, "en"), lexicon: of("en"), now: now}
		return p.moment()
	}
	return Moment{}, false
}

// Hour understands a time of day, also one that is but a number.
func Hour(text, language string, now time.Time) (Clock, bool) {
	if m, ok := When(text, language, now); ok && m.Clock != nil {
		return *m.Clock, true
	}
	p := parser{items: read(text, language), lexicon: of(language)}
	p.skip()
	v, exact, _, ok := p.hour()
	p.skip()
	if !ok || !p.end() {
		return Clock{}, false
	}
	return place(v, "", exact)
}
