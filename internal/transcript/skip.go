package transcript

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"parley/workflows/flow"
)

// Skip is time that passes: a span, or until a moment.
type Skip struct {
	span time.Duration
	// until: days on from today, or the next weekday, or a date; then the clock.
	days          int
	weekday       time.Weekday
	date          time.Time
	kind          skipKind
	hours, minute int
}

type skipKind uint8

const (
	skipSpan skipKind = iota
	skipDays
	skipWeekday
	skipDate
)

// Span is the time that passes from a moment on; nothing where that is later.
func (s *Skip) Span(now time.Time, zone *time.Location) time.Duration {
	if s.kind == skipSpan {
		return s.span
	}
	local := now.In(zone)
	y, m, d := local.Date()
	at := func(days int) time.Time { return time.Date(y, m, d+days, s.hours, s.minute, 0, 0, zone) }
	switch s.kind {
	case skipWeekday:
		days := int(s.weekday-local.Weekday()+7) % 7
		until := at(days)
		if !until.After(now) {
			until = at(days + 7)
		}
		return until.Sub(now)
	case skipDate:
		y, m, d = s.date.Date()
		return max(0, at(0).Sub(now))
	}
	until := at(s.days)
	if s.days == 0 && !until.After(now) {
		until = at(1)
	}
	return until.Sub(now)
}

var units = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

var spanPart = regexp.MustCompile(`^([0-9]{1,7}(?:\.[0-9]{1,3})?)\s*([a-z]+)[\s,]*(?:and\s+)?`)

// longest is how much time one line can skip.
const longest = 5 * 366 * 24 * time.Hour

// parseSpan reads "3 days", "2h 30m", "1 hour and 5 minutes".
func parseSpan(text string) (time.Duration, bool) {
	var total float64
	rest := strings.ToLower(strings.TrimSpace(text))
	for rest != "" {
		m := spanPart.FindStringSubmatch(rest)
		if m == nil || units[m[2]] == 0 {
			return 0, false
		}
		n, _ := strconv.ParseFloat(m[1], 64) // the pattern admits numbers only
		total += n * float64(units[m[2]])
		rest = rest[len(m[0]):]
	}
	return time.Duration(total), total > 0 && total <= float64(longest)
}

var untilForm = regexp.MustCompile(`^until\s+(?:(\d{4}-\d{2}-\d{2})|([a-z]+))?\s*(?:at\s+)?(?:(\d{1,2}):(\d{2}))?$`)

var weekdays = map[string]time.Weekday{"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 0}

func parseSkip(text string) (*Skip, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if !strings.HasPrefix(text, "until") {
		d, ok := parseSpan(text)
		return &Skip{span: d}, ok
	}
	m := untilForm.FindStringSubmatch(text)
	if m == nil || m[1]+m[2]+m[3] == "" {
		return nil, false
	}
	s := &Skip{kind: skipDays}
	if m[3] != "" {
		s.hours, _ = strconv.Atoi(m[3]) // digits
		s.minute, _ = strconv.Atoi(m[4])
	}
	if s.hours > 23 || s.minute > 59 {
		return nil, false
	}
	weekday, isWeekday := weekdays[m[2]]
	switch {
	case m[1] != "":
		var err error
		s.kind = skipDate
		if s.date, err = time.Parse(time.DateOnly, m[1]); err != nil {
			return nil, false
		}
	case m[2] == "tomorrow":
		s.days = 1
	case isWeekday:
		s.kind, s.weekday = skipWeekday, weekday
	case m[2] != "" && m[2] != "today":
		return nil, false
	}
	return s, true
}

func (r *reader) skip(n *flow.Node) *Skip {
	s, ok := parseSkip(r.text(n))
	if !ok {
		r.fail(n, "this is no time; write 3 days, 2h 30m, until tomorrow 09:00, until friday 18:00 or until 2026-12-01 08:30")
		return &Skip{}
	}
	return s
}
