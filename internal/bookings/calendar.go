// Package bookings keeps a workspace's calendars and the appointments that were
// made in them: a slot goes to as many people as the calendar has places, and to
// nobody else, however many ask at once.
package bookings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	_ "time/tzdata" // for machines without a time zone database

	"parley/connectors/sdk/hours"
)

// Calendar says when appointments can be had.
type Calendar struct {
	// Title is for people.
	Title string `json:"title,omitempty"`
	// Zone is the IANA name of the time zone that the hours are in.
	Zone string `json:"zone"`
	// Minutes is how long an appointment takes, Every how far apart two begin; as
	// far as one takes where it is 0.
	Minutes int `json:"minutes"`
	Every   int `json:"every_minutes,omitempty"`
	// Capacity is how many appointments there can be at once; 1 where it is 0.
	Capacity int `json:"capacity,omitempty"`
	// Week are the hours by day (mon, or mon-fri), such as 9:00-13:00, 14:00-18:00.
	// Days (2026-12-24) have other hours than their weekday; Closed are holidays.
	Week   map[string]string `json:"week"`
	Days   map[string]string `json:"days,omitempty"`
	Closed []string          `json:"closed,omitempty"`
	// Notice is how many minutes ahead one must book, Horizon how many days ahead
	// one can; 60 where it is 0.
	Notice  int `json:"notice_minutes,omitempty"`
	Horizon int `json:"horizon_days,omitempty"`
}

// Bounds of a calendar.
const (
	maxMinutes  = 24 * 60
	maxCapacity = 1000
	maxHorizon  = 366
	maxDays     = 400 // single days and holidays
)

// Slot is a time at which an appointment can be had.
type Slot struct {
	Start, End time.Time
}

// schedule is a calendar, read.
type schedule struct {
	zone                    *time.Location
	week                    [7][]hours.Stretch
	days                    map[string][]hours.Stretch
	length, every, capacity int
	notice, horizon         time.Duration
}

// Validate tells what is wrong with a calendar, for whoever wrote it.
func (c Calendar) Validate() error {
	_, err := c.read()
	return err
}

func (c Calendar) read() (*schedule, error) {
	s := &schedule{days: map[string][]hours.Stretch{}, length: c.Minutes, every: c.Every, capacity: c.Capacity,
		notice: time.Duration(c.Notice) * time.Minute, horizon: time.Duration(c.Horizon) * 24 * time.Hour}
	if s.every == 0 {
		s.every = s.length
	}
	if s.capacity == 0 {
		s.capacity = 1
	}
	if s.horizon == 0 {
		s.horizon = 60 * 24 * time.Hour
	}
	switch {
	case c.Minutes < 1 || c.Minutes > maxMinutes || s.every < 1 || s.every > maxMinutes:
		return nil, fmt.Errorf("minutes and every_minutes must be from 1 to %d", maxMinutes)
	case s.capacity < 1 || s.capacity > maxCapacity:
		return nil, fmt.Errorf("capacity must be from 1 to %d", maxCapacity)
	case c.Notice < 0 || s.horizon < 0 || s.horizon > maxHorizon*24*time.Hour || s.notice > s.horizon:
		return nil, fmt.Errorf("notice_minutes must not be below 0, horizon_days from 1 to %d, and beyond the notice", maxHorizon)
	case len(c.Week)+len(c.Days) == 0:
		return nil, errors.New("week says on which days appointments can be had, such as mon-fri: 9:00-18:00")
	case len(c.Days)+len(c.Closed) > maxDays:
		return nil, fmt.Errorf("days and closed may have %d entries together", maxDays)
	}
	var err error
	if s.zone, err = time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		return nil, errors.New("zone must be the IANA name of a time zone, such as Europe/Madrid")
	}
	return s, s.readHours(c)
}

func (s *schedule) readHours(c Calendar) error {
	for name, text := range c.Week {
		days, err := hours.Weekdays(name)
		if err != nil {
			return fmt.Errorf("week: %w", err)
		}
		open, err := hours.Parse(text)
		if err != nil {
			return fmt.Errorf("week, %s: %w", name, err)
		}
		for _, d := range days {
			if s.week[d] != nil {
				return fmt.Errorf("week: %s has hours twice", d)
			}
			s.week[d] = open
		}
	}
	for day, text := range c.Days {
		open, err := hours.Parse(text)
		if err != nil {
			return fmt.Errorf("days, %s: %w", day, err)
		}
		s.days[day] = open
	}
	for _, day := range c.Closed {
		s.days[day] = nil
	}
	for day := range s.days {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return errors.New("days and closed are written as 2026-12-25")
		}
	}
	return nil
}

// slots lists the times that begin within [from, to), the earliest first, as long
// as want takes them. A time that the clock leaves out or shows twice is there once
// at most.
func (s *schedule) slots(from, to time.Time, want func(Slot) bool) {
	local := from.In(s.zone)
	for ahead := 0; ; ahead++ {
		midnight := time.Date(local.Year(), local.Month(), local.Day()+ahead, 0, 0, 0, 0, s.zone)
		if !midnight.Before(to) {
			return
		}
		open, special := s.days[midnight.Format(time.DateOnly)]
		if !special {
			open = s.week[midnight.Weekday()]
		}
		for _, o := range open {
			for m := o.From; m+s.length <= o.To; m += s.every {
				start := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, m, 0, 0, s.zone)
				if start.Hour()*60+start.Minute() != m%(24*60) || start.Before(from) || !start.Before(to) {
					continue
				}
				if !want(Slot{start, start.Add(time.Duration(s.length) * time.Minute)}) {
					return
				}
			}
		}
	}
}

// span is when appointments can be booked, within [from, to).
func (s *schedule) span(now, from, to time.Time) (time.Time, time.Time) {
	if first := now.Add(s.notice); from.Before(first) {
		from = first
	}
	if last := now.Add(s.horizon); to.IsZero() || to.After(last) {
		to = last
	}
	return from, to
}

// at gives the slot that begins at a time, if there is one that can be booked.
func (s *schedule) at(now, start time.Time) (Slot, bool) {
	var found []Slot
	from, to := s.span(now, start, start.Add(time.Second))
	if from.Equal(start) {
		s.slots(from, to, func(one Slot) bool { found = append(found, one); return true })
	}
	i := slices.IndexFunc(found, func(one Slot) bool { return one.Start.Equal(start) })
	if i < 0 {
		return Slot{}, false
	}
	return found[i], true
}

var calendarName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
