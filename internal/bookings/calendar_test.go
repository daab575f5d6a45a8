package bookings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Monday.
var now = time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC)

func clinic() Calendar {
	return Calendar{Zone: "Europe/Madrid", Minutes: 30, Week: map[string]string{"mon-fri": "9:00-10:00, 16:00-16:45"},
		Days: map[string]string{"2026-11-25": "12:00-12:30"}, Closed: []string{"2026-11-24"}}
}

// times lists slots in the calendar's zone.
func times(t *testing.T, c Calendar, from, to time.Time) []string {
	t.Helper()
	s, err := c.read()
	require.NoError(t, err)
	out := []string{}
	from, to = s.span(now, from, to)
	s.slots(from, to, func(one Slot) bool {
		out = append(out, one.Start.Format("02 15:04 -0700"))
		return true
	})
	return out
}

func TestSlotsFollowTheCalendar(t *testing.T) {
	week := now.Add(4 * 24 * time.Hour)
	c := clinic()
	require.Equal(t, []string{"23 09:00 +0100", "23 09:30 +0100", "23 16:00 +0100", "25 12:00 +0100", "26 09:00 +0100", "26 09:30 +0100", "26 16:00 +0100"},
		times(t, c, now, week), "holidays have none, single days their own, and what does not fit is left out")
	c.Notice = 90
	require.Equal(t, "23 16:00 +0100", times(t, c, now, week)[0], "an hour and a half ahead")
	c.Notice, c.Horizon = 0, 1
	require.Len(t, times(t, c, now, week), 3, "a day ahead")
	c = clinic()
	c.Every = 15
	require.Equal(t, []string{"23 09:00 +0100", "23 09:15 +0100", "23 09:30 +0100", "23 16:00 +0100", "23 16:15 +0100"}, times(t, c, now, now.Add(12*time.Hour)))
}

// On the last Sunday of March the clock goes from 2:00 to 3:00, on that of October
// from 3:00 to 2:00.
func TestSlotsWhenTheClockChanges(t *testing.T) {
	before := now
	t.Cleanup(func() { now = before })
	c := Calendar{Zone: "Europe/Madrid", Minutes: 60, Week: map[string]string{"sun": "1:00-5:00"}}
	now = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	require.Equal(t, []string{"29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"}, times(t, c, now, now.Add(24*time.Hour)))
	now = time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)
	got := times(t, c, now, now.Add(24*time.Hour))
	require.Equal(t, "25 01:00 +0200", got[0])
	require.Len(t, got, 4)
}

func TestACalendarThatCannotBe(t *testing.T) {
	for want, change := range map[string]func(*Calendar){
		"IANA":     func(c *Calendar) { c.Zone = "Local" },
		"minutes":  func(c *Calendar) { c.Minutes = 0 },
		"capacity": func(c *Calendar) { c.Capacity = -1 },
		"notice":   func(c *Calendar) { c.Notice = 3 * 24 * 60; c.Horizon = 2 },
		"no day":   func(c *Calendar) { c.Week = map[string]string{"someday": "9:00-10:00"} },
		"no hours": func(c *Calendar) { c.Week = map[string]string{"mon": "always"} },
		"twice":    func(c *Calendar) { c.Week = map[string]string{"mon": "9:00-10:00", "mon-tue": "9:00-10:00"} },
		"written":  func(c *Calendar) { c.Closed = []string{"Christmas"} },
		"on which": func(c *Calendar) { c.Week, c.Days = nil, nil },
	} {
		c := clinic()
		change(&c)
		require.ErrorContains(t, c.Validate(), want)
	}
}
