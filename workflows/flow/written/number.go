package written

import (
	"math"
	"strconv"
	"time"
)

// parser goes through the items of an answer.
type parser struct {
	items   []item
	at      int
	lexicon *lexicon
	now     time.Time
}

func (p *parser) end() bool { return p.at >= len(p.items) }

func (p *parser) peek() item { return p.ahead(0) }

func (p *parser) ahead(n int) item {
	if p.at+n >= len(p.items) {
		return item{}
	}
	return p.items[p.at+n]
}

// take goes past an item of a kind.
func (p *parser) take(k kind) bool {
	if p.end() || p.peek().kind != k || p.peek().digits != "" {
		return false
	}
	p.at++
	return true
}

// skip goes past what means nothing.
func (p *parser) skip() {
	for p.take(skipped) {
	}
}

// sum is a number that is being put together.
type sum struct {
	// total of what is closed by a scale of a thousand or more, part of what is not.
	total, part float64
	// last is the last unit of part, from which tens are made.
	last float64
	any  bool
	// least is the least scale of a thousand or more that was used: they go down.
	least float64
}

// number reads a number in digits or words. It stops before what is none of it.
func (p *parser) number() (float64, bool) {
	s := sum{least: math.Inf(1)}
	before := 0.0
	for p.take(plus) {
		before += p.items[p.at-1].v
	}
	for !p.end() && p.add(&s) {
	}
	if !s.any {
		return 0, false
	}
	return s.total + s.part + before*s.unitOfLast(), true
}

// unitOfLast is what a fraction before the number is a fraction of: साढ़े तीन सौ is
// three hundred and a half of them.
func (s *sum) unitOfLast() float64 {
	switch {
	case s.part == 0 && !math.IsInf(s.least, 1):
		return s.least
	case s.part >= 100 && math.Mod(s.part, 100) == 0:
		return 100
	}
	return 1
}

// add takes the next item into the sum, if it belongs there.
func (p *parser) add(s *sum) bool {
	it := p.peek()
	switch {
	case it.digits != "":
		return p.addDigits(s, it.digits)
	case it.kind == unit:
		if !p.fits(s, it.v) {
			return false
		}
		if p.lexicon.language == "fr" && s.last == 4 && it.v == 20 { // quatre-vingts
			s.part += 80 - 4
			s.last = 80
		} else {
			s.part += it.v
			s.last = it.v
		}
	case it.kind == teen && s.any && s.last > 0 && s.last < 10:
		s.part += 10
		s.last += 10
	case it.kind == scale:
		return p.addScale(s, it.v)
	case it.kind == half || it.kind == quarter:
		if s.any && math.Mod(s.part, 1) != 0 || !s.any && !p.fractionStands() {
			return false
		}
		if s.any && s.part == 0 && s.total > 0 { // a million and a half
			s.total += it.v * s.least
		} else {
			s.part += it.v
		}
	case it.kind == and && s.any:
		return p.addAfterAnd(s)
	case it.kind == point && s.any:
		return p.addDecimals(s)
	default:
		return false
	}
	p.at++
	s.any = true
	return true
}

// fractionStands tells that a half or quarter at the beginning is one of a scale.
func (p *parser) fractionStands() bool {
	return p.ahead(1).kind == scale || p.at+1 == len(p.items)
}

func (p *parser) addDigits(s *sum, digits string) bool {
	v, ok := p.lexicon.value(digits)
	switch {
	case !ok:
		return false
	case s.any && len(digits) == 3 && s.last >= 1 && s.last == math.Trunc(s.last) && s.grouped(p, digits): // 12 500
		s.part = s.part*1000 + v
		s.last = v
	case s.any && s.part != 0:
		return false
	default:
		s.part += v
		s.last = v
	}
	p.at++
	s.any = true
	return true
}

// grouped tells that three digits continue a number that is grouped by spaces.
func (s *sum) grouped(p *parser, digits string) bool {
	before := p.items[p.at-1].digits
	_, err := strconv.Atoi(before)
	_, err2 := strconv.Atoi(digits)
	return before != "" && err == nil && err2 == nil && len(before) <= 3
}

// fits tells whether a unit may follow: tens, then ones; ones, then tens where that
// is said; and anything below a hundred after hundreds.
func (p *parser) fits(s *sum, v float64) bool {
	rest := math.Mod(s.part, 100)
	joined := p.at > 0 && p.items[p.at-1].kind == and
	switch {
	case v == 0:
		return !s.any
	case math.Mod(s.part, 1) != 0:
		return false
	case v >= 100: // hundreds that are one word
		return math.Mod(s.part, 1000) == 0 && (s.part == 0 || v < 1000)
	case rest == 0:
		return true
	case rest == 4 && v == 20 && p.lexicon.language == "fr":
		return true
	case rest >= 20 && math.Mod(rest, 10) == 0 && v < 10:
		return true
	case p.lexicon.language == "fr" && (rest == 60 || rest == 80) && v < 20:
		return true
	}
	return p.lexicon.onesFirst && joined && rest < 10 && v >= 20
}

func (p *parser) addScale(s *sum, v float64) bool {
	switch {
	case v == 10 && s.last > 0 && s.last < 10: // dua puluh
		s.part += s.last * 9
		s.last *= 10
	case v == 100:
		if s.any && s.part == 0 && s.total == 0 || s.part >= 100 && math.Mod(s.part, 100) == 0 {
			return false
		}
		times := math.Mod(s.part, 100)
		if times == 0 {
			times = 1
		}
		s.part += times*100 - math.Mod(s.part, 100)
		s.last = 100
	case v >= 1000:
		if s.total > 0 && v >= s.least {
			if s.part != 0 {
				return false
			}
			s.total *= v // lakh crore
		} else {
			if s.part == 0 {
				if s.any && s.total == 0 {
					return false
				}
				s.part = 1
			}
			s.total += s.part * v
		}
		s.part, s.last, s.least = 0, 0, v
	default:
		return false
	}
	p.at++
	s.any = true
	return true
}

// addAfterAnd goes past an and if a part of the number follows.
func (p *parser) addAfterAnd(s *sum) bool {
	following := p.ahead(1)
	number := following.digits == "" && (following.kind == unit && (p.fitsAfter(s, following.v)) ||
		following.kind == half || following.kind == quarter || following.kind == scale && p.lexicon.onesFirst)
	if !number {
		return false
	}
	p.at++
	return true
}

func (p *parser) fitsAfter(s *sum, v float64) bool {
	p.at++
	defer func() { p.at-- }()
	return p.fits(s, v)
}

// addDecimals reads the digits after a point, one by one.
func (p *parser) addDecimals(s *sum) bool {
	at := p.at
	p.at++
	text := ""
	for !p.end() {
		it := p.peek()
		if it.digits != "" {
			if _, err := strconv.Atoi(it.digits); err != nil {
				break
			}
			text += it.digits
		} else if it.kind == unit && it.v < 100 {
			text += strconv.Itoa(int(it.v))
		} else {
			break
		}
		p.at++
	}
	v, err := strconv.ParseFloat("0."+text, 64)
	if text == "" || err != nil {
		p.at = at
		return false
	}
	s.part += v
	s.last = 0
	return true
}
