package written

import (
	"math"
	"regexp"
	"strconv"
	"time"
)

// moment reads a day and a time of day, in any order.
func (p *parser) moment() (Moment, bool) {
	var m Moment
	for !p.end() {
		switch {
		case p.take(skipped):
		case m.Day.IsZero() && p.try(func() bool { return p.day(&m) }):
		case m.Clock == nil && p.try(func() bool { return p.clock(&m) }):
		case !m.Day.IsZero() && (p.take(part) || p.take(at)): // tomorrow morning
		case p.peek().kind == part && p.ahead(1).kind != "" && p.ahead(1).digits == "":
			p.at++
		default:
			return Moment{}, false
		}
	}
	return m, !m.Day.IsZero() || m.Clock != nil
}

// try goes back where it was if do fails.
func (p *parser) try(do func() bool) bool {
	from := p.at
	if do() {
		return true
	}
	p.at = from
	return false
}

func (p *parser) today() time.Time {
	y, m, d := p.now.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// day reads one day.
func (p *parser) day(m *Moment) bool {
	it := p.peek()
	if it.digits != "" {
		if d, ok := p.inDigits(it.digits); ok {
			p.at++
			m.Day = d
			return true
		}
	}
	if it.kind == day {
		p.at++
		m.Day = p.today().AddDate(0, 0, int(it.v))
		return true
	}
	return p.try(func() bool { return p.weekday(m) }) || p.try(func() bool { return p.later(m) }) ||
		p.try(func() bool { return p.ofMonth(m) }) || p.try(func() bool { return p.numbered(m) })
}

var dateForm = regexp.MustCompile(`^(\d{1,4})[-/.](\d{1,2})(?:[-/.](\d{1,4}))?$`)

// inDigits reads 2026-05-25, 25/5/2026, 25.5.26 and 25/5.
func (p *parser) inDigits(s string) (time.Time, bool) {
	m := dateForm.FindStringSubmatch(s)
	if m == nil || m[3] == "" && (s[len(m[1])] == '.' || len(m[1]) > 2) {
		return time.Time{}, false
	}
	a, b, c := atoi(m[1]), atoi(m[2]), atoi(m[3])
	switch {
	case len(m[1]) == 4:
		return date(a, b, c)
	case m[3] != "" && len(m[3]) != 4 && len(m[3]) != 2:
		return time.Time{}, false
	case len(m[3]) == 2:
		c += 2000
	}
	if b > 12 && a <= 12 {
		a, b = b, a
	}
	if m[3] == "" {
		return p.coming(a, b)
	}
	return date(c, b, a)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// date is a day that there is.
func date(y, m, d int) (time.Time, bool) {
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return t, m >= 1 && m <= 12 && t.Day() == d && y >= 1900 && y <= 2200
}

// coming is the next day of that name, today included.
func (p *parser) coming(d, m int) (time.Time, bool) {
	for y := p.now.Year(); y <= p.now.Year()+8; y++ { // there may be none before the next leap year
		if t, ok := date(y, m, d); ok && !t.Before(p.today()) {
			return t, true
		}
	}
	return time.Time{}, false
}

// weekday reads Tuesday, next Tuesday, this Tuesday, Tuesday next week.
func (p *parser) weekday(m *Moment) bool {
	isNext, isThis, week := false, false, false
	found := -1
	for !p.end() {
		it := p.peek()
		switch {
		case it.digits != "":
		case it.kind == next:
			isNext = true
			p.at++
			continue
		case it.kind == this:
			isThis = true
			p.at++
			continue
		case it.kind == skipped, it.kind == at && p.ahead(1).kind == span:
			p.at++
			continue
		case (it.kind == ordinal || it.kind == span && it.text == "d") && found < 0: // el martes, hari selasa
			p.at++
			continue
		case it.kind == span && it.text == "w" && (isNext || p.ahead(1).kind == next):
			week = true
			p.at++
			continue
		case it.kind == weekday && found < 0:
			found = int(it.v)
			p.at++
			continue
		}
		break
	}
	if found < 0 {
		return false
	}
	ahead := (found - int(p.today().Weekday()) + 7) % 7
	switch {
	case week && isNext: // weeks begin on Monday
		monday := p.today().AddDate(0, 0, 7-(int(p.today().Weekday())+6)%7)
		m.Day = monday.AddDate(0, 0, (found+6)%7)
		return true
	case ahead == 0 && !isThis:
		ahead = 7
	}
	m.Day = p.today().AddDate(0, 0, ahead)
	return true
}

// later reads in three days, two weeks from now.
func (p *parser) later(m *Moment) bool {
	marked := p.take(in)
	p.skip()
	n, ok := p.number()
	switch pair := p.peek(); {
	case ok && n == math.Trunc(n) && n >= 0 && n <= 1000:
	case ok:
		return false
	case pair.kind == twoOf: // شهرين
		n = 2
	case marked && p.lexicon.language == "ar" && pair.kind == span: // بعد شهر
		n = 1
	default:
		return false
	}
	p.skip()
	it := p.peek()
	what := it.text
	switch {
	case it.digits != "":
		return false
	case it.kind == weekday && it.v == 0 && p.lexicon.language == "id": // minggu is Sunday, and week
		what = "w"
	case it.kind != span && it.kind != twoOf:
		return false
	}
	p.at++
	p.skip()
	if p.take(in) {
		marked = true
	}
	if p.lexicon.language == "fr" && what == "d" && (n == 8 || n == 15) {
		n-- // huit jours, quinze jours: one week, two weeks
	}
	switch k := int(n); what {
	case "d":
		m.Day = p.today().AddDate(0, 0, k)
	case "w":
		m.Day = p.today().AddDate(0, 0, 7*k)
	case "m":
		m.Day = months(p.today(), k)
	case "y":
		m.Day = months(p.today(), 12*k)
	}
	return marked
}

// months goes so many months on: to the last day of a month that is shorter.
func months(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// ofMonth reads 25 May, May 25th 2027, el 25 de mayo.
func (p *parser) ofMonth(m *Moment) bool {
	d, mon := 0, 0
	p.dayOf()
	for range 2 {
		p.take(ordinal)
		p.skip()
		if it := p.peek(); it.digits == "" && it.kind == month && mon == 0 {
			mon = int(it.v)
			p.at++
			continue
		}
		n, ok := p.number()
		if !ok || d != 0 || n != math.Trunc(n) || n < 1 || n > 31 {
			return false
		}
		d = int(n)
		p.take(ordinal)
		p.skip()
	}
	if d == 0 || mon == 0 {
		return false
	}
	var ok bool
	if p.try(func() bool {
		p.skip()
		y, is := p.number()
		if !is || y != math.Trunc(y) || y < 1900 || y > 2200 {
			return false
		}
		m.Day, ok = date(int(y), mon, d)
		return true
	}) {
		return ok
	}
	m.Day, ok = p.coming(d, mon)
	return ok
}

// dayOf goes past the word day before a number: dia 5.
func (p *parser) dayOf() bool {
	return p.peek().text == "d" && p.take(span)
}

// numbered reads the 5th: the next day of that number.
func (p *parser) numbered(m *Moment) bool {
	marked := p.dayOf()
	marked = p.take(ordinal) || marked
	p.skip()
	n, ok := p.number()
	marked = p.take(ordinal) || marked
	if !ok || !marked || n != math.Trunc(n) || n < 1 || n > 31 {
		return false
	}
	for k := 0; k < 3; k++ {
		first := time.Date(p.now.Year(), p.now.Month()+time.Month(k), 1, 0, 0, 0, 0, time.UTC)
		if t, ok := date(first.Year(), int(first.Month()), int(n)); ok && !t.Before(p.today()) {
			m.Day = t
			return true
		}
	}
	return false
}
