package written

import (
	"math"
	"regexp"
)

// more and less stand between the hour and the minutes that are added to or taken
// from it; past and to between the minutes and the hour.
const (
	more kind = "more"
	less kind = "less"
)

var clockForm = regexp.MustCompile(`^(\d{1,2})([:.])(\d{2})(?::\d{2})?$`)

// clock reads one time of day. A number alone is none: something must say that it is
// an hour.
func (p *parser) clock(m *Moment) bool {
	if it := p.peek(); it.digits == "" && it.kind == fixed {
		p.at++
		m.Clock = &Clock{Hour: int(it.v)}
		return true
	}
	when, says := p.partOfDay("")
	for p.take(at) || p.take(skipped) {
		says = says || p.items[p.at-1].kind == at
	}
	if when2, more := p.partOfDay(when); more {
		when, says = when2, true
	}
	for p.take(at) {
		says = true
	}
	v, exact, sure, ok := p.hour()
	if !ok {
		return false
	}
	says = says || sure
	p.skipBefore(part)
	if p.take(at) { // 5 बजे शाम
		says = true
	}
	if when2, more := p.partOfDay(when); more {
		when, says = when2, true
	}
	c, ok := place(v, when, exact)
	m.Clock = &c
	return ok && says
}

// skipBefore goes past what means nothing if a kind follows.
func (p *parser) skipBefore(k kind) {
	p.try(func() bool {
		p.skip()
		return p.peek().kind == k
	})
}

func (p *parser) partOfDay(before string) (string, bool) {
	if it := p.peek(); it.digits == "" && it.kind == part {
		p.at++
		return it.text, true
	}
	return before, false
}

// hour reads the hours and minutes. exact tells that they are written as on a clock;
// sure, that they can be nothing else.
func (p *parser) hour() (v float64, exact, sure, ok bool) {
	it := p.peek()
	if f := clockForm.FindStringSubmatch(it.digits); f != nil && atoi(f[1]) < 25 && atoi(f[3]) < 60 {
		p.at++
		p.take(hours)
		return float64(atoi(f[1])) + float64(atoi(f[3]))/60, true, f[2] == ":", true
	}
	if it.kind == half || it.kind == quarter {
		return p.fractionFirst(it)
	}
	exact = len(it.digits) == 2 && it.digits[0] == '0'
	v, ok = p.number()
	if !ok {
		return 0, false, false, false
	}
	switch {
	case p.take(past):
		return p.beforeHour(v, 1)
	case p.take(to):
		return p.beforeHour(v, -1)
	}
	sure = p.take(hours)
	if p.take(half) || p.take(quarter) {
		return v + p.items[p.at-1].v, false, true, true
	}
	if sure || it.digits == "" || p.peek().kind == less || p.peek().kind == minus || p.peek().kind == more {
		if minutes, said := p.minutes(); said {
			v += minutes
			exact = exact || it.digits != "" && minutes > 0
			sure = true
		}
	}
	return v, exact, sure, v < 25
}

// fractionFirst reads half past nine, quarter to nine, setengah sembilan.
func (p *parser) fractionFirst(it item) (v float64, exact, sure, ok bool) {
	p.at++
	switch {
	case p.take(past):
		return p.beforeHour(it.v*60, 1)
	case p.take(to):
		return p.beforeHour(it.v*60, -1)
	case p.lexicon.halfBefore && it.kind == half:
		return p.beforeHour(30, -1)
	}
	return 0, false, false, false
}

// beforeHour reads the hour that so many minutes are past or to.
func (p *parser) beforeHour(minutes, sign float64) (v float64, exact, sure, ok bool) {
	for p.take(skipped) || p.take(at) {
	}
	h, ok := p.number()
	if !ok || minutes < 0 || minutes > 59 || h > 24 || h != math.Trunc(h) {
		return 0, false, false, false
	}
	p.take(hours)
	if h+sign*minutes/60 < 1 && sign < 0 {
		h += 12
	}
	return h + sign*minutes/60, false, true, true
}

// minutes reads what follows the hour: thirty, and a half, less a quarter.
func (p *parser) minutes() (float64, bool) {
	from, sign := p.at, 1.0
	switch {
	case p.take(less), p.take(minus): // menos, moins
		sign = -1
	case p.take(more), p.take(and):
	}
	p.skip()
	if it := p.peek(); it.digits == "" && (it.kind == half || it.kind == quarter) {
		p.at++
		return sign * it.v, true
	}
	v, ok := p.number()
	if !ok || v < 0 || v > 59 || v != math.Trunc(v) {
		p.at = from
		return 0, false
	}
	p.take(hours) // minutes
	return sign * v / 60, true
}

// place says where in the day an hour is.
func place(v float64, when string, exact bool) (Clock, bool) {
	total := int(math.Round(v * 60))
	h, m := total/60, total%60
	if total < 0 || h > 24 || h == 24 && m > 0 {
		return Clock{}, false
	}
	switch when {
	case "am":
		if h == 12 {
			h = 0
		}
		if h > 12 {
			return Clock{}, false
		}
	case "pm":
		if h < 12 {
			h += 12
		}
	case "noon": // around it
		if h >= 1 && h <= 7 {
			h += 12
		}
	case "night":
		switch {
		case h == 12:
			h = 0
		case h >= 6 && h < 12:
			h += 12
		}
	case "":
		if h >= 1 && h <= 6 && !exact {
			h += 12
		}
	}
	return Clock{h % 24, m}, true
}
