// Package hours reads business hours as people write them: days such as mon or
// mon-fri, and the hours of a day such as 9:00-14:00, 16:00-20:00.
//
// It is pure and safe for concurrent use.
package hours

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Stretch is a part of a day, in minutes from midnight; To is not part of it.
type Stretch struct{ From, To int }

// Errors tell what is wrong, without quoting it.
var (
	ErrDays  = errors.New("that is no day: write mon, or mon-fri")
	ErrHours = errors.New("those are no hours: write 9:00-14:00, 16:00-20:00")
	ErrOrder = errors.New("hours must follow one another within a day, at most until 24:00")
)

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Weekdays reads one day or several that follow one another, in their order. A
// range may go over the end of the week.
func Weekdays(text string) ([]time.Weekday, error) {
	first, last, isRange := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "-")
	if !isRange {
		last = first
	}
	from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
	if from < 0 || to < 0 {
		return nil, ErrDays
	}
	var out []time.Weekday
	for d := from; ; d = (d + 1) % 7 {
		out = append(out, time.Weekday(d))
		if d == to {
			return out, nil
		}
	}
}

var stretch = regexp.MustCompile(`^([0-9]{1,2}):([0-5][0-9])\s*-\s*([0-9]{1,2}):([0-5][0-9])$`)

// Parse reads the hours of a day. They follow one another and do not overlap.
func Parse(text string) ([]Stretch, error) {
	out := []Stretch{}
	for one := range strings.SplitSeq(text, ",") {
		m := stretch.FindStringSubmatch(strings.TrimSpace(one))
		if m == nil {
			return out, ErrHours
		}
		s := Stretch{minutes(m[1], m[2]), minutes(m[3], m[4])}
		if s.From >= s.To || s.To > 24*60 || len(out) > 0 && s.From < out[len(out)-1].To {
			return out, ErrOrder
		}
		out = append(out, s)
	}
	return out, nil
}

func minutes(h, m string) int {
	whole, _ := strconv.Atoi(h) // the pattern admits digits only
	more, _ := strconv.Atoi(m)
	return whole*60 + more
}
