package flow

import (
	"errors"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk/hours"
)

// calendars are business hours by name. In expressions hours.NAME.open tells
// whether it is open now, and hours.NAME.next when it next opens: now, if it is
// open, nothing if it never does within a year.
//
//	hours:
//	  shop:
//	    zone: Europe/Madrid
//	    week: {mon-fri: "9:00-14:00, 16:00-20:00", sat: "10:00-14:00"}
//	    days: {2026-12-24: "9:00-13:00"}
//	    closed: [2026-12-25, 2027-01-01]
type calendars []*calendar

type calendar struct {
	name string
	Zone zoneName `flow:"zone,required" doc:"time zone, an IANA name such as Europe/Madrid"`
	Week week     `flow:"week,required" doc:"days (mon, or mon-fri) and their hours, such as 9:00-14:00, 16:00-20:00"`
	// Days have other hours than their weekday; Closed are holidays.
	Days   days    `flow:"days" doc:"single days that have other hours"`
	Closed []dayAt `flow:"closed" doc:"days without hours"`
}

func (l *calendars) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"hours\" must map names to calendars")
		return
	}
	for _, p := range n.pairs {
		c := &calendar{name: p.key.text}
		if !variableName.MatchString(c.name) {
			r.fail(p.key.pos, "%q cannot name a calendar", clip(c.name, 40))
		}
		r.record(p.value, c, "a calendar")
		*l = append(*l, c)
	}
}

type zoneName struct{ *time.Location }

func (z *zoneName) read(r *reader, n *node) {
	name, ok := r.plain(n, "a time zone")
	if !ok {
		return
	}
	var err error
	if z.Location, err = zone(name); err != nil {
		r.fail(n.pos, "there is no time zone %q: write an IANA name such as Europe/Madrid", clip(name, 60))
	}
}

// week holds the hours by weekday.
type week [7][]hours.Stretch

func (w *week) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"week\" must map days to hours")
		return
	}
	for _, p := range n.pairs {
		days, err := hours.Weekdays(p.key.text)
		if err != nil {
			r.fail(p.key.pos, "%q is no day: write mon, or mon-fri", clip(p.key.text, 40))
			continue
		}
		open := r.openings(p.value)
		for _, d := range days {
			if w[d] != nil {
				r.fail(p.key.pos, "%s has hours already", strings.ToLower(d.String()[:3]))
			}
			w[d] = open
		}
	}
}

// days holds the hours of single days.
type days map[string][]hours.Stretch

func (d *days) read(r *reader, n *node) {
	*d = days{}
	for _, p := range n.pairs {
		if day, ok := r.day(p.key); ok {
			(*d)[day] = r.openings(p.value)
		}
	}
	if n.kind != mapNode {
		r.fail(n.pos, "\"days\" must map days to hours")
	}
}

// dayAt is a day, as 2026-12-25.
type dayAt string

func (d *dayAt) read(r *reader, n *node) {
	day, _ := r.day(n)
	*d = dayAt(day)
}

func (r *reader) day(n *node) (string, bool) {
	if _, err := time.Parse(time.DateOnly, n.text); err != nil {
		r.fail(n.pos, "%q is no day: write 2026-12-25", clip(n.text, 40))
		return "", false
	}
	return n.text, true
}

// openings reads hours such as "9:00-14:00, 16:00-20:00".
func (r *reader) openings(n *node) []hours.Stretch {
	text, ok := r.plain(n, "hours")
	if !ok {
		return nil
	}
	out, err := hours.Parse(text)
	switch {
	case errors.Is(err, hours.ErrOrder):
		r.fail(n.pos, "%s", err)
	case err != nil:
		r.fail(n.pos, "%q are no hours: write 9:00-14:00, 16:00-20:00", clip(text, 60))
	}
	return out
}

// at tells of each calendar whether it is open and when it next is.
func (l calendars) at(now time.Time) map[string]any {
	out := make(map[string]any, len(l))
	for _, c := range l {
		open, next := c.at(now)
		one := map[string]any{"open": open, "next": nil}
		if !next.IsZero() {
			one["next"] = next
		}
		out[c.name] = one
	}
	return out
}

// hoursOf gives the hours of the day that begins at midnight.
func (c *calendar) hoursOf(midnight time.Time) []hours.Stretch {
	day := midnight.Format(time.DateOnly)
	if slices.Contains(c.Closed, dayAt(day)) {
		return nil
	}
	if special, ok := c.Days[day]; ok {
		return special
	}
	return c.Week[midnight.Weekday()]
}

func (c *calendar) at(now time.Time) (open bool, next time.Time) {
	local := now.In(c.Zone.Location)
	for ahead := range 367 {
		midnight := time.Date(local.Year(), local.Month(), local.Day()+ahead, 0, 0, 0, 0, c.Zone.Location)
		for _, o := range c.hoursOf(midnight) {
			from := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, o.From, 0, 0, c.Zone.Location)
			to := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, o.To, 0, 0, c.Zone.Location)
			switch {
			case !local.Before(to):
			case !local.Before(from):
				return true, now.UTC()
			default:
				return false, from.UTC()
			}
		}
	}
	return false, time.Time{}
}
